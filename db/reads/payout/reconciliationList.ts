import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { ItemClass, ItemResolution } from '../../../domain/payout/reconciliation.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Which statements of our gateways have been compared, and on what do they differ from the books? (api.md 10.3)

export interface ReconciliationView {
  readonly id: string;
  readonly gatewayId: string;
  readonly currency: CurrencyCode;
  readonly source: 'gateway' | 'upload';
  readonly closedAt: Instant;
  readonly closingMinor: bigint;
  readonly booksMinor: bigint;
  readonly lines: number;
  readonly differences: number;
  readonly open: number;
  readonly createdAt: Instant;
}

const columns = `statement.id, statement.gateway as "gatewayId", statement.currency, statement.source, statement.closed_at as "closedAt",
  statement.closing_minor as "closingMinor", coalesce(statement.books_minor, statement.closing_minor) as "booksMinor", statement.line_count as lines,
  (select count(*)::int from reconciliation_items as item where item.statement_id = statement.id and item.class <> 'matched') as differences,
  (select count(*)::int from reconciliation_items as item
   where item.statement_id = statement.id and item.class <> 'matched' and item.resolved_at is null) as open,
  statement.created_at as "createdAt"`;

/** Of the newest statement of its gateway and currency: an older one's differences are told there again, or are gone. */
const isNewest = `not exists (
  select from gateway_statements as later
  where later.gateway = statement.gateway and later.mode = statement.mode and later.currency = statement.currency
    and (later.closed_at, later.id) > (statement.closed_at, statement.id))`;
const isOpen = `item.class <> 'matched' and item.resolved_at is null`;

/** Differences that nobody has explained yet, in the newest statements; `before`: only those first seen before it (BEY-06). */
export async function countOpenDifferences(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly before: Instant | null },
): Promise<number> {
  const { rows } = await tx.raw<{ rows: { number: number }[] }>(
    `select count(*)::int as number
     from reconciliation_items as item
     join gateway_statements as statement on statement.id = item.statement_id
     where statement.mode = :mode and ${isOpen} and ${isNewest}
       and (:before::timestamptz is null or coalesce(item.first_seen_at, item.created_at) < :before::timestamptz)`,
    { mode: of.mode, before: of.before },
  );
  return rows[0]?.number ?? 0;
}

/** What people know of a line: its numbers here and there, and whom it went to. */
const itemNamed = `(:q in (item.id, item.attempt_id, attempt.payout_id, item.affiliate_id) or strpos(lower(coalesce(item.line_id, '')), lower(:q)) > 0
  or strpos(lower(coalesce(item.provider_id, '')), lower(:q)) > 0 or strpos(lower(coalesce(item.note, '')), lower(:q)) > 0)`;

export async function listReconciliations(
  tx: ReadTx,
  of: {
    readonly mode: Mode;
    readonly gatewayIds?: readonly string[] | undefined;
    /** With differences that wait for a person's word, or without. */
    readonly unexplained?: boolean | undefined;
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly ReconciliationView[]> {
  const query = tx.select(tx.raw(columns)).from('gateway_statements as statement').where('statement.mode', of.mode);
  if (of.gatewayIds !== undefined) query.whereIn('statement.gateway', [...of.gatewayIds]);
  if (of.unexplained !== undefined)
    query.whereRaw(
      `(${isNewest} and exists (select from reconciliation_items as item where item.statement_id = statement.id and ${isOpen})) = :unexplained::boolean`,
      { unexplained: of.unexplained },
    );
  // By what a line of the bank says too: somebody looks for the statement that has a transfer in it.
  if (of.q !== undefined)
    query.whereRaw(
      `(statement.id = :q or statement.currency = upper(:q) or strpos(lower(statement.gateway), lower(:q)) > 0
        or exists (select from reconciliation_items as item
                   left join payout_attempts as attempt on attempt.id = item.attempt_id
                   where item.statement_id = statement.id and ${itemNamed}))`,
      { q: of.q },
    );
  return (await keyset(query, page, { createdAt: 'statement.created_at' }, 'statement.id')) as ReconciliationView[];
}

export async function findReconciliation(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly id: string },
): Promise<ReconciliationView | undefined> {
  const { rows } = await tx.raw<{ rows: ReconciliationView[] }>(
    `select ${columns} from gateway_statements as statement where statement.mode = :mode and statement.id = :id`,
    of,
  );
  return rows[0];
}

export interface ReconciliationItemView {
  readonly id: string;
  readonly reconciliationId: string;
  readonly itemClass: ItemClass;
  readonly currency: CurrencyCode;
  readonly gap: bigint;
  readonly statementMinor: bigint;
  readonly booksMinor: bigint;
  readonly lineId: string | null;
  readonly attemptId: string | null;
  readonly payoutId: string | null;
  readonly providerId: string | null;
  readonly firstSeenAt: Instant | null;
  readonly resolution: ItemResolution | null;
  readonly affiliateId: string | null;
  readonly resolvedAt: Instant | null;
  readonly resolvedBy: { readonly id: string; readonly name: string } | null;
  readonly note: string | null;
  readonly createdAt: Instant;
}

const itemColumns = `item.id, item.statement_id as "reconciliationId", item.class as "itemClass", statement.currency, item.amount_minor as gap,
  item.line_minor as "statementMinor", item.books_minor as "booksMinor", item.line_id as "lineId", item.attempt_id as "attemptId",
  attempt.payout_id as "payoutId", item.provider_id as "providerId", item.first_seen_at as "firstSeenAt", item.resolution,
  item.affiliate_id as "affiliateId", item.resolved_at as "resolvedAt", item.note, item.created_at as "createdAt",
  case when person.id is null then null else jsonb_build_object('id', person.id, 'name', person.name) end as "resolvedBy"`;

const itemSource = `reconciliation_items as item
  join gateway_statements as statement on statement.id = item.statement_id
  left join payout_attempts as attempt on attempt.id = item.attempt_id
  left join users as person on person.id = item.resolved_by`;

export async function listReconciliationItems(
  tx: ReadTx,
  of: {
    readonly reconciliationId: string;
    readonly classes?: readonly ItemClass[] | undefined;
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly ReconciliationItemView[]> {
  const query = tx.select(tx.raw(itemColumns)).from(tx.raw(itemSource)).where('item.statement_id', of.reconciliationId);
  if (of.classes !== undefined) query.whereIn('item.class', [...of.classes]);
  if (of.q !== undefined) query.whereRaw(itemNamed, { q: of.q });
  return (await keyset(query, page, { createdAt: 'item.created_at' }, 'item.id')) as ReconciliationItemView[];
}

export async function findReconciliationItem(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly id: string },
): Promise<ReconciliationItemView | undefined> {
  const { rows } = await tx.raw<{ rows: ReconciliationItemView[] }>(
    `select ${itemColumns} from ${itemSource} where statement.mode = :mode and item.id = :id`,
    of,
  );
  return rows[0];
}
