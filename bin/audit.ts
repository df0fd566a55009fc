import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { verifyChain } from '../activities/audit/chain.js';
import {
  currentWorkflows,
  judgeHistory,
  quietReplays,
  readHistoryText,
  replayHistory,
  stateAtEvent,
  timelineOf,
} from '../activities/audit/history.js';
import { findHistory, listHistoriesOf, type StoredHistory } from '../db/audit/history.js';
import { connect, type Db } from '../db/connection.js';
import { readBundle } from '../db/reads/audit/auditBundle.js';
import { readWorkspace } from '../db/transaction.js';
import type { AuditBundle } from '../domain/audit/bundle.js';
import { idKindOf, type WorkspaceId } from '../domain/ids.js';
import { parseRecording } from '../domain/audit/recording.js';
import { loadConfig, localEnvironment } from '../platform/config.js';
import { HeadKeeper, headsFolder } from '../platform/headKeeper.js';

// The auditor's command. Postgres only: histories are in the archive, the code is here, no Temporal server is asked.

interface Options {
  readonly workspace: string;
}

async function withDb<T>(work: (db: Db, dataDir: string) => Promise<T>): Promise<T> {
  const config = loadConfig(localEnvironment());
  const db = connect({
    url: config.database.url,
    poolSize: 2,
    applicationName: 'tributary-audit',
    statementTimeoutMs: 600_000,
  });
  try {
    return await work(db, config.dataDir);
  } finally {
    await db.destroy();
  }
}

function print(value: unknown): void {
  process.stdout.write(
    `${typeof value === 'string' ? value : JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : Buffer.isBuffer(item) ? undefined : item), 2)}\n`,
  );
}

/** A history's id, or the id of a referral, payout or run: then all its runs, oldest first. */
async function find(db: Db, workspaceId: WorkspaceId, id: string): Promise<readonly StoredHistory[]> {
  const found = await readWorkspace(db, workspaceId, async (tx) => {
    if (idKindOf(id) !== 'history') return listHistoriesOf(tx, id);
    const one = await findHistory(tx, id);
    return one === undefined ? [] : [one];
  });
  if (found.length === 0)
    throw new Error(
      `no archived history of ${id} in ${workspaceId}: it may still be open, or it expired without lead, sale or decision`,
    );
  return found;
}

async function text(db: Db, workspaceId: WorkspaceId, history: StoredHistory): Promise<string> {
  const recorded = await readWorkspace(db, workspaceId, (tx) => readHistoryText(tx, history.id));
  if (recorded === undefined) throw new Error(`history ${history.id} has no bytes`);
  return recorded;
}

const program = new Command('audit')
  .description('Show, verify and step through archived workflow histories')
  .requiredOption('-w, --workspace <id>', 'the workspace');

program
  .command('show <id>')
  .description('print what is archived; with --out, the history itself as recorded')
  .option('-o, --out <file>', 'write the JSON of the (first) history')
  .action(async (id: string, { out }: { out?: string }) => {
    const { workspace } = program.opts<Options>();
    await withDb(async (db) => {
      const histories = await find(db, workspace as WorkspaceId, id);
      const [first] = histories;
      if (out !== undefined && first !== undefined)
        await writeFile(out, await text(db, workspace as WorkspaceId, first));
      print(histories);
    });
  });

program
  .command('verify [id]')
  .description(
    'judge a history (record, replay, arguments, books), or without an id the whole audit chain; exit 1 on anything but pass',
  )
  .option('-f, --file <file>', 'judge this copy instead of the stored bytes')
  .action(async (id: string | undefined, { file }: { file?: string }) => {
    const { workspace } = program.opts<Options>();
    await withDb(async (db, dataDir) => {
      if (id === undefined) {
        const outside = await new HeadKeeper(headsFolder(dataDir)).list(workspace);
        const result = await verifyChain(db, workspace as WorkspaceId, outside.heads);
        print({ ...result, headsOutside: outside.heads.length, headsInvalid: outside.invalid });
        if (!result.holds || outside.invalid > 0) process.exitCode = 1;
        return;
      }
      const { heads } = await new HeadKeeper(headsFolder(dataDir)).list(workspace);
      const shown = file === undefined ? undefined : await readFile(file, 'utf8');
      for (const history of await find(db, workspace as WorkspaceId, id)) {
        const verdict = await judgeHistory(
          { db, bundle: currentWorkflows, heads },
          workspace as WorkspaceId,
          history,
          shown,
        );
        print({ historyId: history.id, workflowId: history.workflowId, runId: history.runId, ...verdict });
        if (verdict.verdict !== 'pass') process.exitCode = 1;
      }
    });
  });

program
  .command('timeline <id>')
  .description('every state the workflow was in, by event number')
  .action(async (id: string) => {
    const { workspace } = program.opts<Options>();
    await withDb(async (db) => {
      const bundle = await currentWorkflows();
      for (const history of await find(db, workspace as WorkspaceId, id)) {
        const recorded = await text(db, workspace as WorkspaceId, history);
        const replayed = await replayHistory(bundle, recorded, history.workflowId);
        const timeline = timelineOf(parseRecording(recorded), replayed.reports);
        print({ historyId: history.id, replay: replayed.result, message: replayed.message, timeline });
        if (replayed.result !== 'pass') process.exitCode = 1;
      }
    });
  });

program
  .command('state-at <id> <event>')
  .description('the state after event N of a history')
  .action(async (id: string, event: string) => {
    const { workspace } = program.opts<Options>();
    if (!/^[1-9]\d{0,6}$/.test(event)) throw new Error(`an event is a number from 1: ${event}`);
    await withDb(async (db) => {
      const [history] = await find(db, workspace as WorkspaceId, id);
      if (history === undefined) return;
      const recorded = await text(db, workspace as WorkspaceId, history);
      const { replay, state } = await stateAtEvent(
        await currentWorkflows(),
        recorded,
        history.workflowId,
        Number.parseInt(event, 10),
      );
      if (state === undefined) throw new Error(`${history.id} has ${history.eventCount} events`);
      print({ historyId: history.id, replay: replay.result, message: replay.message, ...state });
      if (replay.result !== 'pass') process.exitCode = 1;
    });
  });

program
  .command('bundle <file>')
  .description('write the file for the stand-alone verifier (bin/verifyAudit.ts)')
  .action(async (file: string) => {
    const { workspace } = program.opts<Options>();
    await withDb(async (db, dataDir) => {
      const keeper = new HeadKeeper(headsFolder(dataDir));
      const { heads } = await keeper.list(workspace);
      const publicKeyPem = await keeper.publicKeyPem();
      const chain = await readWorkspace(db, workspace as WorkspaceId, (tx, now) => readBundle(tx, now));
      const bundle: AuditBundle = { ...chain, workspaceId: workspace, publicKeyPem, heads };
      await writeFile(file, JSON.stringify(bundle));
      print(`${bundle.leaves.length} leaves, ${bundle.histories.length} histories → ${file}`);
    });
  });

quietReplays();
await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
