import { MockActivityEnvironment } from '@temporalio/testing';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeUpClicks } from '../../../activities/tracking/click.js';
import { leadActivities } from '../../../activities/tracking/lead.js';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { connectRelay, type RelayDb } from '../../../db/connection.js';
import type { AffiliateId, LeadId, ProgramId, ReferralId, WorkspaceId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { type Json, startTestApi, type TestAnswer, type TestApi, type TestWorkspace } from '../support.js';
import { clickIdOf, follow } from './world.js';

let api: TestApi;
let shop: TestWorkspace;
let owner: Knex;
let relayDb: RelayDb;
let program: ProgramId;
let ada: AffiliateId;
let bob: AffiliateId;

beforeAll(async () => {
  api = await startTestApi({
    edge: (deps) =>
      clickEdge({
        ...deps,
        publicUrl: deps.config.http.publicUrl,
      }),
  });
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 2 } });
  relayDb = connectRelay({ url: api.database.appUrl, poolSize: 2, applicationName: 'test relay' });
  shop = await api.makeWorkspace();
  program = await makeProgram();
  ada = await makeAffiliate('ada');
  bob = await makeAffiliate('bob');
});

afterAll(async () => {
  await relayDb.destroy();
  await owner.destroy();
  await api.close();
});

async function makeProgram(columns: Record<string, unknown> = {}): Promise<ProgramId> {
  const id = newId('program');
  await owner('programs').insert({
    workspace_id: shop.id,
    id,
    name: `Program ${id}`,
    slug: id.slice(4),
    status: 'active',
    currency: 'USD',
    destination_hosts: ['shop.example'],
    ...columns,
  });
  return id;
}

async function makeAffiliate(slug: string, programId = program, contactId?: string): Promise<AffiliateId> {
  const [id, contact] = [newId('affiliate'), contactId ?? newId('contact')];
  const email = `${id}@blog.example`;
  if (contactId === undefined)
    await owner('contacts').insert({ workspace_id: shop.id, id: contact, name: slug, email, email_key: email });
  await owner('affiliates').insert({
    workspace_id: shop.id,
    id,
    contact_id: contact,
    name: slug,
    email,
    status: 'approved',
  });
  await owner('enrolments').insert({
    workspace_id: shop.id,
    id: newId('enrolment'),
    affiliate_id: id,
    program_id: programId,
    status: 'active',
    joined_at: new Date(),
  });
  await owner('links').insert({
    workspace_id: shop.id,
    id: newId('link'),
    affiliate_id: id,
    program_id: programId,
    slug,
    destination_url: 'https://shop.example/pricing',
    status: 'active',
  });
  return id;
}

const click = async (slug: string, previous?: string): Promise<string> =>
  clickIdOf(
    await follow(`${api.url}/r/${slug}?sid=kw1`, previous === undefined ? {} : { cookie: `trb_click=${previous}` }),
  );

const report = (body: Record<string, unknown>, key = shop.key): Promise<TestAnswer> =>
  api.as(key, '/v1/leads', { body: { event: 'registration', email: `${newId('lead')}@buyer.example`, ...body } });

/** Runs the activity as the workflow would: for each open lead of each referral, until none is left. */
async function apply(): Promise<void> {
  const activities = leadActivities({ db: api.db, newId });
  for (let rounds = 0; rounds < 10; rounds += 1) {
    const open = await owner('leads')
      .whereNull('processed_at')
      .whereNotNull('referral_id')
      .orderBy('id')
      .select<{ id: LeadId; referral_id: ReferralId; workspace_id: WorkspaceId }[]>(
        'id',
        'referral_id',
        'workspace_id',
      );
    if (open.length === 0) return;
    for (const { id, referral_id: referralId, workspace_id: workspaceId } of open) {
      const input = { workspaceId, referralId, fact: { kind: 'lead' as const, id } };
      await new MockActivityEnvironment().run(activities.applyLead, input);
      await new MockActivityEnvironment().run(activities.applyLead, input); // twice: the second changes nothing
    }
  }
  throw new Error('leads stay open');
}

/** A text member of an answer. */
const field = (body: unknown, name: string): string => {
  const value = (body as Record<string, unknown>)[name];
  if (typeof value !== 'string') throw new Error(`${name} is no text`);
  return value;
};
const rows = (answer: TestAnswer): readonly Json[] => answer.body['data'] as unknown as readonly Json[];
const lead = async (id: string): Promise<TestAnswer['body']> => (await api.as(shop.key, `/v1/leads/${id}`)).body;
const referral = (id: string | null) => owner('referrals').where({ id }).first<Record<string, unknown>>();

test('a lead of a click a moment ago: accepted, attributed, and its referral is pending (api.md 19, step 13)', async () => {
  const clickId = await click('ada');

  const body = {
    externalId: 'lead-77',
    customerExternalId: 'u-77',
    clickId,
    event: 'registration',
    name: 'Jo Buyer',
    email: 'jo@buyer.example',
  };
  const first = await api.as(shop.key, '/v1/leads', { body });
  expect(first.status).toBe(202);
  expect(first.headers.get('location')).toBe(`/v1/leads/${field(first.body, 'id')}`);
  expect(first.body).toMatchObject({
    verdict: 'received',
    processedAt: null,
    unique: true,
    test: false,
  });
  await apply();

  const seen = await lead(first.body['id'] as string);
  expect(seen).toMatchObject({
    verdict: 'accepted',
    name: 'Jo Buyer',
    email: 'jo@buyer.example',
    attribution: { status: 'attributed', code: null, affiliateId: ada, programId: program, clickId, sub1: 'kw1' },
    allowedActions: ['invalidate'],
  });
  expect(await referral(seen['referralId'] as string)).toMatchObject({
    status: 'pending',
    stage: 'lead',
    affiliate_id: ada,
    first_affiliate_id: ada,
    last_affiliate_id: ada,
    contact_id: seen['contactId'],
  });
  const messages = await owner('outbox').where({ ordering_key: `referral/${shop.id}/${field(seen, 'referralId')}` });
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatchObject({ topic: 'signal', priority: 3 });

  const again = await api.as(shop.key, '/v1/leads', { body });
  expect([again.status, again.body['id']]).toEqual([200, first.body['id']]);
  const other = await api.as(shop.key, '/v1/leads', { body: { ...body, name: 'Joe' } });
  expect([other.status, other.body['code'], other.body['existingId']]).toEqual([
    409,
    'already_exists',
    first.body['id'],
  ]);
  expect(
    await owner('customers')
      .count()
      .catch(() => 'no such table'),
  ).toBe('no such table');
  expect(await owner('external_customers').where({ external_id: 'u-77' }).first()).toMatchObject({
    contact_id: seen['contactId'],
  });
});

test('200 parallel copies make one lead', async () => {
  const clickId = await click('ada');
  const body = { externalId: 'storm', clickId, email: 'storm@buyer.example' };

  const answers = await Promise.all(Array.from({ length: 200 }, () => report(body)));

  expect([...new Set(answers.map(({ status }) => status))].sort((a, b) => a - b)).toEqual([200, 202]);
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1);
});

test('two first leads of one contact at once end as one referral (REF-12)', async () => {
  const [laptop, phone] = [await click('ada'), await click('bob')];

  const answers = await Promise.all([
    report({ clickId: laptop, email: 'race@buyer.example', event: 'registration' }),
    report({ clickId: phone, email: 'Race@Buyer.example', event: 'enquiry' }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  await apply();

  const [one, two] = await Promise.all(answers.map(({ body }) => lead(body['id'] as string)));
  expect(one?.['contactId']).toBe(two?.['contactId']);
  expect(one?.['referralId']).toBe(two?.['referralId']);
  const open = await owner('referrals')
    .where({ contact_id: one?.['contactId'] })
    .whereIn('status', ['pending', 'approved', 'rejected']);
  expect(open).toHaveLength(1);
  expect(await owner('touches').where({ referral_id: one?.['referralId'] })).toHaveLength(2);
  const merged = await owner('referrals')
    .where({ merged_into_id: one?.['referralId'] })
    .select<{ id: string; status: string }[]>('id', 'status');
  expect(merged.map(({ status }) => status)).toEqual(['merged']);
  const told = await owner('outbox')
    .where({ ordering_key: `referral/${shop.id}/${merged[0]?.id}` })
    .pluck<{ signal: string }[]>('payload');
  expect(told.map(({ signal }) => signal)).toContain('merged');
});

test('the same lead eight times at once without an id of its own: one is kept, the others are its duplicates', async () => {
  const sender = await api.makePerson(shop, ['developer'], { permissions: ['lead.write'], affiliateId: ada });
  const body = { email: 'again@buyer.example', event: 'enquiry', programId: program };
  await report({ ...body, event: 'registration' }); // the contact is known: no unique key makes them wait

  const answers = await Promise.all(Array.from({ length: 8 }, () => report(body, sender.key)));
  await apply();

  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202));
  expect(answers.filter((answer) => field(answer.body, 'verdict') === 'duplicate')).toHaveLength(7);
  const stored = await owner('leads')
    .where({ id: field(answers[0]?.body, 'id') })
    .first<{ contact_id: string }>('contact_id');
  expect(await owner('referrals').where({ contact_id: stored.contact_id })).toHaveLength(1);
});

test('first and last referrer: another affiliate’s click and a further lead move the last, never the first (TRK-08, TRK-09)', async () => {
  const first = await click('ada');
  const a = await report({ clickId: first, email: 'mover@buyer.example', event: 'enquiry' });
  await apply();
  const second = await click('bob', first);
  await takeUpClicks({ relayDb, db: api.db, newId, logger: api.deps.logger });
  const referralId = (await lead(a.body['id'] as string))['referralId'];
  expect(await referral(referralId as string)).toMatchObject({ last_affiliate_id: ada });

  const b = await report({ clickId: second, email: 'mover@buyer.example', event: 'registration' });
  await apply();

  expect((await lead(b.body['id'] as string))['referralId']).toBe(referralId);
  expect(await referral(referralId as string)).toMatchObject({
    first_affiliate_id: ada,
    last_affiliate_id: bob,
    affiliate_id: bob,
  });
  const decisions = await owner('attributions').where({ referral_id: referralId }).orderBy('created_at');
  expect(decisions.map(({ affiliate_id }: { affiliate_id: string }) => affiliate_id)).toEqual([ada, bob]);
});

test('a duplicate is refused without referral and without a word about the first sender; staff see of which', async () => {
  const clickId = await click('ada');
  const original = await report({ clickId, email: 'd.u.p@gmail.com' });
  await apply();
  const sender = await api.makePerson(shop, ['developer'], {
    permissions: ['lead.read', 'lead.write'],
    affiliateId: bob,
  });

  const repeat = await report({ email: 'dup+x@googlemail.com', programId: program }, sender.key);

  expect(repeat.status).toBe(202);
  expect(repeat.body).toMatchObject({
    verdict: 'duplicate',
    verdictCode: 'duplicate',
    referralId: null,
    duplicateOfId: null,
    unique: false,
  });
  expect(repeat.body['processedAt']).not.toBeNull();
  expect((await lead(repeat.body['id'] as string))['duplicateOfId']).toBe(original.body['id']);
  expect(await referral((await lead(original.body['id'] as string))['referralId'] as string)).toMatchObject({
    last_affiliate_id: ada,
  });

  const accepted = await api.as(shop.key, `/v1/leads/${field(repeat.body, 'id')}/accept`, { body: {} });
  expect([accepted.status, accepted.body['verdict']]).toEqual([200, 'accepted']);
  await apply();
  expect((await lead(repeat.body['id'] as string))['referralId']).toBe(
    (await lead(original.body['id'] as string))['referralId'],
  );
});

test('an affiliate’s key credits its affiliate without a click, sees only its leads, and nothing of the person', async () => {
  const sender = await api.makePerson(shop, ['developer'], {
    permissions: ['lead.read', 'lead.write'],
    affiliateId: bob,
  });

  const sent = await report({ externalId: 'own-1', name: 'Eva', phone: '+48 600 100 200', email: null }, sender.key);
  expect(sent.status).toBe(202);
  await apply();

  const mine = await api.as(sender.key, `/v1/leads/${field(sent.body, 'id')}`);
  expect(mine.body).toMatchObject({
    externalId: 'own-1',
    name: null,
    phone: null,
    contactId: null,
    attribution: { status: 'attributed', affiliateId: bob },
    allowedActions: [],
  });
  const others = await api.as(sender.key, '/v1/leads');
  expect(rows(others).map((one) => one['attribution']['affiliateId'])).not.toContain(ada);
  const adas = await report({ clickId: await click('ada') });
  await apply();
  expect((await api.as(sender.key, `/v1/leads/${field(adas.body, 'id')}`)).status).toBe(404);

  await owner('affiliates').where({ id: bob }).update({ status: 'suspended' });
  const refused = await report({}, sender.key);
  await owner('affiliates').where({ id: bob }).update({ status: 'approved' });
  expect([refused.status, refused.body['code']]).toEqual([403, 'affiliate_not_active']);
});

test('without anybody to credit a lead is kept, with the reason', async () => {
  const nobody = await report({});
  expect(nobody.body).toMatchObject({
    verdict: 'accepted',
    referralId: null,
    attribution: { status: 'unattributed', code: 'no_touch' },
  });

  const coupon = await report({ coupon: 'SAVE10', programId: program });
  expect(coupon.body['attribution']).toMatchObject({ code: 'coupon_unknown' });

  const late = await click('ada');
  await takeUpClicks({ relayDb, db: api.db, newId, logger: api.deps.logger });
  await owner('touches')
    .where({ source_id: late })
    .update({ ends_at: new Date(Date.now() - 1_000) });
  const before = await owner('clicks').where({ id: late }).first<{ referral_id: string }>();
  await owner('referrals').where({ id: before.referral_id }).update({ status: 'expired' });
  const expired = await report({ clickId: late });
  expect(expired.body['attribution']).toMatchObject({ status: 'unattributed', code: 'cookie_expired' });

  const unknown = await report({ clickId: newId('click') });
  expect(unknown.body['attribution']).toMatchObject({ code: 'no_touch' });
});

test('a lead that meets a tracking referral whose window is over expires it (TRK-07)', async () => {
  const late = await click('ada');
  await takeUpClicks({ relayDb, db: api.db, newId, logger: api.deps.logger });
  await owner('touches')
    .where({ source_id: late })
    .update({ ends_at: new Date(Date.now() - 1_000) });

  const sent = await report({ clickId: late });
  await apply();

  expect(await lead(sent.body['id'] as string)).toMatchObject({
    referralId: null,
    attribution: { status: 'unattributed', code: 'cookie_expired' },
  });
  const clicked = await owner('clicks').where({ id: late }).first<{ referral_id: string }>();
  expect(await referral(clicked.referral_id)).toMatchObject({ status: 'expired' });
});

test('a shared browser: the second person gets a referral of their own with the touches that still count', async () => {
  const shared = await click('ada');
  const one = await report({ clickId: shared, email: 'mum@buyer.example' });
  await apply();
  const two = await report({ clickId: shared, email: 'dad@buyer.example' });
  await apply();

  const [first, second] = [await lead(one.body['id'] as string), await lead(two.body['id'] as string)];
  expect(second['referralId']).not.toBe(first['referralId']);
  expect(second['attribution']).toMatchObject({ status: 'attributed', affiliateId: ada });
  expect(await owner('touches').where({ source_id: shared })).toHaveLength(2);
});

test('two people through one browser before anybody was taken into account', async () => {
  const shared = await click('ada');
  const one = await report({ clickId: shared, email: 'son@buyer.example' });
  const two = await report({ clickId: shared, email: 'daughter@buyer.example' });
  await apply();

  const [first, second] = [await lead(one.body['id'] as string), await lead(two.body['id'] as string)];
  expect([first['attribution']['status'], second['attribution']['status']]).toEqual(['attributed', 'attributed']);
  expect(second['referralId']).not.toBe(first['referralId']);
});

test('verdicts: invalidate needs a reason, is told to the referral, cannot be repeated, and can be taken back', async () => {
  const sent = await report({ clickId: await click('ada') });
  await apply();
  const path = `/v1/leads/${field(sent.body, 'id')}`;
  const own = (await lead(sent.body['id'] as string))['decision'];
  expect(own).toMatchObject({ id: null, verb: 'accept', by: { type: 'system', name: null } }); // the program's rule

  expect((await api.as(shop.key, `${path}/invalidate`, { body: {} })).status).toBe(422);
  const gone = await api.as(shop.key, `${path}/invalidate`, { body: { reasonCode: 'invalid_lead', reason: 'A test' } });
  expect([gone.status, gone.body['verdict'], gone.body['verdictCode']]).toEqual([200, 'invalid', 'invalid_lead']);
  expect(gone.body['decision']).toMatchObject({ verb: 'invalidate', reasonCode: 'invalid_lead', by: { name: 'Ana' } });
  await apply();
  expect((await lead(sent.body['id'] as string))['processedAt']).not.toBeNull();

  const twice = await api.as(shop.key, `${path}/invalidate`, { body: { reason: 'again' } });
  expect([twice.status, twice.body['code'], twice.body['currentStatus'], twice.body['decidedBy']['name']]).toEqual([
    409,
    'already_decided',
    'invalid',
    'Ana',
  ]);
  const back = await api.as(shop.key, `${path}/accept`, { body: {} });
  expect([back.status, back.body['verdict']]).toEqual([200, 'accepted']);
  await apply();
  await owner('leads').where({ id: sent.body['id'] }).update({ verdict: 'converted' });
  const final = await api.as(shop.key, `${path}/invalidate`, { body: { reason: 'late' } });
  expect([final.status, final.body['code']]).toEqual([409, 'transition_not_allowed']);
});

test('a program that lets agents accept keeps the lead received, and its referral is pending all the same', async () => {
  const careful = await makeProgram({ own_terms: JSON.stringify({ leadAcceptance: 'manual' }) });
  await makeAffiliate('careful-cleo', careful);
  const sent = await report({ clickId: await click('careful-cleo') });
  await apply();

  const seen = await lead(sent.body['id'] as string);
  expect(seen).toMatchObject({ verdict: 'received', allowedActions: ['accept', 'invalidate'] });
  expect(await referral(seen['referralId'] as string)).toMatchObject({ status: 'pending' });
  const accepted = await api.as(shop.key, `/v1/leads/${field(sent.body, 'id')}/accept`, { body: {} });
  expect(accepted.body['verdict']).toBe('accepted');
  await apply();
});

test('who may: rights, masking, scope of assigned agents, other workspaces, test mode', async () => {
  const sent = await report({ name: 'Zed', phone: '+48600100299', clickId: await click('ada') });
  await apply();
  const path = `/v1/leads/${field(sent.body, 'id')}`;
  const reviewer = await api.makePerson(shop, ['reviewer']);
  const agent = await api.makePerson(shop, ['agent'], { name: 'Gil' });
  const stranger = await api.makeWorkspace();
  const finance = await api.makePerson(shop, ['finance_approver']);

  const masked = await api.as(reviewer.key, path);
  expect(masked.body).toMatchObject({ name: 'Z…', phone: '…99', email: 'l…@…' });
  expect((await api.as(finance.key, path)).status).toBe(403);
  expect((await api.as(stranger.key, path)).status).toBe(404);
  expect((await api.as(shop.testKey, path)).status).toBe(404);
  const test = await report({ externalId: 'same' }, shop.testKey);
  expect([test.status, test.body['test']]).toEqual([202, true]);
  const live = await report({ externalId: 'same' });
  expect([live.status, live.body['test']]).toEqual([202, false]);

  const notHis = await api.as(agent.key, path);
  const assigned = await api.as(shop.key, path, { method: 'PATCH', body: { assigneeId: agent.user.id } });
  expect(assigned.status).toBe(200);
  const his = await api.as(agent.key, path);
  expect([notHis.status, his.status]).toEqual([403, 200]);
  const list = await api.as(agent.key, '/v1/leads');
  expect(rows(list).map((one) => one['id'])).toEqual([sent.body['id']]);
});

test.each([
  ['neither e-mail nor phone', { email: null }, '#/email'],
  ['an address that is none', { email: 'a@b' }, '#/email'],
  ['a line break in the name', { name: 'Jo\nBcc: x' }, '#/name'],
  ['only a national phone number', { email: null, phone: '600100200' }, '#/phone'],
  ['a click id of another kind', { clickId: 'ref_01kaz0c3v7m2q8x4t6w9y1b5de' }, '#/clickId'],
  ['a program that is not here', { programId: newId('program') }, '#/programId'],
  ['an unknown event', { event: 'purchase' }, '#/event'],
  ['TRK-14: a label of 256 characters', { sub1: 'x'.repeat(256) }, '#/sub1'],
  ['TRK-14: a label with a control character', { sub1: 'kw\u00071' }, '#/sub1'],
  ['an unknown field', { verdict: 'accepted' }, '#/verdict'],
  [
    '51 metadata keys',
    { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, 'v'])) },
    '#/metadata',
  ],
])('bad input changes nothing: %s', async (_what, body, pointer) => {
  const count = async () => (await owner('leads').count<{ count: string }[]>())[0]?.count;
  const before = await count();

  const answer = await report(body);

  expect(answer.status).toBe(422);
  expect((answer.body['errors'] as unknown as readonly Json[]).map((error) => error['pointer'])).toContain(pointer);
  expect(await count()).toBe(before);
});

test('the list is filtered, and its cursor belongs to it', async () => {
  const twin = { email: 'twin@buyer.example', programId: program };
  await report(twin);
  await report(twin);
  const byVerdict = await api.as(shop.key, '/v1/leads?verdict=duplicate');
  expect(new Set(rows(byVerdict).map((one) => one['verdict']))).toEqual(new Set(['duplicate']));
  const page = await api.as(shop.key, '/v1/leads?limit=2');
  const next = await api.as(shop.key, `/v1/leads?limit=2&cursor=${field(page.body, 'nextCursor')}`);
  const ids = [...rows(page), ...rows(next)].map((one) => one['id']);
  expect(new Set(ids).size).toBe(4);
  const clicks = await api.as(shop.key, `/v1/clicks?affiliateId=${ada}&credit=credited&sub1=kw1`);
  expect(rows(clicks).length).toBeGreaterThan(3);
  expect(new Set(rows(clicks).map((one) => one['affiliateId']))).toEqual(new Set([ada]));
  const [one] = rows(clicks);
  const single = await api.as(shop.key, `/v1/clicks/${field(one, 'id')}`);
  expect(single.body).toMatchObject({ id: one?.['id'], linkSlug: 'ada', sub1: 'kw1', credit: 'credited' });
  expect((await api.as(shop.testKey, `/v1/clicks/${field(one, 'id')}`)).status).toBe(404);
});
