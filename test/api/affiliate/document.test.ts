import { afterAll, beforeAll, expect, test } from 'vitest';
import { lapseDocuments } from '../../../activities/calendar.js';
import { createRateLimiter } from '../../../api/rateLimit.js';
import { inWorkspace } from '../../../db/transaction.js';
import * as pictures from '../../support/pictures.js';
import { dataOf, makeAffiliate, makeProgram, saveSettings } from '../program/support.js';
import { type Json, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Supporting documents (AFF-24): what a program asks to see, what affiliates and staff send, the verdict, and what it stands in the way of.

let api: TestApi;
let ws: TestWorkspace;
let programId: string;
let addresses = 0;

const licence = { type: 'trade_licence', label: 'Trade licence', hint: 'Front page', required: true, expires: true };
const address = { type: 'address_proof', label: 'Proof of address', hint: null, required: true, expires: false };
const extra = { type: 'portfolio', label: 'Portfolio', hint: null, required: false, expires: false };
const pdf = Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');

beforeAll(async () => {
  const clientAddress = () => `10.2.${addresses >> 8}.${(addresses += 1) & 255}`;
  api = await startTestApi({ deps: { clientAddress, rateLimiter: createRateLimiter(clientAddress) } });
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { requirements: ['documents'] });
  await askFor(programId, [licence, address, extra]);
}, 60_000);
afterAll(() => api?.close());

async function askFor(id: string, documents: readonly object[]): Promise<void> {
  const form = await api.as(ws.key, `/v1/programs/${id}/form`, { method: 'PUT', body: { documents } });
  expect(form.status, form.text).toBe(200);
  expect(form.body['documents']).toEqual(documents);
}

interface Sent {
  readonly type?: string;
  readonly expiresOn?: string;
  readonly file?: Buffer;
  readonly name?: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send(path: string, sent: Sent = {}) {
  const form = new FormData();
  form.append('type', sent.type ?? 'address_proof');
  if (sent.expiresOn !== undefined) form.append('expiresOn', sent.expiresOn);
  form.append('file', new Blob([new Uint8Array(sent.file ?? pdf)], { type: 'application/pdf' }), sent.name ?? 'a.pdf');
  const key = sent.key === undefined ? ws.key : sent.key;
  const response = await fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { ...(key === null ? {} : { Authorization: `Bearer ${key}` }), ...sent.headers },
    body: form,
    redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Json, text };
}

const documentsOf = (affiliateId: string) => `/v1/affiliates/${affiliateId}/documents`;
const verdict = (id: unknown, verb: 'accept' | 'refuse', body: object = {}, key = ws.key) =>
  api.as(key, `/v1/documents/${String(id)}/${verb}`, { body });
const enrolmentOf = async (affiliateId: string) =>
  dataOf(await api.as(ws.key, `/v1/affiliates/${affiliateId}/enrolments`))[0] ?? {};
const openOf = async (affiliateId: string) =>
  (
    (await enrolmentOf(affiliateId))['openRequirements'] as readonly {
      code: string;
      detail: string;
      document?: { state: string };
    }[]
  ).map((one) => one.detail);
const rows = () =>
  inWorkspace(api.db, ws.id, async (tx) => {
    const [row] = await tx('affiliate_documents').count<{ count: string }[]>('* as count');
    return Number(row?.count);
  });
const told = (affiliateId: string) =>
  inWorkspace(api.db, ws.id, (tx) =>
    tx('notices').where({ affiliate_id: affiliateId }).orderBy('created_at').orderBy('id').pluck<string[]>('subject'),
  );
/** Approved by a program that asks for nothing, then enrolled in the one that does. */
async function enrolled(body: Readonly<Record<string, unknown>> = {}) {
  const affiliateId = await makeAffiliate(api, ws, [], body);
  const made = await api.as(ws.key, `/v1/affiliates/${affiliateId}/enrolments`, { body: { programId } });
  expect(made.status, made.text).toBe(201);
  const enrolmentId = String(made.body['id']);
  const { key } = await api.makePerson(ws, ['owner'], {
    affiliateId,
    permissions: ['me.read', 'me.write'],
    name: `Key ${affiliateId}`,
  });
  for (const { id } of dataOf(await api.as(key, '/v1/me/agreements')))
    await api.as(key, `/v1/me/agreements/${String(id)}/accept`, { body: {} });
  return {
    affiliateId,
    enrolmentId,
    activate: () => api.as(ws.key, `/v1/enrolments/${enrolmentId}/activate`, { body: {} }),
    key,
  };
}

test('AFF-24: a missing document blocks activation and is named, each with its state, until all are accepted', async () => {
  const one = await enrolled();
  expect(await enrolmentOf(one.affiliateId)).toMatchObject({ status: 'pending' });
  expect(await openOf(one.affiliateId)).toEqual(['Trade licence is missing.', 'Proof of address is missing.']);
  const blocked = await one.activate();
  expect(blocked.status).toBe(409);
  expect(blocked.body).toMatchObject({
    code: 'requirements_open',
    open: [
      { code: 'documents', document: { type: 'trade_licence', label: 'Trade licence', state: 'missing' } },
      { code: 'documents', document: { type: 'address_proof', state: 'missing' } },
    ],
  });

  const first = await send(documentsOf(one.affiliateId), { type: 'trade_licence', expiresOn: '2030-01-31' });
  expect(first.status, first.text).toBe(201);
  expect(first.body).toMatchObject({ label: 'Trade licence', status: 'waiting', expiresOn: '2030-01-31' });
  expect(first.body['allowedActions']).toEqual(['accept', 'refuse']);
  const second = await send('/v1/me/documents', { key: one.key, file: pictures.jpeg, name: 'C:\\scan\\letter.pdf' });
  expect(second.status, second.text).toBe(201);
  expect(second.body).toMatchObject({ status: 'waiting', contentType: 'image/jpeg', fileName: 'letter.pdf' });
  expect(await openOf(one.affiliateId)).toEqual([
    'Trade licence waits for review.',
    'Proof of address waits for review.',
  ]);

  expect((await verdict(first.body['id'], 'accept')).body).toMatchObject({ status: 'accepted', allowedActions: [] });
  const again = await verdict(first.body['id'], 'accept');
  expect([again.status, again.body['code'], again.body['currentStatus']]).toEqual([409, 'already_decided', 'accepted']);
  const refused = await verdict(second.body['id'], 'refuse', {
    reason: 'Looks photoshopped',
    publicReason: 'The date cannot be read.',
  });
  expect(refused.body, refused.text).toMatchObject({ status: 'refused', decision: { reason: 'Looks photoshopped' } });
  expect((await one.activate()).body['open']).toMatchObject([{ document: { state: 'refused' } }]);

  // Refused, then again: what the affiliate reads says why, and nothing of what staff wrote for each other.
  const own = await api.as(one.key, '/v1/me/documents');
  expect(own.body['asked']).toMatchObject([
    { type: 'trade_licence', state: 'accepted', required: true, expires: true, hint: 'Front page' },
    { type: 'address_proof', state: 'refused' },
    { type: 'portfolio', state: 'missing', required: false },
  ]);
  expect(dataOf(own)[0]).toMatchObject({ status: 'refused', publicReason: 'The date cannot be read.' });
  expect(own.text).not.toContain('photoshopped');
  const better = await send('/v1/me/documents', { key: one.key, file: pictures.png });
  expect((await verdict(better.body['id'], 'accept')).status).toBe(200);
  expect(await openOf(one.affiliateId)).toEqual([]);
  expect((await one.activate()).body).toMatchObject({ status: 'active' });
  expect(await told(one.affiliateId)).toEqual([
    'Document accepted: Trade licence',
    'Document refused: Proof of address',
    'Document accepted: Proof of address',
  ]);
  const trail = await api.as(ws.key, `/v1/audit-entries?objectId=${String(second.body['id'])}&sort=createdAt`);
  expect(dataOf(trail).map((entry) => entry['event'])).toEqual(['uploaded', 'refused']);

  // With a referral stand the papers that its own program asks its affiliate for (screens.md 4).
  const contact = await api.as(ws.key, '/v1/contacts', {
    body: { name: 'Cy', email: `${one.affiliateId}@shop.example` },
  });
  const made = await api.as(ws.key, '/v1/referrals', {
    body: { affiliateId: one.affiliateId, programId, contactId: contact.body['id'], event: 'enquiry' },
  });
  expect(made.status, made.text).toBe(201);
  const path = `/v1/referrals/${String(made.body['id'])}/documents`;
  const proofs = await api.as(ws.key, path);
  expect(dataOf(proofs).map((paper) => [paper['type'], paper['status'], paper['expiresOn']])).toEqual([
    ['address_proof', 'accepted', null],
    ['address_proof', 'refused', null],
    ['trade_licence', 'accepted', '2030-01-31'],
  ]);
  expect(dataOf(await api.as(ws.key, `${path}?type=trade_licence`))).toHaveLength(1);
  const person = { affiliateId: one.affiliateId, permissions: ['referral.read'] as const };
  const mine = await api.as((await api.makePerson(ws, ['owner'], person)).key, path);
  expect(mine.status, mine.text).toBe(200);
  expect(dataOf(mine)).toMatchObject([{ decision: null }, { status: 'refused', decision: null }, { decision: null }]);
  expect(mine.text).not.toContain('photoshopped');
  await askFor(programId, [address]);
  expect(dataOf(await api.as(ws.key, path))).toMatchObject([{ type: 'address_proof' }, { type: 'address_proof' }]);
  await askFor(programId, [licence, address, extra]);
});

test('AFF-24: an application is not approved before its documents; the applicant sends them from the status page', async () => {
  await saveSettings(api, ws, { affiliates: { defaultStatus: 'approved' } });
  const slug = String((await api.as(ws.key, `/v1/programs/${programId}`)).body['slug']);
  const terms = dataOf(await api.as(ws.key, `/v1/programs/${programId}/agreements`))[0]?.['id'];
  const applied = await api.as(null, `/apply/${slug}`, {
    body: { name: 'Bo', email: 'bo@paper.example', agreementId: terms, acceptTerms: true },
  });
  expect(applied.status, applied.text).toBe(202);
  const links = await inWorkspace(api.db, ws.id, (tx) =>
    tx('emails').where({ recipient: 'bo@paper.example' }).pluck<string[][]>('links'),
  );
  const path = String(links.flat().find((one) => one.includes('/apply/status/'))).replace('http://localhost:3000', '');
  const seen = await api.as(null, path, { headers: { Accept: 'application/json' } });
  expect(seen.body['documents']).toMatchObject([
    { type: 'trade_licence', state: 'missing' },
    { type: 'address_proof', state: 'missing' },
    { type: 'portfolio', state: 'missing', required: false },
  ]);
  const page = await fetch(`${api.url}${path}`, { headers: { Accept: 'text/html' } });
  expect(await page.text()).toContain('Send the document');

  const affiliateId = String(dataOf(await api.as(ws.key, '/v1/applications?q=bo@paper.example'))[0]?.['affiliateId']);
  const approve = () => api.as(ws.key, `/v1/affiliates/${affiliateId}/approve`, { body: {} });
  expect((await approve()).body).toMatchObject({
    code: 'requirements_open',
    open: [{ document: { type: 'trade_licence' } }, { document: { type: 'address_proof' } }],
  });
  const visitor = { key: null, headers: { Accept: 'application/json' } };
  const bad = await send(path, { key: null, headers: { Accept: 'text/html' }, file: Buffer.from('MZ') });
  expect([bad.status, bad.text.includes('This file cannot be used.')]).toEqual([422, true]);
  const sent = await send(path, { ...visitor, type: 'trade_licence', expiresOn: '2031-05-01' });
  expect([sent.status, sent.body['documents']?.[0]?.['state']], sent.text).toEqual([200, 'waiting']);
  const byForm = await send(path, { key: null, headers: { Accept: 'text/html' }, expiresOn: '' });
  expect(byForm.status).toBe(303);

  // With the last one accepted and nothing else open, whoever is approved by default is live at once (AFF-06).
  for (const document of dataOf(await api.as(ws.key, `${documentsOf(affiliateId)}?status=waiting`)))
    expect((await verdict(document['id'], 'accept')).status).toBe(200);
  expect((await api.as(ws.key, `/v1/affiliates/${affiliateId}`)).body).toMatchObject({
    status: 'approved',
    enrolments: [{ status: 'active' }],
  });
  const late = await send(path, { ...visitor, type: 'portfolio' });
  expect([late.status, late.body['code']]).toEqual([409, 'transition_not_allowed']);
  await saveSettings(api, ws, { affiliates: { defaultStatus: 'pending' } });
});

test('AFF-24: types are told by content, sizes and days are limited, and what is refused leaves nothing', async () => {
  const { affiliateId, key } = await enrolled();
  const before = await rows();
  for (const [file, fault] of [
    [Buffer.from('<html><script>alert(1)</script>'), 'not_an_image'],
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 'not_an_image'],
    [pictures.gif, 'not_an_image'],
    [Buffer.alloc(0), 'not_an_image'],
    [Buffer.from('%PDF-1.7 and nothing else'), 'broken'],
    [pictures.jpeg.subarray(0, 200), 'broken'],
  ] as const)
    for (const path of [documentsOf(affiliateId), '/v1/me/documents'])
      expect(await send(path, { file, key: path.startsWith('/v1/me') ? key : ws.key })).toMatchObject({
        status: 422,
        body: { code: 'file_rejected', fault },
      });
  const large = Buffer.concat([pdf, Buffer.alloc(10_500_000), pdf]);
  expect((await send(documentsOf(affiliateId), { file: large })).body).toMatchObject({ fault: 'too_large' });
  const huge = await send(documentsOf(affiliateId), { file: Buffer.alloc(21_000_000) });
  expect([huge.status, huge.body['code']]).toEqual([413, 'body_too_large']);
  for (const [sent, pointer, code] of [
    [{ type: 'passport' }, '#/type', 'not_in_list'],
    [{ type: '../x' }, '#/type', 'bad_format'],
    [{ type: 'trade_licence' }, '#/expiresOn', 'required'],
    [{ type: 'trade_licence', expiresOn: '2026-02-30' }, '#/expiresOn', 'bad_format'],
    [{ type: 'trade_licence', expiresOn: '2020-01-01' }, '#/expiresOn', 'out_of_range'],
  ] as const) {
    const answer = await send(documentsOf(affiliateId), sent);
    expect([answer.status, answer.body['errors']?.[0]?.['pointer'], answer.body['errors']?.[0]?.['code']]).toEqual([
      422,
      pointer,
      code,
    ]);
  }
  expect(await rows()).toBe(before);
  const twice = await api.as(ws.key, `/v1/programs/${programId}/form`, {
    method: 'PUT',
    body: { documents: [address, address] },
  });
  expect(twice.status).toBe(422);
});

test('AFF-24, AUD-10: a file leaves as an attachment, to whom it concerns, and each look is in the audit trail', async () => {
  const { affiliateId, key } = await enrolled();
  const made = await send(documentsOf(affiliateId), { file: pictures.jpeg });
  const id = String(made.body['id']);
  const file = await fetch(`${api.url}/v1/documents/${id}/content`, { headers: { Authorization: `Bearer ${ws.key}` } });
  expect(file.status).toBe(200);
  expect(Object.fromEntries(file.headers)).toMatchObject({
    'content-type': 'image/jpeg',
    'content-disposition': `attachment; filename="${id}.jpg"`,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  });
  expect((await file.arrayBuffer()).byteLength).toBe(made.body['sizeBytes']);
  const looks = await api.as(ws.key, `/v1/audit-entries?objectId=${id}/content`);
  expect(dataOf(looks)).toMatchObject([{ event: 'read', actor: { name: 'Ana' } }]);

  // Its owner, yes. Another affiliate, another workspace, a manager of others and whoever may only read: no.
  const own = { headers: { Authorization: `Bearer ${key}` } };
  expect((await fetch(`${api.url}/v1/me/documents/${id}/content`, own)).status).toBe(200);
  const stranger = (await enrolled()).key;
  expect((await api.as(stranger, `/v1/me/documents/${id}/content`)).status).toBe(404);
  expect(dataOf(await api.as(stranger, '/v1/me/documents'))).toEqual([]);
  const other = (await api.makeWorkspace({ name: 'Other' })).key;
  expect((await api.as(other, `/v1/documents/${id}/content`)).status).toBe(404);
  expect((await verdict(id, 'accept', {}, other)).status).toBe(404);
  expect((await send(documentsOf(affiliateId), { key: other })).status).toBe(404);
  const { user, key: manager } = await api.makePerson(ws, ['affiliate_manager'], { name: 'Mia' });
  for (const path of [`/v1/documents/${id}/content`, documentsOf(affiliateId)]) {
    const refused = await api.as(manager, path);
    expect([refused.status, refused.body['code']]).toEqual([403, 'not_in_scope']);
  }
  expect(dataOf(await api.as(manager, '/v1/documents'))).toEqual([]);
  await api.as(ws.key, `/v1/affiliates/${affiliateId}`, { method: 'PATCH', body: { managerId: user.id } });
  expect(dataOf(await api.as(manager, '/v1/documents'))).toMatchObject([{ id, allowedActions: [] }]);
  const verdictByManager = await verdict(id, 'accept', {}, manager);
  expect([verdictByManager.status, verdictByManager.body['missingPermission']]).toEqual([403, 'check.write']);
  const reader = (await api.makePerson(ws, ['owner'], { name: 'Ron', permissions: ['affiliate.read'] })).key;
  expect((await send(documentsOf(affiliateId), { key: reader })).status).toBe(403);

  // A newer copy takes the place of the one that waits, whose bytes are gone.
  const newer = await send(documentsOf(affiliateId), { file: pictures.png });
  expect(dataOf(await api.as(ws.key, `${documentsOf(affiliateId)}?status=replaced`))).toMatchObject([{ id }]);
  expect((await api.as(ws.key, `/v1/documents/${id}/content`)).status).toBe(404);
  expect((await verdict(id, 'accept')).body).toMatchObject({ code: 'already_decided', currentStatus: 'replaced' });
  expect(dataOf(await api.as(ws.key, `${documentsOf(affiliateId)}?status=waiting`))).toMatchObject([
    { id: newer.body['id'] },
  ]);
});

test('AFF-24, AUD-10: an accepted document is spoken of before its last day and expires after it; it blocks again', async () => {
  const { affiliateId, activate } = await enrolled({ language: 'de' });
  const made = await send(documentsOf(affiliateId), { type: 'trade_licence', expiresOn: '2027-03-10' });
  await verdict((await send(documentsOf(affiliateId))).body['id'], 'accept');
  await verdict(made.body['id'], 'accept');
  const passOn = (day: string) =>
    inWorkspace(api.db, ws.id, async (tx) => {
      const act = api.act(ws.id, `${day}T12:00:00.000Z` as Parameters<typeof api.act>[1]);
      await lapseDocuments(tx, act, 'UTC');
    });
  const stateOf = async () =>
    dataOf(await api.as(ws.key, `${documentsOf(affiliateId)}?type=trade_licence`))[0]?.['status'];
  const titles = async () => (await told(affiliateId)).filter((one) => one.includes('ab')).length;
  await passOn('2027-02-20');
  expect([await stateOf(), await titles()]).toEqual(['accepted', 0]);
  for (const day of ['2027-02-24', '2027-02-25', '2027-03-10']) await passOn(day);
  expect(await stateOf()).toBe('accepted');
  expect(await told(affiliateId)).toContain('Dokument läuft bald ab: Trade licence');
  expect(await titles()).toBe(1);
  await passOn('2027-03-11');
  await passOn('2027-03-12');
  expect(await stateOf()).toBe('expired');
  expect((await told(affiliateId)).filter((one) => one === 'Dokument abgelaufen: Trade licence')).toHaveLength(1);
  expect((await activate()).body['open']).toMatchObject([{ document: { type: 'trade_licence', state: 'expired' } }]);
});
