import type { Instant, LocalDate } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface PublicKeyTerms {
  readonly expiresOn: LocalDate | null;
  readonly ipRestricted: boolean;
  readonly ipAllowList: readonly string[];
  readonly revokedAt: Instant | null;
  /** Of the affiliate whose key it is; null: nobody's. */
  readonly affiliateStatus: string | null;
}

// What limits a public key now, and how does its affiliate stand?
export async function readPublicKeyTerms(tx: ReadTx | Tx, keyId: string): Promise<PublicKeyTerms | undefined> {
  const { rows } = await tx.raw<{
    rows: {
      expires_on: LocalDate | null;
      ip_restricted: boolean;
      ip_allow_list: string[];
      revoked_at: Instant | null;
      affiliate_status: string | null;
    }[];
  }>(
    `select key.expires_on, key.ip_restricted, key.ip_allow_list, key.revoked_at, affiliate.status as affiliate_status
     from api_keys as key
     left join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (key.workspace_id, key.affiliate_id)
     where key.id = :keyId`,
    { keyId },
  );
  const row = rows[0];
  return row === undefined
    ? undefined
    : {
        expiresOn: row.expires_on,
        ipRestricted: row.ip_restricted,
        ipAllowList: row.ip_allow_list,
        revokedAt: row.revoked_at,
        affiliateStatus: row.affiliate_status,
      };
}
