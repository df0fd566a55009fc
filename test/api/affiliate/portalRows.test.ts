import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inWorkspace } from '../../../db/transaction.js';
import { systemActor } from '../../../domain/act.js';
import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { insertRow } from '../../support/rows.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf } from '../support.js';
import { acceptAll, browserOf, mailsTo, type Portal, signInToPortal } from './portalWorld.js';

// The affiliate half of the portal's rows (features.md 15), each under its id and as literally as it can be asked.

let world: EarningWorld;
let programId: string;
let ada: Portal;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  const levels = [{ level: 1, kind: 'percent', ratePpm: 200_000 }];
  expect((await world.rule({ scope: 'program', programId, event: 'payment', levels })).status).toBe(201);
  ada = await signInToPortal(world, await world.affiliate(programId, { name: 'Ada', email: 'ada@rows.example' }));
  await acceptAll(ada);
}, 60_000);
afterAll(() => world?.close());

const tokenIn = (links: readonly string[] | undefined): string => (links?.[0] ?? '').split('/').at(-1) ?? '';

test('PRT-01: a mailed link signs in once without a password for 30 days; the console stays shut; lockout and reset work', async () => {
  expect((await world.api.as(null, '/v1/auth/sign-in-link', { body: { email: ada.email } })).status).toBe(202);
  const [mail] = await mailsTo(world, ada.email);
  const token = tokenIn(mail?.links);
  const signedIn = await world.api.as(null, '/v1/auth/one-time', { body: { token } });
  expect(signedIn, signedIn.text).toMatchObject({ status: 200, body: { audience: 'affiliate' } });
  expect(signedIn.headers.get('set-cookie')).toMatch(/Max-Age=2592000\b/i);
  expect((await world.api.as(null, '/v1/auth/one-time', { body: { token } })).status).toBe(410);
  const portal = browserOf(world, signedIn);
  const me = await portal.call('/v1/me');
  expect(me.body).toMatchObject({ audience: 'affiliate', homePath: '/portal' });
  for (const path of ['/v1/affiliates', '/v1/console/home', `/v1/affiliates/${ada.affiliateId}`, '/v1/settings'])
    expect(await portal.call(path), path).toMatchObject({ status: 403, body: { code: 'wrong_audience' } });

  const password = 'a long pass phrase of ada';
  const forgotten = await world.api.as(null, '/v1/auth/password-reset', { body: { email: ada.email } });
  expect(forgotten.status).toBe(202);
  const [reset] = await mailsTo(world, ada.email);
  const confirm = { token: tokenIn(reset?.links), password };
  expect((await world.api.as(null, '/v1/auth/password-reset/confirm', { body: confirm })).status).toBe(204);
  expect((await portal.call('/v1/me')).status).toBe(401);
  const login = (word: string) => world.api.as(null, '/v1/auth/login', { body: { email: ada.email, password: word } });
  const again = await login(password);
  expect(again).toMatchObject({ status: 200, body: { audience: 'affiliate' } });
  Object.assign(ada, browserOf(world, again));
  const tries: number[] = [];
  for (let index = 0; index < 11; index += 1) tries.push((await login('wrong')).status);
  expect(tries.slice(-1)).toEqual([429]);
  expect((await login(password)).body['code']).toBe('too_many_attempts');
  expect((await ada.call('/v1/me')).status).toBe(200); // a lock keeps strangers out, not who is in
});

test('PRT-05: payout details take a step-up and the right form; a mail confirms them, and the next ones wait', async () => {
  const add = (body: Readonly<Record<string, unknown>>) => ada.call('/v1/me/payout-methods', { body });
  const bank = { type: 'bank', currency: 'USD', details: { holder: 'Ada Rows', iban: 'DE89370400440532013000' } };
  await world.owner('sessions').update({ stepped_up_at: new Date(Date.now() - 6 * 60_000) });
  expect(await add(bank)).toMatchObject({ status: 403, body: { code: 'step_up_required' } });
  await world.owner('sessions').update({ stepped_up_at: new Date() });
  const wrong = await add({ ...bank, details: { ...bank.details, iban: 'DE89370400440532013001' } });
  expect([wrong.status, wrong.body['errors'][0]?.['pointer']], wrong.text).toEqual([422, '#/details/iban']);

  const first = await add(bank);
  expect(first, first.text).toMatchObject({ status: 201, body: { status: 'unverified' } });
  const confirm = async (id: unknown) => {
    const [mail] = await mailsTo(world, ada.email);
    const token = new URL(mail?.links[0] ?? '').searchParams.get('token') ?? '';
    return ada.call(`/v1/me/payout-methods/${String(id)}/verify`, { body: { token } });
  };
  expect((await confirm(first.body['id'])).body['status']).toBe('active');
  const second = await add({ type: 'paypal', currency: 'USD', details: { email: 'ada@rows.example' } });
  const cooling = await confirm(second.body['id']);
  expect(cooling.body['status']).toBe('cooling');
  const wait = Date.parse(String(cooling.body['activeAt'])) - Date.now();
  expect(Math.round(wait / 86_400_000)).toBe(3);
});

test('PRT-17: a draft is hidden, what is paid shows its reference, what failed or came back says in words what to do', async () => {
  const insert = async (status: string, attempt: Readonly<Record<string, unknown>> | null): Promise<string> => {
    const id = newId('payout');
    await world.owner.transaction(async (trx) => {
      await trx.raw('set constraints all deferred');
      await insertRow(trx, 'payouts', {
        workspace_id: world.ws.id,
        id,
        mode: 'live',
        affiliate_id: ada.affiliateId,
        currency: 'USD',
        amount_minor: 1_000,
        status,
        method_type: 'bank',
        execution: 'manual',
        gateway: 'manual',
        created_by_type: 'system',
      });
      if (attempt !== null)
        await insertRow(trx, 'payout_attempts', {
          workspace_id: world.ws.id,
          id: newId('payoutAttempt'),
          payout_id: id,
          number: 1,
          gateway: 'manual',
          request_key: randomUUID(),
          currency: 'USD',
          amount_minor: 1_000,
          ...attempt,
        });
    });
    return id;
  };
  const draft = await insert('draft', null);
  const paid = await insert('paid', { state: 'paid', provider_id: 'WIRE-77' });
  await world.owner('payouts').where({ id: paid }).update({ reference: 'WIRE-77' });
  const failed = await insert('pending', { state: 'refused', code: 'destination_closed' });
  const ours = await insert('pending', { state: 'refused', code: 'limit_exceeded' });
  const early = await insert('pending', { state: 'returned', code: 'recalled' });
  const returned = await insert('paid', { state: 'returned', provider_id: 'WIRE-78' });

  expect((await ada.call(`/v1/me/payouts/${draft}`)).status).toBe(404);
  const listed = itemsOf((await ada.call('/v1/me/payouts')).body['data']).map((one) => one['id']);
  expect(new Set(listed)).toEqual(new Set([paid, failed, ours, early, returned]));
  expect((await ada.call(`/v1/me/payouts/${paid}`)).body).toMatchObject({
    status: 'paid',
    reference: 'WIRE-77',
    problem: null,
  });
  expect((await ada.call(`/v1/me/payouts/${failed}`)).body).toMatchObject({
    status: 'pending',
    problem: {
      code: 'failed',
      reason: 'destination_closed',
      fixBy: 'you',
      text: 'The payment was refused. Check your payout details; we try again.',
    },
  });
  // PAY-26, PAY-27: what is not theirs to repair asks nothing of them.
  for (const [id, code, reason] of [
    [ours, 'failed', 'limit_exceeded'],
    [early, 'returned', 'recalled'],
  ])
    expect((await ada.call(`/v1/me/payouts/${id}`)).body['problem']).toMatchObject({ code, reason, fixBy: 'us' });
  expect(itemsOf((await ada.call('/v1/me/payouts?paidOn[gte]=2026-01-01')).body['data'])).toEqual([]);
  expect((await ada.call(`/v1/me/payouts/${returned}`)).body['problem']).toMatchObject({
    code: 'returned',
    fixBy: 'you',
    text: 'The money came back. Confirm your payout details; the next payout pays it again.',
  });

  await saveSettings(world.api, world.ws, { payouts: { minimumPayout: [{ amount: '80.00', currency: 'USD' }] } });
  await inWorkspace(world.api.db, world.ws.id, (tx, now) =>
    insertApprovedMoney(
      tx,
      {
        workspaceId: world.ws.id,
        mode: 'live',
        now,
        actor: systemActor,
        cause: null,
        reasonCode: null,
        origin: null,
        requestId: null,
        newId,
      },
      {
        affiliateId: ada.affiliateId as AffiliateId,
        programId: programId as ProgramId,
        minor: 2_000n,
      },
    ),
  );
  const { body } = await ada.call('/v1/me/home');
  expect(itemsOf(body['nextPayouts'])).toMatchObject([
    { minimum: { amount: '80.00', currency: 'USD' }, payable: false, progressPpm: 250_000 },
  ]);
});

test('TST-02: an unknown address signed up makes a contact, fills the program in, and is mailed a link that works and a way in', async () => {
  const email = 'new.person@rows.example';
  const made = await world.as('/v1/affiliates', { name: 'New Person', email, programIds: [programId] });
  expect(made, made.text).toMatchObject({ status: 201, body: { enrolments: [{ programId }] } });
  expect((await world.as(`/v1/contacts?q=${email}`)).body['data']).toMatchObject([{ email }]);
  const id = String(made.body['id']);
  expect((await world.as(`/v1/affiliates/${id}/approve`, { reason: 'Known' })).status).toBe(200);

  const [mail] = (await mailsTo(world, email)).filter((one) => /welcome/.test(one.links.join(' ')));
  const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${id}`)).body['data']);
  expect(mail?.body).toContain(String(link?.['url']));
  expect(link).toMatchObject({ programId, credits: true });
  const portal = await signInToPortal(world, id);
  expect((await portal.call('/v1/me')).body).toMatchObject({ audience: 'affiliate', homePath: '/portal' });
});
