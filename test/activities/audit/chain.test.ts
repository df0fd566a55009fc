import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { appendAuditChains, appendAuditLeaves, verifyChain } from '../../../activities/audit/chain.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { connect, type Db } from '../../../db/connection.js';
import { postTransfers } from '../../../db/earning/ledger.js';
import { readBundle } from '../../../db/reads/audit/auditBundle.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { type Act, systemActor } from '../../../domain/act.js';
import { type AuditBundle, verifyBundle } from '../../../domain/audit/bundle.js';
import { account } from '../../../domain/earning/ledger.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import { HeadKeeper } from '../../../platform/headKeeper.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let db: Db;
let owner: Knex;
let folder: string;
let workspaceId: WorkspaceId;

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'test' });
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
  folder = await mkdtemp(join(tmpdir(), 'heads-'));
});
afterAll(async () => {
  await db.destroy();
  await owner.destroy();
  await database.drop();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  workspaceId = newId('workspace');
  await owner('workspaces').insert({ id: workspaceId, name: 'Chain' });
  await owner('audit_heads').insert({ workspace_id: workspaceId, sequence: 0, leaf_hash: Buffer.alloc(32) });
});

function actAt(now: Instant): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: systemActor,
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: null,
    newId,
  };
}

async function write(event: string, minor = 0n): Promise<void> {
  await inWorkspace(db, workspaceId, async (tx, now) => {
    const act = actAt(now);
    await recordAudit(tx, act, { objectType: 'program', objectId: newId('program'), seq: 1, event, to: 'draft' });
    const funding = newId('funding');
    await postTransfers(tx, act, [
      {
        kind: 'gateway.funded',
        key: `funding/${funding}`,
        cause: { type: 'funding', id: funding },
        correctsKey: null,
        effectiveAt: null,
        postings:
          minor === 0n
            ? []
            : [
                {
                  debit: account('cash', 'sandbox'),
                  credit: account('merchant_funding'),
                  amount: { minor, currency: 'USD' as CurrencyCode },
                },
              ],
      },
    ]);
  });
}

async function threeCommits(): Promise<void> {
  await write('created', 100n);
  await write('created', 200n);
  await write('created', 300n);
  expect(await appendAuditLeaves(db, workspaceId)).toBe(3);
}

const logger = createLogger({ logLevel: 'silent' } as never);

async function keepHead(): Promise<HeadKeeper> {
  const keeper = new HeadKeeper(join(folder, workspaceId));
  await appendAuditChains({ db, keeper, logger, workspaces: [workspaceId], lastKept: new Map() });
  return keeper;
}

/** A superuser's hand: triggers and grants do not stop it, the chain has to show it. */
async function tamper(...statements: readonly string[]): Promise<void> {
  await owner.transaction(async (trx) => {
    for (const table of ['audit_entries', 'audit_leaves', 'ledger_postings', 'ledger_transfers'])
      await trx.raw(`alter table ${table} disable trigger user`);
    for (const statement of statements) await trx.raw(statement.replaceAll(':ws', `'${workspaceId}'`));
    for (const table of ['audit_entries', 'audit_leaves', 'ledger_postings', 'ledger_transfers'])
      await trx.raw(`alter table ${table} enable trigger user`);
  });
}

describe('the audit chain', () => {
  test('covers each commit once, and a second pass finds nothing to do', async () => {
    await threeCommits();

    expect(await appendAuditLeaves(db, workspaceId)).toBe(0);
    expect(await verifyChain(db, workspaceId, [])).toMatchObject({ holds: true, holdsTo: '3', leaves: 3, entries: 3 });
  });

  test('the step looks again at once only where a pass was full', async () => {
    const keeper = new HeadKeeper(join(folder, workspaceId));
    const pass = () => appendAuditChains({ db, keeper, logger, workspaces: [workspaceId], lastKept: new Map() });
    await write('created', 100n);
    expect(await pass()).toBe(0);

    // Commits as other transactions leave them: an entry each, under a number of its own.
    await owner.raw(
      `insert into audit_entries (workspace_id, id, mode, object_type, object_id, seq, event, actor_type, changes, commit_id)
       select ?, 'aud_' || lpad(n::text, 26, '0'), 'live', 'link', 'lnk_' || lpad(n::text, 26, '0'), 1, 'created', 'system', '{}', gen_random_uuid()
       from generate_series(1, 501) as n`,
      [workspaceId],
    );
    expect(await pass()).toBe(1);
    expect(await pass()).toBe(0);
    expect(await verifyChain(db, workspaceId, [])).toMatchObject({ holds: true, holdsTo: '502', leaves: 502 });
  });

  test.each([
    {
      hand: 'an entry edited',
      statement: `update audit_entries set event = 'deleted' where workspace_id = :ws and id = (select min(id) from audit_entries where workspace_id = :ws)`,
      code: 'edited',
      at: '1',
    },
    {
      hand: 'an amount edited',
      statement: `update ledger_postings set amount_minor = 201 where workspace_id = :ws and amount_minor = 200`,
      code: 'edited',
      at: '2',
    },
    {
      hand: 'a time edited',
      statement: `update audit_entries set at = at - interval '1 hour' where workspace_id = :ws and id = (select max(id) from audit_entries where workspace_id = :ws)`,
      code: 'edited',
      at: '3',
    },
    {
      hand: 'an entry deleted',
      statement: `delete from audit_entries where workspace_id = :ws and id = (select max(id) from audit_entries where workspace_id = :ws)`,
      code: 'edited',
      at: '3',
    },
    {
      hand: 'a leaf in the middle deleted',
      statement: `delete from audit_leaves where workspace_id = :ws and sequence = 2`,
      code: 'gap',
      at: '2',
    },
    {
      hand: 'the tail cut',
      statement: `delete from audit_leaves where workspace_id = :ws and sequence = 3`,
      code: 'cut',
      at: '3',
    },
    {
      hand: 'two leaves swapped',
      statement: `update audit_leaves set sequence = 5 - sequence where workspace_id = :ws and sequence in (2, 3)`,
      code: 'reordered',
      at: '2',
    },
  ])('$hand is found, and the first bad place is named', async ({ statement, code, at }) => {
    await threeCommits();
    if (statement.includes('5 - sequence'))
      await tamper(
        'alter table audit_leaves drop constraint audit_leaves_pkey',
        statement,
        'alter table audit_leaves add constraint audit_leaves_pkey primary key (workspace_id, sequence)',
      );
    else await tamper(statement);

    expect(await verifyChain(db, workspaceId, [])).toMatchObject({ holds: false, code, firstBadSequence: at });
  });

  test('an entry slipped in without a leaf is found once it is a minute old', async () => {
    await threeCommits();
    await tamper(
      `insert into audit_entries (workspace_id, id, mode, object_type, object_id, seq, event, actor_type, commit_id, at)
       values (:ws, 'aud_slipped', 'live', 'program', 'prg_x', 1, 'created', 'system', gen_random_uuid(), now() - interval '2 hours')`,
    );

    expect(await verifyChain(db, workspaceId, [])).toMatchObject({
      holds: false,
      code: 'uncovered',
      firstBadEntryId: 'aud_slipped',
    });
  });

  test('a whole re-hash after an edit shows against the heads kept outside', async () => {
    await threeCommits();
    const keeper = await keepHead();
    await tamper(
      `update audit_entries set event = 'deleted' where workspace_id = :ws and id = (select min(id) from audit_entries where workspace_id = :ws)`,
      'delete from audit_leaves where workspace_id = :ws',
      `update audit_heads set sequence = 0, leaf_hash = decode(repeat('00', 32), 'hex') where workspace_id = :ws`,
    );
    expect(await appendAuditLeaves(db, workspaceId)).toBe(3);

    expect(await verifyChain(db, workspaceId, [])).toMatchObject({ holds: true });
    const { heads } = await keeper.list(workspaceId);
    expect(await verifyChain(db, workspaceId, heads)).toMatchObject({ holds: false, code: 'head_differs' });
  });

  test('a head line that our key did not sign is counted as invalid', async () => {
    await threeCommits();
    const keeper = await keepHead();
    const [name = ''] = (await readdir(join(folder, workspaceId))).filter((one) => one.startsWith('heads-'));
    const file = join(folder, workspaceId, name);
    const line = await readFile(file, 'utf8');
    await writeFile(file, line.replace('"sequence":"3"', '"sequence":"2"'));

    expect(await keeper.list(workspaceId)).toEqual({ heads: [], invalid: 1 });
  });

  test('after an outage of hours every commit gets its leaf, also beyond one pass', async () => {
    await threeCommits();
    await tamper(
      `insert into audit_entries (workspace_id, id, mode, object_type, object_id, seq, event, actor_type, commit_id, at)
       select :ws, 'aud_late_' || n, 'live', 'program', 'prg_late_' || n, 1, 'created', 'system', gen_random_uuid(), now() - interval '5 hours' + n * interval '10 seconds'
       from generate_series(1, 1200) n`,
      `update audit_entries set at = now() - interval '6 hours' where workspace_id = :ws and id not like 'aud_late_%'`,
      `update ledger_transfers set recorded_at = now() - interval '6 hours' where workspace_id = :ws`,
    );

    const passes = [];
    for (let pass = 0; pass < 4; pass += 1) passes.push(await appendAuditLeaves(db, workspaceId));

    expect(passes).toEqual([500, 500, 200, 0]);
  });

  test('two appenders at once write one chain', async () => {
    for (let commit = 0; commit < 12; commit += 1) await write('created');
    const second = connect({ url: database.appUrl, poolSize: 1, applicationName: 'test-2' });

    const counts = await Promise.all([appendAuditLeaves(db, workspaceId), appendAuditLeaves(second, workspaceId)]);
    await second.destroy();

    expect(counts[0] + counts[1]).toBe(12);
    expect(await verifyChain(db, workspaceId, [])).toMatchObject({ holds: true, holdsTo: '12' });
  });

  test('the bundle passes the stand-alone verifier, and one altered cent does not', async () => {
    await threeCommits();
    const keeper = await keepHead();
    const bundle: AuditBundle = {
      workspaceId,
      publicKeyPem: await keeper.publicKeyPem(),
      heads: (await keeper.list(workspaceId)).heads,
      ...(await readWorkspace(db, workspaceId, (tx, now) => readBundle(tx, now))),
    };
    const check = (shown: AuditBundle) =>
      verifyBundle(
        shown,
        (text) => createHash('sha256').update(text).digest('hex'),
        (text, signature, key) =>
          verify(null, Buffer.from(text), createPublicKey(key), Buffer.from(signature, 'base64')),
      );

    expect(check(bundle)).toEqual([]);
    const altered = JSON.parse(
      JSON.stringify(bundle).replace('"amountMinor":"200"', '"amountMinor":"201"'),
    ) as AuditBundle;
    expect(check(altered)).toMatchObject([{ code: 'edited', at: 'leaf 2' }]);
  });
});
