import { afterAll, beforeAll, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { createRateLimiter } from '../../../api/rateLimit.js';
import { inWorkspace } from '../../../db/transaction.js';
import { dataOf, makeAffiliate, makeProgram, saveSettings } from '../program/support.js';
import { type Json, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Recruit links and the application form that they open (LNK-23, AFF-03, AFF-17, AFF-23, AFF-28), from outside, over HTTP.

let api: TestApi;
let ws: TestWorkspace;
let programId: string;
let slug: string;
let termsId: string;
let ada: string;
let addresses = 0;

beforeAll(async () => {
  // Applications are limited per address: each request here comes from one of its own, but for the test of the limit.
  const clientAddress = (request: { headers: Readonly<Record<string, unknown>> }) =>
    request.headers['x-test-address'] === undefined ? `10.1.${addresses >> 8}.${(addresses += 1) & 255}` : '10.9.9.9';
  api = await startTestApi({
    deps: { clientAddress, rateLimiter: createRateLimiter(clientAddress) },
    edge: (deps) => clickEdge({ ...deps, publicUrl: deps.config.http.publicUrl }),
  });
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { requirements: ['email_verified'] });
  const program = await api.as(ws.key, `/v1/programs/${programId}`);
  slug = program.body['slug'];
  termsId = String(dataOf(await api.as(ws.key, `/v1/programs/${programId}/agreements`))[0]?.['id']);
  ada = await makeAffiliate(api, ws, [programId], { name: 'Ada' });
});
afterAll(() => api.close());

const apply = (body: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>> = {}) =>
  api.as(null, `/apply/${slug}`, {
    body: { name: 'Bo', email: 'bo@blog.example', agreementId: termsId, acceptTerms: true, ...body },
    headers,
  });
const applications = async (query = '') => dataOf(await api.as(ws.key, `/v1/applications?${query}`));
const mailsTo = (recipient: string) =>
  inWorkspace(api.db, ws.id, (tx) =>
    tx('emails')
      .where({ recipient })
      .orderBy('created_at')
      .orderBy('id')
      .select<{ kind: string; links: string[] }[]>('kind', 'links'),
  );
const statusPath = async (recipient: string): Promise<string> => {
  const link = (await mailsTo(recipient))
    .flatMap(({ links }) => links)
    .findLast((one) => one.includes('/apply/status/'));
  return String(link).replace('http://localhost:3000', '');
};
const json = { Accept: 'application/json' };
const numberOf = (table: string) =>
  inWorkspace(api.db, ws.id, async (tx) => {
    const [row] = await tx(table).count<{ count: string }[]>('* as count');
    return Number(row?.count);
  });

test('LNK-23, AFF-17: a sign-up by a recruit link stores the recruiter as parent, and no click, referral or lead of a customer', async () => {
  const link = await api.as(ws.key, '/v1/links', {
    body: { affiliateId: ada, programId, kind: 'recruit', slug: 'ada-invites' },
  });
  expect(link).toMatchObject({ status: 201, body: { url: 'http://localhost:3000/j/ada-invites' } });
  expect((await api.as(ws.key, `/v1/affiliates/${ada}`)).body['recruitCode']).toBe('ada-invites');

  const followed = await fetch(`${api.url}/j/ada-invites`, { redirect: 'manual' });
  expect(followed.status).toBe(302);
  expect(followed.headers.get('location')).toBe(`http://localhost:3000/apply/${slug}?recruit=ada-invites`);
  const cookie = (followed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  expect(followed.headers.get('set-cookie')).toContain('Path=/apply; Max-Age=2592000; HttpOnly; SameSite=Lax');
  // The address without the code, by somebody whose browser remembers it.
  const shown = await (
    await fetch(`${api.url}/apply/${slug}`, { headers: { Cookie: cookie, Accept: 'text/html' } })
  ).text();
  expect(shown).toContain('<input type="hidden" name="recruitCode" value="ada-invites">');

  expect(await apply({ recruitCode: 'ada-invites' })).toMatchObject({ status: 202, body: { status: 'received' } });

  const [application] = await applications();
  expect(application).toMatchObject({
    name: 'Bo',
    status: 'pending',
    programId,
    recruiterId: ada,
    recruiterName: 'Ada',
    agreementId: termsId,
    agreementNumber: 1,
    openRequirements: [{ code: 'email_verified' }],
  });
  const recruits = dataOf(await api.as(ws.key, `/v1/affiliates/${ada}/recruits`));
  expect(recruits).toMatchObject([{ affiliateId: application?.['affiliateId'], depth: 1 }]);
  for (const table of ['clicks', 'referrals', 'leads']) expect(await numberOf(table)).toBe(0);

  // The recruiter cannot become the recruit of their own recruit.
  const circle = await api.as(ws.key, `/v1/affiliates/${ada}`, {
    method: 'PATCH',
    body: { recruiterId: application?.['affiliateId'] },
  });
  expect(circle).toMatchObject({ status: 422, body: { code: 'cycle' } });
});

test('LNK-23: a recruit link is no tracking link: the redirect sends it on without a click', async () => {
  const followed = await fetch(`${api.url}/r/ada-invites`, {
    redirect: 'manual',
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0' },
  });

  expect(followed.status).toBe(302);
  expect(followed.headers.get('location')).toBe('http://localhost:3000/j/ada-invites');
  expect(followed.headers.get('set-cookie')).toBeNull();
  expect(await numberOf('clicks')).toBe(0);
});

test('LNK-23: the link of somebody who is not approved, a disabled one, an ordinary one and none open nothing', async () => {
  const ben = await makeAffiliate(api, ws, [programId], { name: 'Ben' });
  await api.as(ws.key, '/v1/links', { body: { affiliateId: ben, programId, kind: 'recruit', slug: 'ben-invites' } });
  await api.as(ws.key, '/v1/links', { body: { affiliateId: ben, programId, slug: 'ben-sells' } });
  expect((await fetch(`${api.url}/j/ben-invites`, { redirect: 'manual' })).status).toBe(302);
  await api.as(ws.key, `/v1/affiliates/${ben}/suspend`, { body: { reason: 'x' } });
  for (const code of ['ben-invites', 'ben-sells', 'nobody-here', '%00', 'A'])
    expect((await fetch(`${api.url}/j/${code}`, { redirect: 'manual', headers: { Accept: 'text/html' } })).status).toBe(
      404,
    );
  expect(await apply({ email: 'cy@blog.example', recruitCode: 'ben-invites' })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/recruitCode', code: 'not_found' }] },
  });
  const link = await api.as(ws.key, '/v1/links', {
    body: { affiliateId: ada, programId, kind: 'recruit', destinationUrl: 'https://shop.example/' },
  });
  expect(link.status).toBe(422);
});

test('AFF-23: the applicant confirms the address on the page of the mail, by a press and not by a mail scanner’s visit', async () => {
  const path = await statusPath('bo@blog.example');
  expect((await api.as(null, path, { headers: json })).body).toMatchObject({
    status: 'pending',
    emailVerified: false,
    question: null,
  });
  expect(await (await fetch(api.url + path, { headers: { Accept: 'text/html' } })).text()).toContain(
    'Confirm my e-mail address',
  );
  expect((await applications())[0]).toMatchObject({ emailVerifiedAt: null });

  expect(await api.as(null, path, { body: { confirm: true } })).toMatchObject({
    status: 200,
    body: { emailVerified: true },
  });
  const [application] = await applications();
  expect(application).toMatchObject({ openRequirements: [], allowedActions: ['approve', 'decline'] });
  const approved = await api.as(ws.key, `/v1/affiliates/${String(application?.['affiliateId'])}/approve`, { body: {} });
  expect(approved).toMatchObject({ status: 200, body: { status: 'approved' } });
  expect(await applications()).toEqual([]);
  expect(await applications('status=approved')).toHaveLength(1);
});

test('staff ask, the application waits, the applicant answers once; the older page is over', async () => {
  await apply({ email: 'di@blog.example', name: 'Di' });
  const old = await statusPath('di@blog.example');
  const [application] = await applications();
  const affiliateId = String(application?.['affiliateId']);
  expect(
    await api.as(ws.key, `/v1/affiliates/${affiliateId}/ask`, { body: { question: 'Which shops?' } }),
  ).toMatchObject({
    status: 202,
  });
  expect((await api.as(null, old)).status).toBe(410);
  const path = await statusPath('di@blog.example');
  expect((await api.as(null, path, { headers: json })).body).toMatchObject({ question: 'Which shops?' });
  expect(await api.as(null, path, { body: { reply: 'Mine.' } })).toMatchObject({
    status: 200,
    body: { question: null, replied: true },
  });
  expect(await api.as(null, path, { body: { reply: 'Again.' } })).toMatchObject({ status: 409 });
  expect((await applications())[0]).toMatchObject({ question: 'Which shops?', reply: 'Mine.' });
  await api.as(ws.key, `/v1/affiliates/${affiliateId}/decline`, { body: { reason: 'x' } });
  expect(await api.as(ws.key, `/v1/affiliates/${affiliateId}/ask`, { body: { question: 'Why?' } })).toMatchObject({
    status: 409,
  });
});

test('AFF-28: a known address makes nothing new, the answer is the same, and only the mail tells its owner', async () => {
  const before = [await numberOf('affiliates'), await numberOf('contacts'), await numberOf('applications')];
  expect(await apply({ email: 'BO@blog.example', name: 'Somebody else' })).toMatchObject({
    status: 202,
    body: { status: 'received' },
  });
  expect([await numberOf('affiliates'), await numberOf('contacts'), await numberOf('applications')]).toEqual(before);
  expect((await mailsTo('bo@blog.example')).at(-1)?.kind).toBe('sign_in');
});

test('FRD-08: nobody recruits a second record of their own: staff are refused, an application comes without recruiter and is shown', async () => {
  const cy = await makeAffiliate(api, ws, [programId], { name: 'Cy', email: 'cy.own@gmail.com' });
  const other = await makeAffiliate(api, ws, [programId], { name: 'Cy', email: 'cyown+1@gmail.com' });
  const refused = { status: 422, body: { errors: [{ pointer: '#/recruiterId', code: 'not_allowed_here' }] } };
  const path = `/v1/affiliates/${other}`;
  expect(await api.as(ws.key, path, { method: 'PATCH', body: { recruiterId: cy } })).toMatchObject(refused);
  expect((await api.as(ws.key, path)).body['recruiterId']).toBeNull();
  const third = { name: 'Cy', email: 'c.yown+2@googlemail.com', programIds: [programId], recruiterId: cy };
  expect(await api.as(ws.key, '/v1/affiliates', { body: third })).toMatchObject(refused);

  const link = { affiliateId: cy, programId, kind: 'recruit', slug: 'cy-invites' };
  expect((await api.as(ws.key, '/v1/links', { body: link })).status).toBe(201);
  const sent = await apply({ email: 'cyown+3@gmail.com', recruitCode: 'cy-invites' });
  expect(sent).toMatchObject({ status: 202, body: { status: 'received' } }); // as anybody's
  const [made] = (await applications()).filter((one) => one['email'] === 'cyown+3@gmail.com');
  expect(made).toMatchObject({ recruiterId: null });
  expect(dataOf(await api.as(ws.key, `/v1/affiliates/${cy}/recruits`))).toEqual([]);
  const flags = dataOf(await api.as(ws.key, `/v1/risk-flags?affiliateId=${String(made?.['affiliateId'])}`));
  expect(flags).toMatchObject([{ code: 'chain_abuse', evidence: { recruiterId: cy, kinds: ['contact'] } }]);
});

test('AFF-03: the form asks what the program wants to know; every fault is named at once and nothing is kept', async () => {
  const form = await api.as(ws.key, `/v1/programs/${programId}/form`);
  expect(form).toMatchObject({ status: 200, body: { version: 1, company: 'optional', questions: [] } });
  const saved = await api.as(ws.key, `/v1/programs/${programId}/form`, {
    method: 'PUT',
    body: {
      company: 'required',
      country: 'hidden',
      introduction: 'Welcome.',
      questions: [
        { name: 'reach', label: 'Visitors a month', type: 'number', required: true },
        { name: 'channel', label: 'Where?', type: 'choice', options: ['Blog', 'Video'] },
      ],
    },
  });
  expect(saved).toMatchObject({ status: 200, body: { version: 2, url: `http://localhost:3000/apply/${slug}` } });
  for (const body of [
    { questions: [{ name: 'a', label: 'A', type: 'choice' }] },
    { questions: [{ name: 'A b', label: 'A', type: 'text' }] },
    {
      questions: [
        { name: 'a', label: 'A', type: 'text' },
        { name: 'a', label: 'B', type: 'text' },
      ],
    },
    { company: 'sometimes' },
  ])
    expect((await api.as(ws.key, `/v1/programs/${programId}/form`, { method: 'PUT', body })).status).toBe(422);

  const before = await numberOf('affiliates');
  const refused = await apply({
    email: 'ed@blog.example',
    country: 'DE',
    answers: { reach: 'many', channel: 'Radio', other: 'x' },
    acceptTerms: false,
  });
  expect(refused.status).toBe(422);
  const errors = refused.body['errors'] as unknown as readonly { pointer: string; code: string }[];
  expect(errors.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
    '#/company required',
    '#/country not_allowed_here',
    '#/answers/other unknown_field',
    '#/answers/reach bad_format',
    '#/answers/channel not_in_list',
    '#/acceptTerms required',
  ]);
  for (const body of [
    { email: 'no address' },
    { name: '' },
    { website: 'javascript:alert(1)' },
    { agreementId: 'agr_01kaz0c3v7m2q8x4t6w9y1b5de' },
    { status: 'approved' },
    { answers: { reach: { x: 1 } } },
  ])
    expect(
      (await apply({ email: 'ed@blog.example', company: 'Ed Ltd', answers: { reach: '5' }, ...body })).status,
    ).toBe(422);
  expect(await numberOf('affiliates')).toBe(before);

  expect((await apply({ email: 'ed@blog.example', company: 'Ed Ltd', answers: { reach: '1200' } })).status).toBe(202);
  expect((await applications())[0]).toMatchObject({
    company: 'Ed Ltd',
    answers: [{ name: 'reach', label: 'Visitors a month', value: '1200' }],
  });
});

const post = (fields: Readonly<Record<string, string>>) =>
  fetch(`${api.url}/apply/${slug}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Accept: 'text/html' },
    body: new URLSearchParams({
      name: 'Flo',
      email: 'flo@blog.example',
      company: 'Flo',
      'answer.reach': '7',
      ...fields,
    }),
  });
const shownAt = (secondsAgo: number): string => {
  const at = String(Math.floor(Date.now() / 1_000) - secondsAgo);
  return `${at}.${api.deps.secrets.sign('application form', at)}`;
};

test('the page works without a script; machines get the normal answer and leave nothing', async () => {
  const page = await (await fetch(`${api.url}/apply/${slug}`, { headers: { Accept: 'text/html' } })).text();
  expect(page).toContain('Visitors a month');
  expect(page).toContain('Be fair.');
  // Its only script is ours, and does the work of the bot check: without it the form is sent all the same, see below.
  expect(page.match(/<script[^>]*>/g)).toEqual([expect.stringMatching(/^<script nonce="[^"]+">$/)]);
  const good = { acceptTerms: 'true', agreementId: termsId };
  const before = await numberOf('affiliates');
  for (const fields of [
    { ...good, shownAt: shownAt(60), homepage: 'https://spam.example' },
    { ...good, shownAt: shownAt(0) },
    { ...good, shownAt: shownAt(-60) },
    { ...good, shownAt: '5.x' },
    good,
  ]) {
    const answer = await post(fields);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`/apply/${slug}?done=1`);
  }
  expect(await numberOf('affiliates')).toBe(before);

  // Who may be a person is asked again, with everything that was filled in and the time that the form was first shown.
  const early = shownAt(3);
  for (const [sent, kept] of [
    [early, early],
    [shownAt(100_000), undefined],
  ] as const) {
    const again = await post({ ...good, shownAt: sent, work: '1' });
    expect(again.status).toBe(422);
    const text = await again.text();
    expect(text).toContain('value="flo@blog.example"');
    if (kept !== undefined) expect(text).toContain(`name="shownAt" value="${kept}"`);
    else expect(text).not.toContain(sent);
  }
  expect(await numberOf('affiliates')).toBe(before);

  const refused = await post({ ...good, shownAt: shownAt(60), email: 'nonsense', website: 'flo.example' });
  expect(refused.status).toBe(422);
  const html = await refused.text();
  expect(html).toContain('value="Flo"');
  expect(html).toContain('id="f-email-error"');
  expect((await post({ ...good, shownAt: shownAt(60), website: 'flo.example' })).status).toBe(303);
  expect((await applications())[0]).toMatchObject({ email: 'flo@blog.example', website: 'https://flo.example/' });
});

test('drafts do not exist, closed programs and those by invitation take nobody, and an address is slowed down', async () => {
  const draft = await api.as(ws.key, '/v1/programs', { body: { name: 'Draft', currency: 'USD' } });
  expect((await api.as(null, `/apply/${draft.body['slug']}`)).status).toBe(404);
  const invite = await makeProgram(api, ws, { enrolment: 'invite' });
  const path = `/apply/${(await api.as(ws.key, `/v1/programs/${invite}`)).body['slug']}`;
  expect((await api.as(null, path, { headers: json })).body).toMatchObject({ open: false });
  expect(await api.as(null, path, { body: { name: 'Gus', email: 'gus@blog.example' } })).toMatchObject({
    status: 409,
    body: { code: 'program_not_active' },
  });
  const answers: number[] = [];
  for (let index = 0; index < 12; index += 1)
    answers.push((await apply({ email: 'x' }, { 'X-Test-Address': 'one' })).status);
  expect(answers.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 422));
  expect(answers.slice(10)).toEqual([429, 429]);
  expect((await api.as(null, '/apply/status/used0used0used0used0used')).status).toBe(410);
});

test('AFF-06: where new affiliates are approved by default, one whose address the program does not ask for is live at once', async () => {
  const other = await api.makeWorkspace();
  await saveSettings(api, other, { affiliates: { defaultStatus: 'approved' } });
  const quick = await makeProgram(api, other, { requirements: [] });
  const slow = await makeProgram(api, other, { requirements: ['email_verified'] });
  const applyTo = async (program: string, email: string): Promise<Json> => {
    const { body } = await api.as(other.key, `/v1/programs/${program}`);
    const terms = dataOf(await api.as(other.key, `/v1/programs/${program}/agreements`))[0];
    const answer = await api.as(null, `/apply/${body['slug']}`, {
      body: { name: 'Hal', email, agreementId: terms?.['id'], acceptTerms: true },
    });
    expect(answer.status).toBe(202);
    return (await api.as(other.key, `/v1/affiliates?q=${email}`)).body['data'][0] as Json;
  };
  expect(await applyTo(quick, 'hal@blog.example')).toMatchObject({ status: 'approved', active: true });
  expect(await applyTo(slow, 'ida@blog.example')).toMatchObject({ status: 'pending', active: false });
  const mails = await inWorkspace(api.db, other.id, (tx) =>
    tx('emails').where({ recipient: 'ida@blog.example' }).select<{ links: string[] }[]>('links'),
  );
  const path = String(mails[0]?.links[0]).replace('http://localhost:3000', '');
  expect(await api.as(null, path, { body: { confirm: true } })).toMatchObject({ body: { status: 'approved' } });
});
