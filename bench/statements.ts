// What a request asks of Postgres, and how long the same statements take when a plain client sends them: the bare SQL of a read.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';

/** Server settings that `recordStatements` needs; they cost nothing until it switches the log of statements on. */
export const statementLog: Readonly<Record<string, string>> = {
  logging_collector: 'on',
  log_destination: 'jsonlog',
  log_directory: 'log',
};

export interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

interface LogLine {
  readonly pid: number;
  readonly message?: string;
  readonly detail?: string;
}

/** Runs `work` with every statement logged and answers those of the transaction that read, `begin` to `commit`, in their order. */
export async function recordStatements(
  server: { readonly adminUrl: string; readonly postgresDir: string },
  work: () => Promise<unknown>,
): Promise<readonly Statement[]> {
  const admin = new pg.Client({ connectionString: server.adminUrl });
  await admin.connect();
  const before = (await readLog(server.postgresDir)).length;
  try {
    await switchLog(admin, 'all');
    await work();
    await switchLog(admin, 'none');
  } finally {
    await admin.end();
  }
  const lines = (await readLog(server.postgresDir)).slice(before);
  const said = lines.flatMap((line) => {
    const found = /^(?:execute [^:]*|statement): ([\s\S]*)$/.exec(line.message ?? '');
    return found?.[1] === undefined ? [] : [{ pid: line.pid, text: found[1], values: valuesOf(line.detail ?? '') }];
  });
  // Every read of the application opens with the settings of its workspace (db/transaction.ts); what else was going on opens without. The
  // session was looked up before it, perhaps on the same connection, and is no part of the read.
  const from = said.findIndex(({ text }) => text.includes("set_config('tributary.workspace_id'"));
  const ofReader = said.slice(Math.max(0, from)).filter(({ pid }) => pid === said[from]?.pid);
  const end = ofReader.findIndex(({ text }) => /^(commit|rollback)/i.test(text));
  const own = end === -1 ? ofReader : ofReader.slice(0, end);
  if (own.length < 2) throw new Error(`the log holds no read:\n${said.map(({ text }) => text).join('\n')}`);
  return own.map(({ text, values }) => ({ text, values }));
}

/** Milliseconds of each run: one read-only transaction, its statements prepared, one after the other. */
export async function replayStatements(
  connection: pg.ClientConfig,
  statements: readonly Statement[],
  runs: number,
): Promise<readonly number[]> {
  const client = new pg.Client(connection);
  await client.connect();
  const times: number[] = [];
  try {
    for (let run = 0; run < runs; run += 1) {
      const began = performance.now();
      await client.query('begin read only');
      for (const [index, { text, values }] of statements.entries())
        await client.query({ name: `statement ${index}`, text, values: [...values] });
      await client.query('commit');
      times.push(performance.now() - began);
    }
  } finally {
    await client.end();
  }
  return times.toSorted((a, b) => a - b);
}

async function switchLog(admin: pg.Client, to: 'all' | 'none'): Promise<void> {
  await admin.query(`alter system set log_statement = '${to}'`);
  await admin.query('select pg_reload_conf()');
  // Each backend rereads its settings before its next statement: this one shows when the signal has gone round.
  const until = performance.now() + 10_000;
  for (;;) {
    const { rows } = await admin.query<{ log_statement: string }>('show log_statement');
    if (rows[0]?.log_statement === to) return;
    if (performance.now() > until) throw new Error(`log_statement did not become ${to}`);
  }
}

async function readLog(postgresDir: string): Promise<readonly LogLine[]> {
  const folder = path.join(postgresDir, 'log');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const texts = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')));
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine),
  );
}

/** `Parameters: $1 = 'a', $2 = NULL`, each in the text form that the server takes back. */
function valuesOf(detail: string): readonly (string | null)[] {
  return [...detail.matchAll(/\$\d+ = (NULL|'(?:[^']|'')*')/g)].map(([, value = '']) =>
    value === 'NULL' ? null : value.slice(1, -1).replaceAll("''", "'"),
  );
}
