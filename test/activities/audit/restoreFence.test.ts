import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { raiseRestoreFence } from '../../../activities/audit/restoreFence.js';
import { connect, type Db } from '../../../db/connection.js';
import { HeadKeeper } from '../../../platform/headKeeper.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let db: Db;
let owner: Knex;
let folder: string;
const logger = createLogger({ logLevel: 'fatal' } as never);

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'test' });
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
  folder = await mkdtemp(join(tmpdir(), 'fence-'));
});
afterAll(async () => {
  await db.destroy();
  await owner.destroy();
  await database.drop();
  await rm(folder, { recursive: true });
});

test.each([
  { database: 'behind the head kept outside', sequence: 4, isFrozen: true },
  { database: 'level with it', sequence: 5, isFrozen: false },
  { database: 'ahead of it', sequence: 6, isFrozen: false },
])('a database $database: frozen is $isFrozen', async ({ sequence, isFrozen }) => {
  const workspaceId = newId('workspace');
  await owner('workspaces').insert({ id: workspaceId, name: 'Fence' });
  await owner('audit_heads').insert({ workspace_id: workspaceId, sequence, leaf_hash: Buffer.alloc(32, 1) });
  const keeper = new HeadKeeper(folder);
  await keeper.keep({ workspaceId, sequence: '5', leafHash: 'ab'.repeat(32), at: '2026-11-25T12:00:00.000Z' });

  const frozen = await raiseRestoreFence({ db, keeper, logger, workspaces: [workspaceId] });
  const again = await raiseRestoreFence({ db, keeper, logger, workspaces: [workspaceId] });

  const row = await owner('workspaces')
    .where({ id: workspaceId })
    .first<{ payouts_frozen_at: Date | null; restore_epoch: number }>();
  expect(frozen).toEqual(isFrozen ? [workspaceId] : []);
  expect(again).toEqual([]);
  expect(row.payouts_frozen_at !== null).toBe(isFrozen);
  expect(row.restore_epoch).toBe(isFrozen ? 2 : 1);
});
