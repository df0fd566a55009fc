import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeUpClick, takeUpClicks } from '../../../activities/tracking/click.js';
import { isDisconnected } from '../../../db/errors.js';
import { inWorkspace } from '../../../db/transaction.js';
import { type NewClick, recordClicks } from '../../../db/tracking/click.js';
import type { Act, Mode } from '../../../domain/act.js';
import type { AffiliateId, LinkId, ProgramId } from '../../../domain/ids.js';
import { addMs, type Instant } from '../../../domain/time.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { createWorld, type World } from '../../api/tracking/world.js';
import { eventually } from '../../support/eventually.js';
import { provided } from '../../support/provided.js';

// Many clicks at once leave what they leave one after the other: the same journeys, touches, history, starts and stamps, in whatever pages
// and by however many relays they are taken up.

let world: World;
/** Who may end the connections of others. */
let admin: Knex;
let affiliates: readonly { readonly affiliateId: AffiliateId; readonly linkId: LinkId }[];
let programs: readonly ProgramId[];

beforeAll(async () => {
  world = await createWorld();
  admin = knexFactory({ client: 'pg', connection: provided('database').adminUrl, pool: { min: 0, max: 1 } });
  programs = [world.programId, await world.makeProgram()];
  affiliates = await Promise.all(
    ['ada', 'bob', 'cleo'].map(async (slug) => {
      const affiliateId = await world.makeAffiliate();
      return { affiliateId, linkId: await world.makeLink({ affiliateId, slug }) };
    }),
  );
});

afterAll(async () => {
  await admin.destroy();
  await world.close();
});

const deps = () => ({ relayDb: world.relayDb, db: world.db, newId, logger: createLogger({ logLevel: 'fatal' }) });
const act = (now: Instant, mode: Mode): Act => ({
  workspaceId: world.workspaceId,
  mode,
  now,
  actor: { type: 'system', id: null, userId: null },
  cause: null,
  reasonCode: null,
  origin: null,
  requestId: null,
  newId,
});
const drain = async () => {
  while ((await takeUpClicks(deps())) > 0);
};
const oneByOne = async (clicks: readonly Scripted[]) => {
  for (const click of clicks)
    await inWorkspace(world.db, world.workspaceId, (tx, now) => takeUpClick(tx, act(now, click.mode), click.id));
};

/** A small generator of its own, so that a failure can be seen again by its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Scripted extends NewClick {
  readonly createdAt: Instant;
}

/** Clicks in order of time, some at the same millisecond; browsers, tabs, programs, modes, windows and cookies that lead nowhere. */
function script(
  random: (below: number) => number,
  count: number,
  before: readonly Scripted[],
  from: Instant,
): readonly Scripted[] {
  const clicks: Scripted[] = [];
  let at = from;
  for (let index = 0; index < count; index += 1) {
    if (random(3) > 0) at = addMs(at, 1 + random(5));
    const known = [...before, ...clicks];
    const previous = random(5) > 0 ? known[known.length - 1 - random(Math.min(known.length, 12))] : undefined;
    const affiliate = affiliates[random(affiliates.length)];
    const programId = programs[random(programs.length)];
    if (affiliate === undefined || programId === undefined) throw new Error('the world has both');
    clicks.push({
      ...affiliate,
      programId,
      id: newId('click'),
      workspaceId: world.workspaceId,
      mode: random(8) === 0 ? 'test' : 'live',
      previousClickId: random(20) === 0 ? newId('click') : (previous?.id ?? null),
      credit: random(10) === 0 ? 'not_credited' : 'credited',
      creditCode: null,
      isSuspect: false,
      subs: random(2) === 0 ? [`kw${random(3)}`, null, null, null, null] : null,
      query: null,
      referrer: null,
      windowSeconds: [60, 3_600, 2_592_000][random(3)] ?? 60,
      addressHash: null,
      userAgent: null,
      createdAt: at,
    });
  }
  return clicks;
}

async function record(clicks: readonly Scripted[]): Promise<void> {
  // A link has one program: the redirect sends what is the link's once per link of a batch.
  for (const programId of new Set(clicks.map((click) => click.programId)))
    await recordClicks(
      world.edgeDb,
      clicks.filter((click) => click.programId === programId),
    );
  await world.owner.raw(
    `update clicks set created_at = given.at from unnest(cast(? as text[]), cast(? as timestamptz[])) as given (id, at)
     where clicks.id = given.id`,
    [clicks.map((click) => click.id), clicks.map((click) => click.createdAt)] as never,
  );
}

async function clear(): Promise<void> {
  await world.owner.raw(
    'truncate clicks, click_details, referrals, touches, program_visitors, attributions, outbox cascade',
  );
}

/** What is there, without ids made by chance and without clock: a visitor or referral is called after the first click that has it. */
async function seen(options: { readonly order: boolean }): Promise<unknown> {
  const clicks = await world
    .owner('clicks')
    .orderBy('created_at')
    .orderBy('id')
    .select<{ id: string; visitor_id: string | null; referral_id: string | null; taken_up_at: Date | null }[]>(
      'id',
      'visitor_id',
      'referral_id',
      'taken_up_at',
    );
  const names = new Map<string, string>();
  for (const click of clicks)
    for (const id of [click.visitor_id, click.referral_id])
      if (id !== null && !names.has(id)) names.set(id, `${id.slice(0, 3)} of ${click.id}`);
  const renamed = <T>(rows: readonly T[]): readonly T[] =>
    JSON.parse(
      JSON.stringify(rows).replaceAll(/(?:vst|ref)_[0-9a-z]{26}/g, (id) => names.get(id) ?? 'unknown'),
    ) as readonly T[];
  const referralIds = await world.owner('referrals').pluck<string[]>('id');
  const sorted = <T>(rows: readonly T[]): readonly T[] =>
    renamed(rows).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    clicks: renamed(clicks.map((click) => ({ ...click, taken_up_at: click.taken_up_at !== null }))),
    referrals: sorted(
      await world
        .owner('referrals')
        .select<Record<string, unknown>[]>(
          'id',
          'mode',
          'program_id',
          'visitor_id',
          'status',
          'stage',
          'merged_into_id',
          'version',
          'window_ends_at',
          'affiliate_id',
          ...(options.order ? ['click_at'] : []),
        ),
    ),
    touches: sorted(
      await world
        .owner('touches')
        .select<Record<string, unknown>[]>(
          'referral_id',
          'kind',
          'source_id',
          'affiliate_id',
          'link_id',
          'sub1',
          'occurred_at',
          'ends_at',
        ),
    ),
    history: sorted(
      await world
        .owner('audit_entries')
        .whereIn('object_id', referralIds)
        .select<Record<string, unknown>[]>(
          'object_id',
          'mode',
          'actor_type',
          'seq',
          ...(options.order ? ['event', 'from_status', 'to_status', 'cause_type', 'cause_id', 'changes'] : []),
        ),
    ),
    starts: sorted(
      (await world.owner('outbox').select<{ payload: { startAt: string } }[]>('topic', 'priority', 'payload')).map(
        (row) => (options.order ? row : { ...row, payload: { ...row.payload, startAt: '' } }),
      ),
    ),
  };
}

async function commits(): Promise<number> {
  const ids = await world.owner('touches').pluck<string[]>('referral_id');
  const commitIds = await world
    .owner('audit_entries')
    .whereIn('object_id', ids)
    .distinct()
    .pluck<string[]>('commit_id');
  return commitIds.length;
}

/** Between two parts of a script things happen to journeys: they expire, are decided, merge. The same ones in every run. */
async function intervene(random: (below: number) => number): Promise<void> {
  const referrals = await world
    .owner('referrals as r')
    .join('clicks as c', 'c.referral_id', 'r.id')
    .groupBy('r.id', 'r.mode', 'r.program_id')
    .orderByRaw('min(c.id)')
    .select<{ id: string; mode: string; program_id: string }[]>('r.id', 'r.mode', 'r.program_id');
  const roots: (typeof referrals)[number][] = [];
  for (const referral of referrals) {
    const fate = random(5);
    const root = roots.find((one) => one.mode === referral.mode && one.program_id === referral.program_id);
    const columns =
      fate === 0
        ? { status: 'expired' }
        : fate === 1
          ? { status: 'approved', stage: 'lead' }
          : fate === 2 && root !== undefined
            ? { status: 'merged', merged_into_id: root.id }
            : undefined;
    if (columns === undefined) roots.push(referral);
    else await world.owner('referrals').where({ id: referral.id }).update(columns);
  }
}

const start = '2026-11-20T10:00:00.000Z' as Instant;
const later = addMs(start, 3_600_000);

test.each([1, 2, 3, 4])('a page of clicks leaves what they leave one by one (seed %i)', async (seed) => {
  const first = script(randomFrom(seed), 60, [], start);
  const second = script(randomFrom(seed + 1_000), 60, first, later);
  const run = async (takeUp: (clicks: readonly Scripted[]) => Promise<void>) => {
    await clear();
    await record(first);
    await takeUp(first);
    await intervene(randomFrom(seed + 2_000));
    await record(second);
    await takeUp(second);
    return seen({ order: true });
  };

  const alone = await run(oneByOne);
  const together = await run(async () => {
    const before = await commits();
    await drain();
    expect((await commits()) - before, 'one transaction').toBe(1);
  });

  expect(together).toEqual(alone);
});

test.each([11, 12])('so do relays and leads at the same time, in any order (seed %i)', async (seed) => {
  const random = randomFrom(seed);
  const clicks = script(random, 150, [], start);
  await clear();
  await record(clicks);
  await oneByOne(clicks);
  const alone = await seen({ order: false });

  await clear();
  await record(clicks);
  const shuffled = clicks.toSorted(() => random(2) - 0.5);
  await Promise.all([drain(), drain(), oneByOne(shuffled.slice(0, 10)), oneByOne(shuffled.slice(10, 20))]);
  await drain();

  expect(await seen({ order: false })).toEqual(alone);
});

test.each(['referrals', 'touches', 'audit_entries', 'outbox', 'clicks'])(
  'killed while it writes %s, a page has left nothing, and the next try takes all of it up',
  async (table) => {
    const clicks = script(randomFrom(21), 40, [], start);
    await clear();
    await record(clicks);
    await drain();
    const undisturbed = await seen({ order: true });

    await clear();
    await record(clicks);
    await world.owner.transaction(async (trx) => {
      await trx.raw(`lock table ${table} in share mode`); // its reads and row locks pass, its writes wait
      const killed = expect(takeUpClicks(deps())).rejects.toSatisfy(isDisconnected);
      await eventually(async () => {
        const { rows } = await admin.raw<{ rows: unknown[] }>(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = ? and application_name = 'test' and wait_event_type = 'Lock'`,
          [world.database.name],
        );
        return rows.length > 0;
      });
      await killed;
    });
    expect(await world.owner('referrals').first('id')).toBeUndefined();
    expect(await world.owner('clicks').whereNotNull('taken_up_at').first('id')).toBeUndefined();

    await drain();

    expect(await seen({ order: true })).toEqual(undisturbed);
  },
);

test('a whole page behind one click that cannot be taken up is taken up', async () => {
  await clear();
  const clicks = script(randomFrom(31), 120, [], start).map((click) => ({ ...click, previousClickId: null }));
  const bad = newId('click');
  const unknown = newId('program');
  await record(
    clicks.map((click, index) =>
      index === 60 ? { ...click, id: bad, credit: 'credited', programId: unknown } : click,
    ),
  );

  await drain();

  const left = await world.owner('clicks').where({ credit: 'credited' }).whereNull('taken_up_at').pluck<string[]>('id');
  expect(left).toEqual([bad]);
});
