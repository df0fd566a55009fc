import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { appendAuditLeaves, verifyChain } from '../../activities/audit/chain.js';
import { recordAudit } from '../../db/audit/audit.js';
import { connect, type Db } from '../../db/connection.js';
import { lockBalances, postTransfers } from '../../db/earning/ledger.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { migrateDown, migrateTo, migrationState } from '../../db/migrate.js';
import { inWorkspace } from '../../db/transaction.js';
import { type Act, systemActor } from '../../domain/act.js';
import { account, affiliateAccounts } from '../../domain/earning/ledger.js';
import type { CurrencyCode } from '../../domain/money.js';
import { restoreBackup } from '../../platform/backup/restoreBackup.js';
import { takeBackup } from '../../platform/backup/takeBackup.js';
import { newId } from '../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const usd = 'USD' as CurrencyCode;
let source: TestDatabase;
let target: TestDatabase;
let db: Db;
let sourceOwner: Knex;
let targetOwner: Knex;
let folder: string;
const workspaceId = newId('workspace');

beforeAll(async () => {
  source = await createTestDatabase();
  db = connect({ url: source.appUrl, poolSize: 1, applicationName: 'test' });
  sourceOwner = knexFactory({ client: 'pg', connection: source.ownerUrl, pool: { min: 0, max: 1 } });
  await sourceOwner('workspaces').insert({ id: workspaceId, name: 'Backed up' });
  await sourceOwner('audit_heads').insert({ workspace_id: workspaceId, sequence: 0, leaf_hash: Buffer.alloc(32) });
  await sourceOwner('contacts').insert({
    workspace_id: workspaceId,
    id: newId('contact'),
    name: 'Tab\there, line\nbreak, back\\slash, „quotes“, \u{1F600}',
    email_key: null,
  });
  await inWorkspace(db, workspaceId, async (tx, now) => {
    const act: Act = {
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
    await recordAudit(tx, act, {
      objectType: 'program',
      objectId: newId('program'),
      seq: 1,
      event: 'created',
      to: 'draft',
    });
    await postTransfers(tx, act, [
      {
        kind: 'commission.accrued',
        key: 'k1',
        cause: { type: 'funding', id: 'fnd_1' },
        correctsKey: null,
        effectiveAt: null,
        postings: [
          {
            debit: account('commission_expense', 'prg_1'),
            credit: affiliateAccounts('aff_1').payable,
            amount: { minor: 1234n, currency: usd },
          },
        ],
      },
    ]);
    await enqueue(tx, { lane: 'http', topic: 'mail', orderingKey: null, priority: 2, payload: { emailId: 'eml_1' } });
  });
  await appendAuditLeaves(db, workspaceId);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backup-'));
  target = await createTestDatabase();
  targetOwner = knexFactory({ client: 'pg', connection: target.ownerUrl, pool: { min: 0, max: 1 } });
  return async () => {
    await targetOwner.destroy();
    await target.drop();
    await rm(folder, { recursive: true });
  };
});
afterAll(async () => {
  await db.destroy();
  await sourceOwner.destroy();
  await source.drop();
});

async function contents(owner: Knex): Promise<Record<string, unknown>> {
  const { rows: tables } = await owner.raw<{ rows: { name: string }[] }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'schema_migrations%' order by 1`,
  );
  const all: Record<string, unknown> = {};
  for (const { name } of tables) {
    const { rows } = await owner.raw<{ rows: { row: string }[] }>(`select t::text as row from ${name} t order by 1`);
    all[name] = rows.map(({ row }) => row);
  }
  return all;
}

describe('a backup', () => {
  test('restored into an empty database is the same rows, with payouts frozen and a new epoch', async () => {
    const manifest = await takeBackup({
      ownerUrl: source.ownerUrl,
      folder: join(folder, 'b1'),
      dataDir: join(folder, 'data'),
    });
    const report = await restoreBackup({
      ownerUrl: target.ownerUrl,
      folder: join(folder, 'b1'),
      dataDir: join(folder, 'data2'),
      migrateTo,
    });

    const [before, after] = [await contents(sourceOwner), await contents(targetOwner)];
    expect(report.rows).toBe(manifest.tables.reduce((total, table) => total + table.rows, 0));
    expect({ ...after, workspaces: null, installation: null }).toEqual({
      ...before,
      workspaces: null,
      installation: null,
    });
    expect(await targetOwner('workspaces').first()).toMatchObject({
      restore_epoch: 2,
      payouts_frozen_reason: expect.stringContaining(manifest.takenAt) as unknown,
    });
    // The source remembers it for the System screen (screens.md 3.24); what was copied is the state before.
    expect(await sourceOwner('workspaces').first()).toMatchObject({
      backed_up_at: new Date(manifest.takenAt),
    });
    expect(await targetOwner('workspaces').first()).toMatchObject({ backed_up_at: null });
    expect(
      (await targetOwner('workspaces').first<{ restored_at: Date | null }>('restored_at')).restored_at,
    ).not.toBeNull();
    // Nobody of a workspace could lift a freeze of the whole installation.
    expect(await targetOwner('installation').first()).toMatchObject({ payouts_frozen_at: null });
  });

  test('goes on working: balances, triggers, the outbox and the audit chain', async () => {
    await takeBackup({ ownerUrl: source.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'data') });
    await restoreBackup({
      ownerUrl: target.ownerUrl,
      folder: join(folder, 'b1'),
      dataDir: join(folder, 'data2'),
      migrateTo,
    });
    const restored = connect({ url: target.appUrl, poolSize: 1, applicationName: 'test' });

    const { payable } = affiliateAccounts('aff_1');
    const balance = await inWorkspace(restored, workspaceId, async (tx, now) => {
      const act: Act = {
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
      await postTransfers(tx, act, [
        {
          kind: 'commission.accrued',
          key: 'k2',
          cause: { type: 'funding', id: 'fnd_1' },
          correctsKey: null,
          effectiveAt: null,
          postings: [
            { debit: account('commission_expense', 'prg_1'), credit: payable, amount: { minor: 1n, currency: usd } },
          ],
        },
      ]);
      await enqueue(tx, { lane: 'http', topic: 'mail', orderingKey: null, priority: 2, payload: { emailId: 'eml_2' } });
      return (await lockBalances(tx, act, usd, [payable]))(payable);
    });
    await appendAuditLeaves(restored, workspaceId);

    expect(balance).toBe(1235n);
    expect(await verifyChain(restored, workspaceId, [])).toMatchObject({ holds: true, holdsTo: '2' });
    await restored.destroy();
  });

  test('is refused by a database that is not empty, and changes nothing there', async () => {
    await takeBackup({ ownerUrl: source.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'data') });
    await targetOwner('workspaces').insert({ id: newId('workspace'), name: 'Living' });
    const before = await contents(targetOwner);

    await expect(
      restoreBackup({ ownerUrl: target.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'd'), migrateTo }),
    ).rejects.toThrow('not empty');
    expect(await contents(targetOwner)).toEqual(before);
  });

  test('with one byte changed is refused whole', async () => {
    await takeBackup({ ownerUrl: source.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'data') });
    const file = join(folder, 'b1', 'tables', 'contacts.copy');
    await writeFile(file, (await readFile(file, 'utf8')).replace('here', 'hers'));

    await expect(
      restoreBackup({ ownerUrl: target.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'd'), migrateTo }),
    ).rejects.toThrow('contacts.copy');
    expect(await targetOwner('workspaces')).toEqual([]);
  });

  test('carries journals and heads along, never the signing key, and never sets a newer journal back', async () => {
    const data = join(folder, 'data');
    await mkdir(join(data, 'gateways'), { recursive: true });
    await mkdir(join(data, 'audit-heads'), { recursive: true });
    await writeFile(join(data, 'gateways', 'sandbox.journal'), 'one\n');
    await writeFile(join(data, 'audit-heads', 'signing.pem'), 'secret');
    const manifest = await takeBackup({ ownerUrl: source.ownerUrl, folder: join(folder, 'b1'), dataDir: data });
    await appendFile(join(data, 'gateways', 'sandbox.journal'), 'two\n');

    const report = await restoreBackup({
      ownerUrl: target.ownerUrl,
      folder: join(folder, 'b1'),
      dataDir: data,
      migrateTo,
    });

    expect(manifest.files).toEqual([join('gateways', 'sandbox.journal')]);
    expect(report.filesKept).toEqual([join('gateways', 'sandbox.journal')]);
    expect(await readFile(join(data, 'gateways', 'sandbox.journal'), 'utf8')).toBe('one\ntwo\n');
    expect((await readdir(join(folder, 'b1'), { recursive: true })).filter((name) => name.endsWith('.pem'))).toEqual(
      [],
    );
  });

  test('is refused to a role that would see nothing, and never written over another', async () => {
    await expect(takeBackup({ ownerUrl: source.appUrl, folder: join(folder, 'b1'), dataDir: folder })).rejects.toThrow(
      /owner/,
    );
    await mkdir(join(folder, 'b2'));
    await expect(
      takeBackup({ ownerUrl: source.ownerUrl, folder: join(folder, 'b2'), dataDir: folder }),
    ).rejects.toThrow('never overwritten');
    expect(await readdir(folder)).not.toContain('b1');
  });

  test('brings a database without any table to its own migrations first', async () => {
    await takeBackup({ ownerUrl: source.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'data') });
    await migrateDown(target.ownerUrl);

    await restoreBackup({
      ownerUrl: target.ownerUrl,
      folder: join(folder, 'b1'),
      dataDir: join(folder, 'd'),
      migrateTo,
    });

    expect(await migrationState(target.ownerUrl)).toMatchObject({ pending: [], unknown: [] });
    expect(await targetOwner('workspaces').select('id')).toEqual([{ id: workspaceId }]);
  });
});
