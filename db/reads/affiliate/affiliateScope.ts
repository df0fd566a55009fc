import type { Knex } from 'knex';
import type { Scope } from '../../../domain/access/permission.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Assigned: as the affiliate's manager, or on the person's own list (api.md 16.1, `affiliateIds`).
const assignedTo = `select object_id from user_assignments where object_type = 'affiliate' and user_id = :userId`;

/** Leaves the affiliates a reader may see. `alias` names the table in the query. */
export function scopeAffiliates(where: Knex.QueryBuilder, scope: Scope, alias = 'affiliates'): void {
  switch (scope.kind) {
    case 'workspace':
      return;
    case 'assigned':
      where.whereRaw(`(${alias}.manager_id = :userId or ${alias}.id in (${assignedTo}))`, { userId: scope.userId });
      return;
    case 'affiliate':
      where.where(`${alias}.id`, scope.affiliateId);
      return;
    case 'reseller':
      where.whereRaw('false');
      return;
    default:
      return scope satisfies never;
  }
}

/**
 * The affiliate, when this reader may see it. Otherwise `resource.not_found`, as for one that never was; staff who are limited to assigned
 * affiliates are told that it is somebody else's (`access.not_in_scope`, api.md 1.2).
 */
export async function requireAffiliateInScope<A extends Pick<Affiliate, 'id' | 'managerId'>>(
  tx: ReadTx | Tx,
  affiliate: A | undefined,
  scope: Scope,
): Promise<A> {
  if (affiliate === undefined) throw new DomainError('resource.not_found');
  if (await isAffiliateInScope(tx, affiliate, scope)) return affiliate;
  throw new DomainError(scope.kind === 'assigned' ? 'access.not_in_scope' : 'resource.not_found');
}

/** Is it one of the affiliates that such a reader may see? */
export async function isAffiliateInScope(
  tx: ReadTx | Tx,
  affiliate: Pick<Affiliate, 'id' | 'managerId'>,
  scope: Scope,
): Promise<boolean> {
  switch (scope.kind) {
    case 'workspace':
      return true;
    case 'assigned':
      return affiliate.managerId === scope.userId || (await isAssigned(tx, affiliate.id, scope.userId));
    case 'affiliate':
      return affiliate.id === scope.affiliateId;
    case 'reseller':
      return false;
    default:
      return scope satisfies never;
  }
}

async function isAssigned(tx: ReadTx | Tx, affiliateId: string, userId: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(`${assignedTo} and object_id = :affiliateId`, {
    userId,
    affiliateId,
  });
  return rows.length > 0;
}
