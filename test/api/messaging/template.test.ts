import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BulkStep, bulkOperationActivities } from '../../../activities/reporting/bulkOperation.js';
import type { OperationId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import type { JobRef } from '../../../workflows/contract.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';
import { noExports } from '../../support/noExports.js';

// Message templates and the mails about commissions that are made with them (features.md PRG-07, NTF-08, NTF-09, COM-11).

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let english: Json;
beforeAll(async () => {
  world = await createEarningWorld();
  english = (await template({})).body;
  const german = await template({
    language: 'de',
    subject: 'Neue Provision: {{commission_amount}}',
    body: 'Hallo {{affiliate_name}}',
  });
  expect(german.status, german.text).toBe(201);
}, 60_000);
afterAll(() => world?.close());

const template = (body: Readonly<Record<string, unknown>>): Promise<TestAnswer> =>
  world.as('/v1/message-templates', {
    name: 'Earned',
    subject: 'You earned {{commission_amount}}',
    body: 'Hello {{affiliate_name|friend}},\n\n{{program_name}} paid off:\n{{commission_list}}',
    ...body,
  });

async function patch(path: string, body: Readonly<Record<string, unknown>>): Promise<TestAnswer> {
  const { version } = (await world.as(path)).body;
  return world.api.as(world.ws.key, path, { method: 'PATCH', body, headers: { 'If-Match': `"${version}"` } });
}

async function scene(): Promise<{ readonly programId: string; readonly affiliateId: string; readonly email: string }> {
  const programId = await world.program({ levels: 1 });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  const affiliateId = await world.affiliate(programId);
  return { programId, affiliateId, email: (await world.as(`/v1/affiliates/${affiliateId}`)).body['email'] };
}
type Scene = Awaited<ReturnType<typeof scene>>;

async function sell(of: Scene, amount: string): Promise<Json> {
  const key = newId('sale');
  return world.sale({
    externalId: key,
    customer: { externalId: key, email: `${key}@buyer.example` },
    clickId: await world.click(of),
    amount: usd(amount),
  });
}
const mails = async (of: Scene): Promise<readonly { subject: string; body: string }[]> =>
  world
    .owner('emails')
    .where({ recipient: of.email, kind: 'commission_created' })
    .orderBy('created_at')
    .orderBy('id')
    .select<{ subject: string; body: string }[]>('subject', 'body');

test('PRG-07: switched on with a template, an affiliate gets one mail per new commission, none on a rerun', async () => {
  const at = await scene();
  await sell(at, '10.00');
  expect(await mails(at)).toEqual([]);
  const path = `/v1/programs/${at.programId}`;
  expect((await patch(path, { commissionEmail: { enabled: true, templateId: english['id'] } })).status).toBe(200);
  const first = await sell(at, '49.99');
  await sell(at, '50.00');
  const { name } = (await world.as(path)).body;
  const day = String(first['createdAt']).slice(0, 10);
  expect(await mails(at)).toEqual([
    { subject: 'You earned 10.00 USD', body: `Hello Ada,\n\n${name} paid off:\n${day} ${name}: 10.00 USD` },
    { subject: 'You earned 10.00 USD', body: `Hello Ada,\n\n${name} paid off:\n${day} ${name}: 10.00 USD` },
  ]);
  const [commissionId] = itemsOf(first['commissionIds']);
  await world.settled(world.as(`/v1/commissions/${commissionId}/reject`, { reason: 'A mistake' }));
  const again = await world.settled(world.as(`/v1/sales/${first['id']}/rerun`, {}));
  expect(again.status, again.text).toBe(200);
  expect(await mails(at)).toHaveLength(2);
  const waiting = await world.owner('outbox').where({ topic: 'mail' }).select<{ payload: unknown }[]>('payload');
  expect(waiting.length).toBeGreaterThanOrEqual(2);

  // Both stand with the referral that they are about, newest first, and with the affiliate; no other referral has them.
  const referralId = String(first['referralId']);
  const sent = itemsOf((await world.as(`/v1/referrals/${referralId}/messages`)).body['data']);
  const byChannel = sent.toSorted((a, b) => String(a['channel']).localeCompare(String(b['channel'])));
  expect(byChannel.map((one) => [one['channel'], one['kind'], one['recipient']])).toEqual([
    ['mail', 'commission_created', { name: null, email: at.email, masked: false }],
    ['notice', 'commission_created', { name: 'Ada', email: at.email, masked: false }],
  ]);
  expect(sent[0]?.['text']).toContain('Hello Ada');
  const all = `/v1/affiliates/${at.affiliateId}/messages`;
  const [page, rest] = [await world.as(`${all}?limit=3`), await world.as(all)];
  const whole = itemsOf(rest.body['data']);
  expect(whole.filter((one) => one['kind'] === 'commission_created')).toHaveLength(4);
  const next = await world.as(`${all}?limit=3&cursor=${String(page.body['nextCursor'])}`);
  const paged = [...itemsOf(page.body['data']), ...itemsOf(next.body['data'])].map((one) => one['id']);
  expect(paged).toEqual(whole.slice(0, paged.length).map((one) => one['id']));
  // The welcome mail's way into the portal is nobody else's to use, and a role that sees no people sees no words of theirs.
  const welcome = whole.find((one) => one['kind'] === 'affiliate_approved');
  expect(welcome?.['text']).toContain('Sign in to the portal');
  expect(welcome?.['text']).not.toContain('/welcome/');
  const { key } = await world.api.makePerson(world.ws, ['owner'], {
    name: 'Masked',
    permissions: ['affiliate.read', 'referral.read'],
  });
  const masked = itemsOf((await world.api.as(key, `/v1/referrals/${referralId}/messages`)).body['data']);
  expect(masked.map((one) => [one['text'], one['recipient']])).toEqual(
    [1, 2].map(() => [null, { name: null, email: null, masked: true }]),
  );
});

test('PRG-07: on without a template, or with one that is not there, cannot be saved; one in use is not deleted', async () => {
  const at = await scene();
  const path = `/v1/programs/${at.programId}`;
  for (const templateId of [null, newId('template')]) {
    const refused = await patch(path, { commissionEmail: { enabled: true, templateId } });
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([
      422,
      '#/commissionEmail/templateId',
    ]);
  }
  expect((await world.as(path)).body['commissionEmail']).toEqual({ enabled: false, templateId: null });
  const own = (await template({ name: 'In use' })).body;
  expect((await patch(path, { commissionEmail: { enabled: true, templateId: own['id'] } })).status).toBe(200);
  const kept = await world.as(`/v1/message-templates/${own['id']}`, undefined, 'DELETE');
  expect([kept.status, kept.body['code'], kept.body['usedBy']]).toEqual([409, 'in_use', [at.programId]]);
  expect((await patch(path, { commissionEmail: null })).status).toBe(200);
  expect((await world.as(`/v1/message-templates/${own['id']}`, undefined, 'DELETE')).status).toBe(204);
});

test('a mail is in the language of its reader where there is a text for it; the switch leaves the entry in the portal', async () => {
  const at = await scene();
  await world.as(`/v1/affiliates/${at.affiliateId}`, { language: 'de' }, 'PATCH');
  await patch(`/v1/programs/${at.programId}`, { commissionEmail: { enabled: true, templateId: english['id'] } });
  await sell(at, '10.00');
  expect(await mails(at)).toEqual([{ subject: 'Neue Provision: 2.00 USD', body: 'Hallo Ada' }]);
  await saveSettings(world.api, world.ws, { notifications: { 'commission.created': false } });
  await sell(at, '20.00');
  expect(await mails(at)).toHaveLength(1);
  const told = await world
    .owner('notices')
    .where({ affiliate_id: at.affiliateId, kind: 'commission_created' })
    .select<{ subject: string }[]>('subject');
  expect(told.map((one) => one.subject).toSorted()).toEqual(['Neue Provision: 2.00 USD', 'Neue Provision: 4.00 USD']);
  await saveSettings(world.api, world.ws, { notifications: { 'commission.created': true } });
});

test('NTF-08, NTF-09: a preview shows real values and never braces; an unknown field, a lone brace or a used name is refused', async () => {
  const at = await scene();
  await sell(at, '10.00');
  const path = `/v1/message-templates/${english['id']}`;
  const real = await world.as(`${path}/preview`, { affiliateId: at.affiliateId });
  expect(real.body, real.text).toMatchObject({ subject: 'You earned 2.00 USD' });
  const nobody = await scene();
  const empty = (await world.as(`${path}/preview`, { affiliateId: nobody.affiliateId })).body;
  expect(JSON.stringify([empty['subject'], empty['body']])).not.toMatch(/[{}]/);
  expect((await world.as(`${path}/preview`, {})).body['body']).toContain('Hello Ada Kowal');
  const unknown = await world.as(`${path}/preview`, { affiliateId: newId('affiliate') });
  expect([unknown.status, unknown.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/affiliateId']);

  for (const [body, pointer] of [
    [{ name: 'X', subject: 'Hello {{nobody}}' }, '#/subject'],
    [{ name: 'X', body: 'Half {{affiliate_name' }, '#/body'],
    [{ name: 'X', subject: 'Two\r\nBcc: all@shop.example' }, '#/subject'],
    [{ name: 'X', language: 'english' }, '#/language'],
    [{ name: 'X', body: ' ' }, '#/body'],
  ] as const) {
    const refused = await template(body);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, pointer]);
  }
  const again = await template({ name: 'EARNED' });
  expect([again.status, again.body['code']]).toEqual([409, 'already_exists']);
  const known = itemsOf((await world.as('/v1/merge-fields')).body['data']);
  expect(known.find((one) => one['name'] === 'commission_list')).toMatchObject({ usedIn: ['message'] });

  const sent = await world.as(`${path}/test-send`, {});
  expect(sent.status, sent.text).toBe(202);
  const mail = await world
    .owner('emails')
    .where({ id: sent.body['emailId'] })
    .first<{ recipient: string; body: string }>();
  expect([mail.recipient, mail.body.includes('{')]).toEqual([world.ws.owner.email, false]);
  const edited = await patch(path, { subject: 'Earned: {{commission_amount}}' });
  expect([edited.status, edited.body['version']], edited.text).toEqual([200, 2]);
  const reader = await world.api.makePerson(world.ws, ['owner'], { permissions: ['message.read'] });
  const forbidden = await world.api.as(reader.key, '/v1/message-templates', {
    body: { name: 'Y', subject: 'a', body: 'b' },
  });
  expect([forbidden.status, forbidden.body['missingPermission']]).toEqual([403, 'message.write']);
});

test('LNK-12, NTF-08: a template with the field sends each affiliate their own link, also to the page of a promo tool; an unknown tool blocks saving', async () => {
  const at = await scene();
  const bob = { ...at, affiliateId: await world.affiliate(at.programId, { name: 'Bob' }) };
  const emailOf = async (id: string): Promise<string> => (await world.as(`/v1/affiliates/${id}`)).body['email'];
  const toBob = { ...bob, email: await emailOf(bob.affiliateId) };
  await patch(`/v1/programs/${at.programId}`, { destinationHosts: ['shop.example'] });
  const tool = await world.as('/v1/promo-tools', {
    name: 'Sale page',
    kind: 'link',
    programId: at.programId,
    url: 'https://shop.example/sale',
  });
  expect(tool.status, tool.text).toBe(201);
  const field = `{{link:${tool.body['id']}}}`;
  const made = await template({ name: 'With links', subject: 'Earned', body: `{{link}} and ${field}` });
  expect(made.status, made.text).toBe(201);
  const listed = itemsOf((await world.as('/v1/merge-fields')).body['data']);
  expect(listed.map((one) => one['name'])).toEqual(expect.arrayContaining(['link', `link:${tool.body['id']}`]));

  const path = `/v1/programs/${at.programId}`;
  await patch(path, { commissionEmail: { enabled: true, templateId: made.body['id'] } });
  for (const of of [at, toBob]) {
    await sell(of, '10.00');
    const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${of.affiliateId}`)).body['data']);
    const own = `http://localhost:3000/r/${String(link?.['slug'])}`;
    const there = `${own}?to=https%3A%2F%2Fshop.example%2Fsale&trb_tool=${tool.body['id']}`;
    expect(await mails(of)).toEqual([{ subject: 'Earned', body: `${own} and ${there}` }]);
    const seen = await world.as(`/v1/message-templates/${made.body['id']}/preview`, { affiliateId: of.affiliateId });
    expect(seen.body['body']).toBe(`${own} and ${there}`);
  }
  const examples = await world.as(`/v1/message-templates/${made.body['id']}/preview`, {});
  expect(examples.body['body']).toMatch(/^https:\/\/\S+ and https:\/\/\S+trb_tool=/);

  for (const unknown of [`{{link:${newId('promoTool')}}}`, '{{link:spring}}', '{{link:}}', '{{links}}']) {
    const refused = await template({ name: 'Unknown', body: unknown });
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, '#/body']);
    const edited = await patch(`/v1/message-templates/${made.body['id']}`, { subject: unknown });
    expect([edited.status, edited.body['errors']?.[0]?.['pointer']], edited.text).toEqual([422, '#/subject']);
  }
});

type Jobs = ReturnType<typeof bulkOperationActivities>;
/** The pages of a job, run here instead of by its workflow. None of them uses `this`. */
function pagesOf(): { readonly [K in keyof Jobs]: (this: void, ref: JobRef) => ReturnType<Jobs[K]> } {
  return bulkOperationActivities({
    db: world.api.db,
    longDb: world.api.db,
    newId,
    publicUrl: 'http://localhost:3000',
    reached: () => undefined,
    gatewayPolicy: { sandboxPaysLive: true },
    ...noExports,
  });
}
const environment = new MockActivityEnvironment();
const run = (step: (this: void, ref: JobRef) => Promise<BulkStep>, ref: JobRef): Promise<BulkStep> =>
  environment.run(step, ref) as Promise<BulkStep>;

test('NTF-11, NTF-12, NTF-16: a message to a segment goes by both channels once; who declines gets the entry only; who has not confirmed is reminded', async () => {
  const { api, ws } = world;
  const at = await scene();
  const tag = 'ntf-11';
  const make = async (name: string, more: Readonly<Record<string, unknown>> = {}): Promise<Json> => {
    const made = await world.as(
      `/v1/affiliates/${await world.affiliate(at.programId, { name })}`,
      { tags: [tag], ...more },
      'PATCH',
    );
    expect(made.status, made.text).toBe(200);
    return made.body;
  };
  const [ada, bob, cleo] = [await make('Ada'), await make('Bob', { language: 'de' }), await make('Cleo')];
  const gone = await make('Gone');
  const closed = await world.as(`/v1/affiliates/${String(gone['id'])}/terminate`, { reason: 'left' });
  expect(closed.status, closed.text).toBe(200);
  const segment = await world.as('/v1/segments', { name: 'Everybody of the test', filter: { tag } });
  const segmentId = String(segment.body['id']);
  const news = await template({ name: 'News', subject: 'News, {{affiliate_name}}', body: 'From {{workspace_name}}.' });
  await template({ name: 'News', language: 'de', subject: 'Neues, {{affiliate_name}}', body: 'Hallo.' });
  const templateId = String(news.body['id']);

  const send = (body: Readonly<Record<string, unknown>>): Promise<TestAnswer> =>
    world.as('/v1/messages', { segmentId, templateId, ...body });
  const dry = await send({ dryRun: true });
  expect([dry.status, dry.body]).toEqual([200, { object: 'message_dry_run', recipients: 3, optedOut: 0 }]);
  // What the list of affiliates shows, its own filter and a kept one together.
  for (const [filter, recipients] of [
    [{ tag }, 3],
    [{ tag, q: 'Bob' }, 1],
    [{ segmentId, status: 'pending' }, 0],
    [{ segmentId, q: 'Cleo' }, 1],
  ] as const)
    expect((await send({ segmentId: undefined, filter, dryRun: true })).body).toMatchObject({ recipients });
  const unknown = newId('affiliate');
  const groupId = newId('group');
  for (const [body, pointer] of [
    [{ segmentId: undefined }, '#/segmentId'],
    [{ affiliateIds: [ada['id']] }, '#/affiliateIds'],
    [{ filter: { tag } }, '#/filter'],
    [{ segmentId: undefined, filter: { colour: 'red' } }, '#/filter/colour'],
    [{ segmentId: undefined, affiliateIds: [ada['id'], unknown] }, '#/affiliateIds/1'],
    [{ segmentId: undefined, groupId }, '#/groupId'],
    [{ segmentId: newId('segment') }, '#/segmentId'],
    [{ templateId: newId('template') }, '#/templateId'],
    [{ templateId: english['id'] }, '#/templateId'],
    [{ channels: [] }, '#/channels'],
    [{ channels: ['email'], requireAcknowledgement: true }, '#/channels'],
    [{ sendAt: '2020-01-01T00:00:00.000Z' }, '#/sendAt'],
    [{ segmentId: undefined, affiliateIds: [gone['id']] }, '#/segmentId'],
  ] as const) {
    const refused = await send(body);
    expect([JSON.stringify(body), refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([
      JSON.stringify(body),
      422,
      pointer,
    ]);
  }

  const jobs = pagesOf();
  const tell = async (message: Json): Promise<Json> => {
    const ref = { workspaceId: ws.id, jobId: message['operationId'] as unknown as OperationId };
    await run(jobs.decideBulkPage, ref);
    await run(jobs.decideBulkPage, ref); // as after a lost answer
    await run(jobs.collectBulkOutcomes, ref);
    return (await world.as(`/v1/messages/${String(message['id'])}`)).body;
  };
  const mailsOf = (operation: Json) =>
    world
      .owner('emails')
      .whereLike('once_key', `messages.send/${String(operation['operationId'])}/%`)
      .orderBy('recipient')
      .select<{ recipient: string; subject: string; body: string; unsubscribe_url: string | null }[]>(
        'recipient',
        'subject',
        'body',
        'unsubscribe_url',
      );

  const first = await send({});
  expect([first.status, first.headers.get('location')], first.text).toEqual([
    202,
    `/v1/messages/${String(first.body['id'])}`,
  ]);
  expect(first.body).toMatchObject({
    status: 'queued',
    recipients: 3,
    segmentName: 'Everybody of the test',
    allowedActions: ['cancel'],
  });
  const inUse = await world.api.as(ws.key, `/v1/message-templates/${templateId}`, {
    method: 'DELETE',
    headers: { 'If-Match': '"1"' },
  });
  expect([inUse.status, inUse.body['usedBy']]).toEqual([409, [first.body['id']]]);
  expect(await tell(first.body)).toMatchObject({ status: 'done', told: 3, skipped: 0, acknowledged: 0 });
  const mails = await mailsOf(first.body);
  expect(mails.map((mail) => mail.subject).toSorted()).toEqual(['Neues, Bob', 'News, Ada', 'News, Cleo']);
  const toAda = mails.find((mail) => mail.recipient === ada['email']);
  const url = String(toAda?.unsubscribe_url);
  expect(toAda?.body).toContain(`To get no more mails of this kind:\n${url}`);
  const logged = itemsOf(
    (await world.as(`/v1/emails?to=${encodeURIComponent(String(ada['email']))}&kind=affiliate_message`)).body['data'],
  );
  expect(String(logged[0]?.['text'])).not.toContain(url);

  // A look changes nothing; the button does, as does the mail reader's own; and it can be taken back.
  const path = new URL(url).pathname;
  const page = (init: RequestInit = {}, query = ''): Promise<Response> => fetch(`${api.url}${path}${query}`, init);
  expect([(await page()).status, (await send({ dryRun: true })).body['optedOut']]).toEqual([200, 0]);
  const oneClick = new FormData();
  oneClick.set('List-Unsubscribe', 'One-Click');
  expect((await page({ method: 'POST', body: oneClick })).status).toBe(200);
  expect(await (await page()).text()).toContain('You get no more e-mails of this kind');
  expect((await send({ dryRun: true })).body).toMatchObject({ recipients: 3, optedOut: 1 });
  const declined = async (of: Json) =>
    (await world.as(`/v1/affiliates/${String(of['id'])}`)).body['messagesDeclinedAt'] as unknown;
  expect([typeof (await declined(ada)), await declined(bob)]).toEqual(['string', null]);
  expect(
    (await fetch(`${api.url}/unsubscribe/${ws.id}.${'x'.repeat(43)}`, { headers: { Accept: 'text/html' } })).status,
  ).toBe(410);
  expect((await fetch(`${api.url}/unsubscribe/nonsense`, { method: 'POST' })).status).toBe(410);

  const second = await send({});
  expect(await tell(second.body)).toMatchObject({ told: 3, skipped: 0 });
  expect((await mailsOf(second.body)).map((mail) => mail.recipient)).not.toContain(ada['email']);
  const byMail = await send({ channels: ['email'], segmentId: undefined, affiliateIds: [ada['id'], cleo['id']] });
  expect(await tell(byMail.body)).toMatchObject({ recipients: 2, told: 1, skipped: 1 });
  const report = itemsOf((await world.as(`/v1/messages/${String(byMail.body['id'])}/recipients`)).body['data']);
  expect(
    report.map((one) => [one['affiliateName'], one['outcome'], one['code'], one['mail'] !== null, one['notice']]),
  ).toEqual([
    ['Ada', 'skipped', 'opted_out', false, null],
    ['Cleo', 'succeeded', null, true, null],
  ]);

  // What has to be confirmed reaches everybody. Who confirms is not reminded.
  const update = await send({ requireAcknowledgement: true });
  expect(await tell(update.body)).toMatchObject({ told: 3, acknowledged: 0, allowedActions: ['remind'] });
  expect((await mailsOf(update.body)).map((mail) => mail.unsubscribe_url)).toEqual([null, null, null]);
  await world
    .owner('notices')
    .where({
      affiliate_id: bob['id'],
      once_key: `messages.send/${String(update.body['operationId'])}/${String(bob['id'])}`,
    })
    .update({ read_at: new Date(), acknowledged_at: new Date(), acknowledged_by: bob['id'] });
  const updatePath = `/v1/messages/${String(update.body['id'])}`;
  const confirmed = itemsOf((await world.as(`${updatePath}/recipients?acknowledged=true`)).body['data']);
  expect(confirmed.map((one) => one['affiliateId'])).toEqual([bob['id']]);
  const reminder = await world.as(`${updatePath}/remind`, {});
  expect(reminder.status, reminder.text).toBe(202);
  expect(await tell(reminder.body)).toMatchObject({
    recipients: 2,
    told: 2,
    remindsId: update.body['id'],
    allowedActions: [],
  });
  expect((await mailsOf(reminder.body)).map((mail) => mail.recipient).toSorted()).toEqual(
    [String(ada['email']), String(cleo['email'])].toSorted(),
  );
  const nothing = await world.as(`/v1/messages/${String(first.body['id'])}/remind`, {});
  expect([nothing.status, nothing.body['code']]).toEqual([409, 'transition_not_allowed']);

  expect((await page({ method: 'POST' }, '?again=1')).status).toBe(200);
  expect((await send({ dryRun: true })).body['optedOut']).toBe(0);

  // One for later waits in its job, and is cancelled there.
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const later = await send({ sendAt });
  expect(later.body).toMatchObject({ status: 'queued', sendAt });
  const { rows: starts } = await world.owner.raw<{ rows: { at: string }[] }>(
    `select payload ->> 'startAt' as at from outbox where payload ->> 'workflowId' like ?`,
    [`%${String(later.body['operationId'])}`],
  );
  expect(starts.map(({ at: instant }) => instant)).toEqual([sendAt]);
  expect((await world.as(`/v1/operations/${String(later.body['operationId'])}/cancel`, {})).status).toBe(200);
  expect(await tell(later.body)).toMatchObject({ status: 'cancelled', told: 0 });
  expect(await mailsOf(later.body)).toEqual([]);

  // Who looks after some affiliates writes to those, and sees what became of it at those.
  const agent = await api.makePerson(ws, ['affiliate_manager']);
  await world.owner('affiliates').where({ id: cleo['id'] }).update({ manager_id: agent.user.id });
  const own = await api.as(agent.key, '/v1/messages', { body: { segmentId, templateId, dryRun: true } });
  expect(own.body, own.text).toMatchObject({ recipients: 1 });
  const seen = await api.as(agent.key, `${updatePath}/recipients`);
  expect(itemsOf(seen.body['data']).map((one) => one['affiliateId'])).toEqual([cleo['id']]);
});

test('COM-11, NTF-14: of selected commissions each affiliate gets one mail that lists its own, after a preview', async () => {
  const { api, ws } = world;
  const jobs = pagesOf();
  const made = await template({
    name: 'About your sales',
    subject: '{{commission_count}} sales, {{commission_amount}}',
    body: '{{affiliate_name}}:\n{{commission_list}}',
  });
  const templateId: string = made.body['id'];
  const ada = await scene();
  const bob = { ...ada, affiliateId: await world.affiliate(ada.programId, { name: 'Bob' }) };
  for (const [of, amount] of [
    [ada, '10.00'],
    [ada, '20.00'],
    [bob, '30.00'],
  ] as const)
    await sell(of, amount);
  const lines = await world.commissions(`programId=${ada.programId}`);
  const ids = lines.map((line) => line['id']);
  const own = lines.filter((line) => line['affiliateId'] === ada.affiliateId).map((line) => line['id']);

  const path = `/v1/message-templates/${templateId}/preview`;
  const seen = (await world.as(path, { affiliateId: ada.affiliateId, commissionIds: own })).body;
  expect(seen['subject']).toBe('2 sales, 6.00 USD');
  const foreign = await world.as(path, { affiliateId: ada.affiliateId, commissionIds: ids });
  expect([foreign.status, foreign.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/commissionIds']);

  const send = { kind: 'commissions.message', ids };
  const without = await world.as('/v1/operations', send);
  expect([without.status, without.body['errors']?.[0]?.['pointer']], without.text).toEqual([422, '#/templateId']);
  const unknown = await world.as('/v1/operations', { ...send, templateId: newId('template') });
  expect([unknown.status, unknown.body['errors']?.[0]?.['pointer']], unknown.text).toEqual([422, '#/templateId']);
  const decider = await api.makePerson(ws, ['owner'], { permissions: ['commission.decide'] });
  const forbidden = await api.as(decider.key, '/v1/operations', { body: { ...send, templateId } });
  expect([forbidden.status, forbidden.body['missingPermission']]).toEqual([403, 'message.send']);
  const dry = await world.as('/v1/operations', { ...send, templateId, dryRun: true });
  expect(dry.body, dry.text).toEqual({ matched: 3, eligible: 3, skipped: [] });

  const started = await world.as('/v1/operations', { ...send, templateId });
  expect(started.status, started.text).toBe(202);
  const ref = { workspaceId: ws.id, jobId: started.body['id'] as unknown as OperationId };
  await run(jobs.decideBulkPage, ref);
  await run(jobs.decideBulkPage, ref); // as after a lost answer
  await run(jobs.collectBulkOutcomes, ref);
  const done = (await world.as(`/v1/operations/${ref.jobId}`)).body;
  expect(done).toMatchObject({ status: 'done', progress: { total: 3, succeeded: 3, skipped: 0 } });
  const sent = await world
    .owner('emails')
    .where({ kind: 'commissions_message' })
    .select<{ recipient: string; subject: string; body: string }[]>('recipient', 'subject', 'body');
  expect(sent.map((mail) => mail.subject).toSorted()).toEqual(['1 sales, 6.00 USD', '2 sales, 6.00 USD']);
  const toAda = sent.find((mail) => mail.recipient === ada.email);
  expect(toAda?.body.split('\n').map((line) => line.slice(-8))).toEqual(['Ada:', '2.00 USD', '4.00 USD']);
  expect(await world.owner('notices').where({ kind: 'commissions_message' })).toHaveLength(2);
});

// Milestones (NTF-05 to NTF-07, RFD-12).

async function milestone(at: Scene, body: Readonly<Record<string, unknown>>): Promise<TestAnswer> {
  const templateId = (
    await template({
      name: newId('template'),
      subject: 'Passed {{milestone}}',
      body: '{{sales_count}}: {{sales_amount}}',
    })
  ).body['id'];
  return world.as('/v1/milestones', { programId: at.programId, templateId, active: true, ...body });
}
const congratulations = (of: Scene): Promise<readonly { subject: string; body: string }[]> =>
  world
    .owner('emails')
    .where({ recipient: of.email, kind: 'milestone_reached' })
    .orderBy('created_at')
    .orderBy('id')
    .select<{ subject: string; body: string }[]>('subject', 'body');
const passed = async (of: Scene): Promise<readonly string[]> => {
  const { rows } = await world.owner.raw<{ rows: { threshold: string; mailed: boolean }[] }>(
    `select milestone.threshold, pass.mailed from milestone_passes as pass join milestones as milestone on milestone.id = pass.milestone_id
     where pass.affiliate_id = ? order by pass.created_at, milestone.threshold`,
    [of.affiliateId],
  );
  return rows.map((row) => `${row.threshold}${row.mailed ? ' mailed' : ''}`);
};
async function refund(sale: Json, amount: string): Promise<void> {
  const key = newId('refund');
  const made = await world.as('/v1/refunds', {
    externalId: key,
    saleExternalId: sale['externalId'],
    amount: usd(amount),
  });
  expect(made.status, made.text).toBe(202);
  await world.settle();
}

test('NTF-05, NTF-06, RFD-12: reached or passed, once, ascending; a refund lowers what counts and takes nothing back', async () => {
  const at = await scene();
  for (const amount of ['1000.00', '2000.00']) {
    const made = await milestone(at, { by: 'sales_amount', threshold: usd(amount) });
    expect([made.status, made.body['threshold'], made.body['passed']], made.text).toEqual([201, usd(amount), 0]);
  }
  const third = await milestone(at, { by: 'sales_count', threshold: 3 });
  expect([third.status, third.body['threshold']], third.text).toEqual([201, 3]);

  await sell(at, '900.00');
  expect(await passed(at)).toEqual([]);
  const second = await sell(at, '700.00');
  expect(await passed(at)).toEqual(['100000 mailed']);
  expect(await congratulations(at)).toEqual([{ subject: 'Passed 1000.00 USD', body: '2: 1600.00 USD' }]);

  // What went back whole is no sale, and the sum is net: two more sales stand at 1,900 and are three.
  await refund(second, '700.00');
  await sell(at, '500.00');
  expect(await passed(at)).toEqual(['100000 mailed']);
  await sell(at, '500.00');
  expect(await passed(at)).toEqual(['100000 mailed', '3 mailed']);
  expect((await congratulations(at)).map((mail) => mail.subject)).toEqual(['Passed 1000.00 USD', 'Passed 3']);
  const last = await sell(at, '100.00');
  expect((await passed(at)).filter((one) => one.startsWith('200000'))).toEqual(['200000 mailed']);
  // Below it again and past it again: nothing more is said.
  await refund(last, '100.00');
  await sell(at, '100.00');
  expect(await congratulations(at)).toHaveLength(3);
  const notices = await world.owner('notices').where({ affiliate_id: at.affiliateId, kind: 'milestone_reached' });
  expect(notices).toHaveLength(3);
  expect(await world.broken()).toEqual([]);
});

test('NTF-06, NTF-07: one sale over two milestones mails the higher; who is suspended passes none', async () => {
  const at = await scene();
  for (const amount of ['200.00', '100.00']) await milestone(at, { by: 'sales_amount', threshold: usd(amount) });
  const off = await milestone(at, { by: 'sales_count', threshold: 1, active: false });
  expect(off.body['active']).toBe(false);
  // The sale of a click from before it was suspended: no congratulation.
  const clickId = await world.click(at);
  const suspended = await world.as(`/v1/affiliates/${at.affiliateId}/suspend`, { reason: 'Looked into' });
  expect(suspended.status, suspended.text).toBe(200);
  const key = newId('sale');
  await world.sale({ externalId: key, customer: { externalId: key }, clickId, amount: usd('250.00') });
  expect(await passed(at)).toEqual([]);
  expect((await world.as(`/v1/affiliates/${at.affiliateId}/reactivate`, { reason: 'Cleared' })).status).toBe(200);
  await sell(at, '250.00');
  expect(await passed(at)).toEqual(['10000', '20000 mailed']);
  expect(await congratulations(at)).toHaveLength(1);

  const found = itemsOf((await world.as(`/v1/milestones?programId=${at.programId}&active=true`)).body['data']);
  expect(found.map((one) => one['passed'])).toEqual([1, 1]);
});

test('api.md 14: a milestone is refused where it measures something else or its mark is taken; one that was passed is only switched off', async () => {
  const at = await scene();
  const made = await milestone(at, { by: 'sales_count', threshold: 1 });
  for (const [body, status, pointer] of [
    [{ by: 'sales_amount', threshold: 1 }, 422, '#/threshold'],
    [{ by: 'sales_count', threshold: usd('1.00') }, 422, '#/threshold'],
    [{ by: 'sales_count', threshold: 0 }, 422, '#/threshold'],
    [{ by: 'sales_amount', threshold: usd('0.00') }, 422, '#/threshold'],
    [{ by: 'sales_count', threshold: 2, programId: newId('program') }, 422, '#/programId'],
    [{ by: 'sales_count', threshold: 2, templateId: newId('template') }, 422, '#/templateId'],
    [{ by: 'sales_count', threshold: 1 }, 409, undefined],
  ] as const) {
    const refused = await milestone(at, body);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([status, pointer]);
  }
  const path = `/v1/milestones/${made.body['id']}`;
  expect((await patch(path, { threshold: usd('5.00') })).status).toBe(422);
  const raised = await patch(path, { threshold: 2 });
  expect([raised.status, raised.body['threshold'], raised.body['version']], raised.text).toEqual([200, 2, 2]);
  const kept = await world.as(`/v1/message-templates/${made.body['templateId']}`, undefined, 'DELETE');
  expect([kept.status, kept.body['usedBy']]).toEqual([409, [made.body['id']]]);
  await sell(at, '1.00');
  await sell(at, '1.00');
  expect((await world.as(path, undefined, 'DELETE')).body).toMatchObject({ status: 409, code: 'in_use' });
  expect((await patch(path, { active: false })).body['active']).toBe(false);
  const unused = await milestone(at, { by: 'sales_count', threshold: 50 });
  expect((await world.as(`/v1/milestones/${unused.body['id']}`, undefined, 'DELETE')).status).toBe(204);
});

test('api.md 14: the log has every mail with what became of it, tokens hidden; sent again it goes to the same address, once', async () => {
  const { email, affiliateId } = await scene();
  const [token, id] = ['https://tributary.example/welcome/secret-token', newId('email')];
  await world.owner('emails').insert({
    id,
    workspace_id: world.ws.id,
    kind: 'affiliate_welcome',
    recipient: email,
    subject: 'Welcome, = 1',
    body: `Open ${token} within 24 hours.`,
    links: [token],
    failed_code: 'mailbox_full',
  });
  const log = (query: string, key = world.ws.key) => world.api.as(key, `/v1/emails?${query}`);
  const mine = async (status: string): Promise<readonly unknown[]> =>
    itemsOf((await log(`to=${email}&kind=affiliate_welcome&status=${status}`)).body['data']).map((one) => one['id']);
  const shown = (await world.as(`/v1/emails/${id}`)).body;
  expect(shown).toMatchObject({
    object: 'email',
    subject: 'Welcome, = 1',
    text: 'Open … within 24 hours.',
    recipient: { email, masked: false },
    status: 'failed',
    code: 'mailbox_full',
    allowedActions: ['resend'],
  });
  expect([await mine('failed'), (await mine('sent')).includes(id)]).toEqual([[id], false]);
  expect((await log('q=Welcome, = 1')).text).not.toContain('secret-token');
  const file = await world.as(`/v1/emails?format=csv&columns=subject,text&q=${id}`);
  expect(file.text).not.toContain('secret-token');

  const sent = await world.as(`/v1/emails/${id}/resend`, {});
  expect(sent).toMatchObject({ status: 202, body: { status: 'waiting', allowedActions: [], recipient: { email } } });
  const copy = String(sent.body['id']);
  expect(copy).not.toBe(id);
  // What waits already is not written a second time.
  expect((await world.as(`/v1/emails/${copy}/resend`, {})).body['id']).toBe(copy);
  expect((await mine('waiting')).filter((one) => one === copy)).toEqual([copy]);
  expect(await world.owner('outbox').whereRaw(`payload ->> 'emailId' = ?`, [copy])).toHaveLength(1);
  expect(await world.owner('emails').where({ id: copy }).first('body')).toEqual({
    body: `Open ${token} within 24 hours.`,
  });
  expect(itemsOf((await world.as(`/v1/audit-entries?objectId=${copy}`)).body['data'])).toMatchObject([
    { event: 'resent', changes: { emailId: id } },
  ]);

  // Masked without the right to people, also by asking for an address; a manager sees the mail of own affiliates only; others nothing.
  const support = await world.api.makePerson(world.ws, ['support'], { name: 'Sue' });
  const masked = itemsOf((await log('q=Welcome, = 1', support.key)).body['data']);
  expect(masked.find((one) => one['id'] === id)).toMatchObject({
    text: null,
    recipient: { email: null, masked: true },
    allowedActions: ['resend'],
  });
  expect(JSON.stringify(masked)).not.toContain(email);
  expect(await log(`to=${email}`, support.key)).toMatchObject({ status: 403, body: { missingPermission: 'pii.read' } });
  const manager = await world.api.makePerson(world.ws, ['affiliate_manager'], { name: 'Max' });
  expect(itemsOf((await log('limit=200', manager.key)).body['data'])).toEqual([]);
  expect(await world.api.as(manager.key, `/v1/emails/${id}/resend`, { body: {} })).toMatchObject({ status: 404 });
  await world.owner('affiliates').where({ id: affiliateId }).update({ manager_id: manager.user.id });
  const own = itemsOf((await log('limit=200', manager.key)).body['data']);
  expect(own.map((one) => one['id'])).toEqual(expect.arrayContaining([id, copy]));
  const other = await world.api.makeWorkspace({ name: 'Other' });
  expect(itemsOf((await log('limit=200', other.key)).body['data'])).toEqual([]);
  expect(await world.api.as(other.key, `/v1/emails/${id}`)).toMatchObject({ status: 404 });
});
