import { createHash, createPublicKey, verify } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendAuditChains, appendAuditLeaves, verifyChain } from '../../../activities/audit/chain.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { sha256 } from '../../../db/audit/chain.js';
import { storeHistory } from '../../../db/audit/history.js';
import { connect, type Db } from '../../../db/connection.js';
import { postTransfers } from '../../../db/earning/ledger.js';
import { readBundle } from '../../../db/reads/audit/auditBundle.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { type Act, systemActor } from '../../../domain/act.js';
import { type AuditBundle, verifyBundle } from '../../../domain/audit/bundle.js';
import { eventTexts, parseRecording } from '../../../domain/audit/recording.js';
import { account } from '../../../domain/earning/ledger.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import { HeadKeeper } from '../../../platform/headKeeper.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { compiledProgram } from '../../support/compiled.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { provided } from '../../support/provided.js';

// Random tampering by a superuser, each found by the stand-alone verifier, on an export without the product (reliability.md G26, BEY-09).

const run = promisify(execFile);
const times = 240;
const commits = 24;
const tables = [
  'ledger_accounts',
  'audit_entries',
  'audit_heads',
  'audit_leaves',
  'histories',
  'ledger_transfers',
  'ledger_postings',
] as const;

let database: TestDatabase;
let db: Db;
let superuser: Knex;
let folder: string;
let keeper: HeadKeeper;
const workspaceId: WorkspaceId = newId('workspace');

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'test' });
  const admin = new URL(provided('database').adminUrl);
  admin.pathname = `/${database.name}`;
  superuser = knexFactory({ client: 'pg', connection: admin.toString(), pool: { min: 0, max: 1 } });
  await superuser.raw('set session_replication_role = replica'); // no trigger, no foreign key stops this hand
  folder = await mkdtemp(join(tmpdir(), 'tampering-'));
  keeper = new HeadKeeper(folder);
  await superuser('workspaces').insert({ id: workspaceId, name: 'Chain' });
  await superuser('audit_heads').insert({ workspace_id: workspaceId, sequence: 0, leaf_hash: Buffer.alloc(32) });
  for (let commit = 0; commit < commits; commit += 1) await write(commit);
  await appendAuditChains({
    db,
    keeper,
    logger: createLogger({ logLevel: 'fatal' }),
    workspaces: [workspaceId],
    lastKept: new Map(),
  });
  for (const table of tables) await superuser.raw(`create table kept_${table} as select * from ${table}`);
});
afterAll(async () => {
  await db.destroy();
  await superuser.destroy();
  await database.drop();
  await rm(folder, { recursive: true });
});

/** One transaction as the product writes it: two entries, a transfer of two postings, now and then a history. */
async function write(commit: number): Promise<void> {
  await inWorkspace(db, workspaceId, async (tx, now: Instant) => {
    const act: Act = {
      workspaceId,
      mode: 'live',
      now,
      actor: systemActor,
      cause: { type: 'sale', id: newId('sale') },
      reasonCode: 'staff_decision',
      origin: null,
      requestId: newId('request'),
      newId,
    };
    const objectId = newId('program');
    await recordAudit(
      tx,
      act,
      { objectType: 'program', objectId, seq: 1, event: 'created', to: 'draft', changes: { name: 'changed' } },
      { objectType: 'program', objectId, seq: 2, event: 'published', from: 'draft', to: 'active' },
    );
    const amount = { minor: BigInt(1_000 + commit), currency: 'USD' as CurrencyCode };
    const funding = newId('funding');
    await postTransfers(tx, act, [
      {
        kind: 'gateway.funded',
        key: `funding/${funding}`,
        cause: { type: 'funding', id: funding },
        correctsKey: null,
        effectiveAt: null,
        postings: [
          { debit: account('cash', 'sandbox'), credit: account('merchant_funding'), amount },
          { debit: account('cash', 'manual'), credit: account('merchant_funding'), amount },
        ],
      },
    ]);
    if (commit % 6 === 0) await archive(tx, act, objectId);
  });
}

async function archive(tx: Parameters<typeof storeHistory>[0], act: Act, objectId: string): Promise<void> {
  const runId = `run-${objectId}`;
  const workflowId = `referral/${workspaceId}/${objectId}`;
  const input = Buffer.from(JSON.stringify({ workspaceId, referralId: objectId })).toString('base64');
  const json = JSON.stringify({
    events: [
      {
        eventId: '1',
        eventTime: '2026-11-25T10:00:00.000Z',
        eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
        workflowExecutionStartedEventAttributes: {
          workflowType: { name: 'referral' },
          originalExecutionRunId: runId,
          input: { payloads: [{ data: input }] },
        },
      },
      {
        eventId: '2',
        eventTime: '2026-11-25T10:00:01.000Z',
        eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
        workflowExecutionCompletedEventAttributes: {},
      },
    ],
  });
  const recording = parseRecording(json);
  await storeHistory(tx, act, {
    workflowType: 'referral',
    workflowId,
    runId,
    objectId,
    buildId: null,
    eventCount: 2,
    firstEventAt: recording.firstEventAt as Instant,
    lastEventAt: recording.lastEventAt as Instant,
    closeStatus: 'completed',
    sha256: sha256(json),
    eventHashes: Buffer.from(eventTexts(recording).map(sha256).join(''), 'hex'),
    gzipped: gzipSync(json),
  });
}

/** mulberry32: the same seed tampers the same way. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Every column that says something, with how a hand would change it. */
const columns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  audit_entries: {
    mode: `case mode when 'live' then 'test' else 'live' end`,
    object_type: `'payout'`,
    object_id: `object_id || 'x'`,
    seq: 'seq + 7',
    from_status: `coalesce(from_status, '') || 'x'`,
    to_status: `coalesce(to_status, '') || 'x'`,
    event: `'deleted'`,
    actor_type: `'user'`,
    actor_id: `'usr_x'`,
    actor_user_id: `'usr_y'`,
    reason_code: `'fraud'`,
    cause_type: `'refund'`,
    cause_id: `cause_id || 'x'`,
    changes: `changes || '{"x":1}'`,
    request_id: 'null',
    workflow_id: `'referral/x'`,
    run_id: `'x'`,
    activity_id: `'9'`,
    commit_id: 'gen_random_uuid()',
    at: `at + interval '1 millisecond'`,
  },
  ledger_transfers: {
    mode: `'test'`,
    kind: `'payout.paid'`,
    cause_type: `'sale'`,
    cause_id: `cause_id || 'x'`,
    corrects_transfer_id: 'id',
    idempotency_key: `idempotency_key || 'x'`,
    commit_id: 'gen_random_uuid()',
    effective_at: `effective_at - interval '1 day'`,
    recorded_at: `recorded_at - interval '1 second'`,
  },
  ledger_postings: {
    line: 'line + 5',
    currency: `'EUR'`,
    debit_account_id: `'acc_x'`,
    credit_account_id: `'acc_y'`,
    amount_minor: 'amount_minor + 1',
    transfer_id: `transfer_id || 'x'`,
  },
  ledger_accounts: { kind: `'affiliate_payable'`, owner_id: `owner_id || 'x'` },
  audit_leaves: {
    sequence: 'sequence + 1000',
    commit_id: 'gen_random_uuid()',
    previous_hash: 'sha256(previous_hash)',
    content_hash: 'sha256(content_hash)',
    leaf_hash: 'sha256(leaf_hash)',
    row_hashes: `row_hashes || '[["x","y"]]'`,
  },
  histories: {
    workflow_type: `'payout'`,
    workflow_id: `workflow_id || 'x'`,
    run_id: `run_id || 'x'`,
    object_id: `object_id || 'x'`,
    build_id: `'another'`,
    event_count: 'event_count + 1',
    first_event_at: `first_event_at - interval '1 hour'`,
    last_event_at: `last_event_at + interval '1 hour'`,
    close_status: `'failed'`,
    sha256: 'sha256(sha256)',
    event_hashes: 'sha256(event_hashes)',
    bytes: 'set_byte(bytes, 20, get_byte(bytes, 20) # 1)',
    commit_id: 'gen_random_uuid()',
  },
};

interface Tampering {
  readonly what: string;
  readonly statements: readonly string[];
  /** Afterwards the forger lets the product seal everything anew. */
  readonly rehash?: true;
}

const pick = <T>(items: readonly T[], random: (below: number) => number): T => {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};
/** Some row, the same for the same number. */
const someRow = (table: string, number: number): string =>
  `(select ctid from ${table} order by md5(${table}::text) offset ${number} % (select count(*) from ${table}) limit 1)`;

function tamperingOf(random: (below: number) => number): Tampering {
  const table = pick(Object.keys(columns), random);
  const column = pick(Object.keys(columns[table] ?? {}), random);
  const row = someRow(table, random(10_000));
  const edit = `update ${table} set ${column} = ${columns[table]?.[column]} where ctid = ${row}`;
  const erase = [
    'delete from audit_leaves',
    `update audit_heads set sequence = 0, leaf_hash = decode(repeat('00', 32), 'hex')`,
  ];
  // Sealing anew writes the leaves themselves anew: an edit there would be undone by it.
  switch (table === 'audit_leaves' ? 7 : random(8)) {
    case 0: {
      const from = pick(['audit_entries', 'ledger_transfers', 'ledger_postings', 'histories', 'audit_leaves'], random);
      return {
        what: `a row of ${from} deleted`,
        statements: [`delete from ${from} where ctid = ${someRow(from, random(10_000))}`],
      };
    }
    case 1: {
      const hours = 1 + random(100);
      const commit = random(2) === 0 ? 'commit_id' : 'gen_random_uuid()';
      return {
        what: `an entry inserted into ${commit === 'commit_id' ? 'a sealed commit' : 'the past'}`,
        statements: [
          `insert into audit_entries (workspace_id, id, mode, object_type, object_id, seq, event, actor_type, commit_id, at)
           select workspace_id, 'aud_forged', mode, object_type, 'prg_forged', 1, event, actor_type, ${commit}, at - interval '${hours} hours'
           from audit_entries where ctid = ${someRow('audit_entries', random(10_000))}`,
        ],
      };
    }
    case 2: {
      const a = 1 + random(commits);
      const b = 1 + ((a + random(commits - 1)) % commits);
      return {
        what: `leaves ${a} and ${b} swapped`,
        statements: [
          `update audit_leaves set sequence = -sequence where sequence in (${a}, ${b})`,
          `update audit_leaves set sequence = case -sequence when ${a} then ${b} else ${a} end where sequence < 0`,
        ],
      };
    }
    case 3: {
      const left = random(commits);
      return {
        what: `the tail cut after leaf ${left}, rows and all`,
        statements: [
          `delete from audit_entries where commit_id in (select commit_id from audit_leaves where sequence > ${left})`,
          `delete from ledger_postings where transfer_id in (select id from ledger_transfers
             where commit_id in (select commit_id from audit_leaves where sequence > ${left}))`,
          `delete from ledger_transfers where commit_id in (select commit_id from audit_leaves where sequence > ${left})`,
          `delete from histories where commit_id in (select commit_id from audit_leaves where sequence > ${left})`,
          `delete from audit_leaves where sequence > ${left}`,
          `update audit_heads set sequence = ${left},
             leaf_hash = coalesce((select leaf_hash from audit_leaves where sequence = ${left}), decode(repeat('00', 32), 'hex'))`,
        ],
      };
    }
    case 4:
      return {
        what: `${table}.${column} edited and everything sealed anew`,
        statements: [edit, ...erase],
        rehash: true,
      };
    default:
      return { what: `${table}.${column} edited`, statements: [edit] };
  }
}

async function exportBundle(): Promise<AuditBundle> {
  return {
    workspaceId,
    publicKeyPem: await keeper.publicKeyPem(),
    heads: (await keeper.list(workspaceId)).heads,
    ...(await readWorkspace(db, workspaceId, (tx, now) => readBundle(tx, now))),
  };
}

const check = (bundle: AuditBundle) =>
  verifyBundle(
    bundle,
    (text) => createHash('sha256').update(text).digest('hex'),
    (text, signature, key) => verify(null, Buffer.from(text), createPublicKey(key), Buffer.from(signature, 'base64')),
  );

async function restore(): Promise<void> {
  for (const table of tables) {
    await superuser.raw(`delete from ${table}`);
    await superuser.raw(`insert into ${table} select * from kept_${table}`);
  }
}

test(`${times} random edits, deletions, insertions, swaps, cuts and new sealings are all found`, async () => {
  expect(check(await exportBundle())).toEqual([]);
  const kinds = new Set<string>();

  for (let seed = 1; seed <= times; seed += 1) {
    const tampering = tamperingOf(randomFrom(seed));
    for (const statement of tampering.statements) await superuser.raw(statement);
    if (tampering.rehash === true) await appendAuditLeaves(db, workspaceId);

    const findings = check(await exportBundle());
    const inside = await verifyChain(db, workspaceId, (await keeper.list(workspaceId)).heads);

    expect(findings, `seed ${seed}: ${tampering.what}`).not.toEqual([]);
    expect(inside.holds, `seed ${seed}: ${tampering.what}, by the product`).toBe(false);
    kinds.add(tampering.what.replaceAll(/\d+/g, ''));
    await restore();
  }

  expect(kinds.size).toBeGreaterThan(40);
  expect(check(await exportBundle())).toEqual([]);
}, 300_000);

test('the first bad row is named: entry, transfer and history', async () => {
  const ids = async (table: string): Promise<readonly string[]> =>
    (await superuser(table).orderBy('id').select<{ id: string }[]>('id')).map((row) => row.id);
  for (const [table, edit] of [
    ['audit_entries', `event = 'deleted'`],
    ['ledger_transfers', `kind = 'payout.paid'`],
    ['histories', `close_status = 'failed'`],
  ] as const) {
    const [, second = ''] = await ids(table);
    await superuser.raw(`update ${table} set ${edit} where id = ?`, [second]);

    expect(check(await exportBundle())[0]).toMatchObject({ code: 'edited', detail: second });
    expect(await verifyChain(db, workspaceId, [])).toMatchObject({ firstBadEntryId: second });
    await restore();
  }
});

test('the verifier as a process of its own agrees, and a part of the chain verifies as well as the whole', async () => {
  const file = join(folder, 'bundle.json');
  const program = await compiledProgram();
  const verifier = async (bundle: AuditBundle): Promise<number> => {
    await writeFile(file, JSON.stringify(bundle));
    return run(process.execPath, [program('bin/verifyAudit.ts'), file]).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  };
  expect(await verifier(await exportBundle())).toBe(0);
  await superuser.raw(`update ledger_postings set amount_minor = amount_minor + 1 where amount_minor = 1003`);
  expect(await verifier(await exportBundle())).toBe(1);
  await restore();

  // The second half only: anchored at the leaf before it.
  const at = (await superuser('audit_leaves').where({ sequence: 12 }).first<{ created_at: Date }>('created_at'))
    .created_at;
  await superuser.raw(`update audit_leaves set created_at = created_at + interval '1 hour' where sequence > 12`);
  const half = {
    ...(await exportBundle()),
    ...(await readWorkspace(db, workspaceId, (tx, now) =>
      readBundle(tx, now, { from: new Date(at.getTime() + 60_000).toISOString() as Instant, until: null }),
    )),
  };
  expect(half).toMatchObject({ anchor: { sequence: '12' }, reachesHead: true });
  expect(half.leaves).toHaveLength(commits - 12);
  expect(check(half)).toEqual([]);
  const firstHalf = {
    ...half,
    ...(await readWorkspace(db, workspaceId, (tx, now) =>
      readBundle(tx, now, { from: null, until: new Date(at.getTime() + 60_000).toISOString() as Instant }),
    )),
  };
  expect(firstHalf).toMatchObject({ anchor: { sequence: '0' }, reachesHead: false });
  expect(check(firstHalf)).toEqual([]);
  await restore();
}, 60_000);
