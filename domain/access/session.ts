import { addMs, type Instant, isBefore } from '../time.js';

export type Audience = 'staff' | 'affiliate' | 'reseller';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** api.md 5: staff end after 8 h idle and after 24 h, portal people after 30 days. Milliseconds. */
export const sessionLimits: Readonly<Record<Audience, { readonly idleMs: number; readonly absoluteMs: number }>> = {
  staff: { idleMs: 8 * hourMs, absoluteMs: 24 * hourMs },
  affiliate: { idleMs: 30 * dayMs, absoluteMs: 30 * dayMs },
  reseller: { idleMs: 30 * dayMs, absoluteMs: 30 * dayMs },
};

/** Staff look at an affiliate's portal for half an hour (screens.md 2). Milliseconds. */
export const portalViewMs = 30 * 60_000;

/** A sign-in or a password counts as step-up for five minutes (api.md 1.2). */
export const stepUpMs = 5 * 60_000;
/** features.md 20.1: invites and set-password links last 24 hours, sign-in links 30 minutes. */
export const tokenLifeMs = { sign_in: 30 * 60_000, invite: dayMs, reset: dayMs, verify_email: dayMs } as const;
export type OneTimeKind = keyof typeof tokenLifeMs;

export function sessionEnds(audience: Audience, startedAt: Instant): Instant {
  return addMs(startedAt, sessionLimits[audience].absoluteMs);
}

/** True when nobody used the session for too long. `idleMs`: the workspace's own setting for staff, else the default. */
export function isIdle(audience: Audience, lastSeenAt: Instant, now: Instant, idleMs?: number): boolean {
  return !isBefore(now, addMs(lastSeenAt, idleMs ?? sessionLimits[audience].idleMs));
}

export function isSteppedUp(steppedUpAt: Instant, now: Instant): boolean {
  return isBefore(now, addMs(steppedUpAt, stepUpMs));
}

/** The second factor of RFC 6238 as every authenticator knows it: SHA-1, six digits, 30 seconds; one step of clock difference is forgiven. */
export const totp = { digits: 6, periodSeconds: 30, window: 1, recoveryCodes: 10 } as const;
/** Between the right password and the right code. Milliseconds. */
export const challengeMs = 5 * 60_000;

/** Does a role of this person demand a second factor (setting `security.totpRequiredFor`)? Staff only: portals sign in by mailed links. */
export function needsSecondFactor(
  audience: Audience,
  roleIds: readonly string[],
  requiredFor: readonly string[],
): boolean {
  return audience === 'staff' && roleIds.some((id) => requiredFor.includes(id));
}
