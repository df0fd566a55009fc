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

/** A backend hears of the changed setting when the postmaster's signal reaches it, on a busy machine perhaps after its next statement. */
const attempts = 10;

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
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      await work();
      const own = readOf((await readLog(server.postgresDir)).slice(before));
      if (own !== undefined) return own;
    }
  } finally {
    await switchLog(admin, 'none');
    await admin.end();
  }
  throw new Error(`the log holds no read after ${attempts} requests`);
}

/**
 * The first whole read of the log. Each of the application opens with the settings of its workspace (db/transaction.ts); what else was going on
 * opens without. The session is looked up beside it or before it, perhaps on the same connection, and is no part of the read.
 */
function readOf(lines: readonly LogLine[]): readonly Statement[] | undefined {
  const said = lines.flatMap((line) => {
    const found = /^(?:execute [^:]*|statement): ([\s\S]*)$/.exec(line.message ?? '');
    return found?.[1] === undefined ? [] : [{ pid: line.pid, text: found[1], values: valuesOf(line.detail ?? '') }];
  });
  const from = said.findIndex(({ text }) => text.includes("set_config('tributary.workspace_id'"));
  const ofReader = said.slice(Math.max(0, from)).filter(({ pid }) => pid === said[from]?.pid);
  const end = ofReader.findIndex(({ text }) => /^(commit|rollback)/i.test(text));
  // Its commit is written after the answer is sent: without it the log does not hold all of the read yet.
  return end < 2 ? undefined : ofReader.slice(0, end).map(({ text, values }) => ({ text, values }));
}

/** The same statements from a plain client that stays connected: its plans are kept as those of the application's connections are. */
export class Replay {
  private readonly client: pg.Client;
  private readonly statements: readonly Statement[];

  private constructor(client: pg.Client, statements: readonly Statement[]) {
    this.client = client;
    this.statements = statements;
  }

  static async open(connection: pg.ClientConfig, statements: readonly Statement[]): Promise<Replay> {
    const client = new pg.Client(connection);
    await client.connect();
    return new Replay(client, statements);
  }

  /** Milliseconds of each run: one read-only transaction, its statements prepared, one after the other. */
  async run(times: number): Promise<readonly number[]> {
    const took: number[] = [];
    for (let run = 0; run < times; run += 1) {
      const began = performance.now();
      await this.client.query('begin read only');
      for (const [index, { text, values }] of this.statements.entries())
        await this.client.query({ name: `statement ${index}`, text, values: [...values] });
      await this.client.query('commit');
      took.push(performance.now() - began);
    }
    return took;
  }

  close(): Promise<void> {
    return this.client.end();
  }
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
