import { Writable } from 'node:stream';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '../../../api/route.js';
import { routes } from '../../../api/routes.js';
import { mayAffiliateKeyHold, type Permission, permissions } from '../../../domain/access/permission.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf } from '../support.js';

// A program set to anonymous: no answer, mail or log of the affiliate holds the customer's name or mail (screens.md 11, PRT). Everything that
// an affiliate's credential can read is read, made from the list of routes, and searched for the customer.

let world: EarningWorld;
let programId: string;
let affiliateId: string;
let email: string;
let ids: Readonly<Record<string, string>>;
let key: string;
let portal: { readonly cookie: string; readonly csrf: string };
const logged: string[] = [];

/** Rare words: whatever holds one of them holds the customer. */
const customer = { name: 'Zebulon Quixworthy', email: 'zebulon.quixworthy@buyer.example', phone: '+4366012345678' };
const secrets = ['zebulon', 'quixworthy', '66012345678'];

function found(text: string): readonly string[] {
  const lower = text.toLowerCase();
  return secrets.filter((secret) => lower.includes(secret));
}

beforeAll(async () => {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString('utf8'));
      done();
    },
  });
  world = await createEarningWorld({ deps: { logger: pino({ level: 'trace' }, sink) } });
  const { api, ws } = world;
  const as: EarningWorld['as'] = (...call) => world.as(...call);
  await saveSettings(api, ws, { affiliates: { customerVisibility: 'full' } }); // the program is stricter than the workspace
  programId = await world.program({ name: 'Quiet', customerVisibility: 'anonymous' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  affiliateId = await world.affiliate(programId, { name: 'Ada' });
  email = String((await as(`/v1/affiliates/${affiliateId}`)).body['email']);
  const clickId = await world.click({ programId, affiliateId });
  const lead = await as('/v1/leads', {
    externalId: 'lead-1',
    clickId,
    customerExternalId: 'u-1',
    event: 'registration',
    ...customer,
  });
  expect(lead.status, lead.text).toBe(202);
  await world.settle();
  const sale = await world.sale({
    externalId: 'order-1',
    customer: { externalId: 'u-1', email: customer.email },
    amount: { amount: '100.00', currency: 'USD' },
  });
  const referralId = String(sale['referralId']);
  const approved = await world.settled(as(`/v1/referrals/${referralId}/approve`, { reason: 'Known' }));
  expect(approved.status, approved.text).toBe(200);
  await as(`/v1/sales/${String(sale['id'])}/refunds`, {
    externalId: 'refund-1',
    amount: { amount: '10.00', currency: 'USD' },
  });
  await world.settle();
  const commissions = await world.commissions(`affiliateId=${affiliateId}`);
  ids = {
    referralId,
    saleId: String(sale['id']),
    leadId: String(lead.body['id']),
    commissionId: String(commissions[0]?.['id']),
    affiliateId,
    programId,
    linkId: String(itemsOf((await as(`/v1/links?affiliateId=${affiliateId}`)).body['data'])[0]?.['id']),
    clickId,
  };
  const held = permissions.filter((one) => mayAffiliateKeyHold(one)) as Permission[];
  key = (await api.makePerson(ws, ['owner'], { name: 'Api', affiliateId, permissions: held })).key;
  const mails = await as(`/v1/dev/emails?to=${email}`);
  const token = itemsOf(mails.body['data'])
    .flatMap((mail) => itemsOf(mail['links']).map(String))
    .find((link) => link.includes('/welcome/'))
    ?.split('/')
    .at(-1);
  const signedIn = await api.as(null, '/v1/auth/accept-invite', { body: { token } });
  expect(signedIn.status, signedIn.text).toBe(200);
  portal = {
    cookie: signedIn.headers.get('set-cookie')?.split(';')[0] ?? '',
    csrf: String(signedIn.body['csrfToken']),
  };
}, 120_000);
afterAll(() => world?.close());

const pathOf = (route: Route): string =>
  route.path.replaceAll(/:([A-Za-z]+)/g, (_all, name: string) => ids[name] ?? 'none');

test('the staff see who it was: there is something to hide', async () => {
  const referral = await world.as(`/v1/referrals/${ids['referralId'] ?? ''}`);

  expect(found(referral.text)).not.toEqual([]);
});

test('PRT-09: no answer to the affiliate’s key or portal session names the customer', async () => {
  const faults: string[] = [];
  let answered = 0;
  for (const route of routes.filter((one) => one.method === 'GET')) {
    const path = pathOf(route);
    const answers = [
      { by: 'key', answer: await world.api.as(key, path) },
      { by: 'portal', answer: await world.api.as(null, path, { headers: { Cookie: portal.cookie } }) },
    ];
    for (const { by, answer } of answers) {
      if (answer.status === 200) answered += 1;
      const held = found(`${answer.text}\n${[...answer.headers].join('\n')}`);
      if (held.length > 0) faults.push(`${by} ${path}: ${held.join(', ')} in ${answer.text.slice(0, 300)}`);
    }
  }
  console.log(`${answered} answers with content were searched`);

  expect(faults).toEqual([]);
  expect(answered).toBeGreaterThan(25);
}, 120_000);

test('no search of theirs for the customer finds anything', async () => {
  for (const route of routes.filter((one) => one.method === 'GET' && !one.path.includes(':'))) {
    for (const q of ['quixworthy', encodeURIComponent(customer.email)]) {
      const answer = await world.api.as(key, `${route.path}?q=${q}`);
      if (answer.status !== 200 || answer.body === null) continue;
      // An answer that is shorter for a right guess tells as much as the name itself.
      const other = await world.api.as(key, `${route.path}?q=nobodyatall`);
      expect([route.path, itemsOf(answer.body['data']).length]).toEqual([
        route.path,
        itemsOf(other.body?.['data']).length,
      ]);
    }
  }
}, 120_000);

test('no mail to the affiliate names the customer', async () => {
  const mails = await world.owner('emails').where({ workspace_id: world.ws.id, recipient: email }).select('*');

  expect(mails.length).toBeGreaterThan(0);
  expect(mails.filter((mail) => found(JSON.stringify(mail)).length > 0)).toEqual([]);
});

test('no log line and no stored record of calls names the customer', async () => {
  expect(logged.length).toBeGreaterThan(50);
  expect(logged.filter((line) => found(line).length > 0)).toEqual([]);
  // The affiliate's history, and what waits to be sent.
  for (const table of ['audit_entries', 'outbox', 'touches', 'commissions', 'attributions'])
    expect([
      table,
      (await world.owner(table).select(world.owner.raw('??::text as text', [table]))).filter(
        (row: { text: string }) => found(row.text).length > 0,
      ),
    ]).toEqual([table, []]);
});
