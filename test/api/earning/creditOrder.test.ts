import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeUpClick } from '../../../activities/tracking/click.js';
import { inWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// The same clicks, forms and purchases in any order of arrival, with copies, credit the same affiliates (reliability.md G30, TRK-26).

const seed = 20_261_127;
function numbers(state: number): (below: number) => number {
  let current = state;
  return (below) => {
    current = (Math.imul(current, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((current / 4_294_967_296) * below);
  };
}

/** TEST_SCALE=417 plays 10,000 orders. */
const scale = Number(process.env['TEST_SCALE'] ?? 1);
const ordersPerStory = 4;
const stories = 6 * scale;

const hourMs = 3_600_000;
const now = Date.now();
const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let affiliates: readonly string[];
const programs = { first: '', last: '' };

beforeAll(async () => {
  world = await createEarningWorld();
  for (const referrerChoice of ['first', 'last'] as const)
    programs[referrerChoice] = await world.program({ referrerChoice, commissionApproval: 'manual' });
  for (const programId of Object.values(programs))
    await world.rule({
      scope: 'program',
      programId,
      event: 'payment',
      levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
    });
  // The purchases are older than the world.
  await world.owner('commission_rule_versions').update({ effective_from: instantOf(1_000) });
  affiliates = [];
  for (let i = 0; i < 3; i += 1) {
    const id = await world.affiliate(programs.first, { programIds: [programs.first, programs.last] });
    affiliates = [...affiliates, id];
  }
}, 60_000);
afterAll(() => world?.close());

/** What happened, in hours before now: clicks of one browser, purchases each after the first of them, and a form a moment ago. */
interface Story {
  readonly choice: 'first' | 'last';
  readonly clicks: readonly { readonly hour: number; readonly affiliate: number }[];
  readonly sales: readonly { readonly hour: number; readonly isClickNamed: boolean }[];
  readonly hasForm: boolean;
}

function makeStory(number: number): Story {
  const next = numbers(seed + number * 7_919);
  const clicks = Array.from({ length: 2 + next(3) }, () => ({ hour: 100 + next(400), affiliate: next(3) }));
  const oldest = Math.max(...clicks.map(({ hour }) => hour));
  const sales = Array.from({ length: 2 + next(3) }, (_none, index) => ({
    hour: Math.max(1, next(oldest)),
    isClickNamed: index === 0 || next(2) === 0,
  }));
  return {
    choice: number % 2 === 0 ? 'last' : 'first',
    clicks: clicks.toSorted((a, b) => b.hour - a.hour),
    sales: sales.toSorted((a, b) => b.hour - a.hour),
    hasForm: next(3) > 0,
  };
}

/** The rule in one line: windows are long here, so the first click is the first referrer and the newest before the fact the last. */
function expectedOf({ choice, clicks }: Story, hour: number): number | undefined {
  const before = clicks.filter((click) => click.hour >= hour);
  return (choice === 'first' ? before.at(0) : before.at(-1))?.affiliate;
}

const instantOf = (hour: number): string => new Date(now - hour * hourMs).toISOString();

async function followLinks(story: Story): Promise<readonly string[]> {
  const programId = programs[story.choice];
  const ids: string[] = [];
  for (const { hour, affiliate } of story.clicks) {
    const id = newId('click');
    const affiliateId = affiliates[affiliate] ?? '';
    const link = await world
      .owner('links')
      .where({ program_id: programId, affiliate_id: affiliateId })
      .first<{ id: string }>('id');
    await world.owner('clicks').insert({
      id,
      workspace_id: world.ws.id,
      mode: 'live',
      link_id: link.id,
      affiliate_id: affiliateId,
      program_id: programId,
      credit: 'credited',
      previous_click_id: ids.at(-1) ?? null,
      created_at: instantOf(hour),
    });
    ids.push(id);
  }
  // As the relay has done long before anybody reports a purchase.
  await inWorkspace(world.api.db, world.ws.id, (tx, at) =>
    takeUpClick(
      tx,
      world.api.act(world.ws.id, at, { actor: { type: 'visitor', id: null, userId: null } }),
      ids.at(-1) ?? '',
    ),
  );
  return ids;
}

/** Tells the story in an order that the dice say, each fact twice. Answers who was credited with what, as places in the list of affiliates. */
async function tell(story: Story, name: string, next: (below: number) => number): Promise<string> {
  const clicks = await followLinks(story);
  const customer = { externalId: name, email: `${name}@buyer.example` };
  const facts = story.sales.map(({ hour, isClickNamed }, index) => {
    const place = story.clicks.findLastIndex((click) => click.hour >= hour);
    return {
      path: '/v1/sales',
      body: {
        externalId: `${name}-${index}`,
        customer,
        amount: usd('10.00'),
        occurredAt: instantOf(hour),
        ...(isClickNamed ? { clickId: clicks[place] } : {}),
      } as Readonly<Record<string, unknown>>,
    };
  });
  const form = {
    path: '/v1/leads',
    body: {
      externalId: name,
      customerExternalId: name,
      email: customer.email,
      clickId: clicks.at(-1),
      event: 'enquiry',
    },
  };
  const all = [...facts, ...(story.hasForm ? [form] : [])].flatMap((fact) => [fact, fact]);
  const order = all.map((fact) => ({ fact, roll: next(1_000_000) })).toSorted((a, b) => a.roll - b.roll);
  for (const { fact } of order) {
    const answer = await world.as(fact.path, fact.body);
    expect([200, 202], answer.text).toContain(answer.status);
    if (next(2) === 0) await world.settle();
  }
  await world.settle();
  const sales = await world
    .owner('sales')
    .where({ customer_external_id: name })
    .orderBy('external_id')
    .select<{ id: string; affiliate_id: string | null }[]>('id', 'affiliate_id');
  const lines = await world
    .owner('commissions')
    .whereIn(
      'sale_id',
      sales.map(({ id }) => id),
    )
    .select<{ sale_id: string; affiliate_id: string; amount_minor: string }[]>(
      'sale_id',
      'affiliate_id',
      'amount_minor',
    );
  const living = await world
    .owner('referrals')
    .whereIn('contact_id', world.owner('sales').where({ customer_external_id: name }).select('contact_id'))
    .whereNot({ status: 'merged' })
    .select<{ affiliate_id: string; first_affiliate_id: string }[]>('affiliate_id', 'first_affiliate_id');
  const placeOf = (id: string | null): string => String(id === null ? 'nobody' : affiliates.indexOf(id));
  const ofSales = sales.map(
    ({ id, affiliate_id: own }) =>
      `${placeOf(own)}:${lines
        .filter((line) => line.sale_id === id)
        .map((line) => `${placeOf(line.affiliate_id)}=${line.amount_minor}`)
        .join('+')}`,
  );
  const ofReferral = living.map((one) => `${placeOf(one.first_affiliate_id)} ${placeOf(one.affiliate_id)}`);
  return `${ofSales.join(' ')} | ${ofReferral.join(', ')}`;
}

test(`${stories * ordersPerStory} orders of arrival, with copies: each purchase and the referral itself credit the same affiliate`, async () => {
  for (let number = 0; number < stories; number += 1) {
    const story = makeStory(number);
    const newest = story.hasForm ? 0 : Math.min(...story.sales.map(({ hour }) => hour));
    const expected = [
      story.sales.map(({ hour }) => `${expectedOf(story, hour)}:${expectedOf(story, hour)}=200`).join(' '),
      `${story.clicks[0]?.affiliate} ${expectedOf(story, newest)}`,
    ].join(' | ');
    for (let order = 0; order < ordersPerStory; order += 1) {
      const next = numbers(seed + number * 104_729 + order * 31);
      const told = await tell(story, `s${number}-${order}`, next);
      expect(told, `story ${number}, order ${order}: ${JSON.stringify(story)}`).toBe(expected);
    }
  }
  expect(await world.broken()).toEqual([]);
}, 3_600_000);
