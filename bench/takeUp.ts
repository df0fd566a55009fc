// The relay's click step: clicks taken up a second, visitor, referral, touch, history, start and stamp of each, beside a raw insert … select of
// the rows that it writes. Postgres runs with its real settings.
import knexFactory, { type Knex } from 'knex';
import { takeUpClicks } from '../activities/tracking/click.js';
import { connect, connectEdge, connectRelay } from '../db/connection.js';
import { type NewClick, recordClicks } from '../db/tracking/click.js';
import type { AffiliateId, ClickId, LinkId, ProgramId, WorkspaceId } from '../domain/ids.js';
import { createLogger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import { inBenchDatabase } from './database.js';
import type { Bench, Measured } from './measure.js';

const rounds = 3;
const clicksPerRound = 8_000;
/** Every so many clicks comes from a browser that clicked before. */
const returnsEvery = 4;

export const takeUpBench: Bench = {
  names: ['takeUp'],
  what: 'clicks taken up a second by one relay, against a raw insert … select of the same rows with the same indexes',
  takes: '30 seconds',
  run,
};

interface Target {
  readonly workspaceId: WorkspaceId;
  readonly programId: ProgramId;
  readonly affiliateId: AffiliateId;
  readonly linkId: LinkId;
}

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  return inBenchDatabase(async (database) => {
    const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
    const options = { url: database.appUrl, poolSize: 2, applicationName: 'bench' };
    const [db, relayDb, edgeDb] = [connect(options), connectRelay(options), connectEdge(options)];
    database.closing.push(
      () => edgeDb.end(),
      () => relayDb.destroy(),
      () => db.destroy(),
      () => owner.destroy(),
    );
    const deps = { db, relayDb, newId, logger: createLogger({ logLevel: 'error' }) };
    const target = await makeTarget(owner);
    const pairs: { readonly ours: number; readonly theirs: number }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const clicks = makeClicks(target, clicksPerRound);
      for (let from = 0; from < clicks.length; from += 1_000)
        await recordClicks(edgeDb, clicks.slice(from, from + 1_000));
      await owner.raw('analyze clicks');
      const since = new Date();
      const from = performance.now();
      for (let taken = 1; taken > 0; ) taken = await takeUpClicks(deps);
      const ours = perSecond(from);
      const left = await owner('clicks').whereNull('taken_up_at').count<{ count: string }[]>();
      if (left[0]?.count !== '0') throw new Error(`${left[0]?.count} clicks were left`);
      const theirs = await rawInsert(owner, since);
      if (round === 0) continue; // warm: the first ones compile
      say(`round ${round}: raw ${theirs.toFixed(0)}/s, ours ${ours.toFixed(0)}/s`);
      pairs.push({ ours, theirs });
    }
    return [
      {
        name: 'takeUp',
        against: 'insert … select of the same rows',
        unit: 'clicks/s',
        goal: '>= 0.10',
        rounds: pairs,
        notes: [
          `${clicksPerRound} clicks of one workspace a round, one in ${returnsEvery} of a browser that clicked before, one relay`,
          'raw: the referrals, touches, audit entries and outbox rows of these clicks, copied into tables with the same indexes and no keys to others, policies or triggers, in one statement each and one transaction',
        ],
      },
    ];
  });
}

function perSecond(from: number): number {
  return clicksPerRound / ((performance.now() - from) / 1_000);
}

async function rawInsert(owner: Knex, since: Date): Promise<number> {
  const sources = [
    { table: 'referrals', newerThan: 'created_at' },
    { table: 'touches', newerThan: 'created_at' },
    { table: 'audit_entries', newerThan: 'at' },
    { table: 'outbox', newerThan: 'created_at' },
  ];
  for (const { table, newerThan } of sources) {
    await owner.raw(`drop table if exists raw_${table}, seen_${table}`);
    await owner.raw(`create table seen_${table} as select * from ${table} where ${newerThan} >= ?`, [since]);
    await owner.raw(`create table raw_${table} (like ${table} including indexes)`);
  }
  const from = performance.now();
  await owner.transaction(async (trx) => {
    for (const { table } of sources) await trx.raw(`insert into raw_${table} select * from seen_${table}`);
  });
  return perSecond(from);
}

function makeClicks(target: Target, count: number): readonly NewClick[] {
  const clicks: NewClick[] = [];
  for (let index = 0; index < count; index += 1)
    clicks.push({
      ...target,
      id: newId('click'),
      mode: 'live',
      previousClickId: index % returnsEvery === 0 ? (clicks[Math.floor(index / 2)]?.id ?? null) : null,
      credit: 'credited',
      creditCode: null,
      isSuspect: false,
      subs: null,
      query: null,
      referrer: null,
      windowSeconds: 2_592_000,
      addressHash: null,
      userAgent: null,
    } satisfies NewClick & { id: ClickId });
  return clicks;
}

async function makeTarget(owner: Knex): Promise<Target> {
  const workspaceId = newId('workspace');
  const programId = newId('program');
  const contactId = newId('contact');
  const affiliateId = newId('affiliate');
  const linkId = newId('link');
  await owner('workspaces').insert({ id: workspaceId, name: 'Bench' });
  await owner('programs').insert({
    workspace_id: workspaceId,
    id: programId,
    name: 'Bench',
    slug: 'bench',
    status: 'active',
    currency: 'USD',
    fallback_url: 'https://shop.example/',
    destination_hosts: ['shop.example'],
  });
  const email = 'ada@blog.example';
  await owner('contacts').insert({ workspace_id: workspaceId, id: contactId, name: 'Ada', email, email_key: email });
  await owner('affiliates').insert({
    workspace_id: workspaceId,
    id: affiliateId,
    contact_id: contactId,
    name: 'Ada',
    email,
    status: 'approved',
  });
  return { workspaceId, programId, affiliateId, linkId };
}
