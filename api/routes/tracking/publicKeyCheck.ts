import type { Context } from 'koa';
import { getSettings } from '../../../db/access/settings.js';
import type { PublicKeyEntry } from '../../../db/directory.js';
import { type PublicKeyTerms, readPublicKeyTerms } from '../../../db/reads/access/publicKeyTerms.js';
import type { Tx } from '../../../db/transaction.js';
import { dateIn } from '../../../domain/calendar.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import { isListed } from '../../auth.js';
import type { ApiDeps } from '../../deps.js';

/**
 * A public key ends and is limited as every key is (LED-06, LED-09, LED-31): postbacks, pixels and scripts that name it are refused and logged.
 * Codes: access.api_user_revoked, access.api_user_expired, access.ip_not_allowed.
 */
export async function checkPublicKey(
  tx: Tx,
  koa: Context,
  deps: Pick<ApiDeps, 'clientAddress'>,
  of: { readonly key: PublicKeyEntry; readonly now: Instant },
): Promise<PublicKeyTerms> {
  const terms = await readPublicKeyTerms(tx, of.key.keyId);
  assertInvariant(terms !== undefined, 'a key is never deleted', { keyId: of.key.keyId });
  if (terms.revokedAt !== null) throw new DomainError('access.api_user_revoked');
  if (terms.expiresOn !== null) {
    const { timeZone } = (await getSettings(tx)).settings.general;
    if (dateIn(timeZone, of.now) >= terms.expiresOn)
      throw new DomainError('access.api_user_expired', { expiredOn: terms.expiresOn });
  }
  if (terms.ipRestricted && !isListed(deps.clientAddress(koa.req), terms.ipAllowList))
    throw new DomainError('access.ip_not_allowed');
  return terms;
}
