import type { Mode } from '../../../domain/act.js';
import { answerDays } from '../../../domain/earning/appeal.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import { blockingRiskCodes, type RiskCode, type RiskLevel } from '../../../domain/tracking/riskFlag.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// What waits for a person? One row per item, of every kind the reader may decide.

export const queueKinds = [
  'application',
  'lead',
  'referral',
  'sale',
  'commission',
  'payout_run',
  'payout',
  'payout_method',
  'appeal',
] as const;
export type QueueKind = (typeof queueKinds)[number];

export interface QueueItem {
  readonly kind: QueueKind;
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly affiliateId: string | null;
  readonly affiliateName: string | null;
  readonly programId: string | null;
  readonly currency: CurrencyCode | null;
  readonly amountMinor: bigint | null;
  readonly assigneeId: string | null;
  /** Whose purchase it is about: rows of one affiliate look alike without. */
  readonly customerName: string | null;
  readonly customerEmail: string | null;
  readonly flags: readonly RiskCode[];
  /** Checks of a referral that nobody has settled. */
  readonly openChecks: number;
  readonly waitingSince: Instant;
  readonly dueAt: Instant | null;
}

const none = {
  amount: 'null::text as currency, null::bigint as amount_minor',
  assignee: 'null::text',
  due: 'null::timestamptz',
};

/** The same conditions as the lists behind each kind (`queueLists` of the route says which). */
const sources: Readonly<Record<QueueKind, string>> = {
  application: `
    select 'application' as kind, affiliate.id, affiliate.name as title, affiliate.status, affiliate.id as affiliate_id,
           null::text as program_id, ${none.amount}, affiliate.manager_id as assignee_id, affiliate.created_at as waiting_since, ${none.due} as due_at
    from affiliates as affiliate where affiliate.status = 'pending'`,
  lead: `
    select 'lead', lead.id, coalesce(lead.event, 'lead'), lead.verdict, lead.affiliate_id, lead.program_id, ${none.amount},
           lead.assignee_id, lead.created_at, ${none.due}
    from leads as lead where lead.mode = :mode and lead.verdict = 'received' and lead.processed_at is not null`,
  referral: `
    select 'referral', referral.id, referral.stage, referral.status, referral.affiliate_id, referral.program_id,
           ${none.amount}, referral.assignee_id, coalesce(referral.pending_since, referral.created_at), referral.decide_by
    from referrals as referral
    where referral.mode = :mode and referral.status = 'pending'`,
  sale: `
    select 'sale', sale.id, sale.external_id, sale.status, sale.affiliate_id, sale.program_id, sale.currency, sale.captured_minor,
           ${none.assignee}, sale.created_at, ${none.due}
    from sales as sale where sale.mode = :mode and sale.in_review`,
  commission: `
    select 'commission', line.id, line.kind, line.status, line.affiliate_id, line.program_id, line.currency,
           line.amount_minor - line.reversed_minor, ${none.assignee}, line.eligible_at, ${none.due}
    from commissions as line
    left join referrals as referral on referral.id = line.referral_id
    where line.mode = :mode and line.status = 'pending' and line.needs_reviewer and not line.on_hold
      and line.eligible_at <= cast(:now as timestamptz) and (line.referral_id is null or referral.status = 'approved')`,
  payout_run: `
    select 'payout_run', run.id, coalesce(run.period, run.note, 'Payout run'), run.status, null, null, ${none.amount},
           ${none.assignee}, run.updated_at, run.pay_at
    from payout_runs as run where run.mode = :mode and run.status = 'planned'`,
  payout: `
    select 'payout', payout.id, attempt.state, payout.status, payout.affiliate_id, null, payout.currency, payout.amount_minor,
           ${none.assignee}, attempt.updated_at, ${none.due}
    from payouts as payout
    join lateral (select * from payout_attempts where payout_attempts.payout_id = payout.id order by number desc limit 1) as attempt on true
    where payout.mode = :mode and payout.status = 'pending' and (attempt.state = 'refused' or (attempt.state = 'unknown' and attempt.needs_human))`,
  payout_method: `
    select 'payout_method', method.id, method.type || ' ' || method.masked, method.status, method.affiliate_id, null, ${none.amount},
           ${none.assignee}, method.created_at, ${none.due}
    from payout_methods as method where method.status = 'unverified'`,
  // Due as `answerBy` of the appeal itself says (BEY-15).
  appeal: `
    select 'appeal', appeal.id, appeal.object_type, appeal.status, appeal.affiliate_id, null, ${none.amount},
           ${none.assignee}, appeal.created_at, appeal.created_at + interval '${answerDays} days'
    from appeals as appeal where appeal.mode = :mode and appeal.status = 'open'`,
};

const lineMoney = 'sum(line.amount_minor - line.reversed_minor)';
/**
 * What a referral is about: its lines' largest sum. Asked of the items of the page, and not in `sources`, where those that are only counted
 * would be added up as well, on each look of the menu.
 */
const referralMoney = (column: string): string => `(
  select ${column} from commissions as line where line.referral_id = item.id and line.status <> 'rejected'
  group by line.currency order by ${lineMoney} desc limit 1)`;

/** The contact behind an item, of the kinds that are about a customer. */
const contactId = `
  case item.kind
    when 'lead' then (select lead.contact_id from leads as lead where lead.id = item.id)
    when 'referral' then (select referral.contact_id from referrals as referral where referral.id = item.id)
    when 'sale' then (select sale.contact_id from sales as sale where sale.id = item.id)
    when 'commission' then (
      select sale.contact_id from commissions as line join sales as sale on sale.id = line.sale_id where line.id = item.id)
  end`;

export interface QueueReader {
  readonly mode: Mode;
  readonly now: Instant;
  /** The kinds this reader may decide. */
  readonly kinds: readonly QueueKind[];
  /** Kinds of which the reader sees assigned ones only. */
  readonly assignedKinds: readonly QueueKind[];
  readonly userId: string | null;
}

export interface QueueFilter {
  readonly kind?: readonly QueueKind[] | undefined;
  readonly assigneeId?: readonly string[] | undefined;
  readonly risk?: readonly RiskLevel[] | undefined;
}

const openFlags = `select flag.code from risk_flags as flag
  where flag.dismissed_at is null and (flag.referral_id = item.id or flag.affiliate_id = item.affiliate_id)`;
/** The same levels as `riskLevelOf` tells of the codes. */
const ofLevel: Readonly<Record<RiskLevel, string>> = {
  none: `not exists (${openFlags})`,
  low: `exists (${openFlags}) and not exists (${openFlags} and flag.code = any(:blocking))`,
  high: `exists (${openFlags} and flag.code = any(:blocking))`,
};

function waiting(tx: ReadTx, reader: QueueReader, { assigneeId, risk }: Omit<QueueFilter, 'kind'>) {
  const query = tx.from(
    tx.raw(
      `(${reader.kinds.map((kind) => sources[kind]).join('\nunion all\n')}) as item (kind, id, title, status, affiliate_id, program_id, currency,
        amount_minor, assignee_id, waiting_since, due_at)`,
      { mode: reader.mode, now: reader.now },
    ),
  );
  if (assigneeId !== undefined) query.whereIn('item.assignee_id', [...assigneeId]);
  if (risk !== undefined)
    query.whereRaw(`(${risk.map((level) => `(${ofLevel[level]})`).join(' or ')})`, {
      blocking: [...blockingRiskCodes],
    });
  return query.whereRaw(
    `(not item.kind = any(:assignedKinds) or item.assignee_id = :userId
      or item.affiliate_id in (select id from affiliates where manager_id = :userId
                               union select object_id from user_assignments where object_type = 'affiliate' and user_id = :userId))`,
    { assignedKinds: [...reader.assignedKinds], userId: reader.userId },
  );
}

/** A page of it, the longest waiting first. */
export async function listQueue(
  tx: ReadTx,
  reader: QueueReader,
  filter: QueueFilter,
  page: Page,
): Promise<readonly QueueItem[]> {
  if (reader.kinds.length === 0) return [];
  const query = waiting(tx, reader, filter).select(
    'item.kind as kind',
    'item.id as id',
    'item.title as title',
    'item.status as status',
    'item.affiliate_id as affiliateId',
    tx.raw(
      `(select affiliate.name from affiliates as affiliate where affiliate.id = item.affiliate_id) as "affiliateName"`,
    ),
    'item.program_id as programId',
    tx.raw(`case item.kind when 'referral' then ${referralMoney('line.currency')} else item.currency end as currency`),
    tx.raw(
      `case item.kind when 'referral' then ${referralMoney(`${lineMoney}::bigint`)} else item.amount_minor end as "amountMinor"`,
    ),
    'item.assignee_id as assigneeId',
    'item.waiting_since as waitingSince',
    'item.due_at as dueAt',
    tx.raw(`(select contact.name from contacts as contact where contact.id = ${contactId}) as "customerName"`),
    tx.raw(`(select contact.email from contacts as contact where contact.id = ${contactId}) as "customerEmail"`),
    tx.raw(
      `array(select distinct flag.code from (${openFlags}) as flag order by flag.code) as flags,
         (select count(*)::int from checks as open_check
          where open_check.referral_id = item.id and open_check.required and open_check.status = 'waiting') as "openChecks"`,
    ),
  );
  if (filter.kind !== undefined) query.whereIn('item.kind', [...filter.kind]);
  // By age: the older, the earlier its instant.
  const rows = await keyset(query, { ...page, descending: !page.descending }, { age: 'item.waiting_since' }, 'item.id');
  return rows as QueueItem[];
}

/** How many of each kind, of the same people and risk as the list: what the menu shows (ADM-15). */
export async function countQueue(
  tx: ReadTx,
  reader: QueueReader,
  filter: Omit<QueueFilter, 'kind'>,
): Promise<{ readonly total: number; readonly byKind: Readonly<Partial<Record<QueueKind, number>>> }> {
  const byKind: Partial<Record<QueueKind, number>> = Object.fromEntries(reader.kinds.map((kind) => [kind, 0]));
  if (reader.kinds.length === 0) return { total: 0, byKind };
  const rows: readonly { kind: QueueKind; number: number }[] = await waiting(tx, reader, filter)
    .groupBy('item.kind')
    .select('item.kind', tx.raw('count(*)::int as number'));
  for (const { kind, number } of rows) byKind[kind] = number;
  return { total: rows.reduce((sum, row) => sum + row.number, 0), byKind };
}

/** What waits on lists of its own beside the queue: appeals without an answer, payouts that are not paid yet (ADM-15). */
export async function countBeside(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly appeals: boolean; readonly payouts: boolean },
): Promise<Readonly<Partial<Record<'appeal' | 'payout', number>>>> {
  const { rows } = await tx.raw<{ rows: { appeal: number; payout: number }[] }>(
    `select (select count(*)::int from appeals where mode = :mode and status = 'open') as appeal,
            (select count(*)::int from payouts where mode = :mode and status in ('draft', 'pending')) as payout`,
    { mode: of.mode },
  );
  const found = rows[0] ?? { appeal: 0, payout: 0 };
  return {
    ...(of.appeals ? { appeal: found.appeal } : {}),
    ...(of.payouts ? { payout: found.payout } : {}),
  };
}
