import type { AffiliateId, ApiKeyId } from '../../../domain/ids.js';
import type { LocalDate } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** A machine's credential that ends soon, with the affiliate whose leads it sends. */
export interface EndingKey {
  readonly id: ApiKeyId;
  readonly name: string;
  readonly expiresOn: LocalDate;
  readonly affiliateId: AffiliateId;
  readonly email: string;
  readonly language: string | null;
}

// Whose API users end in these days? Of affiliates that may send at all; what was revoked ends nobody's traffic.
export async function listEndingKeys(
  tx: ReadTx | Tx,
  days: { readonly after: LocalDate; readonly until: LocalDate },
): Promise<readonly EndingKey[]> {
  const rows = await tx('api_keys as key')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'key.workspace_id').andOn('affiliate.id', 'key.affiliate_id'),
    )
    .where('key.kind', 'secret')
    .whereNull('key.revoked_at')
    .where('key.expires_on', '>', days.after)
    .where('key.expires_on', '<=', days.until)
    .whereIn('affiliate.status', ['approved', 'suspended'])
    .orderBy('key.expires_on')
    .orderBy('key.id')
    .select<
      {
        id: ApiKeyId;
        name: string;
        expires_on: LocalDate;
        affiliate_id: AffiliateId;
        email: string;
        language: string | null;
      }[]
    >('key.id', 'key.name', 'key.expires_on', 'key.affiliate_id', 'affiliate.email', 'affiliate.language');
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    expiresOn: row.expires_on,
    affiliateId: row.affiliate_id,
    email: row.email,
    language: row.language,
  }));
}
