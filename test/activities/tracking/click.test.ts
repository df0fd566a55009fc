import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { takeUpClick, takeUpClicks } from '../../../activities/tracking/click.js';
import { inWorkspace } from '../../../db/transaction.js';
import { type NewClick, recordClicks } from '../../../db/tracking/click.js';
import type { Act } from '../../../domain/act.js';
import type { AffiliateId, ClickId, LinkId, ProgramId, WorkspaceId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { createWorld, type World } from '../../api/tracking/world.js';

let world: World;
let ada: AffiliateId;
let bob: AffiliateId;
let adaLink: LinkId;
let bobLink: LinkId;

beforeAll(async () => {
  world = await createWorld();
  ada = await world.makeAffiliate();
  bob = await world.makeAffiliate();
  adaLink = await world.makeLink({ affiliateId: ada, slug: 'ada' });
  bobLink = await world.makeLink({ affiliateId: bob, slug: 'bob' });
});

afterAll(() => world.close());

beforeEach(async () => {
  await world.owner.raw(
    'truncate clicks, click_details, referrals, touches, program_visitors, attributions, outbox cascade',
  );
});

const deps = () => ({ relayDb: world.relayDb, db: world.db, newId, logger: createLogger({ logLevel: 'fatal' }) });

async function click(changes: Partial<NewClick> = {}): Promise<ClickId> {
  const id = newId('click');
  await recordClicks(world.edgeDb, [
    {
      id,
      workspaceId: world.workspaceId,
      mode: 'live',
      linkId: adaLink,
      affiliateId: ada,
      programId: world.programId,
      previousClickId: null,
      credit: 'credited',
      creditCode: null,
      isSuspect: false,
      subs: null,
      query: null,
      referrer: null,
      windowSeconds: 2_592_000,
      addressHash: null,
      userAgent: null,
      ...changes,
    },
  ]);
  return id;
}

interface ReferralSeen {
  readonly id: string;
  readonly status: string;
  readonly stage: string;
  readonly visitor_id: string;
  readonly window_ends_at: Date;
  readonly version: number;
  readonly program_id: string;
}

const referrals = () => world.owner('referrals').orderBy('created_at').orderBy('id').select<ReferralSeen[]>('*');
const touches = (referralId: string) =>
  world
    .owner('touches')
    .where({ referral_id: referralId })
    .orderBy('occurred_at')
    .orderBy('source_id')
    .pluck<string[]>('source_id');
const drain = async () => {
  while ((await takeUpClicks(deps())) > 0);
};
const act = (now: Instant, workspaceId: WorkspaceId = world.workspaceId): Act => ({
  workspaceId,
  mode: 'live',
  now,
  actor: { type: 'system', id: null, userId: null },
  cause: null,
  reasonCode: null,
  origin: null,
  requestId: null,
  newId,
});
const nameInLead = (id: string) => inWorkspace(world.db, world.workspaceId, (tx, now) => takeUpClick(tx, act(now), id));

test('the first credited click mints a tracking referral with a touch, an audit entry and a start at the end of its window', async () => {
  const id = await click({ windowSeconds: 3_600, subs: ['kw1', null, null, null, null] });

  expect(await takeUpClicks(deps())).toBe(1);

  const [referral, ...more] = await referrals();
  if (referral === undefined) throw new Error('no referral');
  expect(more).toEqual([]);
  expect(referral).toMatchObject({ status: 'tracking', stage: 'click', version: 1 });
  const stored = await world
    .owner('clicks')
    .where({ id })
    .first<{ created_at: Date; visitor_id: string; referral_id: string; taken_up_at: Date | null }>();
  expect(stored).toMatchObject({ visitor_id: referral.visitor_id, referral_id: referral.id });
  expect(stored.taken_up_at).not.toBeNull();
  expect(referral.window_ends_at.getTime() - stored.created_at.getTime()).toBe(3_600_000);
  const touch = await world.owner('touches').first<Record<string, unknown>>();
  expect(touch).toMatchObject({
    referral_id: referral.id,
    source_id: id,
    affiliate_id: ada,
    link_id: adaLink,
    sub1: 'kw1',
  });
  expect(
    await world
      .owner('audit_entries')
      .where({ object_id: referral.id })
      .select('event', 'seq', 'to_status', 'cause_id', 'actor_type'),
  ).toEqual([{ event: 'clicked', seq: 1, to_status: 'tracking', cause_id: id, actor_type: 'visitor' }]);
  const [message, ...others] = await world
    .owner('outbox')
    .select<{ topic: string; payload: { workflowId: string; startAt: string } }[]>('topic', 'payload');
  expect(others).toEqual([]);
  expect(message).toMatchObject({
    topic: 'start',
    payload: {
      workflowId: `referral/${world.workspaceId}/${referral.id}`,
      startAt: referral.window_ends_at.toISOString(),
    },
  });
});

test('taking up again changes nothing', async () => {
  await click();
  await drain();
  const before = await referrals();

  expect(await takeUpClicks(deps())).toBe(0);
  expect(await referrals()).toEqual(before);
  expect(await world.owner('outbox').count<{ count: string }[]>()).toEqual([{ count: '1' }]);
});

test('later clicks of the browser add touches of any affiliate and lengthen the window; another program gets its own referral', async () => {
  const other = await world.makeProgram();
  const first = await click({ windowSeconds: 60 });
  const second = await click({ previousClickId: first, affiliateId: bob, linkId: bobLink, windowSeconds: 7_200 });
  const third = await click({ previousClickId: second, programId: other as ProgramId });
  await drain();

  const [inProgram, inOther] = (await referrals()).sort((a) => (a.program_id === world.programId ? -1 : 1));
  if (inProgram === undefined || inOther === undefined) throw new Error('two referrals');
  expect(inProgram).toMatchObject({ status: 'tracking', version: 2, visitor_id: inOther.visitor_id });
  expect(await touches(inProgram.id)).toEqual([first, second]);
  expect(await touches(inOther.id)).toEqual([third]);
  const end = inProgram.window_ends_at.getTime();
  const clicked = await world.owner('clicks').where({ id: second }).first<{ created_at: Date }>();
  expect(end).toBe(clicked.created_at.getTime() + 7_200_000);
});

test('filtered and uncredited clicks mint nothing, and a click of another workspace is nobody here', async () => {
  await click({ credit: 'filtered', creditCode: 'bot' });
  await click({ credit: 'not_credited', creditCode: 'link_expired' });
  const elsewhere = await world.makeWorkspace();
  const program = await world.makeProgram({}, elsewhere);
  const cleo = await world.makeAffiliate({}, program, elsewhere);
  const foreign = await click({ workspaceId: elsewhere, programId: program, affiliateId: cleo });

  expect(await nameInLead(foreign)).toBeUndefined();
  const mine = await click({ previousClickId: foreign });
  await inWorkspace(world.db, world.workspaceId, (tx, now) => takeUpClick(tx, act(now), mine));

  expect(await referrals()).toHaveLength(1);
});

test.each(['pending', 'approved', 'rejected'] as const)(
  'a click on a %s journey adds its touch there',
  async (status) => {
    const first = await click();
    await drain();
    await world.owner('referrals').update({ status, stage: 'lead' });

    const later = await click({ previousClickId: first, affiliateId: bob, linkId: bobLink });
    await drain();

    const [referral, ...more] = await referrals();
    expect(more).toEqual([]);
    expect(referral).toMatchObject({ status, version: 2 });
    expect(await touches(referral?.id ?? '')).toEqual([first, later]);
  },
);

test('after expiry a click begins a new journey; after a merge it goes to the one that is left', async () => {
  const first = await click();
  await drain();
  await world.owner('referrals').update({ status: 'expired' });
  const second = await click({ previousClickId: first });
  await drain();
  const [expired, open] = await referrals();
  expect([expired?.status, open?.status, open?.visitor_id === expired?.visitor_id]).toEqual([
    'expired',
    'tracking',
    true,
  ]);

  const root = await click();
  await drain();
  const [, , survivor] = await referrals();
  await world.owner('referrals').where({ id: survivor?.id }).update({ status: 'pending', stage: 'lead' });
  await world.owner('referrals').where({ id: open?.id }).update({ status: 'merged', merged_into_id: survivor?.id });
  const third = await click({ previousClickId: second });
  await drain();

  expect(await referrals()).toHaveLength(3);
  expect(await touches(survivor?.id ?? '')).toEqual([root, third]);
});

test('a lead that names a click at once takes up the clicks before it too, and the relay finds nothing left', async () => {
  const first = await click();
  const second = await click({ previousClickId: first, affiliateId: bob, linkId: bobLink });

  const taken = await nameInLead(second);

  expect(taken?.referral?.status).toBe('tracking');
  expect(await touches(taken?.referral?.id ?? '')).toEqual([first, second]);
  expect(await takeUpClicks(deps())).toBe(0);
});

test('relays and leads at the same time: one referral per visitor, every click once', async () => {
  const chains = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const ids = [await click()];
      for (let more = 0; more < 3; more += 1) ids.push(await click({ previousClickId: ids.at(-1) ?? null }));
      return ids;
    }),
  );

  await Promise.all([
    drain(),
    drain(),
    ...chains.filter((_, index) => index % 3 === 0).map((ids) => nameInLead(ids.at(-1) ?? '')),
  ]);
  await drain();

  expect(await referrals()).toHaveLength(12);
  for (const ids of chains) {
    const rows = await world.owner('clicks').whereIn('id', ids).distinct<{ referral_id: string }[]>('referral_id');
    expect(rows).toHaveLength(1);
    expect((await touches(rows[0]?.referral_id ?? '')).sort()).toEqual([...ids].sort());
  }
  expect(await world.owner('outbox').where({ topic: 'start' }).count<{ count: string }[]>()).toEqual([{ count: '12' }]);
});

test('a click that cannot be taken up holds up nobody', async () => {
  const bad = await click({ programId: newId('program') });
  const good = await click();

  expect(await takeUpClicks(deps())).toBe(1);

  const rows = await world.owner('clicks').whereIn('id', [bad, good]).whereNotNull('taken_up_at').pluck<string[]>('id');
  expect(rows).toEqual([good]);
});

test('a cookie that names its own click, or each other, ends', async () => {
  const id = newId('click');
  await click({ id, previousClickId: id });

  expect((await nameInLead(id))?.referral?.status).toBe('tracking');
});

test('while another process takes up the click before, a click waits for its turn instead of becoming somebody new', async () => {
  const first = await click();
  const second = await click({ previousClickId: first });

  await world.owner.transaction(async (other) => {
    await other('clicks').where({ id: first }).forUpdate().first();
    expect(await takeUpClicks(deps())).toBe(0);
  });
  await drain();

  const [referral, ...more] = await referrals();
  expect(more).toEqual([]);
  expect(await touches(referral?.id ?? '')).toEqual([first, second]);
});
