import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

const source = async (body: Readonly<Record<string, unknown>>): Promise<Json> => {
  const made = await world.as('/v1/lead-sources', body);
  expect(made.status).toBe(201);
  return made.body;
};
const lead = (body: Readonly<Record<string, unknown>>, key = world.ws.key): Promise<TestAnswer> =>
  world.api.as(key, '/v1/leads', { body });
let people = 0;
const email = (): string => `person${(people += 1)}@buyer.example`;

/** An API user as the console makes it. */
async function apiUser(body: Readonly<Record<string, unknown>> = {}): Promise<{ id: string; secret: string }> {
  const made = await world.as('/v1/api-keys', { name: 'API user', affiliateId, ...body });
  expect(made).toMatchObject({ status: 201 });
  return { id: String(made.body['id']), secret: String(made.body['secret']) };
}

test('a source saved can be picked for API users; in use it cannot be deleted (LED-01, LED-05)', async () => {
  const web = await source({ name: 'Web', department: 'Sales' });
  expect(web).toMatchObject({ object: 'lead_source', department: 'Sales', active: true, leadAcceptance: null });
  expect(await world.as('/v1/lead-sources', { name: 'web' })).toMatchObject({
    status: 409,
    body: { code: 'already_exists', field: 'name' },
  });
  const user = await apiUser({ leadSourceId: web['id'] });
  expect(await world.as(`/v1/lead-sources/${String(web['id'])}`, undefined, 'DELETE')).toMatchObject({
    status: 409,
    body: { code: 'in_use', usedBy: [user.id] },
  });

  // Renaming breaks nothing: the tie is the id.
  await world.as(`/v1/lead-sources/${String(web['id'])}`, { name: 'Website' }, 'PATCH');
  const sent = await lead({ email: email(), programId }, user.secret);
  expect(sent.status).toBe(202);
  await world.settle();
  const seen = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  expect(seen.body).toMatchObject({ sourceId: web['id'], department: 'Sales', attribution: { affiliateId } });

  await world.as(`/v1/api-keys/${user.id}/revoke`, {});
  expect(await world.as(`/v1/lead-sources/${String(web['id'])}`, undefined, 'DELETE')).toMatchObject({ status: 204 });
  expect(await world.as(`/v1/lead-sources/${String(web['id'])}`)).toMatchObject({ status: 404 });
  expect((await world.as(`/v1/leads/${String(sent.body['id'])}`)).body['sourceId']).toBe(web['id']);
});

test('a lead goes to the source’s agent, an affiliate’s agent beats it, who left sends it to the department (LED-02, LED-03)', async () => {
  const { api, ws } = world;
  const [eva, fred] = [
    await api.makePerson(ws, ['agent'], { name: 'Eva' }),
    await api.makePerson(ws, ['agent'], { name: 'Fred' }),
  ];
  const fair = await source({ name: 'Fair', department: 'Field', assigneeId: eva.user.id });
  const first = await lead({ email: email(), sourceId: fair['id'] });
  expect(first.body).toMatchObject({ assigneeId: eva.user.id, department: 'Field' });
  const hers = await api.as(eva.key, '/v1/leads');
  expect(itemsOf(hers.body['data']).map((one) => one['id'])).toEqual([first.body['id']]);
  expect(await api.as(fred.key, `/v1/leads/${String(first.body['id'])}`)).toMatchObject({
    status: 403,
    body: { code: 'not_in_scope' },
  });

  expect(await world.as(`/v1/affiliates/${affiliateId}`, { leadAgentId: fred.user.id }, 'PATCH')).toMatchObject({
    status: 200,
  });
  const clickId = await world.click({ programId, affiliateId });
  const second = await lead({ email: email(), sourceId: fair['id'], clickId });
  expect(second.body['assigneeId']).toBe(fred.user.id);
  expect((await world.as(`/v1/leads/${String(first.body['id'])}`)).body['assigneeId']).toBe(eva.user.id); // untouched
  // A coupon names the affiliate as a click does; without a click, and before one of somebody else.
  expect((await world.as('/v1/coupons', { affiliateId, programId, code: 'FRED10' })).status).toBe(201);
  const other = await world.affiliate(programId);
  for (const click of [{}, { clickId: await world.click({ programId, affiliateId: other }) }]) {
    const byCoupon = await lead({ email: email(), sourceId: fair['id'], coupon: 'FRED10', ...click });
    expect(byCoupon.body['assigneeId'], byCoupon.text).toBe(fred.user.id);
  }

  await world.owner('users').where({ id: eva.user.id }).update({ status: 'disabled' });
  const third = await lead({ email: email(), sourceId: fair['id'] });
  expect(third.body).toMatchObject({ assigneeId: null, department: 'Field' });
  // The department's queue is a filter of the list: nobody's yet, or all of it.
  const listed = async (query: string) =>
    itemsOf((await world.as(`/v1/leads?sort=createdAt&${query}`)).body['data']).map((one) => one['id']);
  expect(await listed('department=Field&assigned=false')).toEqual([third.body['id']]);
  const theirs = await listed('department=Field&assigned=true');
  expect(theirs.slice(0, 2)).toEqual([first.body['id'], second.body['id']]);
  expect(theirs).not.toContain(third.body['id']);
  expect(await listed('department=Nobody%20here')).toEqual([]);
  await world.as(`/v1/affiliates/${affiliateId}`, { leadAgentId: null }, 'PATCH');
});

test('a source can make its leads wait for an agent, whatever the program says; one that is off takes none', async () => {
  const slow = await source({ name: 'Call centre', leadAcceptance: 'manual' });
  const clickId = await world.click({ programId, affiliateId });
  const sent = await lead({ email: email(), sourceId: slow['id'], clickId });
  const alone = await lead({ email: email(), sourceId: slow['id'] });
  await world.settle();
  for (const { body } of [sent, alone])
    expect((await world.as(`/v1/leads/${String(body['id'])}`)).body).toMatchObject({
      verdict: 'received',
      allowedActions: expect.arrayContaining(['accept', 'invalidate']) as unknown,
    });

  await world.as(`/v1/lead-sources/${String(slow['id'])}`, { active: false }, 'PATCH');
  expect(await lead({ email: email(), sourceId: slow['id'] })).toMatchObject({
    status: 403,
    body: { code: 'not_enabled', capability: 'lead_source' },
  });
  expect(await lead({ email: email(), sourceId: 'src_01kaz0c3v7m2q8x4t6w9y1b5de' })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/sourceId', code: 'not_found' }] },
  });
});

test('custom fields: judged by type, all errors at once, required ones asked for (LED-23, SET-13)', async () => {
  const field = (body: Readonly<Record<string, unknown>>) => world.as('/v1/custom-fields', { target: 'lead', ...body });
  expect((await field({ name: 'Plan', key: 'plan', type: 'choice', options: ['pro', 'basic'] })).status).toBe(201);
  const seats = await field({ name: 'Seats', key: 'seats', type: 'number', order: 2 });
  const born = await field({ name: 'Since', key: 'since', type: 'date' });
  for (const bad of [
    { name: 'x', key: 'email', type: 'text' },
    { name: 'x', key: 'Plan', type: 'text' },
    { name: 'x', key: 'choice', type: 'choice' },
    { name: 'x', key: 'other', type: 'text', options: ['a'] },
  ])
    expect((await field(bad)).status).toBe(422);
  expect(await field({ name: 'Plan 2', key: 'plan', type: 'text' })).toMatchObject({ status: 409 });

  const good = await lead({ email: email(), customFields: { plan: 'pro', seats: '12', since: '2026-02-28' } });
  expect(good).toMatchObject({
    status: 202,
    body: { customFields: { plan: 'pro', seats: '12', since: '2026-02-28' } },
  });
  expect(
    await lead({ email: email(), customFields: { plan: 'gold', seats: '1e3', since: '2026-02-30', size: 'L' } }),
  ).toMatchObject({
    status: 422,
    body: {
      code: 'validation_failed',
      errors: expect.arrayContaining([
        expect.objectContaining({ pointer: '#/customFields/plan', code: 'not_in_list' }),
        expect.objectContaining({ pointer: '#/customFields/seats', code: 'bad_format' }),
        expect.objectContaining({ pointer: '#/customFields/since', code: 'bad_format' }),
        expect.objectContaining({ pointer: '#/customFields/size', code: 'unknown_field' }),
      ]) as unknown,
    },
  });

  await world.as(`/v1/custom-fields/${String(seats.body['id'])}`, { required: true }, 'PATCH');
  expect(await lead({ email: email() })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/customFields/seats', code: 'required' }] },
  });
  for (const { body } of [seats, born])
    expect(await world.as(`/v1/custom-fields/${String(body['id'])}`, undefined, 'DELETE')).toMatchObject({
      status: 204,
    });
  expect((await lead({ email: email() })).status).toBe(202);
  expect((await world.as(`/v1/leads/${String(good.body['id'])}`)).body['customFields']).toMatchObject({ seats: '12' });
  // In a file they stand together, and each by itself.
  expect((await world.as('/v1/leads?format=csv&columns=customFields.a.b')).status).toBe(422);
  const file = await world.as('/v1/leads?sort=-createdAt&format=csv&columns=id,customFields,customFields.plan');
  const line = file.text.split('\r\n').find((one) => one.startsWith(String(good.body['id'])));
  expect(file.text.split('\r\n')[0]).toContain('id,customFields,customFields.plan');
  expect(line).toContain(
    `${String(good.body['id'])},"{""plan"":""pro"",""seats"":""12"",""since"":""2026-02-28""}",pro`,
  );
});

// T11: the same person in 25 spellings is one lead and 24 duplicates, told alike.
const spellings: readonly Readonly<Record<string, string>>[] = [
  { email: 'Jo.Disguise@gmail.com', phone: '+48 600 100 299' },
  { email: 'jodisguise@gmail.com' },
  { email: 'j.o.d.i.s.g.u.i.s.e@gmail.com' },
  { email: 'JODISGUISE@GMAIL.COM' },
  { email: 'jodisguise+1@gmail.com' },
  { email: 'jo.disguise+shop@gmail.com' },
  { email: 'jodisguise@googlemail.com' },
  { email: 'Jo.Disguise+x@GoogleMail.com' },
  { email: ' jodisguise@gmail.com ' },
  { email: 'jodisguise+a+b@gmail.com' },
  { email: 'other@mail.example', phone: '+48600100299' },
  { phone: '+48600100299' },
  { phone: '0048600100299' },
  { phone: '+48 600-100-299' },
  { phone: '+48 (600) 100 299' },
  { phone: '+48 (0)600 100 299' },
  { phone: '+48.600.100.299' },
  { phone: '+48/600/100/299' },
  { phone: '00 48 600 100 299' },
  { phone: '(+48) 600100299' },
  { phone: '+4 8 6 0 0 1 0 0 2 9 9' },
  { phone: '+48-600-100-299', name: 'Somebody Else' },
  { email: 'jo.disguise@gmail.com', name: 'J. D.' },
  { email: 'jodisguise@gmail.com', phone: '+1 202 555 0101' },
  { email: 'J.odisguise@gmail.com', company: 'New Ltd' },
];

test('one person in 25 spellings is one lead; another sender learns nothing of the first (LED-16, LED-17, T11)', async () => {
  expect(spellings).toHaveLength(25);
  const rival = await world.affiliate(programId);
  const [mine, theirs] = [await apiUser(), await apiUser({ affiliateId: rival })];
  const answers: Json[] = [];
  for (const [place, body] of spellings.entries()) {
    const sent = await lead({ ...body, programId }, place === 0 ? mine.secret : theirs.secret);
    expect(sent.status).toBe(202);
    answers.push(sent.body);
  }
  await world.settle();

  const verdicts = answers.slice(1).map((body) => body['verdict']);
  expect(new Set(verdicts)).toEqual(new Set(['duplicate']));
  for (const body of answers.slice(1)) {
    expect(body).toMatchObject({ duplicateOfId: null, contactId: null, referralId: null, verdictCode: 'duplicate' });
    expect(JSON.stringify(body)).not.toContain(String(answers[0]?.['id']));
  }
  const first = await world.as(`/v1/leads/${String(answers[0]?.['id'])}`);
  expect(first.body).toMatchObject({ verdict: 'accepted', attribution: { affiliateId } });
  const kept = await world.as(`/v1/referrals/${String(first.body['referralId'])}`);
  expect(kept.body).toMatchObject({ firstAffiliateId: affiliateId, lastAffiliateId: affiliateId });
  const staffs = await world.as(`/v1/leads/${String(answers[1]?.['id'])}`);
  expect(staffs.body['duplicateOfId']).toBe(answers[0]?.['id']);
});

test('with the switch on flag a repeat is kept, marked and joined to the same referral (LED-16)', async () => {
  const settings = await world.as('/v1/settings');
  const set = (duplicates: string, version: unknown) =>
    world.api.as(world.ws.key, '/v1/settings', {
      method: 'PATCH',
      body: { leads: { duplicates } },
      headers: { 'If-Match': `"${String(version)}"` },
    });
  const flagged = await set('flag', settings.body['version']);
  expect(flagged.status).toBe(200);
  const user = await apiUser();
  const address = email();
  const [one, two] = [
    await lead({ email: address, programId }, user.secret),
    await lead({ email: address, programId }, user.secret),
  ];
  await world.settle();
  const [first, second] = [
    await world.as(`/v1/leads/${String(one.body['id'])}`),
    await world.as(`/v1/leads/${String(two.body['id'])}`),
  ];
  expect(second.body).toMatchObject({ verdict: 'accepted', unique: false, duplicateOfId: one.body['id'] });
  expect(second.body['referralId']).toBe(first.body['referralId']);
  expect((await set('refuse', flagged.body['version'])).status).toBe(200);
  expect((await lead({ email: address, programId }, user.secret)).body['verdict']).toBe('duplicate');
});

test('CPL never opens an account, CPA does, and nobody of the staff knows a password (LED-10 to LED-12)', async () => {
  expect(
    await world.as('/v1/api-keys', { name: 'x', affiliateId, acquisitionModel: 'cpl', openAccount: true }),
  ).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/openAccount', code: 'not_allowed_here' }] },
  });
  const [cpl, cpa, off] = [
    await apiUser({ acquisitionModel: 'cpl' }),
    await apiUser({ acquisitionModel: 'cpa' }),
    await apiUser({ acquisitionModel: 'cpa', openAccount: false }),
  ];
  expect(await world.as(`/v1/api-keys/${cpl.id}`, { openAccount: true }, 'PATCH')).toMatchObject({ status: 422 });
  const accountOf = async (answer: TestAnswer): Promise<unknown> =>
    (await world.as(`/v1/leads/${String(answer.body['id'])}`)).body['customerAccountId'];

  const address = email();
  const opened = await lead({ email: address, programId }, cpa.secret);
  expect(await accountOf(await lead({ email: email(), programId }, cpl.secret))).toBeNull();
  expect(await accountOf(await lead({ email: email(), programId }, off.secret))).toBeNull();
  const accountId = await accountOf(opened);
  expect(accountId).toMatch(/^cus_/);

  const account = () => world.owner('customer_accounts').where({ id: accountId }).first<Record<string, unknown>>();
  expect(await account()).toMatchObject({ password_hash: null, status: 'active' });
  const mail = await world.owner('emails').where({ recipient: address }).first<{ kind: string; links: string[] }>();
  expect(mail?.kind).toBe('customer_account_opened');
  const token = mail?.links[0]?.split('/').pop() ?? '';
  const choose = (password: string) =>
    world.api.as(null, '/v1/auth/password-reset/confirm', { body: { token, password } });
  expect(await choose('short')).toMatchObject({ status: 422, body: { code: 'weak_password' } });
  expect((await choose('a long enough passphrase')).status).toBe(204);
  expect(await choose('another long passphrase')).toMatchObject({ status: 410 });
  expect(String((await account())?.['password_hash'])).toMatch(/^\$argon2|^\$scrypt|^scrypt/);
});

test('an unattributed lead is given to an affiliate once, with its own time and terms (TRK-27)', async () => {
  const sent = await lead({ email: email(), event: 'registration' });
  expect(sent.body['attribution']).toMatchObject({ status: 'unattributed', code: 'no_touch' });
  const path = `/v1/leads/${String(sent.body['id'])}/attribute`;
  expect(await world.as(path, { affiliateId })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/programId', code: 'required' }] },
  });
  expect(await world.as(path, { affiliateId, programId, reason: 'Called us' })).toMatchObject({ status: 200 });
  expect(await world.as(path, { affiliateId, programId })).toMatchObject({
    status: 409,
    body: { code: 'already_decided' },
  });
  await world.settle();
  const seen = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  expect(seen.body).toMatchObject({
    verdict: 'accepted',
    attribution: { status: 'attributed', affiliateId, programId },
  });
  const referral = await world.as(`/v1/referrals/${String(seen.body['referralId'])}`);
  expect(referral.body).toMatchObject({ status: 'pending', affiliateId });
  expect((referral.body['stageTimes'] as unknown as Record<string, unknown>)['lead']).toBe(sent.body['receivedAt']);
  expect(await world.as(path, { affiliateId, programId })).toMatchObject({ status: 409 });
});

test('staff note, tag and reassign a lead; the history names the fields and not their text', async () => {
  const { user } = await world.api.makePerson(world.ws, ['agent'], { name: 'Gil' });
  const sent = await lead({ email: email() });
  const path = `/v1/leads/${String(sent.body['id'])}`;
  const edited = await world.as(path, { assigneeId: user.id, tags: ['hot'], notes: 'Call Jo at noon' }, 'PATCH');
  expect(edited.body).toMatchObject({ assigneeId: user.id, tags: ['hot'], notes: 'Call Jo at noon' });
  const history = await world.as(`/v1/audit-entries?objectId=${String(sent.body['id'])}`);
  expect(history.text).not.toContain('Call Jo');
  expect(history.text).toContain('"notes":"changed"');
});
