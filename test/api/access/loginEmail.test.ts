import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptAll, browserOf, mailsTo, type Portal, signInToPortal } from '../affiliate/portalWorld.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf } from '../support.js';

// PRT-06: an affiliate changes the address and the password that it signs in with.

let world: EarningWorld;
let programId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
});
afterAll(() => world.close());

async function portalOf(name: string): Promise<Portal> {
  const portal = await signInToPortal(world, await world.affiliate(programId, { name }));
  await acceptAll(portal);
  return portal;
}

/** The same person on another device, by the mailed link. */
async function another(portal: Portal, email = portal.email): Promise<Pick<Portal, 'call'>> {
  expect((await world.api.as(null, '/v1/auth/sign-in-link', { body: { email } })).status).toBe(202);
  const [mail] = await mailsTo(world, email);
  const token = /\/welcome\/([\w-]+)/.exec(mail?.links[0] ?? '')?.[1];
  return browserOf(world, await world.api.as(null, '/v1/auth/one-time', { body: { token } }));
}

const statusOf = async (portal: Pick<Portal, 'call'>) => (await portal.call('/v1/me')).status;

test('PRT-06: a new address counts once its mail was opened; other sessions end, the old address hears of both', async () => {
  const ada = await portalOf('Ada');
  const phone = await another(ada);
  expect(await statusOf(phone)).toBe(200);
  const email = 'ada.new@blog.example';
  const asked = await ada.call('/v1/auth/email', { body: { email } });
  expect(asked.status, asked.text).toBe(202);
  expect([await statusOf(ada), await statusOf(phone)]).toEqual([200, 401]);
  expect((await mailsTo(world, ada.email))[0]?.subject).toContain('about to change');
  expect((await ada.call('/v1/me/profile')).body['email']).toBe(ada.email);

  const [mail] = await mailsTo(world, email);
  const token = /\/verify-email\/([\w-]+)/.exec(mail?.links[0] ?? '')?.[1];
  const open = () => world.api.as(null, '/v1/auth/verify-email', { body: { token } });
  expect((await open()).status).toBe(204);
  expect((await open()).body['code']).toBe('token_used_or_expired');
  expect((await ada.call('/v1/me/profile')).body['email']).toBe(email);
  expect((await mailsTo(world, ada.email))[0]?.subject).toContain('was changed');
  expect(await statusOf(ada)).toBe(200);

  // The old address opens nothing any more, the new one does.
  const before = (await mailsTo(world, ada.email)).length;
  await world.api.as(null, '/v1/auth/sign-in-link', { body: { email: ada.email } });
  expect(await mailsTo(world, ada.email)).toHaveLength(before);
  expect(await statusOf(await another(ada, email))).toBe(200);
  const trail = await world.as(`/v1/audit-entries?event=emailChanged`);
  expect(itemsOf(trail.body['data'])).toHaveLength(1);
  expect(trail.text).not.toContain(email);
});

test('PRT-06: an address that somebody has gets the same answer and no mail, and a wrong one changes nothing', async () => {
  const ben = await portalOf('Ben');
  const taken = await portalOf('Cleo');
  const before = (await mailsTo(world, taken.email)).length;
  expect((await ben.call('/v1/auth/email', { body: { email: taken.email } })).status).toBe(202);
  expect(await mailsTo(world, taken.email)).toHaveLength(before);
  expect(await statusOf(taken)).toBe(200);
  const wrong = await ben.call('/v1/auth/email', { body: { email: 'not-an-address' } });
  expect([wrong.status, wrong.body['errors'][0]?.['pointer']]).toEqual([422, '#/email']);
  expect((await world.as('/v1/auth/email', { email: 'x@blog.example' })).status).toBe(401);
});

test('PRT-06: both need a step-up; a new password ends other sessions and is told to the mailbox', async () => {
  const dora = await portalOf('Dora');
  await world.owner.raw(`update sessions set stepped_up_at = now() - interval '6 minutes'`);
  for (const [path, body] of [
    ['/v1/auth/email', { email: 'dora.new@blog.example' }],
    ['/v1/auth/password', { password: 'a long enough password' }],
  ] as const) {
    const refused = await dora.call(path, { body });
    expect([refused.status, refused.body['code']], path).toEqual([403, 'step_up_required']);
  }
  const fresh = await another(dora);
  const changed = await fresh.call('/v1/auth/password', { body: { password: 'a long enough password' } });
  expect(changed.status, changed.text).toBe(204);
  expect([await statusOf(dora), await statusOf(fresh)]).toEqual([401, 200]);
  expect((await mailsTo(world, dora.email))[0]?.subject).toContain('password was changed');
  const login = { email: dora.email, password: 'a long enough password' };
  expect((await world.api.as(null, '/v1/auth/login', { body: login })).status).toBe(200);
});
