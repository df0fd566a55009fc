import type { Act } from '../../domain/act.js';
import type { AffiliateId } from '../../domain/ids.js';
import { lockApiKey, updateApiKey } from '../access/apiKey.js';
import { endSessions } from '../access/login.js';
import { lockUser, updateUser } from '../access/user.js';
import { recordAudit } from '../audit/audit.js';
import type { Tx } from '../transaction.js';

/** Makes an unassigned key this affiliate's API user (AFF-16). False when there is none such, or somebody's already, or it is revoked. */
export async function bindApiKey(tx: Tx, act: Act, keyId: string, affiliateId: AffiliateId): Promise<boolean> {
  const key = await lockApiKey(tx, keyId);
  if (key === undefined || key.affiliateId !== null || key.revokedAt !== null || key.kind !== 'secret') return false;
  await tx('api_keys')
    .where({ id: key.id })
    .update({ affiliate_id: affiliateId, version: key.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'api_key',
    objectId: key.id,
    seq: key.version + 1,
    event: 'bound',
    changes: { affiliateId },
  });
  return true;
}

/** Takes every way in from an affiliate: its keys are revoked, its portal people disabled and signed out (AFF-09). */
export async function revokeAccess(tx: Tx, act: Act, affiliateId: AffiliateId): Promise<void> {
  const keys = await tx('api_keys')
    .where({ affiliate_id: affiliateId, revoked_at: null })
    .orderBy('id')
    .select<{ id: string }[]>('id');
  for (const { id } of keys) {
    const key = await lockApiKey(tx, id);
    if (key !== undefined) await updateApiKey(tx, act, key, 'revoked', { revokedAt: act.now });
  }
  const people = await tx('users')
    .where({ affiliate_id: affiliateId, audience: 'affiliate' })
    .whereNot({ status: 'disabled' })
    .orderBy('id')
    .select<{ id: string }[]>('id');
  for (const { id } of people) {
    const user = await lockUser(tx, id);
    if (user === undefined) continue;
    await updateUser(tx, act, user, 'disabled', { status: 'disabled' });
    await endSessions(tx, user.loginId, { userId: user.id });
  }
}
