import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, PayoutMethodId } from '../../../domain/ids.js';
import { type CurrencyCode, exponent, type Money, parseCurrency, parseMoney } from '../../../domain/money.js';
import type { PayoutFrequency } from '../../../domain/payout/dueDate.js';
import type { PayoutMethodStatus, PayoutMethodType } from '../../../domain/payout/payoutMethod.js';
import {
  everybody,
  minimumFor,
  type PlanInput,
  type PlanMethod,
  type RunFilter,
} from '../../../domain/payout/payoutRun.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Who has money in a run, what of it may be paid, and what stays behind? One statement per page of affiliates; a plan locks the lines in
// the statement that adds them up (money.md 9), a dry run reads the same without locks.

export interface PlanScope {
  readonly mode: Mode;
  readonly cutOffAt: Instant;
  /** Empty: all. */
  readonly currencies: readonly string[];
  readonly filter: RunFilter;
  readonly excludedAffiliateIds: readonly string[];
  /** Lines approved by then were left over by an earlier run: the `carried` column. */
  readonly previousCutOffAt: Instant | null;
  /** A run takes in drafts that left an earlier one; a draft by hand does not (features.md 2.4). */
  readonly takesDrafts?: true;
}

/** What a run of now over everybody would take: for whoever only asks what is due. */
export function planOfEverybody(mode: Mode, now: Instant): PlanScope {
  return { mode, cutOffAt: now, currencies: [], filter: everybody, excludedAffiliateIds: [], previousCutOffAt: null };
}

/** A draft that left its run, and that nobody holds: as a condition on `payouts`. */
export function freeDraft(table: string): string {
  return `${table}.status = 'draft' and ${table}.run_id is null and not ${table}.on_hold and ${table}.back_to_draft_reasons <> '[]'`;
}

/** Affiliates with unpaid lines behind an id, as a condition on `affiliate`. */
const isConcerned = `affiliate.id > :after
       and (:groups::text[] = '{}' or affiliate.group_id = any(:groups::text[]))
       and (:affiliates::text[] = '{}' or affiliate.id = any(:affiliates::text[]))
       and exists (
         select from commissions as commission
         where commission.affiliate_id = affiliate.id and commission.mode = :mode and commission.status in ('approved', 'pending')
           and (:currencies::text[] = '{}' or commission.currency = any(:currencies::text[])))`;

function concernedBindings(scope: PlanScope, after: string | null) {
  return {
    after: after ?? '',
    groups: [...scope.filter.groupIds],
    affiliates: [...scope.filter.affiliateIds],
    currencies: [...scope.currencies],
    mode: scope.mode,
  };
}

/** The affiliate is the one that a word means: by its id, or literally within its name, e-mail or company. Binding: `q`. */
export const isNamed = `(affiliate.id = :q or strpos(lower(affiliate.name), lower(:q)) > 0 or strpos(lower(affiliate.email), lower(:q)) > 0
  or strpos(lower(coalesce(affiliate.company, '')), lower(:q)) > 0)`;

/** The next affiliates with unpaid lines, by id, up to and with `until`, of a list those that `q` names; locked when the plan is real. */
export async function listPlanAffiliates(
  tx: ReadTx | Tx,
  scope: PlanScope,
  page: {
    readonly after: string | null;
    readonly until?: string | null;
    readonly q?: string | undefined;
    readonly limit: number;
    readonly lock: boolean;
  },
): Promise<readonly AffiliateId[]> {
  const until = page.until ?? null;
  const { q } = page;
  const { rows } = await tx.raw<{ rows: { id: AffiliateId }[] }>(
    `select affiliate.id
     from affiliates as affiliate
     where ${isConcerned} ${until === null ? '' : 'and affiliate.id <= :until'} ${q === undefined ? '' : `and ${isNamed}`}
     order by affiliate.id
     limit :limit
     ${page.lock ? 'for no key update of affiliate' : ''}`,
    {
      ...concernedBindings(scope, page.after),
      ...(until === null ? {} : { until }),
      ...(q === undefined ? {} : { q }),
      limit: page.limit,
    },
  );
  return rows.map((row) => row.id);
}

/** Behind which affiliates do the pages of a plan end? Every `size`th with unpaid lines, but not the last of all. */
export async function listPageBounds(
  tx: ReadTx | Tx,
  scope: PlanScope,
  of: { readonly after: string | null; readonly size: number },
): Promise<readonly AffiliateId[]> {
  const { rows } = await tx.raw<{ rows: { id: AffiliateId }[] }>(
    `select id
     from (
       select affiliate.id, row_number() over (order by affiliate.id) as place, count(*) over () as total
       from affiliates as affiliate
       where ${isConcerned}
     ) as concerned
     where place % :size = 0 and place < total
     order by id`,
    { ...concernedBindings(scope, of.after), size: of.size },
  );
  return rows.map((row) => row.id);
}

/** Numbers, because a dozen sums compare it for each line of a page. */
const place = { payable: 0, otherRun: 1, held: 2, unapproved: 3, later: 4, foreign: 5 } as const;

/**
 * The percentages of the base that programs state for everybody, by level, with the time in which they hold; `program_id` null: the default of
 * the workspace. Bands take the place of their level's rate.
 */
const statedRates = `
       select rule.program_id, rate.level, rate.ppm, version.effective_from,
              least(coalesce(version.effective_to, 'infinity'), coalesce(rule.ended_at, 'infinity')) as effective_to
       from commission_rules as rule
       join commission_rule_versions as version on version.rule_id = rule.id
       cross join lateral (
         select (one->>'level')::int as level, (one->>'ratePpm')::int as ppm
         from jsonb_array_elements(version.body->'levels') as one
         where one->>'kind' = 'percent' and one->>'of' = 'base'
           and one->>'level' is distinct from version.body#>>'{bands,level}'
         union all
         select (version.body#>>'{bands,level}')::int, (band->>'ratePpm')::int
         from jsonb_array_elements(case jsonb_typeof(version.body#>'{bands,rows}') when 'array' then version.body#>'{bands,rows}' else '[]' end) as band
         where band->>'kind' = 'percent'
       ) as rate
       where rule.scope in ('global', 'program', 'program_product')`;

/** The highest that the line's program paid everybody when the line was made; a program without a rate pays the workspace's default. */
const programRate = `(
         select coalesce(max(stated.ppm) filter (where stated.program_id = line.program_id), max(stated.ppm) filter (where stated.program_id is null))
         from stated
         where (stated.program_id = line.program_id or stated.program_id is null) and stated.level = line.level
           and stated.effective_from <= line.created_at and stated.effective_to > line.created_at)`;

/**
 * Did a rule of the affiliate's own, or of its group, pay more than the program pays (features.md 4.11)? A line of several parts names no single
 * rate: there each part is compared. A share of the level below is no percentage of the base, and is not.
 */
const isAboveProgram = `case
                  when personal.id is not null then coalesce(line.rate_ppm > ${programRate}, false) and (line.level = 1 or exists (
                    select from commission_rule_versions as version, jsonb_array_elements(version.body->'levels') as one
                    where version.rule_id = line.rule_id and version.version = line.rule_version
                      and (one->>'level')::int = line.level and one->>'of' = 'base'))
                  when line.parts is not null then exists (
                    select from jsonb_array_elements(line.parts) as part
                    where part->>'scope' in ('affiliate', 'group') and line.level = 1 and (part->>'ratePpm')::int > ${programRate})
                  else false end`;

/**
 * What each affiliate and currency has approved, added up by place: `payable` in this run, or why not. A negative line always counts, whatever
 * the filter and the cut-off: what is payable in the ledger is already less by it. Lines are locked in the order of their ids and go from the
 * lock into the sums without being stored; the sums are made per class of lines, so that a line meets six of them instead of twelve.
 */
function approvedSums(lock: boolean): string {
  const payable = `place = ${place.payable}`;
  return `stated as materialized (${statedRates}),
     live as materialized (
       -- by the affiliates' open payouts: a paid one's lines are not approved any more, and those of everybody are a million
       select taken.commission_id
       from payouts as payout
       join payout_lines as taken on taken.payout_id = payout.id and taken.released_at is null
       where payout.affiliate_id = any(:ids::text[]) and payout.mode = :mode and payout.status in ('draft', 'pending')
         and not (:takesDrafts::boolean and ${freeDraft('payout')})
     ),
     classed as (
       select affiliate_id, currency, place, is_gain, is_carried, sum(minor) as minor, count(*) as lines, bool_or(is_round) as has_round,
              bool_or(is_above) as has_above,
              ${lock ? 'min(approved_at) filter (where minor > 0)' : 'null::timestamptz'} as oldest_at,
              ${lock ? `string_agg(id, ',') filter (where ${payable})` : 'null::text'} as line_ids,
              ${lock ? `string_agg(minor::text, ',') filter (where ${payable})` : 'null::text'} as line_minors
       from (
         select line.id, line.affiliate_id, line.currency, line.minor, line.approved_at,
                line.kind in ('earned', 'bonus') as is_gain, coalesce(line.approved_at <= :previousCutOff, false) as is_carried,
                line.kind in ('bonus', 'adjustment') and line.minor % 10000 = 0 as is_round,
                ${isAboveProgram} as is_above,
                case when live.commission_id is not null then ${place.otherRun}
                     when line.minor < 0 then ${place.payable}
                     when line.on_hold then ${place.held}
                     when line.kind = 'earned' and line.referral_id is not null and referral.status is distinct from 'approved' then ${place.unapproved}
                     when line.approved_at > :cutOff then ${place.later}
                     when :programs::text[] <> '{}' and not line.program_id = any(:programs::text[]) then ${place.foreign}
                     else ${place.payable} end as place
         from (
           select commission.id, commission.affiliate_id, commission.currency, commission.kind, commission.on_hold, commission.referral_id,
                  commission.program_id, commission.approved_at, commission.amount_minor - commission.reversed_minor as minor,
                  commission.level, commission.rate_ppm, commission.rule_id, commission.rule_version, commission.created_at,
                  case when commission.kind = 'earned' and commission.rule_id is null then commission.parts end as parts
           from commissions as commission
           where commission.affiliate_id = any(:ids::text[]) and commission.mode = :mode and commission.status = 'approved'
             and (:currencies::text[] = '{}' or commission.currency = any(:currencies::text[]))
           ${lock ? 'order by commission.id for no key update of commission' : ''}
         ) as line
         left join live on live.commission_id = line.id
         left join referrals as referral on referral.id = line.referral_id
         left join commission_rules as personal on personal.id = line.rule_id and personal.scope in ('affiliate', 'group')
         offset 0 -- else each of the sums asks again
       ) as judged
       where place <> ${place.foreign}
       group by affiliate_id, currency, place, is_gain, is_carried
     ),
     approved as (
       select affiliate_id, currency,
              coalesce(sum(minor) filter (where ${payable} and is_gain and not is_carried), 0)::bigint as gross_minor,
              coalesce(sum(minor) filter (where ${payable} and not is_gain and not is_carried), 0)::bigint as corrections_minor,
              coalesce(sum(minor) filter (where ${payable} and is_carried), 0)::bigint as carried_minor,
              coalesce(sum(lines) filter (where ${payable}), 0)::int as line_count,
              coalesce(sum(minor) filter (where place = ${place.held}), 0)::bigint as held_minor,
              coalesce(sum(minor) filter (where place = ${place.later}), 0)::bigint as later_minor,
              coalesce(sum(minor) filter (where place = ${place.unapproved}), 0)::bigint as unapproved_minor,
              coalesce(sum(minor) filter (where place = ${place.otherRun}), 0)::bigint as other_run_minor,
              coalesce(bool_or(has_round) filter (where ${payable}), false) as has_round_line,
              coalesce(bool_or(has_above) filter (where ${payable}), false) as has_rate_above,
              min(oldest_at) filter (where ${payable}) as oldest_at,
              string_agg(line_ids, ',') as line_ids, string_agg(line_minors, ',') as line_minors
       from classed
       group by affiliate_id, currency
     )`;
}

/** A pending line whose hold is over: not the time keeps it, but a decision. Now, and not the cut-off, which may lie ahead or behind. */
const isOverdue = 'not commission.on_hold and commission.eligible_at <= now()';
const waitsForReferral = `(commission.kind = 'earned' and commission.referral_id is not null and referral.status is distinct from 'approved')`;

function planBindings(scope: PlanScope, ids: readonly string[]): Record<string, unknown> {
  return {
    ids: [...ids],
    mode: scope.mode,
    currencies: [...scope.currencies],
    cutOff: scope.cutOffAt,
    programs: [...scope.filter.programIds],
    takesDrafts: scope.takesDrafts === true,
  };
}

interface InputRow {
  readonly affiliate_id: AffiliateId;
  readonly currency: string;
  readonly affiliate_status: string;
  readonly approved_money: string | null;
  readonly minimum_payout: unknown;
  readonly group_minimum_payout: unknown;
  readonly payout_frequency: PayoutFrequency | null;
  readonly oldest_at: Instant | null;
  readonly gross_minor: bigint;
  readonly corrections_minor: bigint;
  readonly carried_minor: bigint;
  readonly line_count: number;
  readonly held_minor: bigint;
  readonly pending_minor: bigint;
  readonly pending_until: Instant | null;
  readonly overdue_referral_minor: bigint;
  readonly overdue_minor: bigint;
  readonly later_minor: bigint;
  readonly unapproved_minor: bigint;
  readonly other_run_minor: bigint;
  readonly has_round_line: boolean;
  readonly has_rate_above: boolean;
  readonly line_ids: string | null;
  readonly line_minors: string | null;
  readonly method_id: PayoutMethodId | null;
  readonly method_type: PayoutMethodType | null;
  readonly method_status: PayoutMethodStatus | null;
  readonly method_active_at: Instant | null;
  readonly method_version: number | null;
  readonly method_fingerprint: string | null;
  readonly method_masked: string | null;
  readonly method_changed_at: Instant | null;
  readonly method_shared: boolean | null;
  readonly paid_before: number;
  readonly median_minor: bigint | null;
}

/** What of an affiliate's lines is payable, as the locking statement saw it: ids and amounts in one order, comma between, only for Postgres. */
export interface PayableLines {
  readonly ids: string;
  readonly minors: string;
}

/** By which a draft says when it was due (PAY-20). */
export interface PlanCalendar {
  /** When the oldest payable line was approved; null: there is none, or the lines are not locked. */
  readonly oldestAt: Instant | null;
  /** How often the affiliate's group is paid; null: as the workspace. */
  readonly frequency: PayoutFrequency | null;
}

/** The page's affiliates, once per currency, with everything that `planPayouts` judges; `lines` and `calendar` only when they are locked. */
export async function readPlanInputs(
  tx: ReadTx | Tx,
  scope: PlanScope,
  ids: readonly AffiliateId[],
  lock: boolean,
): Promise<readonly (PlanInput & { readonly lines: PayableLines; readonly calendar: PlanCalendar })[]> {
  if (ids.length === 0) return [];
  const workspaceMinimum = await readMinimums(tx);
  const { rows } = await tx.raw<{ rows: InputRow[] }>(
    `with ${approvedSums(lock)},
     pending as (
       select commission.affiliate_id, commission.currency,
              coalesce(sum(commission.amount_minor - commission.reversed_minor) filter (where not commission.on_hold and commission.eligible_at > now()), 0)::bigint as pending_minor,
              coalesce(sum(commission.amount_minor - commission.reversed_minor) filter (where ${isOverdue} and ${waitsForReferral}), 0)::bigint as overdue_referral_minor,
              coalesce(sum(commission.amount_minor - commission.reversed_minor) filter (where ${isOverdue} and not ${waitsForReferral}), 0)::bigint as overdue_minor,
              coalesce(sum(commission.amount_minor - commission.reversed_minor) filter (where commission.on_hold), 0)::bigint as held_minor,
              min(commission.eligible_at) filter (where not commission.on_hold and commission.eligible_at > now()) as pending_until
       from commissions as commission
       left join referrals as referral on referral.id = commission.referral_id
       where commission.affiliate_id = any(:ids::text[]) and commission.mode = :mode and commission.status = 'pending'
         and (:currencies::text[] = '{}' or commission.currency = any(:currencies::text[]))
         and (:programs::text[] = '{}' or commission.program_id = any(:programs::text[]))
       group by commission.affiliate_id, commission.currency
     ),
     -- materialized: through row-level security a coalesce() of the full join may not be looked up in an index
     owed as materialized (
       select affiliate_id, currency,
              coalesce(approved.gross_minor, 0) as gross_minor, coalesce(approved.corrections_minor, 0) as corrections_minor,
              coalesce(approved.carried_minor, 0) as carried_minor, coalesce(approved.line_count, 0) as line_count,
              coalesce(approved.held_minor, 0) + coalesce(pending.held_minor, 0) as held_minor,
              coalesce(pending.pending_minor, 0) as pending_minor, pending.pending_until,
              coalesce(pending.overdue_referral_minor, 0) as overdue_referral_minor, coalesce(pending.overdue_minor, 0) as overdue_minor,
              coalesce(approved.later_minor, 0) as later_minor, coalesce(approved.unapproved_minor, 0) as unapproved_minor,
              coalesce(approved.other_run_minor, 0) as other_run_minor, coalesce(approved.has_round_line, false) as has_round_line,
              coalesce(approved.has_rate_above, false) as has_rate_above,
              approved.oldest_at, approved.line_ids, approved.line_minors
       from approved
       full join pending using (affiliate_id, currency)
     ),
     history as (
       select payout.affiliate_id, payout.currency, count(*)::int as paid_before,
              percentile_disc(0.5) within group (order by payout.amount_minor) as median_minor
       from payouts as payout
       where payout.affiliate_id = any(:ids::text[]) and payout.mode = :mode and payout.status = 'paid'
       group by payout.affiliate_id, payout.currency
     )
     select owed.*, affiliate.status as affiliate_status, affiliate.approved_money, affiliate.minimum_payout, affiliate_group.minimum_payout as group_minimum_payout, affiliate_group.payout_frequency,
            method.id as method_id, method.type as method_type, method.status as method_status, method.active_at as method_active_at,
            method.version as method_version, method.fingerprint as method_fingerprint, method.masked as method_masked,
            coalesce(method.verified_at, method.created_at) as method_changed_at,
            exists (
              select from payout_methods as other
              where other.fingerprint = method.fingerprint and other.affiliate_id <> owed.affiliate_id
                and other.status in ('unverified', 'active', 'cooling')) and method.type <> 'sandbox' as method_shared,
            coalesce(history.paid_before, 0) as paid_before, history.median_minor
     from owed
     join affiliates as affiliate on affiliate.id = owed.affiliate_id
     left join groups as affiliate_group on affiliate_group.id = affiliate.group_id
     left join lateral (
       select candidate.*
       from payout_methods as candidate
       where candidate.affiliate_id = owed.affiliate_id and candidate.currency = owed.currency
         and candidate.status in ('unverified', 'active', 'cooling')
       order by case when candidate.status = 'active' or candidate.status = 'cooling' and candidate.active_at <= :now then 0
                     when candidate.status = 'cooling' then 1 else 2 end,
                coalesce(candidate.active_at, candidate.created_at) desc, candidate.id desc
       limit 1
     ) as method on true
     left join history on history.affiliate_id = owed.affiliate_id and history.currency = owed.currency
     where (:methodTypes::text[] = '{}' or method.type = any(:methodTypes::text[]))
     order by owed.affiliate_id, owed.currency`,
    {
      ...planBindings(scope, ids),
      previousCutOff: scope.previousCutOffAt,
      methodTypes: [...scope.filter.methodTypes],
      now: scope.cutOffAt,
    },
  );
  return rows.map((row) => ({
    ...toInput(row, scope, workspaceMinimum),
    lines: { ids: row.line_ids ?? '', minors: row.line_minors ?? '' },
    calendar: { oldestAt: row.oldest_at, frequency: row.payout_frequency },
  }));
}

function toInput(row: InputRow, scope: PlanScope, workspaceMinimum: readonly Money[]): PlanInput {
  const currency = row.currency as CurrencyCode;
  return {
    affiliateId: row.affiliate_id,
    currency,
    affiliateStatus: row.affiliate_status,
    isForfeited: row.approved_money === 'forfeit',
    isExcluded: scope.excludedAffiliateIds.includes(row.affiliate_id),
    grossMinor: row.gross_minor,
    correctionsMinor: row.corrections_minor,
    carriedMinor: row.carried_minor,
    count: row.line_count,
    heldMinor: row.held_minor,
    pendingMinor: row.pending_minor,
    pendingUntil: row.pending_until,
    overdueReferralMinor: row.overdue_referral_minor,
    overdueMinor: row.overdue_minor,
    afterCutOffMinor: row.later_minor,
    unapprovedReferralMinor: row.unapproved_minor,
    inOtherRunMinor: row.other_run_minor,
    hasRoundManualLine: row.has_round_line,
    hasRateAboveProgram: row.has_rate_above,
    method: toMethod(row, scope),
    minimum: minimumFor(
      currency,
      [
        { scope: 'affiliate', amounts: readMoneyList(row.minimum_payout) },
        { scope: 'group', amounts: readMoneyList(row.group_minimum_payout) },
        { scope: 'workspace', amounts: workspaceMinimum },
      ],
      defaultMinimum(currency),
    ),
    paidBefore: row.paid_before,
    medianMinor: row.median_minor,
  };
}

function toMethod(row: InputRow, scope: PlanScope): PlanMethod | null {
  if (row.method_id === null || row.method_type === null || row.method_status === null) return null;
  return {
    id: row.method_id,
    type: row.method_type,
    status: row.method_status,
    activeAt: row.method_active_at,
    version: row.method_version ?? 1,
    fingerprint: row.method_fingerprint ?? '',
    masked: row.method_masked ?? '',
    changedAt: row.method_changed_at ?? scope.cutOffAt,
    isShared: row.method_shared ?? false,
  };
}

/** 50 units of the currency (features.md 20.1). */
function defaultMinimum(currency: CurrencyCode): Money {
  const digits = exponent(currency);
  return { minor: BigInt(`50${'0'.repeat(digits)}`), currency };
}

/** Setting `payouts.minimumPayout`. */
async function readMinimums(tx: ReadTx | Tx): Promise<readonly Money[]> {
  const row = await tx('settings').first<{ sections: Readonly<Record<string, unknown>> } | undefined>('sections');
  const payouts = row?.sections['payouts'] as Readonly<Record<string, unknown>> | undefined;
  return readMoneyList(payouts?.['minimumPayout']);
}

/** Money as stored in settings: the wire form. What is unreadable sets no threshold of its own. */
function readMoneyList(stored: unknown): readonly Money[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((one: unknown) => {
    const { amount, currency } = (one ?? {}) as { amount?: unknown; currency?: unknown };
    if (typeof amount !== 'string' || typeof currency !== 'string' || parseCurrency(currency) === undefined) return [];
    const parsed = parseMoney({ amount, currency });
    return parsed.ok ? [parsed.money] : [];
  });
}

/** The cut-off of the last run that paid before this one: what it left is carried. */
export async function findPreviousCutOff(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly before: Instant; readonly exceptRunId: string | null },
): Promise<Instant | null> {
  const row = await tx('payout_runs')
    .where({ mode: of.mode })
    .whereIn('status', ['executing', 'completed'])
    .where('cut_off_at', '<', of.before)
    .whereNot('id', of.exceptRunId ?? '')
    .orderBy('cut_off_at', 'desc')
    .first<{ cut_off_at: Instant } | undefined>('cut_off_at');
  return row?.cut_off_at ?? null;
}
