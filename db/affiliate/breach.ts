import type { Act, Actor } from '../../domain/act.js';
import type { BreachAction } from '../../domain/affiliate/breach.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, Id } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export type BreachId = Id<'breach'>;

/** A policy that an affiliate broke, what shows it and what followed (PRG-19). Never edited: a second look is a second record. */
export interface Breach {
  readonly id: BreachId;
  readonly affiliateId: AffiliateId;
  readonly policy: string;
  readonly evidence: string;
  readonly action: BreachAction;
  readonly by: { readonly type: Actor['type']; readonly id: string | null };
  readonly createdAt: Instant;
}

interface BreachRow {
  readonly id: BreachId;
  readonly affiliate_id: AffiliateId;
  readonly policy: string;
  readonly evidence: string;
  readonly action: BreachAction;
  readonly recorded_by_type: Actor['type'];
  readonly recorded_by: string | null;
  readonly created_at: Instant;
}

function toBreach(row: BreachRow): Breach {
  return {
    id: row.id,
    affiliateId: row.affiliate_id,
    policy: row.policy,
    evidence: row.evidence,
    action: row.action,
    by: { type: row.recorded_by_type, id: row.recorded_by },
    createdAt: row.created_at,
  };
}

/** Writes the breach and its audit entry; the words stay in the row, which erasure can reach. */
export async function insertBreach(
  tx: Tx,
  act: Act,
  breach: Pick<Breach, 'id' | 'affiliateId' | 'policy' | 'evidence' | 'action'>,
): Promise<Breach> {
  const [row] = await tx('affiliate_breaches')
    .insert({
      id: breach.id,
      affiliate_id: breach.affiliateId,
      policy: breach.policy,
      evidence: breach.evidence,
      action: breach.action,
      recorded_by_type: act.actor.type,
      recorded_by: act.actor.userId ?? act.actor.id,
      created_at: act.now,
    })
    .returning<BreachRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'affiliate_breach',
    objectId: breach.id,
    seq: 1,
    event: 'recorded',
    changes: { affiliateId: breach.affiliateId, action: breach.action },
  });
  return toBreach(row);
}

// Which policies did this affiliate break?
export async function listBreaches(tx: ReadTx, affiliateId: string, page: Page): Promise<readonly Breach[]> {
  const query = tx('affiliate_breaches').where({ affiliate_id: affiliateId });
  const rows: readonly BreachRow[] = await keyset(query, page, { createdAt: 'created_at' });
  return rows.map(toBreach);
}
