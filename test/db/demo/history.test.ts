import { randomBytes } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendAuditLeaves, verifyChain } from '../../../activities/audit/chain.js';
import { seedHistory } from '../../../bin/demo.js';
import type { MadeHistory } from '../../../bin/demo/history.js';
import { createWorkspace } from '../../../db/access/workspace.js';
import { connect, type Db } from '../../../db/connection.js';
import { migrateTo } from '../../../db/migrate.js';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { restoreBackup } from '../../../platform/backup/restoreBackup.js';
import { takeBackup } from '../../../platform/backup/takeBackup.js';
import { newId } from '../../../platform/newId.js';
import { createSecrets } from '../../../platform/secrets.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

// The demo year (screens.md 9.2): the books hold, every object's history is whole, it holds every state, and the same seed is the same year.

const secrets = createSecrets([{ id: 'key1', key: createSecretKey(randomBytes(32)) }]);
const shopOrigin = 'http://127.0.0.1:3000';
const now = '2026-11-26T15:30:00.000Z' as Instant;

interface World {
  readonly database: TestDatabase;
  readonly db: Db;
  readonly owner: Knex;
  readonly workspaceId: WorkspaceId;
  readonly made: MadeHistory | undefined;
}

async function makeWorld(seed: number): Promise<World> {
  const database = await createTestDatabase();
  const db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'demo test', statementTimeoutMs: 120_000 });
  const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
  const { workspaceId } = await createWorkspace(db, newId, {
    name: 'Demo',
    owner: { name: 'Owner', email: 'owner@demo.example' },
    isFirst: true,
    ownerStatus: 'active',
  });
  const made = await seedHistory(db, { secrets, shopOrigin, seed, now });
  return { database, db, owner, workspaceId, made };
}

async function close({ database, db, owner }: World): Promise<void> {
  await db.destroy();
  await owner.destroy();
  await database.drop();
}

let world: World;
beforeAll(async () => {
  world = await makeWorld(7);
}, 180_000);
afterAll(() => close(world));

async function rowsOf(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await world.owner.raw<{ rows: Record<string, unknown>[] }>(sql)).rows;
}

test('the books hold, and every history moves along its table', async () => {
  const results = await checkBooks(world.owner);
  expect(results.filter((result) => result.violations > 0)).toEqual([]);
  expect(results.length).toBeGreaterThan(15);
});

test('the audit chain covers all of it and verifies', async () => {
  expect(await appendAuditLeaves(world.db, world.workspaceId)).toBe(0);
  expect(await verifyChain(world.db, world.workspaceId, [])).toMatchObject({ holds: true });
});

test('it is a year of three programs and 48 affiliates', () => {
  expect(world.made).toMatchObject({ programs: 3, affiliates: 48 });
  expect(world.made?.clicks).toBeGreaterThan(3_000);
  expect(world.made?.sales).toBeGreaterThan(400);
  expect(world.made?.payouts).toBeGreaterThan(60);
});

describe('it holds every state', () => {
  test.each([
    ['affiliates', 'status', ['approved', 'declined', 'pending', 'suspended', 'terminated']],
    ['referrals', 'status', ['approved', 'expired', 'pending', 'rejected', 'tracking']],
    ['commissions', 'status', ['approved', 'paid', 'pending', 'rejected', 'reversed']],
    ['commissions', 'kind', ['clawback', 'earned']],
    ['sales', 'status', ['part_refunded', 'refunded', 'succeeded']],
    ['links', 'status', ['active', 'expired']],
    ['promo_tools', 'kind', ['banner', 'email', 'lightbox', 'link']],
    ['payout_methods', 'status', ['active', 'removed', 'unverified']],
    ['payout_methods', 'type', ['bank', 'paypal', 'sandbox']],
    ['customer_accounts', 'status', ['active', 'suspended']],
    ['payout_run_rows', 'outcome', ['not_paid', 'paid']],
    ['clicks', 'credit', ['credited', 'filtered', 'not_credited']],
  ])('%s.%s', async (table, column, expected) => {
    const rows = await rowsOf(`select distinct ${column} as value from ${table} order by 1`);
    expect(rows.map((row) => row['value'])).toEqual(expected);
  });
});

test('every click of the last 90 days tells its device, and none before', async () => {
  const [row] = await rowsOf(
    `select count(distinct detail.user_agent)::int as agents,
            count(*) filter (where detail.click_id is null and click.created_at > now() - interval '80 days')::int as without,
            min(detail.created_at) > now() - interval '100 days' as recent
     from clicks as click left join click_details as detail on detail.click_id = click.id`,
  );
  expect(row).toMatchObject({ without: 0, recent: true });
  expect(Number(row?.['agents'])).toBeGreaterThan(5);
});

test('every commission explains its amount, and its sale is its own', async () => {
  expect(
    await rowsOf(
      `select id from commissions where kind = 'earned' and (explanation ->> 'sentence' is null or sale_id is null)`,
    ),
  ).toEqual([]);
});

test('a backup of the year is restored row for row, and its books hold', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'year-'));
  const target = await createTestDatabase();
  const targetOwner = knexFactory({ client: 'pg', connection: target.ownerUrl, pool: { min: 0, max: 1 } });
  try {
    const paths = { folder: join(folder, 'b'), dataDir: join(folder, 'data') };
    const manifest = await takeBackup({ ownerUrl: world.database.ownerUrl, ...paths });
    const report = await restoreBackup({ ownerUrl: target.ownerUrl, ...paths, migrateTo });

    expect(report.rows).toBe(manifest.tables.reduce((total, table) => total + table.rows, 0));
    // What a trigger wrote while loading, or left out, would show here.
    for (const { name } of manifest.tables.filter((table) => !['workspaces', 'installation'].includes(table.name))) {
      const sql = `select count(*)::int as rows, md5(coalesce(string_agg(line, E'\n' order by line), '')) as hash from (select t::text as line from ${name} t) as all_rows`;
      const [before, after] = await Promise.all(
        [world.owner, targetOwner].map((side) => side.raw<{ rows: unknown[] }>(sql)),
      );
      expect(after?.rows, name).toEqual(before?.rows);
    }
    const results = await checkBooks(targetOwner);
    expect(results.filter((result) => result.violations > 0)).toEqual([]);
  } finally {
    await targetOwner.destroy();
    await target.drop();
    await rm(folder, { recursive: true });
  }
}, 120_000);

test('a second start keeps what is there', async () => {
  expect(await seedHistory(world.db, { secrets, shopOrigin, seed: 7, now })).toBeUndefined();
});

test('the same seed makes the same year, another one another', async () => {
  const fingerprint = async (of: World): Promise<unknown> =>
    (
      await of.owner.raw<{ rows: unknown[] }>(
        `select (select md5(string_agg(concat_ws('|', id, affiliate_id, amount_minor, status, created_at), ',' order by id)) from commissions) as commissions,
                (select md5(string_agg(concat_ws('|', id, status, stage, affiliate_id), ',' order by id)) from referrals) as referrals,
                (select md5(string_agg(concat_ws('|', id, amount_minor, status), ',' order by id)) from payouts) as payouts`,
      )
    ).rows[0];
  const again = await makeWorld(7);
  try {
    expect(await fingerprint(again)).toEqual(await fingerprint(world));
  } finally {
    await close(again);
  }
  const other = await makeWorld(8);
  try {
    expect(await fingerprint(other)).not.toEqual(await fingerprint(world));
    expect((await checkBooks(other.owner)).filter((result) => result.violations > 0)).toEqual([]);
  } finally {
    await close(other);
  }
}, 240_000);
