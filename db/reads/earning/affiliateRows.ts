import type { Knex } from 'knex';
import type { Scope } from '../../../domain/access/permission.js';

/** Leaves the rows of affiliates that a reader may see. `alias` names the table, which has an `affiliate_id`. */
export function scopeToAffiliates(query: Knex.QueryBuilder, scope: Scope, alias: string): void {
  switch (scope.kind) {
    case 'workspace':
      return;
    case 'assigned':
      query.whereRaw(
        `exists (select from affiliates as assigned
                 where assigned.workspace_id = ${alias}.workspace_id and assigned.id = ${alias}.affiliate_id
                   and (assigned.manager_id = :userId
                        or assigned.id in (select object_id from user_assignments
                                           where object_type = 'affiliate' and user_id = :userId)))`,
        { userId: scope.userId },
      );
      return;
    case 'affiliate':
      query.where(`${alias}.affiliate_id`, scope.affiliateId);
      return;
    case 'reseller':
      query.whereRaw('false');
      return;
    default:
      scope satisfies never;
  }
}
