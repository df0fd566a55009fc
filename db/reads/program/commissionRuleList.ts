import { type RuleRecord, toRule } from '../../program/commissionPlan.js';
import type { ReadTx } from '../../transaction.js';
import type { Instant } from '../../../domain/time.js';
import { keyset, type Page } from '../keyset.js';

export interface RuleFilter {
  readonly scope?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly productId?: readonly string[] | undefined;
  readonly groupId?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly event?: readonly string[] | undefined;
  readonly status?: readonly ('active' | 'ended')[] | undefined;
}

/** Which rules make up the plans of this workspace, each in its newest version? Staff only: rules belong to nobody. */
export async function listRules(
  tx: ReadTx,
  filter: RuleFilter,
  now: Instant,
  page: Page,
): Promise<readonly RuleRecord[]> {
  const query = tx('commission_rules as rule')
    .join('commission_rule_versions as version', (on) =>
      on
        .on('version.workspace_id', 'rule.workspace_id')
        .andOn('version.rule_id', 'rule.id')
        .andOn('version.version', 'rule.version'),
    )
    .select(
      'rule.*',
      'version.body',
      'version.version as body_version',
      'version.effective_from',
      'version.effective_to',
    );
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('rule.scope', filter.scope);
  among('rule.program_id', filter.programId);
  among('rule.product_id', filter.productId);
  among('rule.group_id', filter.groupId);
  among('rule.affiliate_id', filter.affiliateId);
  among('rule.event', filter.event);
  if (filter.status?.length === 1)
    query.whereRaw(`(rule.ended_at is null or rule.ended_at > ?) = ?`, [now, filter.status[0] === 'active']);
  const rows = (await keyset(query, page, { createdAt: 'rule.created_at' }, 'rule.id')) as Parameters<
    typeof toRule
  >[0][];
  return rows.map(toRule);
}
