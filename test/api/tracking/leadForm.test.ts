import { setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRateLimiter } from '../../../api/rateLimit.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { eventually } from '../../support/eventually.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';

let world: EarningWorld;
let programId: string;
let affiliateId: string;
let addresses = 0;
/** Each submission from an address of its own, unless a test sends a flood. */
let isFlood = false;
/** Where everything comes from while it is set. */
let fixedAddress: string | undefined;

beforeAll(async () => {
  const clientAddress = () =>
    fixedAddress ?? (isFlood ? '192.0.2.9' : `10.0.${(addresses >> 8) & 255}.${(addresses += 1) & 255}`);
  world = await createEarningWorld({ deps: { clientAddress, rateLimiter: createRateLimiter(clientAddress) } });
  programId = await world.program({ destinationHosts: ['shop.example'], landingUrl: 'https://shop.example/' });
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

const fields = [
  { name: 'name', label: 'Your name' },
  { name: 'email', label: 'E-mail', required: true },
  { name: 'message', label: 'What can we do?' },
];
let forms = 0;
async function makeForm(body: Readonly<Record<string, unknown>> = {}): Promise<Json> {
  const made = await world.as('/v1/lead-forms', { name: `Form ${(forms += 1)}`, programId, fields, ...body });
  expect(made).toMatchObject({ status: 201 });
  return made.body;
}
const pathOf = (form: Json): string => `/f/${String(form['id'])}`;
const page = (form: Json, query = '', headers: Readonly<Record<string, string>> = {}): Promise<TestAnswer> =>
  world.api.as(null, `${pathOf(form)}${query}`, { headers: { Accept: 'text/html', ...headers } });
const submit = (form: Json, values: Readonly<Record<string, string>>): Promise<TestAnswer> =>
  world.api.as(null, pathOf(form), {
    raw: new URLSearchParams(values).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html' },
  });
const asJson = (form: Json, body: Readonly<Record<string, unknown>>): Promise<TestAnswer> =>
  world.api.as(null, pathOf(form), { body });
const leadsOf = async (form: Json): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/leads?formId=${String(form['id'])}`)).body['data']);
let people = 0;
const email = (): string => `visitor${(people += 1)}@buyer.example`;

test('a form is made, shown as page and as JSON, and switched off (LED-18)', async () => {
  const form = await makeForm({ language: 'de', consentText: 'Ich willige ein.' });
  expect(form).toMatchObject({
    object: 'lead_form',
    active: true,
    submissions: 0,
    url: `http://localhost:3000/f/${String(form['id'])}`,
    fields: [
      { name: 'name', type: 'text', required: false },
      { name: 'email', type: 'email', required: true },
      { name: 'message', type: 'longText' },
    ],
  });
  const shown = await page(form);
  expect(shown.status).toBe(200);
  expect(shown.text).toContain('<html lang="de">');
  for (const label of ['Your name', 'E-mail', 'What can we do?', 'Ich willige ein.', 'Absenden'])
    expect(shown.text).toContain(label);
  expect(shown.text).not.toContain('<script>');
  const json = await world.api.as(null, pathOf(form), { headers: { Accept: 'application/json' } });
  expect(json.body).toMatchObject({
    id: form['id'],
    consentText: 'Ich willige ein.',
    fields: [{}, { required: true }, {}],
  });

  await world.as(`/v1/lead-forms/${String(form['id'])}`, { active: false }, 'PATCH');
  expect((await page(form)).status).toBe(410);
  expect((await submit(form, { email: email() })).status).toBe(410);
  expect(await leadsOf(form)).toEqual([]);
  expect((await page({ id: 'frm_01kaz0c3v7m2q8x4t6w9y1b5de' } as unknown as Json)).status).toBe(404);
});

test('what a form may not ask or promise is refused', async () => {
  const refused = async (body: Readonly<Record<string, unknown>>) => {
    const made = await world.as('/v1/lead-forms', { name: 'x', programId, fields, ...body });
    return [
      made.status,
      made.body['code'],
      itemsOf(made.body['errors']).map((error) => [error['pointer'], error['code']]),
    ];
  };
  expect(await refused({ fields: [{ name: 'name', label: 'N' }] })).toEqual([
    422,
    'validation_failed',
    [['#/fields', 'required']],
  ]);
  expect(
    await refused({ fields: [...fields, { name: 'email', label: 'again' }, { name: 'shoe', label: 'S' }] }),
  ).toEqual([
    422,
    'validation_failed',
    [
      ['#/fields/3/name', 'already_used'],
      ['#/fields/4/name', 'not_found'],
    ],
  ]);
  expect(await refused({ thankYouUrl: 'https://evil.example/' })).toEqual([422, 'url_not_allowed', []]);
  expect(await refused({ thankYouUrl: 'javascript:alert(1)' })).toEqual([422, 'url_not_allowed', []]);
  expect(await refused({ frameDomains: ['https://x.example/path'] })).toEqual([
    422,
    'validation_failed',
    [['#/frameDomains/0', 'bad_format']],
  ]);
  expect(await refused({ signIn: true })).toEqual([422, 'validation_failed', [['#/signIn', 'not_allowed_here']]]);
  const cpl = await world.program({ acquisitionModel: 'cpl' });
  expect(await refused({ programId: cpl, openAccount: true })).toEqual([
    422,
    'validation_failed',
    [['#/openAccount', 'not_allowed_here']],
  ]);
});

test('TRK-12: our own page needs no script: seen with a click, its cookie or an affiliate’s identifier it is a visit', async () => {
  const form = await makeForm();
  const agent = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' };
  const visitsOf = (clickId: string): Promise<readonly Json[]> =>
    world.owner('visits').where({ click_id: clickId }).select<Json[]>('url', 'mode');
  const shownClick = (answer: TestAnswer): string =>
    /name="click_id" value="(clk_[0-9a-z]{26})"/.exec(answer.text)?.[1] ?? '';

  const byAddress = await world.click({ programId, affiliateId });
  const shown = await page(form, `?click_id=${byAddress}&email=jo@buyer.example`, agent);
  expect([shown.status, shownClick(shown)]).toEqual([200, byAddress]);
  const address = `http://localhost:3000${pathOf(form)}`;
  expect(await visitsOf(byAddress)).toEqual([{ url: address, mode: 'live' }]);
  await page(form, `?click_id=${byAddress}`, agent);
  expect(await visitsOf(byAddress)).toHaveLength(1);

  const byCookie = await world.click({ programId, affiliateId });
  await page(form, '', { ...agent, Cookie: `trb_click=${byCookie}` });
  expect(await visitsOf(byCookie)).toHaveLength(1);

  const { slug } = (await world
    .owner('links')
    .where({ affiliate_id: affiliateId })
    .first<{ slug: string }>('slug')) ?? {
    slug: '',
  };
  const direct = shownClick(await page(form, `?via=${slug}`, agent));
  expect(await visitsOf(direct)).toHaveLength(1);
  const lead = await submit(form, { email: email(), click_id: direct, via: slug });
  expect(lead.status).toBe(303);
  expect(await leadsOf(form)).toMatchObject([{ attribution: { clickId: direct } }]);

  const unseen = await world.click({ programId, affiliateId });
  await page(form, `?click_id=${unseen}`, { 'User-Agent': 'Googlebot/2.1' });
  await page(form, `?click_id=${unseen}`, { ...agent, 'Sec-Purpose': 'prefetch' });
  await world.api.as(null, `${pathOf(form)}?click_id=${unseen}`, { headers: { ...agent, Accept: 'application/json' } });
  expect(await visitsOf(unseen)).toEqual([]);
  const odd = await page(form, `?click_id=${encodeURIComponent("' or 1=1")}&via=${encodeURIComponent('../x')}`, agent);
  expect(odd.status).toBe(200);
});

test('a submission is a lead with source, form, version, agent and affiliate, in the console at once (LED-25, LED-26)', async () => {
  const { user } = await world.api.makePerson(world.ws, ['agent'], { name: 'Eva' });
  const source = await world.as('/v1/lead-sources', { name: 'Landing page', department: 'Web' });
  const form = await makeForm({
    leadSourceId: source.body['id'],
    assigneeId: user.id,
    event: 'registration',
    consentText: 'I agree to be called.',
  });
  const clickId = await world.click({ programId, affiliateId, sub1: 'kw9' });
  const shown = await page(form, '?sid=kw9', { Cookie: `trb_click=${clickId}` });
  expect(shown.text).toContain(`<input type="hidden" name="click_id" value="${clickId}">`);
  expect(shown.text).toContain('<input type="hidden" name="sid" value="kw9">');

  const sent = await submit(form, {
    click_id: clickId,
    sid: 'kw9',
    name: 'Jo <b>Buyer</b>',
    email: email(),
    message: 'Two lines\r\nplease',
    consent: 'true',
  });
  expect([sent.status, sent.headers.get('location')]).toEqual([303, `${pathOf(form)}?done=1`]);
  expect((await page(form, '?done=1')).text).toContain('Thank you');
  await world.settle();
  const [lead] = await leadsOf(form);
  expect(lead).toMatchObject({
    channel: 'form',
    verdict: 'accepted',
    event: 'registration',
    formId: form['id'],
    sourceId: source.body['id'],
    assigneeId: user.id,
    department: 'Web',
    name: 'Jo <b>Buyer</b>',
    customFields: { message: 'Two lines\nplease' },
    consent: { text: 'I agree to be called.', given: true },
    attribution: { status: 'attributed', affiliateId, programId, clickId, sub1: 'kw9' },
  });
  const row = await world.owner('leads').where({ id: lead?.['id'] }).first<{ form_version: number }>();
  await world.as(`/v1/lead-forms/${String(form['id'])}`, { consentText: 'Another text.' }, 'PATCH');
  const versions = await world
    .owner('lead_form_versions')
    .where({ form_id: form['id'] })
    .orderBy('version')
    .select('version', 'definition');
  expect(row?.form_version).toBe(1);
  expect(versions).toMatchObject([
    { version: 1, definition: { consent_text: 'I agree to be called.' } },
    { version: 2, definition: { consent_text: 'Another text.' } },
  ]);
  expect((await world.as(`/v1/lead-forms/${String(form['id'])}`)).body).toMatchObject({ submissions: 1, version: 2 });
});

test('the affiliate’s identifier in the form’s address attributes without any cookie (LED-25, TRK-13)', async () => {
  const form = await makeForm();
  const link = await world
    .owner('links')
    .where({ affiliate_id: affiliateId, program_id: programId })
    .first<{ slug: string }>();
  const shown = await page(form, `?via=${String(link?.slug)}&sub1=blog`);
  expect(shown.text).toContain(`name="via" value="${String(link?.slug)}"`);
  expect((await submit(form, { via: String(link?.slug), sub1: 'blog', email: email() })).status).toBe(303);
  await world.settle();
  expect((await leadsOf(form))[0]).toMatchObject({ attribution: { status: 'attributed', affiliateId, sub1: 'blog' } });
  await submit(form, { via: 'nobody-has-this', email: email() });
  expect((await leadsOf(form))[0]).toMatchObject({ attribution: { status: 'unattributed', code: 'no_touch' } });
});

test('bad input comes back on the page with what was typed, and as a problem for programs; all of it is logged (LED-29)', async () => {
  const form = await makeForm();
  const onPage = await submit(form, { email: 'not an address', name: '"><script>alert(1)</script>' });
  expect(onPage.status).toBe(422);
  expect(onPage.text).toContain('role="alert"');
  expect(onPage.text).toContain('aria-describedby="f-email-error"');
  expect(onPage.text).toContain('&quot;&gt;&lt;script&gt;');
  expect(onPage.text).not.toContain('<script>');
  expect(await asJson(form, { name: 'x', shoe: '44' })).toMatchObject({
    status: 422,
    body: {
      errors: [
        { pointer: '#/email', code: 'required' },
        { pointer: '#/shoe', code: 'unknown_field' },
      ],
    },
  });
  const ok = await asJson(form, { email: email() });
  expect(ok).toMatchObject({ status: 202, body: { verdict: 'accepted' } });
  expect(String(ok.body['id'])).toMatch(/^led_/);
  const log = itemsOf((await world.as(`/v1/lead-log?formId=${String(form['id'])}`)).body['data']);
  expect(log.map((entry) => [entry['outcome'], entry['code']])).toEqual([
    ['accepted', 'no_touch'],
    ['refused', 'validation_failed'],
    ['refused', 'invalid_contact'],
  ]);
});

test('the trap and the rate limit stop machines, which learn nothing; staff see each attempt as spam (LED-29)', async () => {
  const form = await makeForm();
  const trapped = await submit(form, { email: email(), homepage: 'https://spam.example' });
  const honest = await submit(form, { email: email() });
  expect([trapped.status, trapped.headers.get('location')]).toEqual([honest.status, honest.headers.get('location')]);
  const asked = await asJson(form, { email: email(), homepage: 'x' });
  expect([asked.status, Object.keys(asked.body).sort()]).toEqual([202, ['id', 'verdict']]);
  expect(await leadsOf(form)).toHaveLength(1);

  isFlood = true;
  const statuses: number[] = [];
  for (let tries = 0; tries < 14; tries += 1) statuses.push((await submit(form, { email: email() })).status);
  isFlood = false;
  expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 303));
  expect(new Set(statuses.slice(10))).toEqual(new Set([429]));
  expect(await leadsOf(form)).toHaveLength(11);
  const logged = async () =>
    itemsOf((await world.as(`/v1/lead-log?formId=${String(form['id'])}&code=spam`)).body['data']).length;
  for (let tries = 0; tries < 200 && (await logged()) < 6; tries += 1) await sleep(50); // those of the flood a moment later
  expect(await logged()).toBe(6);
});

/** What the page's own script puts into the form when it is sent, run as a browser would. */
function workOn(html: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const script = /<script nonce="[^"]+">([^]*)<\/script>/.exec(html)?.[1] ?? '';
  const inputs = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
  const fields = new Map(
    [...inputs.map(([, name = '', value = '']) => [name, value] as const), ...Object.entries(values)].map(
      ([name, value]) => [name, { value }],
    ),
  );
  let submit = (): void => {
    throw new Error('the script listens to no submit');
  };
  const form = {
    elements: { namedItem: (name: string) => fields.get(name) ?? null },
    addEventListener: (_event: string, listener: () => void) => (submit = listener),
  };
  runInNewContext(script, { document: { querySelector: () => form }, TextEncoder });
  submit();
  return Object.fromEntries([...fields].map(([name, { value }]) => [name, value]));
}

test('the hosted page shows time and work, judged here; a person without scripts is asked to send once more (LED-29, screens.md 8)', async () => {
  const form = await makeForm();
  const shownAt = (secondsAgo: number): string => {
    const at = String(Math.floor(Date.now() / 1_000) - secondsAgo);
    return `${at}.${world.api.deps.secrets.sign('lead form', at)}`;
  };
  const shown = await page(form);
  expect(shown.headers.get('content-security-policy')).toMatch(/script-src 'nonce-[^']+';/);
  const html = shown.text;
  const done = workOn(html, { shownAt: shownAt(3), email: email(), name: 'Zoë' });
  expect(done['work']).toMatch(/^\d+$/);
  const own = { 'Sec-Fetch-Site': 'same-origin' };
  const send = async (values: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = own) => {
    const sent = await world.api.as(null, pathOf(form), {
      raw: new URLSearchParams(values).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html', ...headers },
    });
    return [sent.status, (await leadsOf(form)).length];
  };
  const person = { email: email(), name: 'Ann' };
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, number, number])[] = [
    ['no time, from our own page', person, 303, 0],
    [
      'another form’s time',
      { ...person, shownAt: `5.${world.api.deps.secrets.sign('application form', '5')}` },
      303,
      0,
    ],
    ['at once, with the work', { ...workOn(html, { ...person, shownAt: shownAt(0) }) }, 303, 0],
    ['soon, without work', { ...person, shownAt: shownAt(3) }, 422, 0],
    ['soon, with work done for somebody else', { ...done, email: 'second@bulk.example' }, 422, 0],
    ['after a day', { ...person, shownAt: shownAt(90_000) }, 422, 0],
    ['soon, with the work', done, 303, 1],
    ['later, without a script', { ...person, shownAt: shownAt(11) }, 303, 2],
  ];
  for (const [name, values, status, leads] of cases)
    expect([name, ...(await send(values))]).toEqual([name, status, leads]);
  // A copy of the form on a foreign page has no time of ours (LED-24).
  expect(await send({ email: email() }, { 'Sec-Fetch-Site': 'cross-site' })).toEqual([303, 3]);

  const log = await eventually(async () => {
    const entries = itemsOf((await world.as(`/v1/lead-log?formId=${String(form['id'])}&code=spam`)).body['data']);
    return entries.length === 6 ? entries : undefined;
  });
  const found = log.map((entry) => (entry['payload'] as Json)['botCheck']).toReversed();
  expect(found).toEqual(['not_from_page', 'not_from_page', 'too_fast', 'no_work', 'no_work', 'too_old']);
});

test('only its own domains may frame a form; the copied code leads to it (LED-24)', async () => {
  const closed = await makeForm();
  expect((await page(closed)).headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  const open = await makeForm({
    frameDomains: ['blog.example', 'blog.example'],
    thankYouUrl: 'https://shop.example/thanks',
  });
  const policy = (await page(open)).headers.get('content-security-policy') ?? '';
  expect(policy).toContain('frame-ancestors https://blog.example http://blog.example');
  expect(policy).toContain("form-action 'self' https://shop.example");
  const embed = await world.as(`/v1/lead-forms/${String(open['id'])}/embed`);
  expect(embed.body).toMatchObject({ url: open['url'], frameDomains: ['blog.example'] });
  expect(embed.body['iframe']).toContain(`<iframe src="${String(open['url'])}"`);
  expect(embed.body['script']).toContain(String(open['id']));
  expect(embed.body['html']).toContain(`<form action="${String(open['url'])}" method="post"`);
  // What the plain HTML posts is taken: names of fields are those of the form.
  const names = [...String(embed.body['html']).matchAll(/name="([a-z_]+)"/g)].map(([, name]) => name);
  expect(names).toEqual(['click_id', 'name', 'email', 'message', 'homepage']);
});

test('a form that signs in: once, within a minute, then the login page (LED-20, LED-21, LED-22)', async () => {
  const form = await makeForm({ openAccount: true, signIn: true, thankYouUrl: 'https://shop.example/welcome?x=1' });
  const address = email();
  const sent = await submit(form, { email: address });
  const goal = new URL(sent.headers.get('location') ?? '');
  expect([goal.origin, goal.pathname, goal.searchParams.get('x')]).toEqual(['https://shop.example', '/welcome', '1']);
  const token = goal.searchParams.get('sign_in_token');
  const take = () => world.as('/v1/customer-sign-ins', { token });
  const [lead] = await leadsOf(form);
  const first = await take();
  expect(first).toMatchObject({
    status: 200,
    body: { leadId: lead?.['id'], customerAccountId: lead?.['customerAccountId'] },
  });
  expect(await take()).toMatchObject({ status: 410, body: { code: 'token_used_or_expired' } });
  expect(await world.owner('emails').where({ recipient: address, kind: 'customer_account_opened' })).toHaveLength(1);

  const late = await submit(form, { email: email() });
  const lateToken = new URL(late.headers.get('location') ?? '').searchParams.get('sign_in_token');
  await world
    .owner('customer_tokens')
    .whereNull('used_at')
    .where({ kind: 'sign_in' })
    .update({ expires_at: new Date(0) });
  expect(await world.as('/v1/customer-sign-ins', { token: lateToken })).toMatchObject({ status: 410 });
  // Another submission of the same person opens no second account and mails no second link.
  await submit(form, { email: address });
  expect(await world.owner('emails').where({ recipient: address, kind: 'customer_account_opened' })).toHaveLength(1);
});

test('a repeated form is a further submission: kept, not unique, and it moves the last referrer after another’s click (ruling 41, TRK-09, TRK-22)', async () => {
  const form = await makeForm();
  const rival = await world.affiliate(programId);
  const address = email();
  await submit(form, { email: address, click_id: await world.click({ programId, affiliateId }) });
  await world.settle();
  await submit(form, { email: address });
  await submit(form, { email: address, click_id: await world.click({ programId, affiliateId: rival }) });
  await world.settle();
  const leads = await leadsOf(form);
  expect(leads.map((lead) => [lead['verdict'], lead['unique']])).toEqual([
    ['accepted', false],
    ['accepted', false],
    ['accepted', true],
  ]);
  expect(new Set(leads.map((lead) => lead['referralId'])).size).toBe(1);
  const referral = await world.as(`/v1/referrals/${String(leads[0]?.['referralId'])}`);
  expect(referral.body).toMatchObject({ firstAffiliateId: affiliateId, lastAffiliateId: rival });
});

test('TRK-22: one contact submits three forms: three leads, one unique, in the report as in the list', async () => {
  const form = await makeForm();
  const owner = await world.affiliate(programId);
  const address = email();
  await submit(form, { email: address, click_id: await world.click({ programId, affiliateId: owner }) });
  await world.settle();
  for (let again = 0; again < 2; again += 1) await submit(form, { email: address });
  await world.settle();
  const report = await world.as('/v1/reports/affiliate-performance');
  const row = itemsOf(report.body['rows']).find((one) => one['affiliateId'] === owner);
  expect(row).toMatchObject({ leads: 3, uniqueLeads: 1 });
  expect((await leadsOf(form)).map((lead) => lead['unique'])).toEqual([false, false, true]);
});

test('custom fields on a form: options offered, types judged, required ones demanded of the form itself (LED-23)', async () => {
  const plan = await world.as('/v1/custom-fields', {
    target: 'lead',
    name: 'Plan',
    key: 'plan',
    type: 'choice',
    options: ['pro', 'basic'],
  });
  const terms = await world.as('/v1/custom-fields', {
    target: 'lead',
    name: 'Terms',
    key: 'terms',
    type: 'checkbox',
    required: true,
  });
  expect(await world.as('/v1/lead-forms', { name: 'x', programId, fields })).toMatchObject({ status: 422 });
  const form = await makeForm({
    fields: [...fields, { name: 'plan', label: 'Plan' }, { name: 'terms', label: 'I accept', required: true }],
  });
  expect((await page(form)).text).toContain('<option value="pro">pro</option>');
  expect((await submit(form, { email: email(), plan: 'gold', terms: 'true' })).status).toBe(422);
  expect((await submit(form, { email: email(), plan: 'pro' })).status).toBe(422);
  expect((await submit(form, { email: email(), plan: 'pro', terms: 'true' })).status).toBe(303);
  expect((await leadsOf(form))[0]?.['customFields']).toEqual({ plan: 'pro', terms: 'true' });
  expect(await world.as(`/v1/custom-fields/${String(plan.body['id'])}`, undefined, 'DELETE')).toMatchObject({
    status: 409,
    body: { code: 'in_use', usedBy: [form['id']] },
  });
  await world.as(`/v1/lead-forms/${String(form['id'])}`, undefined, 'DELETE');
  for (const { body } of [plan, terms])
    expect((await world.as(`/v1/custom-fields/${String(body['id'])}`, undefined, 'DELETE')).status).toBe(204);
  expect((await page(form)).status).toBe(404);
});

test('whatever is too large, too deep or too many is refused on every public intake, and nothing is written (reliability.md B)', async () => {
  const form = await makeForm();
  const program = await world.as(`/v1/programs/${programId}`);
  const source = await world.as('/v1/payment-sources', { name: 'Large', adapter: 'standard' });
  const [asForm, asJson] = ['application/x-www-form-urlencoded', 'application/json'];
  const large = 'x'.repeat(1_100_000);
  const many = Array.from({ length: 10_000 }, (_, index) => `f${index}=1`).join('&');
  const intakes = [
    { path: pathOf(form), types: [asForm, asJson] },
    { path: `/apply/${String(program.body['slug'])}`, types: [asForm, asJson] },
    { path: `/apply/status/${'x'.repeat(43)}`, types: [asForm, asJson, 'multipart/form-data; boundary=b'] },
    { path: '/t/visit', types: [asJson] },
    { path: '/t/postback', types: [asForm] },
    { path: `/hooks/payments/${String(source.body['id'])}`, types: [asJson] },
    { path: '/hooks/gateways/sandbox', types: [asJson] },
  ];
  const bodies: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
    [asForm]: [
      ['1.1 MB in one field', `email=${large}`],
      ['10,000 fields', many],
      ['a name of 60,000', `${'n'.repeat(60_000)}=1`],
    ],
    [asJson]: [
      ['1.1 MB in one field', `{"email":"${large}"}`],
      ['10,000 fields', `{${Array.from({ length: 10_000 }, (_, index) => `"f${index}":"1"`).join(',')}}`],
      ['10,000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ],
    'multipart/form-data; boundary=b': [
      [
        '11 MB',
        `--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n${large.repeat(10)}\r\n--b--`,
      ],
    ],
  };
  const tables = ['leads', 'affiliates', 'contacts', 'visits', 'sales', 'audit_entries'];
  const rows = async (): Promise<readonly string[]> =>
    Promise.all(
      tables.map(async (table) => {
        const [counted] = await world.owner(table).count<{ count: string }[]>('* as count');
        return `${table} ${counted?.count ?? ''}`;
      }),
    );
  const before = await rows();
  const wrong: string[] = [];
  for (const { path, types } of intakes) {
    for (const type of types)
      for (const [name, raw] of bodies[type] ?? []) {
        const headers = { 'Content-Type': type, Accept: 'application/json' };
        const { status, text } = await world.api.as(null, path, { method: 'POST', raw, headers });
        // A hook says first that nobody signed it, a status page that nobody has this address.
        // An application without the time of our page is taken for a machine's: the normal answer, and nothing else.
        const isAsEver = status === 303 && path.startsWith('/apply/');
        if (!isAsEver && ![400, 401, 404, 410, 413, 415, 422].includes(status))
          wrong.push(`${path} ${type}, ${name}: ${status} ${text.slice(0, 100)}`);
      }
    const { status } = await world.api.as(null, `${path}?q=${'y'.repeat(100_000)}`, {
      headers: { Accept: 'application/json' },
    });
    if (![414, 431].includes(status)) wrong.push(`${path}?… of 100 kB: ${status}`);
  }
  expect(wrong).toEqual([]);
  expect(await rows()).toEqual(before);
});

test('a blocked address is answered as ever and kept as spam: forms, scripts, pixels, applications; others go on (screens.md 3.14)', async () => {
  const form = await makeForm();
  const set = async (body: Readonly<Record<string, unknown>>) => {
    const { version } = (await world.as('/v1/settings')).body;
    const headers = { 'If-Match': `"${String(version)}"` };
    return world.api.as(world.ws.key, '/v1/settings', { method: 'PATCH', body, headers });
  };
  expect(await set({ leads: { blockedAddresses: ['203.0.113.300'] } })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '#/leads/blockedAddresses/0', code: 'bad_format' }] },
  });
  const blocked = { leads: { blockedAddresses: ['203.0.113.0/24', '2001:db8::7'] } };
  expect(await set({ ...blocked, domains: { formDomains: ['shop.example'] } })).toMatchObject({ status: 200 });
  const key = String((await world.as('/v1/api-keys', { name: 'shop', kind: 'public', test: false })).body['publicKey']);
  const fromPage = (event: string) =>
    world.api.as(null, '/t/postback', {
      raw: JSON.stringify({
        key,
        event,
        txn_id: 'blocked-1',
        email: 'blocked@buyer.example',
        amount: '5.00',
        currency: 'USD',
      }),
      headers: { 'Content-Type': 'text/plain', Origin: 'https://shop.example' },
    });
  const pixel = () => world.api.as(null, `/t/sale.gif?key=${key}&order_id=blocked-2&amount=5.00&currency=USD`);
  const program = (await world.as(`/v1/programs/${programId}`)).body;
  const apply = (address: string) =>
    world.api.as(null, `/apply/${String(program['slug'])}`, { body: { name: 'Ann', email: address } });
  const answers: unknown[] = [];
  for (const address of ['203.0.113.77', '2001:db8::7']) {
    fixedAddress = address;
    const sent = await submit(form, { email: email() });
    answers.push(sent.status, sent.headers.get('location'), (await asJson(form, { email: email() })).body['verdict']);
    const [lead, sale, image, application] = [
      await fromPage('lead'),
      await fromPage('sale'),
      await pixel(),
      await apply(email()),
    ];
    answers.push(lead.status, lead.body['object'], sale.status, sale.body['object'], image.status, application.body);
  }
  fixedAddress = undefined;

  const one = [303, `${pathOf(form)}?done=1`, 'received', 202, 'lead', 202, 'sale', 200, { status: 'received' }];
  expect(answers).toEqual([...one, ...one]);
  expect(await leadsOf(form)).toEqual([]);
  expect(itemsOf((await world.as('/v1/leads?q=blocked@buyer.example')).body['data'])).toEqual([]);
  expect(itemsOf((await world.as('/v1/sales?externalId=blocked-1,blocked-2')).body['data'])).toEqual([]);
  const log = itemsOf((await world.as('/v1/lead-log?outcome=refused&code=spam')).body['data']);
  expect(log.filter((entry) => entry['address'] === '203.0.113.77').map((entry) => entry['channel'])).toEqual([
    'script',
    'form',
    'form',
  ]);
  const paths = await eventually(async () => {
    const calls = itemsOf((await world.as('/v1/api-log?code=spam&limit=200')).body['data']);
    const found = calls.filter((call) => call['address'] === '2001:db8::7').map((call) => call['path']);
    return found.length === 6 && found;
  });
  expect(new Set(paths)).toEqual(
    new Set([pathOf(form), '/t/postback', '/t/sale.gif', `/apply/${String(program['slug'])}`]),
  );

  fixedAddress = '203.0.114.77';
  const neighbour = email();
  expect((await submit(form, { email: neighbour })).status).toBe(303);
  fixedAddress = undefined;
  expect((await set({ leads: { blockedAddresses: [] } })).status).toBe(200);
  // From where a lead came is in the log, for staff: it is what they block by.
  const kept = await eventually(async () => {
    const [line] = itemsOf(
      (await world.as(`/v1/lead-log?formId=${String(form['id'])}&outcome=received,accepted`)).body['data'],
    );
    return line?.['address'] != null && line;
  });
  expect(kept).toMatchObject({ address: '203.0.114.77', leadId: (await leadsOf(form))[0]?.['id'] });
});
