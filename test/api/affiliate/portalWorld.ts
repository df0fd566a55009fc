import { expect } from 'vitest';
import { readWorkspace } from '../../../db/transaction.js';
import type { EarningWorld } from '../earning/earningWorld.js';
import { type CallOptions, itemsOf, type TestAnswer } from '../support.js';

/** The portal as an affiliate's browser uses it: a session of the mailed link, cookie and CSRF token. */
export interface Portal {
  readonly affiliateId: string;
  readonly email: string;
  call(path: string, options?: CallOptions): Promise<TestAnswer>;
}

export interface StoredMail {
  readonly kind: string;
  readonly subject: string;
  readonly links: readonly string[];
  readonly body: string;
}

/** Mails to an address, newest first. */
export function mailsTo(world: EarningWorld, email: string): Promise<readonly StoredMail[]> {
  return readWorkspace(world.api.db, world.ws.id, async (tx) =>
    tx('emails')
      .where({ recipient: email })
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .select<StoredMail[]>('kind', 'subject', 'links', 'body'),
  );
}

/** Opens the link of the welcome mail. */
export async function signInToPortal(world: EarningWorld, affiliateId: string): Promise<Portal> {
  const email: string = (await world.as(`/v1/affiliates/${affiliateId}`)).body['email'];
  const mails = await mailsTo(world, email);
  const link = mails.flatMap((mail) => mail.links).find((one) => /welcome/.test(one)) ?? '';
  const token = /\/welcome\/([\w-]+)$/.exec(link)?.[1];
  const signedIn = await world.api.as(null, '/v1/auth/accept-invite', { body: { token } });
  return { affiliateId, email, ...browserOf(world, signedIn) };
}

/** Whoever signed in with this answer goes on with its cookie. */
export function browserOf(world: EarningWorld, signedIn: TestAnswer): Pick<Portal, 'call'> {
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const csrf = String(signedIn.body['csrfToken']);
  return {
    call: (path, options = {}) =>
      world.api.as(null, path, { ...options, headers: { Cookie: cookie, 'X-CSRF-Token': csrf, ...options.headers } }),
  };
}

/** Accepts what stands in the way. */
export async function acceptAll(portal: Portal): Promise<void> {
  for (const one of itemsOf((await portal.call('/v1/me/agreements')).body['data'])) {
    const accepted = await portal.call(`/v1/me/agreements/${one['id']}/accept`, { body: {} });
    expect(accepted.status, accepted.text).toBe(200);
  }
}
