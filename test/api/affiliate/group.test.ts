import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import type { Json } from '../support.js';

let world: EarningWorld;
let programId: string;
const usd = (amount: string) => ({ amount, currency: 'USD' });
const percent = (ratePpm: number) => [{ level: 1, kind: 'percent', ratePpm }];

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ referralApproval: 'automatic', commissionApproval: 'automatic' });
  const rule = await world.rule({ scope: 'program', programId, event: 'payment', levels: percent(100_000) });
  expect(rule.status, rule.text).toBe(201);
}, 60_000);
afterAll(() => world?.close());

async function group(body: Readonly<Record<string, unknown>>): Promise<Json> {
  const made = await world.as('/v1/groups', body);
  expect(made.status, made.text).toBe(201);
  return made.body;
}
const affiliateOf = async (id: string): Promise<Json> => (await world.as(`/v1/affiliates/${id}`)).body;

test('groups are named once, listed with their members, one is the default that new affiliates join (GRP-01)', async () => {
  const standard = await group({ name: 'Standard', isDefault: true });
  const taken = await world.as('/v1/groups', { name: 'standard' });
  expect([taken.status, taken.body['code'], taken.body['existingId']]).toEqual([409, 'already_exists', standard['id']]);
  const joined = await affiliateOf(await world.affiliate(programId));
  expect(joined['groupId']).toBe(standard['id']);
  const other = await group({ name: 'Newcomers', isDefault: true, area: 'DACH' });
  const listed: readonly Json[] = (await world.as('/v1/groups?sort=name')).body['data'];
  expect(listed.map((one) => [one['name'], one['isDefault'], one['memberCount']])).toEqual([
    ['Newcomers', true, 0],
    ['Standard', false, 1],
  ]);
  const unknown = await world.as(`/v1/affiliates/${joined['id']}`, { groupId: `grp_${'0'.repeat(26)}` }, 'PATCH');
  expect([unknown.status, unknown.body['errors'][0]['code']]).toEqual([422, 'not_found']);
  expect((await world.as(`/v1/groups/${other['id']}`, undefined, 'DELETE')).status).toBe(204);
});

test('screens.md 3.5: the effective terms name the rule that pays and who set each term', async () => {
  const own = await world.program({ commissionHold: 'P7D' });
  const general = await world.rule({
    scope: 'program',
    programId: own,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
  const terms = await group({ name: 'With terms', minimumPayout: [usd('75.00')], payoutMethodTypes: ['paypal'] });
  const affiliateId = await world.affiliate(own);
  const path = `/v1/affiliates/${affiliateId}/effective-terms`;
  const read = async (): Promise<Json> => {
    const { status, text, body } = await world.as(path);
    expect(status, text).toBe(200);
    return body['data'][0];
  };
  const before = await read();
  expect(before).toMatchObject({
    programId: own,
    enrolmentStatus: 'active',
    commissionHold: { value: 'P7D', scope: 'program' },
    attributionWindow: { scope: 'workspace' },
    minimumPayout: { value: usd('50.00'), scope: 'workspace' },
    payoutMethodTypes: { scope: 'workspace' },
    acquisitionModel: { value: null, scope: 'program' },
  });
  expect(before['rates']).toMatchObject([{ level: 1, rule: { id: general.body['id'], scope: 'program' } }]);

  await world.as(`/v1/affiliates/${affiliateId}`, { groupId: terms['id'] }, 'PATCH');
  const special = await world.rule({ scope: 'affiliate', affiliateId, event: 'payment', levels: percent(230_000) });
  expect(special.status, special.text).toBe(201);
  const after = await read();
  expect(after).toMatchObject({
    minimumPayout: { value: usd('75.00'), scope: 'group' },
    payoutMethodTypes: { value: ['paypal'], scope: 'group' },
  });
  expect(after['rates']).toMatchObject([
    { rule: { id: special.body['id'], scope: 'affiliate', version: 1, levels: [{ ratePpm: 230_000 }] } },
  ]);
  expect(after['rates'][0]['text']).toContain('23 %');

  await world.as(`/v1/affiliates/${affiliateId}`, { minimumPayout: [usd('10.00')], acquisitionModel: 'cpa' }, 'PATCH');
  const last = await read();
  expect(last).toMatchObject({
    minimumPayout: { value: usd('10.00'), scope: 'affiliate' },
    acquisitionModel: { value: 'cpa', scope: 'affiliate' },
  });
  // CPA pays the first payment only; the rule itself says what it says.
  expect(last['rates']).toMatchObject([{ event: 'first_payment', rule: { event: 'payment' } }]);
  const { key } = await world.api.makePerson(world.ws, ['owner'], {
    name: 'No rules',
    permissions: ['affiliate.read'],
  });
  expect((await world.api.as(key, path)).body).toMatchObject({ code: 'permission_missing' });
});

test('RUL-09, GRP-02, GRP-06: a rule of the group pays its members; a move changes only what is earned afterwards', async () => {
  const vip = await group({ name: 'VIP' });
  const rule = await world.rule({ scope: 'group', groupId: vip['id'], event: 'payment', levels: percent(300_000) });
  expect(rule.status, rule.text).toBe(201);
  const affiliateId = await world.affiliate(programId);
  const pay = async (number: number): Promise<void> => {
    const clickId = await world.click({ programId, affiliateId });
    const customer = { externalId: `g-${number}`, email: `g${number}@buyer.example` };
    await world.sale({ externalId: `g-${number}`, customer, clickId, amount: usd('100.00') });
  };
  await pay(1);
  const moved = await world.as(`/v1/affiliates/${affiliateId}`, { groupId: vip['id'] }, 'PATCH');
  expect([moved.status, moved.body['groupId']], moved.text).toEqual([200, vip['id']]);
  await pay(2);
  const lines = await world.commissions(`affiliateId=${affiliateId}`);
  expect(lines.map((one) => [one['amount']['amount'], one['parts'][0]['scope']])).toEqual([
    ['10.00', 'program'],
    ['30.00', 'group'],
  ]);
  const used = await world.as(`/v1/groups/${vip['id']}`, undefined, 'DELETE');
  expect([used.status, used.body['code'], used.body['usedBy']]).toEqual([409, 'in_use', [rule.body['id']]]);
});

test('its threshold counts after the affiliate’s own and before the workspace’s (GRP-03, ruling 7)', async () => {
  const low = await group({ name: 'Low threshold', minimumPayout: [usd('20.00')] });
  const people = [
    await world.affiliate(programId, { groupId: low['id'] }),
    await world.affiliate(programId, { groupId: null }),
  ];
  for (const affiliateId of people) {
    const body = { affiliateId, programId, kind: 'bonus', amount: usd('25.00'), reason: 'A start.', skipHold: true };
    const bonus = await world.as('/v1/commissions', body);
    expect(bonus.status, bonus.text).toBe(201);
    expect((await world.as(`/v1/commissions/${bonus.body['id']}/approve`, {})).status).toBe(200);
  }
  const preview = await world.as('/v1/payout-runs/preview', { currencies: ['USD'] });
  const text = preview.text;
  expect(preview.status, text).toBe(200);
  expect(text).toContain('25.00 of 50.00 USD (workspace)');
  expect(text).not.toContain('(group)');
  const raised = await world.as(`/v1/groups/${low['id']}`, { minimumPayout: [usd('30.00')] }, 'PATCH');
  expect([raised.status, raised.body['minimumPayout']], raised.text).toEqual([200, [usd('30.00')]]);
  expect((await world.as('/v1/payout-runs/preview', { currencies: ['USD'] })).text).toContain(
    '25.00 of 30.00 USD (group)',
  );
});

test('a group with members goes only where they move, each with its line of history', async () => {
  const [from, to] = [await group({ name: 'Going' }), await group({ name: 'Staying' })];
  const affiliateId = await world.affiliate(programId, { groupId: from['id'] });
  const guarded = await world.as(`/v1/groups/${from['id']}`, undefined, 'DELETE');
  expect([guarded.status, guarded.body['code']]).toEqual([409, 'in_use']);
  expect((await world.as(`/v1/groups/${from['id']}?moveTo=${to['id']}`, undefined, 'DELETE')).status).toBe(204);
  expect((await affiliateOf(affiliateId))['groupId']).toBe(to['id']);
  expect((await world.as(`/v1/groups/${from['id']}`)).status).toBe(404);
});

test('AFF-21: a segment keeps a filter of the list; list, reports, bulk acts and Home are of its members', async () => {
  const tag = 'segment-vip';
  const [inside, alsoInside, outside] = [
    await world.affiliate(programId),
    await world.affiliate(programId),
    await world.affiliate(programId),
  ];
  for (const id of [inside, alsoInside])
    expect((await world.as(`/v1/affiliates/${id}`, { tags: [tag], country: 'PL' }, 'PATCH')).status).toBe(200);
  await world.as(`/v1/affiliates/${alsoInside}`, { country: 'DE' }, 'PATCH');

  const filter = { status: 'approved,suspended', tag, active: 'true', 'createdAt[gte]': '2020-01-01T00:00:00.000Z' };
  const made = await world.as('/v1/segments', { name: 'High performers', filter });
  expect([made.status, made.body['filter'], made.body['memberCount']], made.text).toEqual([201, filter, 2]);
  const taken = await world.as('/v1/segments', { name: 'high performers', filter: {} });
  expect([taken.status, taken.body['code']]).toEqual([409, 'already_exists']);
  const segmentId = String(made.body['id']);
  const refused = [{ wealth: 'big' }, { status: 'rich' }, { segmentId }, { rank: 'x' }];
  for (const bad of refused) expect((await world.as('/v1/segments', { name: 'Bad', filter: bad })).status).toBe(422);

  const listed: readonly Json[] = (await world.as(`/v1/affiliates?segmentId=${segmentId}`)).body['data'];
  expect(new Set(listed.map((one) => one['id']))).toEqual(new Set([inside, alsoInside]));
  const both: readonly Json[] = (await world.as(`/v1/affiliates?segmentId=${segmentId}&country=DE`)).body['data'];
  expect(both.map((one) => one['id'])).toEqual([alsoInside]);
  const unknown = await world.as(`/v1/affiliates?segmentId=seg_${'0'.repeat(26)}`);
  expect([unknown.status, unknown.body['errors'][0]['code']]).toEqual([422, 'not_found']);

  const report = await world.as(`/v1/reports/affiliate-performance?segmentId=${segmentId}`);
  const rows: readonly Json[] = report.body['rows'];
  expect(new Set(rows.map((row) => row['affiliateId'])), report.text).toEqual(new Set([inside, alsoInside]));
  const dry = await world.as('/v1/operations', {
    kind: 'affiliates.approve',
    filter: { segmentId },
    dryRun: true,
  });
  expect([dry.status, dry.body['matched']], dry.text).toEqual([200, 2]);

  await world.click({ programId, affiliateId: outside });
  const clickId = await world.click({ programId, affiliateId: inside });
  // Every report is of the segment's affiliates, or says that it cannot be.
  const reports: readonly Json[] = (await world.as('/v1/reports')).body['data'];
  expect(reports.length).toBeGreaterThan(3);
  for (const { name } of reports) {
    const of = await world.as(`/v1/reports/${name}?segmentId=${segmentId}`);
    expect([name, of.status], of.text).toEqual([name, 200]);
    const nowhere = await world.as(`/v1/reports/${name}?segmentId=seg_${'0'.repeat(26)}`);
    expect([name, nowhere.status]).toEqual([name, 422]);
  }
  // Who looks after some affiliates sees those of them that are in it, and counts no others.
  const manager = await world.api.makePerson(world.ws, ['affiliate_manager']);
  const asManager = async (path: string): Promise<Json> => (await world.api.as(manager.key, path)).body;
  expect((await asManager(`/v1/segments/${segmentId}`))['memberCount']).toBe(0);
  await world.owner('affiliates').where({ id: listed[0]?.['id'] }).update({ manager_id: manager.user.id });
  expect((await asManager(`/v1/segments/${segmentId}`))['memberCount']).toBe(1);
  const own: readonly Json[] = (await asManager(`/v1/affiliates?segmentId=${segmentId}`))['data'];
  expect(own.map((one) => one['id'])).toEqual([listed[0]?.['id']]);
  const home = await world.as(`/v1/console/home?segmentId=${segmentId}`);
  const clicks = (home.body['figures'] as readonly Json[]).find((one) => one['name'] === 'clicks');
  expect(clicks?.['value']['count'], home.text).toBe(1);
  const behind: readonly Json[] = (await world.as(String(clicks?.['list']))).body['data'];
  expect(behind).toHaveLength(1);

  // More than a list's filter can name: the members stand behind each number, and every address can be asked.
  const crowd = 'segment-crowd';
  await world.owner.raw(
    `insert into click_details (workspace_id, click_id, created_at, user_agent)
     select workspace_id, id, created_at, 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)' from clicks where id = ?`,
    [clickId],
  );
  // Its key is made of its address by the database.
  const { email_key: _key, ...member } = await world
    .owner('affiliates')
    .where({ id: inside })
    .first<Record<string, unknown>>();
  await world
    .owner('affiliates')
    .where({ id: inside })
    .update({ tags: [tag, crowd] });
  await world.owner('affiliates').insert(
    Array.from({ length: 100 }, (_, index) => ({
      ...member,
      minimum_payout: '[]', // an array would be written as one of Postgres' own
      id: newId('affiliate'),
      email: `crowd-${index}@example.com`,
      tags: [crowd],
    })),
  );
  const large = await world.as('/v1/segments', { name: 'Crowd', filter: { tag: crowd } });
  expect(large.body['memberCount'], large.text).toBe(101);
  const crowded = (await world.as(`/v1/console/home?segmentId=${large.body['id']}`)).body;
  const devices: readonly Json[] = crowded['devices'];
  expect(devices.map((one) => one['clicks'])).toEqual([1]);
  for (const { list } of [...devices, ...(crowded['figures'] as readonly Json[])]) {
    expect(list).toBe(`/v1/affiliates?segmentId=${large.body['id']}`);
    expect((await world.as(String(list))).status).toBe(200);
  }

  // What it keeps may change, and who fits is asked anew.
  const { version } = made.body;
  const edited = await world.api.as(world.ws.key, `/v1/segments/${segmentId}`, {
    method: 'PATCH',
    body: { filter: { tag, country: 'PL' } },
    headers: { 'If-Match': `"${version}"` },
  });
  expect([edited.status, edited.body['name'], edited.body['memberCount']]).toEqual([200, 'High performers', 1]);
  expect((await world.as(`/v1/segments/${segmentId}`, undefined, 'DELETE')).status).toBe(204);
  expect((await world.as(`/v1/segments/${segmentId}`)).status).toBe(404);
});
