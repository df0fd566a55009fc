import type { Act } from '../../domain/act.js';
import type { Commission, CommissionEvent, CommissionStatus } from '../../domain/earning/commission.js';
import type { ReferralId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { type CommissionRow, toCommission } from '../reads/earning/commissionRow.js';
import { later, once, run } from '../pipeline.js';
import { given, updateOf } from '../statements.js';
import type { ReadTx, Tx } from '../transaction.js';

export type NewCommission = Omit<
  Commission,
  'mode' | 'reversed' | 'clawedBack' | 'givenBack' | 'paidAt' | 'version' | 'createdAt' | 'updatedAt'
> & { readonly givenBack?: bigint };
/** The first word of a line's history, by how it was born (features.md 2.3). */
export type BirthEvent = 'accrued' | 'clawedBack' | 'returnCredited' | 'latePaid' | 'writtenOff';

/** Writes lines and the first audit entry of each. One per cause, level and affiliate: a second `earned` one is refused by its key. */
export async function insertCommissions(
  tx: Tx,
  act: Act,
  lines: readonly NewCommission[],
  event: BirthEvent = 'accrued',
): Promise<readonly Commission[]> {
  if (lines.length === 0) return [];
  const inserted = lines.map((line): Commission => {
    later(tx, insertSql, valuesOf(act, line), 1);
    return {
      ...line,
      mode: act.mode,
      reversed: 0n,
      clawedBack: 0n,
      givenBack: line.givenBack ?? 0n,
      paidAt: null,
      version: 1,
      createdAt: act.now,
      updatedAt: act.now,
    };
  });
  await recordAudit(
    tx,
    act,
    ...inserted.map((line) => ({
      objectType: 'commission',
      objectId: line.id,
      seq: 1,
      event,
      to: line.status,
      changes: {
        kind: line.kind,
        level: line.level,
        affiliateId: line.affiliateId,
        amountMinor: line.amount.toString(),
        currency: line.currency,
        ruleId: line.ruleId,
        ruleVersion: line.ruleVersion,
        onHold: line.onHold,
      },
    })),
  );
  return inserted;
}

const insertSql = `insert into commissions (id, mode, kind, level, affiliate_id, program_id, referral_id, sale_id, lead_id, origin_commission_id, level1_commission_id, cause_type, cause_id, currency, base_minor, base_type, rate_ppm, rule_id, rule_version, parts, explanation, exact_numerator, exact_denominator, clip_reason, amount_minor, accrues, status, on_hold, needs_reviewer, sub1, reason, created_by, eligible_at, approved_at, given_back_minor, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37)`;

function valuesOf(act: Act, line: NewCommission): readonly unknown[] {
  return [
    line.id,
    act.mode,
    line.kind,
    line.level,
    line.affiliateId,
    line.programId,
    line.referralId,
    line.saleId,
    line.leadId,
    line.originCommissionId,
    line.level1CommissionId,
    line.causeType,
    line.causeId,
    line.currency,
    line.base,
    line.baseType,
    line.ratePpm,
    line.ruleId,
    line.ruleVersion,
    JSON.stringify(line.parts),
    JSON.stringify(line.explanation),
    line.exact.numerator.toString(),
    line.exact.denominator.toString(),
    line.clipReason,
    line.amount,
    line.accrues,
    line.status,
    line.onHold,
    line.needsReviewer,
    line.sub1,
    line.reason,
    line.createdBy,
    line.eligibleAt,
    line.approvedAt,
    line.givenBack ?? 0n,
    act.now,
    act.now,
  ];
}

export interface CommissionChange {
  readonly status?: CommissionStatus;
  readonly onHold?: boolean;
  readonly needsReviewer?: boolean;
  readonly reversed?: bigint;
  readonly clawedBack?: bigint;
  readonly approvedAt?: Instant | null;
  readonly paidAt?: Instant | null;
}

/** What happens to a line without moving its status. */
export type CommissionNote = 'reduced' | 'clawedBack' | 'held' | 'released';

/** Only the two sums, the status and the hold ever change (money.md 3.1), each with its audit entry. The caller holds the row's lock. */
export async function updateCommission(
  tx: Tx,
  act: Act,
  commission: Commission,
  change: CommissionChange,
  event: CommissionEvent | CommissionNote,
  reasonCode: string | null = null,
  noted: Readonly<Record<string, unknown>> = {},
): Promise<Commission> {
  const version = commission.version + 1;
  const columns = columnsOf(change);
  later(
    tx,
    updateOf('commissions', [...Object.keys(columns), 'version', 'updated_at'], ['id']),
    [...Object.values(columns), version, act.now, commission.id],
    1,
  );
  const changed: Commission = { ...commission, ...given(change), version, updatedAt: act.now };
  await recordAudit(tx, act, {
    objectType: 'commission',
    objectId: commission.id,
    seq: version,
    event,
    from: commission.status,
    to: changed.status,
    ...(reasonCode === null ? {} : { reasonCode }),
    changes: {
      ...(change.reversed === undefined
        ? {}
        : { reversedMinor: [commission.reversed.toString(), change.reversed.toString()] }),
      ...(change.clawedBack === undefined
        ? {}
        : { clawedBackMinor: [commission.clawedBack.toString(), change.clawedBack.toString()] }),
      ...(change.onHold === undefined ? {} : { onHold: [commission.onHold, change.onHold] }),
      ...noted,
    },
  });
  return changed;
}

/** The lines of a referral that merges into another hang on that one from now on, as they are (features.md 2.2). Both referrals are locked. */
export async function moveCommissions(tx: Tx, act: Act, from: ReferralId, into: ReferralId): Promise<void> {
  const rows = await tx('commissions')
    .where({ referral_id: from })
    .update({ referral_id: into, version: tx.raw('version + 1'), updated_at: act.now })
    .returning<{ id: string; version: number; status: CommissionStatus }[]>(['id', 'version', 'status']);
  await recordAudit(
    tx,
    act,
    ...rows.map((row) => ({
      objectType: 'commission',
      objectId: row.id,
      seq: row.version,
      event: 'moved',
      from: row.status,
      to: row.status,
      changes: { referralId: [from, into] },
    })),
  );
}

const columnNames = {
  status: 'status',
  onHold: 'on_hold',
  needsReviewer: 'needs_reviewer',
  reversed: 'reversed_minor',
  clawedBack: 'clawed_back_minor',
  approvedAt: 'approved_at',
  paidAt: 'paid_at',
} as const satisfies Record<keyof CommissionChange, string>;

function columnsOf(change: CommissionChange): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(given(change)).map(([name, value]) => [columnNames[name as keyof CommissionChange], value]),
  );
}

export async function listCommissions(tx: ReadTx | Tx, ids: readonly string[]): Promise<readonly Commission[]> {
  const rows = await tx('commissions')
    .whereIn('id', [...ids])
    .orderBy('id')
    .select<CommissionRow[]>('*');
  return rows.map(toCommission);
}

/** Locks some commissions, by id, as everywhere (money.md 9). */
export async function lockCommissions(tx: Tx, ids: readonly string[]): Promise<readonly Commission[]> {
  if (ids.length === 0) return [];
  const rows = await tx('commissions').whereIn('id', ids).orderBy('id').forNoKeyUpdate().select<CommissionRow[]>('*');
  return rows.map(toCommission);
}

/** What a line was raised by, by hand, as far as it stands; oldest first. A whole band's top-up is the plan's and no raise. */
export async function lockRaises(tx: Tx, lineId: string): Promise<readonly Commission[]> {
  const rows = await standingRaises(tx, lineId).orderBy('id').forNoKeyUpdate().select<CommissionRow[]>('*');
  return rows.map(toCommission);
}

/**
 * A line with all that it was raised by, raises of raises too, whichever of them is asked for; in any status, by id. Read only: for whoever holds
 * one of them already and may not wait for another.
 */
export async function readRaiseChain(tx: ReadTx | Tx, id: string): Promise<readonly Commission[]> {
  const byHand = (one: string) =>
    `${one}.kind = 'adjustment' and ${one}.cause_id = ${one}.id and ${one}.sale_id is null and ${one}.lead_id is null`;
  const { rows } = await tx.raw<{ rows: CommissionRow[] }>(
    `with recursive above as (
       select line.id, line.origin_commission_id, ${byHand('line')} as is_raise from commissions as line where line.id = :id
       union
       select line.id, line.origin_commission_id, ${byHand('line')}
       from above join commissions as line on line.id = above.origin_commission_id
       where above.is_raise
     ), chain as (
       select id from above
       union
       select raise.id from chain join commissions as raise on raise.origin_commission_id = chain.id where ${byHand('raise')}
     )
     select * from commissions where id in (select id from chain) order by id`,
    { id },
  );
  return rows.map(toCommission);
}

function standingRaises(tx: ReadTx, lineId: string) {
  return tx('commissions')
    .where({ origin_commission_id: lineId, kind: 'adjustment', cause_type: 'commission' })
    .whereRaw('cause_id = id')
    .whereIn('status', ['pending', 'approved', 'paid']);
}

/** All that staff raised a line by, and raised of those, in any status: locked by id, behind the line. */
export async function lockRaisesBelow(tx: Tx, lineId: string): Promise<readonly Commission[]> {
  const { rows } = await tx.raw<{ rows: CommissionRow[] }>(
    `with recursive below as (
       select cast(:lineId as text) as id
       union
       select raise.id from below
       join commissions as raise on raise.origin_commission_id = below.id
       where raise.kind = 'adjustment' and raise.cause_id = raise.id and raise.sale_id is null and raise.lead_id is null
     )
     select * from commissions where id in (select id from below) and id <> :lineId order by id for no key update`,
    { lineId },
  );
  return rows.map(toCommission);
}

/** Of these, the ones whose newest `event` has the same cause as that of the line: what was done to them was done together. */
export async function findCausedAlike(
  tx: Tx,
  of: { readonly event: 'held' | 'rejected'; readonly lineId: string; readonly ids: readonly string[] },
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `with newest as (
       select distinct on (object_id) object_id as id, cause_type, cause_id from audit_entries
       where object_id = any (:objects::text[]) and event = :event
       order by object_id, seq desc)
     select newest.id from newest join newest as line on line.id = :lineId
     where newest.id <> line.id and (newest.cause_type, newest.cause_id) = (line.cause_type, line.cause_id)`,
    { event: of.event, lineId: of.lineId, objects: [of.lineId, ...of.ids] },
  );
  return new Set(rows.map((row) => row.id));
}

export function lockCommissionsOfReferral(tx: Tx, referralId: string): Promise<readonly Commission[]> {
  return once(tx, ['commissions'], `commissions of ${referralId}`, async () => {
    const rows = await run<CommissionRow>(
      tx,
      'select * from commissions where referral_id = $1 order by id for no key update',
      [referralId],
    );
    return rows.map(toCommission);
  });
}

export function lockCommissionsOfSale(tx: Tx, saleId: string): Promise<readonly Commission[]> {
  return lockOfFact(tx, 'sale_id', saleId);
}

/** What a sale or a lead led to: its lines, and what staff raised them by, which is theirs though it names only the line (COM-08). */
async function lockOfFact(tx: Tx, column: 'sale_id' | 'lead_id', id: string): Promise<readonly Commission[]> {
  const { rows } = await tx.raw<{ rows: CommissionRow[] }>(
    `with recursive line as (
       select id from commissions where ${column} = :id
       union
       select raise.id from line
       join commissions as raise on raise.origin_commission_id = line.id
       where raise.kind = 'adjustment' and raise.sale_id is null and raise.lead_id is null
     )
     select * from commissions where id in (select id from line) order by id for no key update`,
    { id },
  );
  return rows.map(toCommission);
}

/** The line of a sale or a lead that each of these raises by hand goes back to, over others in between: raise → line. */
export async function findRaisedLines(
  tx: ReadTx | Tx,
  raiseIds: readonly string[],
): Promise<ReadonlyMap<string, Commission>> {
  if (raiseIds.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: (CommissionRow & { raise_id: string })[] }>(
    `with recursive above as (
       select raise.id as raise_id, raise.origin_commission_id as line_id
       from commissions as raise where raise.id = any (:raiseIds::text[])
       union
       select above.raise_id, line.origin_commission_id
       from above join commissions as line on line.id = above.line_id
       where line.sale_id is null and line.lead_id is null and line.origin_commission_id is not null
     )
     select above.raise_id, line.* from above join commissions as line on line.id = above.line_id
     where line.sale_id is not null or line.lead_id is not null`,
    { raiseIds: [...raiseIds] },
  );
  return new Map(rows.map((row) => [row.raise_id, toCommission(row)]));
}

export type EndedLinesOf = { readonly referralId: string } | { readonly affiliateId: string };

/** Which lines `lockEndedLines` locks. */
export async function findEndedLines(tx: Tx, of: EndedLinesOf): Promise<readonly string[]> {
  const [condition, id] =
    'referralId' in of
      ? ['commission.referral_id = $1', of.referralId]
      : ['commission.affiliate_id = $1 and commission.referral_id is null', of.affiliateId];
  const rows = await once(tx, ['commissions', 'affiliates'], `ended lines of ${id}`, () =>
    run<{ id: string }>(
      tx,
      `select commission.id from commissions as commission
       join affiliates as affiliate on affiliate.workspace_id = commission.workspace_id and affiliate.id = commission.affiliate_id
       where affiliate.status = 'terminated' and ${condition}
         and (commission.status = 'pending' or (commission.status = 'approved' and affiliate.approved_money = 'forfeit'
           and commission.amount_minor > commission.reversed_minor + commission.clawed_back_minor))`,
      [id],
    ),
  );
  return rows.map((row) => row.id);
}

/**
 * Lines that end with their affiliate, who is terminated: pending ones, and approved ones where the approved money is forfeited. Of one
 * referral, or of one affiliate without a referral.
 */
export async function lockEndedLines(tx: Tx, of: EndedLinesOf): Promise<readonly Commission[]> {
  return lockCommissions(tx, await findEndedLines(tx, of));
}

/** How much each line has lost for one reason while it was in one of these states, in minor units, by its history. */
export async function sumTakenFor(
  tx: Tx,
  ids: readonly string[],
  reasonCode: string,
  states: readonly CommissionStatus[] = ['approved', 'paid'],
): Promise<ReadonlyMap<string, bigint>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: { object_id: string; taken: string }[] }>(
    `select object_id, sum(
       coalesce((changes -> 'reversedMinor' ->> 1)::numeric - (changes -> 'reversedMinor' ->> 0)::numeric, 0)
       + coalesce((changes -> 'clawedBackMinor' ->> 1)::numeric - (changes -> 'clawedBackMinor' ->> 0)::numeric, 0))::text as taken
     from audit_entries
     where object_id = any (:ids::text[]) and reason_code = :reasonCode
       and event in ('rejected', 'reversed', 'reduced', 'clawedBack') and from_status = any (:states::text[])
     group by object_id`,
    { ids, reasonCode, states: [...states] },
  );
  return new Map(rows.map((row) => [row.object_id, BigInt(row.taken)]));
}

/** The payout in which a line is live, and where that payout stands. Read after the line is locked (money.md 9). */
export interface LivePayout {
  readonly payoutId: string;
  readonly status: 'draft' | 'pending' | 'paid' | 'cancelled';
  /** An instruction is out, or its outcome is not known. */
  readonly isAttemptLive: boolean;
}

export async function findLivePayouts(
  tx: ReadTx | Tx,
  commissionIds: readonly string[],
): Promise<ReadonlyMap<string, LivePayout>> {
  if (commissionIds.length === 0) return new Map();
  const { rows } = await tx.raw<{
    rows: { commission_id: string; payout_id: string; status: LivePayout['status']; is_live: boolean }[];
  }>(
    `select line.commission_id, line.payout_id, payout.status,
            exists (select from payout_attempts as attempt
                    where attempt.workspace_id = payout.workspace_id and attempt.payout_id = payout.id
                      and attempt.state in ('submitting', 'submitted', 'unknown', 'paid')) as is_live
     from payout_lines as line
     join payouts as payout on payout.workspace_id = line.workspace_id and payout.id = line.payout_id
     where line.released_at is null and line.commission_id = any (:ids::text[])`,
    { ids: commissionIds },
  );
  return new Map(
    rows.map((row) => [row.commission_id, { payoutId: row.payout_id, status: row.status, isAttemptLive: row.is_live }]),
  );
}

export async function findAffiliateStatuses(
  tx: ReadTx | Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await run<{ id: string; status: string }>(
    tx,
    'select id, status from affiliates where id = any ($1::text[])',
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.status]));
}

/**
 * The key of the transfer that a reduction corrects: the accrual, or the last reinstatement after a rejection took the accrual back
 * (money.md 8). A correction never exceeds what it corrects (I6).
 */
export async function findAccrualKey(tx: Tx, commission: Commission): Promise<string> {
  const last = await tx('audit_entries')
    .where({ object_id: commission.id, event: 'reinstated' })
    .max<{ max: number | null }[]>('seq as max');
  const seq = last[0]?.max ?? null;
  return seq === null ? accrualKey(commission) : `commission/${commission.id}/reinstated/${seq}`;
}

/** `commission/<sale or lead id>/<level>/<affiliate>/accrue`; an entry without a fact is its own cause (money.md 8). */
export function accrualKey(commission: Pick<Commission, 'id' | 'kind' | 'causeId' | 'level' | 'affiliateId'>): string {
  return commission.kind === 'earned'
    ? `commission/${commission.causeId}/${commission.level}/${commission.affiliateId}/accrue`
    : `commission/${commission.id}/accrued/1`;
}

export function lockCommissionsOfLead(tx: Tx, leadId: string): Promise<readonly Commission[]> {
  return lockOfFact(tx, 'lead_id', leadId);
}

/** Lines whose hold is a chargeback's own: no person put it, so none has to lift it (BEY-26). */
export async function findHeldByDispute(tx: Tx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select held.object_id as id
     from (select distinct on (object_id) object_id, event, reason_code, actor_user_id
           from audit_entries where object_id = any (:ids::text[]) and event in ('held', 'released')
           order by object_id, seq desc) as held
     where held.event = 'held' and held.reason_code = 'charged_back' and held.actor_user_id is null`,
    { ids },
  );
  return new Set(rows.map((row) => row.id));
}

/** Why a rejected line was rejected last, by its history. */
export async function findLastRejection(tx: Tx, commissionId: string): Promise<string | null> {
  const row = await tx('audit_entries')
    .where({ object_id: commissionId, event: 'rejected' })
    .orderBy('seq', 'desc')
    .first<{ reason_code: string | null } | undefined>('reason_code');
  return row?.reason_code ?? null;
}

/**
 * What staff had cut each pending line down to, in minor units, by its history: lines that nobody cut since they last came to be pending are
 * missing (COM-08).
 */
export async function findCutsByStaff(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: { id: string; net: string }[] }>(
    `select distinct on (entry.object_id) entry.object_id as id,
            (line.amount_minor - (entry.changes -> 'reversedMinor' ->> 1)::bigint)::text as net
     from audit_entries as entry
     join commissions as line on line.workspace_id = entry.workspace_id and line.id = entry.object_id
     where entry.object_id = any (:ids::text[]) and entry.event = 'reduced' and entry.reason_code = 'staff_decision'
       and not exists (
         select from audit_entries as later
         where later.workspace_id = entry.workspace_id and later.object_id = entry.object_id and later.seq > entry.seq
           and later.event = 'reinstated')
     order by entry.object_id, entry.seq desc`,
    { ids },
  );
  return new Map(rows.map((row) => [row.id, BigInt(row.net)]));
}

/** The events for which rules on leads have paid on this referral, so for this contact and program (ruling 41). */
export async function listPaidLeadEvents(
  tx: ReadTx | Tx,
  referralId: string,
  exceptLeadId: string,
): Promise<ReadonlySet<'lead' | 'registration'>> {
  const { rows } = await tx.raw<{ rows: { event: 'lead' | 'registration' }[] }>(
    `select distinct rule.event
     from commissions as commission
     cross join lateral jsonb_array_elements(commission.parts) as part
     join commission_rules as rule on rule.workspace_id = commission.workspace_id and rule.id = part ->> 'ruleId'
     where commission.referral_id = :referralId and commission.lead_id is not null and commission.lead_id <> :exceptLeadId
       and commission.kind = 'earned' and commission.level = 1 and commission.status <> 'rejected'`,
    { referralId, exceptLeadId },
  );
  return new Set(rows.map((row) => row.event));
}

/**
 * The lines that a whole band may raise: what the affiliate earned on the level by these versions of the rule in the period, and the entries
 * that raised it before. Ids; the caller locks.
 */
export async function listLinesOfBand(
  tx: Tx,
  of: {
    readonly mode: string;
    readonly programId: string;
    readonly affiliateId: string;
    readonly level: number;
    readonly ruleId: string;
    readonly ruleVersions: readonly number[];
    readonly exceptSaleId: string;
    readonly range: { readonly from: Instant; readonly until: Instant } | null;
  },
): Promise<readonly string[]> {
  const { range, ...bindings } = of;
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `with earned as (
       select commission.workspace_id, commission.id
       from commissions as commission
       join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
       where commission.mode = :mode and commission.program_id = :programId and commission.affiliate_id = :affiliateId
         and commission.level = :level and commission.kind = 'earned' and commission.status in ('pending', 'approved', 'paid')
         and commission.sale_id <> :exceptSaleId
         and exists (select from jsonb_array_elements(commission.parts) as part
                     where part ->> 'ruleId' = :ruleId and (part ->> 'ruleVersion')::int = any (:ruleVersions::int[]))
         ${range === null ? '' : 'and sale.occurred_at >= :from and sale.occurred_at < :until'})
     select id from earned
     union all
     select raise.id from earned
     join commissions as raise on raise.workspace_id = earned.workspace_id and raise.origin_commission_id = earned.id
     where raise.kind = 'adjustment' and raise.cause_type = 'sale'`,
    { ...bindings, ...(range === null ? {} : range) },
  );
  return rows.map((row) => row.id);
}

/** Locks what a sale had added to lines of other sales by reaching a row that counts for the whole period (RUL-16), by id. */
export async function lockRaisesCausedBy(
  tx: Tx,
  of: { readonly saleId: string; readonly affiliateIds: readonly string[] },
): Promise<readonly Commission[]> {
  const rows = await tx('commissions')
    .whereIn('affiliate_id', [...new Set(of.affiliateIds)])
    .where({ kind: 'adjustment', cause_type: 'sale', cause_id: of.saleId })
    .whereNot('sale_id', of.saleId)
    .orderBy('id')
    .forNoKeyUpdate()
    .select<CommissionRow[]>('*');
  return rows.map(toCommission);
}

/** Locks the sales that these lines come from, by id, and answers what was refunded of each. */
export async function lockSalesOfLines(
  tx: Tx,
  commissionIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly refunded: bigint; readonly captured: bigint }>> {
  if (commissionIds.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: { id: string; refunded_minor: bigint; captured_minor: bigint }[] }>(
    `select sale.id, sale.refunded_minor, sale.captured_minor from sales as sale
     where sale.id in (select commission.sale_id from commissions as commission where commission.id = any (:ids::text[]))
     order by sale.id for no key update of sale`,
    { ids: commissionIds },
  );
  return new Map(rows.map((row) => [row.id, { refunded: row.refunded_minor, captured: row.captured_minor }]));
}
