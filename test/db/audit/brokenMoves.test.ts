import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertReferral, lockReferral, updateReferral } from '../../../db/earning/referral.js';
import { listBrokenMoves } from '../../../db/reads/audit/brokenMoves.js';
import { inWorkspace, readWorkspace, type Tx } from '../../../db/transaction.js';
import { type Act, systemActor } from '../../../domain/act.js';
import type { ReferralId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { createWorld, type World } from '../../api/tracking/world.js';

// I12: statuses move only along the allowed edges, without gaps, and the row shows the last one. Each damage by a superuser is found.

let world: World;
let id: ReferralId;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

const inTx = <T>(work: (tx: Tx, act: Act) => Promise<T>): Promise<T> =>
  inWorkspace(world.db, world.workspaceId, (tx, now) =>
    work(tx, {
      workspaceId: world.workspaceId,
      mode: 'live',
      now,
      actor: systemActor,
      cause: null,
      reasonCode: null,
      origin: null,
      requestId: null,
      newId,
    }),
  );

/** Clicked, touched, lead, approved, rejected: a history of five entries through the product's own writer. */
beforeEach(async () => {
  await damage('delete from referrals', 'delete from audit_entries');
  id = newId('referral');
  await inTx((tx, act) =>
    insertReferral(tx, act, { id, programId: world.programId, status: 'tracking', stage: 'click' }, 'clicked'),
  );
  for (const event of ['touched', 'leadReported', 'approved', 'rejected'] as const)
    await inTx(async (tx, act) => {
      const referral = await lockReferral(tx, id);
      if (referral === undefined) throw new Error('the referral is there');
      await updateReferral(tx, act, referral, event);
    });
});

async function damage(...statements: readonly string[]): Promise<void> {
  await world.owner.transaction(async (trx) => {
    await trx.raw('alter table audit_entries disable trigger user');
    for (const statement of statements) await trx.raw(statement);
    await trx.raw('alter table audit_entries enable trigger user');
  });
}

const found = () =>
  readWorkspace(world.db, world.workspaceId, async (tx) =>
    (await listBrokenMoves(tx)).filter((move) => move.objectType === 'referral'),
  );

describe('the moves of every object', () => {
  test('that its writer made are sound', async () => {
    expect(await found()).toEqual([]);
  });

  test.each([
    { hand: 'a missing number', statement: 'delete from audit_entries where seq = 2', code: 'gap', sequence: 3 },
    { hand: 'a missing beginning', statement: 'delete from audit_entries where seq = 1', code: 'gap', sequence: 2 },
    {
      hand: 'a move the table does not have',
      statement: `update audit_entries set event = 'reopened' where seq = 4`,
      code: 'wrong_edge',
      sequence: 4,
    },
    {
      hand: 'a move that begins elsewhere',
      statement: `update audit_entries set from_status = 'tracking' where seq = 4`,
      code: 'torn',
      sequence: 4,
    },
    {
      hand: 'a status nobody knows',
      statement: `update audit_entries set to_status = 'gone' where seq = 5`,
      code: 'unknown_status',
      sequence: 5,
    },
    {
      hand: 'a row moved without its history',
      statement: `update referrals set status = 'approved'`,
      code: 'row_differs',
      sequence: 5,
    },
    { hand: 'a version behind', statement: 'update referrals set version = 4', code: 'row_differs', sequence: 5 },
    { hand: 'no history at all', statement: 'delete from audit_entries', code: 'no_history', sequence: 0 },
  ])('$hand is found: $code', async ({ statement, code, sequence }) => {
    await damage(statement);

    expect((await found())[0]).toMatchObject({ objectId: id, code, sequence });
  });
});
