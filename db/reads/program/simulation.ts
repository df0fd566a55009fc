import type { Mode } from '../../../domain/act.js';
import type { AffiliateId, ProductId, ProgramId, ReferralId, RuleId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { isSamePlace, type Rule, type RuleVersion } from '../../../domain/program/commissionPlan.js';
import {
  type AcquisitionModel,
  type ChainMember,
  noAmount,
  type PlanEvent,
} from '../../../domain/program/planEvent.js';
import {
  type Beginning,
  createSimulation,
  type ListedTime,
  type PastEvent,
  type PastLine,
  type SimulatedProgram,
} from '../../../domain/program/simulation.js';
import { deepestLevels, type PlanStep } from '../../../domain/program/programPlan.js';
import { compareWithBooked, type SimulationResult } from '../../../domain/program/simulationResult.js';
import type { Instant } from '../../../domain/time.js';
import { listAllRuleVersions } from '../../program/commissionPlan.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** Which past is judged once more, and by what. */
export interface SimulationScope {
  readonly mode: Mode;
  /** Half-open. */
  readonly from: Instant;
  readonly until: Instant;
  readonly programIds: readonly string[];
}

const perFetch = 5_000;
const since = '2000-01-01T00:00:00.000Z' as Instant;

// What would earn under any plan: attributed payments that stand, but for those that somebody rejected and those of a program that was over.
const pastSales = `sale.mode = :mode and sale.program_id = any (:programIds::text[]) and sale.processed_at is not null
  and sale.attribution_status = 'attributed' and sale.referral_id is not null and sale.status <> 'declined'
  and sale.occurred_at >= :from and sale.occurred_at < :until`;
const comparable = `coalesce(sale.no_commission_code, '') not in ('program_not_active', 'referral_rejected', 'own_customer', 'subscription_cancelled')
  and not (sale.status not in ('refunded', 'charged_back') and sale.id in (
    select refused.sale_id from commissions as refused where refused.mode = :mode and refused.program_id = any (:programIds::text[])
      and refused.kind = 'earned' and refused.level = 1 and refused.status = 'rejected' and refused.sale_id is not null))`;
const pastLeads = `lead.mode = :mode and lead.program_id = any (:programIds::text[]) and lead.processed_at is not null
  and lead.attribution_status = 'attributed' and lead.referral_id is not null and lead.verdict in ('accepted', 'converted')
  and lead.occurred_at >= :from and lead.occurred_at < :until
  and not exists (select from commissions as refused where refused.workspace_id = lead.workspace_id and refused.lead_id = lead.id
    and refused.kind = 'earned' and refused.level = 1 and refused.status = 'rejected')`;

const instantJson = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

// When was each product in a program? Since it was attached or last switched on, and until it was last taken out.
const listedProducts = `(
  select attached.program_id, attached.product_id, coalesce(attached.active_since, attached.created_at) as since, null::timestamptz as until
  from program_products as attached where attached.active
  union all
  select removal.program_id, removal.product_id, removal.since, removal.removed_at from program_product_removals as removal)`;

/** How many sales the period has: above 10,000 the answer is an operation (api.md 6.2). */
export async function countPastSales(tx: ReadTx | Tx, scope: SimulationScope): Promise<number> {
  const { rows } = await tx.raw<{ rows: { count: number }[] }>(
    `select count(*)::int as count from sales as sale where ${pastSales} and ${comparable}`,
    { ...scope },
  );
  return rows[0]?.count ?? 0;
}

/** The programs whose past can be judged: those named, else all that were ever published. */
export async function listSimulatedPrograms(
  tx: ReadTx | Tx,
  programIds: readonly string[] | null,
): Promise<readonly string[]> {
  const query = tx('programs').whereNot({ status: 'draft' }).orderBy('id');
  if (programIds !== null) query.whereIn('id', [...programIds]);
  return (await query.select<{ id: string }[]>('id')).map((row) => row.id);
}

/** The programs with every version of their rules; the draft holds for the whole period in the place of what it replaces or follows. */
export async function readSimulatedPrograms(
  tx: ReadTx | Tx,
  scope: SimulationScope,
  draft: { readonly rule: Rule; readonly replacesRuleId: string | null } | null,
): Promise<ReadonlyMap<string, SimulatedProgram>> {
  const { rows: programs } = await tx.raw<{
    rows: {
      id: ProgramId;
      currency: CurrencyCode;
      levels: number;
      acquisition_model: 'cpl' | 'cpa' | null;
      plan_steps: readonly PlanStep[];
      zone: string;
      products: readonly ({ readonly productId: string } & ListedTime)[];
    }[];
  }>(
    `select program.id, program.currency, program.levels, program.acquisition_model, program.plan_steps,
            coalesce(program.time_zone, settings.sections -> 'general' ->> 'timeZone', 'UTC') as zone,
            coalesce((
              select json_agg(json_build_object('productId', listed.product_id, 'from', ${instantJson('listed.since')}, 'until', ${instantJson('listed.until')}))
              from ${listedProducts} as listed where listed.program_id = program.id), '[]') as products
     from programs as program
     left join settings on settings.workspace_id = program.workspace_id
     where program.id = any (:programIds::text[])`,
    { programIds: scope.programIds },
  );
  const versions = new Map<string, RuleVersion[]>();
  for (const one of await listAllRuleVersions(tx))
    if (draft === null || (one.id !== draft.replacesRuleId && !isSamePlace(one, draft.rule)))
      versions.set(one.id, [...(versions.get(one.id) ?? []), one]);
  if (draft !== null) versions.set(draft.rule.id, [{ ...draft.rule, from: since, to: null }]);
  return new Map(
    programs.map((row) => [
      row.id,
      {
        id: row.id,
        currency: row.currency,
        levels: row.levels,
        acquisitionModel: row.acquisition_model,
        planSteps: draft === null ? row.plan_steps : [],
        products: timesOf(row.products),
        zone: row.zone,
        rules: [...versions.values()].filter(([first]) => first?.programId == null || first.programId === row.id),
      },
    ]),
  );
}

/** By product. */
function timesOf(
  rows: readonly ({ readonly productId: string } & ListedTime)[],
): ReadonlyMap<string, readonly ListedTime[]> {
  const times = new Map<string, ListedTime[]>();
  for (const { productId, from, until } of rows)
    times.set(productId, [...(times.get(productId) ?? []), { from, until }]);
  return times;
}

interface Person {
  readonly id: AffiliateId;
  readonly group_id: string | null;
  readonly acquisition_model: AcquisitionModel | null;
  readonly recruiter_id: string | null;
}

/**
 * The chain of a past event: who is credited and the recruiters above who were in the program then, as they stand in the books now. Standing
 * of today does not matter to what an event would have cost.
 */
export async function readChains(
  tx: ReadTx | Tx,
): Promise<(program: SimulatedProgram, past: PastEvent) => readonly ChainMember[]> {
  const people = await tx('affiliates').select<Person[]>('id', 'group_id', 'acquisition_model', 'recruiter_id');
  const byId = new Map<string, Person>(people.map((one) => [one.id, one]));
  const { rows } = await tx.raw<{ rows: { affiliate_id: string; program_id: string; joined_at: Instant }[] }>(
    `select affiliate_id, program_id, min(joined_at) as joined_at from enrolments group by affiliate_id, program_id`,
  );
  const joined = new Map(rows.map((row) => [`${row.program_id} ${row.affiliate_id}`, row.joined_at]));
  const kept = new Map<string, { readonly members: readonly ChainMember[]; readonly last: Instant }>();
  const build = (program: SimulatedProgram, affiliateId: string, at: Instant | null) => {
    const members: ChainMember[] = [];
    let last = since;
    let person = byId.get(affiliateId);
    const deepest = deepestLevels(program);
    for (let level = 1; person !== undefined && level <= deepest; level += 1) {
      const since = joined.get(`${program.id} ${person.id}`);
      const isIn = level === 1 || (since !== undefined && (at === null || since <= at));
      if (level > 1 && since !== undefined && since > last) last = since;
      members.push({
        level,
        affiliateId: person.id,
        groupId: person.group_id,
        acquisitionModel: person.acquisition_model,
        standing: isIn ? 'earns' : 'nothing',
      });
      person = person.recruiter_id === null ? undefined : byId.get(person.recruiter_id);
    }
    return { members, last };
  };
  return (program, past) => {
    const key = `${program.id} ${past.affiliateId}`;
    let chain = kept.get(key);
    if (chain === undefined) kept.set(key, (chain = build(program, past.affiliateId, null)));
    return chain.last <= past.occurredAt ? chain.members : build(program, past.affiliateId, past.occurredAt).members;
  };
}

interface PastRow {
  readonly kind: 'sale' | 'lead';
  readonly id: string;
  readonly program_id: ProgramId;
  readonly affiliate_id: AffiliateId;
  readonly referral_id: ReferralId;
  readonly contact_id: string;
  readonly occurred_at: Instant;
  readonly brought: Instant | null;
  readonly type: 'payment' | 'transaction' | 'enquiry' | 'registration';
  readonly transaction_type: string | null;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly lines: readonly LineJson[] | null;
  readonly payment_number: number | null;
  readonly is_first: boolean;
}
interface LineJson {
  readonly productId: string | null;
  readonly quantity: number;
  readonly amountMinor: string;
  readonly taxMinor: string;
  readonly feesMinor: string;
  readonly shippingMinor: string;
  readonly depositMinor: string;
  readonly code?: string | null;
}

// The how-manieth payment of its customer was each for a product that a program had then, whoever was credited (api.md 6.2)? In the order in which
// they were judged, as the books asked.
const paymentOrder = `(
  select meant.program_id, payment.id,
         row_number() over (partition by meant.program_id, payment.contact_id order by payment.processed_at, payment.id) as nth
  from sales as payment
  cross join lateral (
    select distinct listed.program_id
    from jsonb_array_elements(payment.lines) as line
    join ${listedProducts} as listed on listed.product_id = line ->> 'productId'
    where listed.program_id = any (:programIds::text[]) and (listed.until is null or payment.occurred_at < listed.until)) as meant
  where payment.mode = :mode and payment.contact_id is not null and payment.type = 'payment' and payment.status <> 'declined'
    and payment.captured_minor > 0 and payment.processed_at is not null)`;

/** Does it matter in any of these programs which payment of a customer was the first one? */
async function asksFirstPayment(tx: ReadTx | Tx, programs: Iterable<SimulatedProgram>): Promise<boolean> {
  for (const { acquisitionModel, planSteps, rules } of programs)
    if (
      [acquisitionModel, ...planSteps.map((step) => step.acquisitionModel)].includes('cpa') ||
      rules.some(([one]) => one?.event === 'first_payment')
    )
      return true;
  return (await tx('affiliates').where({ acquisition_model: 'cpa' }).first('id')) !== undefined;
}

/** The past sales and leads in the order in which they were judged, page by page through a cursor: a million fit in no answer. */
async function* readPastEvents(
  tx: ReadTx | Tx,
  scope: SimulationScope,
  asksFirst: boolean,
): AsyncGenerator<readonly PastEvent[]> {
  await tx.raw(
    `declare past_events no scroll cursor for
     select * from (
       select 'sale' as kind, sale.id, sale.program_id, sale.affiliate_id, sale.referral_id, coalesce(sale.contact_id, '') as contact_id,
              sale.occurred_at, sale.processed_at, least(referral.lead_at, referral.sale_at) as brought, sale.type, sale.transaction_type,
              sale.captured_minor as captured,
              case when sale.status = 'charged_back' then sale.captured_minor else sale.refunded_minor end as refunded,
              sale.lines, sale.payment_number, ${asksFirst ? `coalesce(earlier.nth = 1, sale.no_commission_code is null)` : 'false'} as is_first
       from sales as sale
       join referrals as referral on referral.workspace_id = sale.workspace_id and referral.id = sale.referral_id
       ${asksFirst ? `left join ${paymentOrder} as earlier on earlier.program_id = sale.program_id and earlier.id = sale.id` : ''}
       where ${pastSales} and ${comparable}
       union all
       select 'lead', lead.id, lead.program_id, lead.affiliate_id, lead.referral_id, coalesce(lead.contact_id, ''), lead.occurred_at,
              lead.processed_at, least(referral.lead_at, referral.sale_at), lead.event, null, 0, 0, null, null, false
       from leads as lead
       join referrals as referral on referral.workspace_id = lead.workspace_id and referral.id = lead.referral_id
       where ${pastLeads}) as past
     order by processed_at, kind, id`,
    { ...scope },
  );
  for (;;) {
    const { rows } = await tx.raw<{ rows: PastRow[] }>(`fetch ${perFetch} from past_events`);
    if (rows.length > 0) yield rows.map(toPast);
    if (rows.length < perFetch) break;
  }
  await tx.raw('close past_events');
}

const leadLines: readonly PastLine[] = [noAmount];
const nothingPaid: ReadonlySet<'lead' | 'registration'> = new Set();

function toPast(row: PastRow): PastEvent {
  const event: PlanEvent =
    row.type === 'enquiry' || row.type === 'registration'
      ? { kind: 'lead', event: row.type, paidBefore: nothingPaid }
      : { kind: 'sale', type: row.type, transactionType: row.transaction_type, isFirstPayment: row.is_first };
  return {
    id: row.id,
    programId: row.program_id,
    affiliateId: row.affiliate_id,
    referralId: row.referral_id,
    customerId: row.contact_id,
    occurredAt: row.occurred_at,
    brought: row.brought,
    event,
    lines: row.lines === null ? leadLines : row.lines.map(toLine),
    paymentNumber: row.payment_number,
    refunded: row.refunded,
    captured: row.captured,
  };
}

function toLine(line: LineJson): PastLine {
  return {
    productId: line.productId as ProductId | null,
    quantity: line.quantity,
    amount: BigInt(line.amountMinor),
    tax: BigInt(line.taxMinor),
    fees: BigInt(line.feesMinor),
    shipping: BigInt(line.shippingMinor),
    deposit: BigInt(line.depositMinor),
    code: line.code ?? null,
  };
}

/** What referrals, affiliates and caps had before the period, by the books; an hour's events of an affiliate together. */
export async function readBeginning(tx: ReadTx | Tx, scope: SimulationScope): Promise<Beginning> {
  const { rows: payments } = await tx.raw<{ rows: { referral_id: string; payments: number; first_at: Instant }[] }>(
    `select sale.referral_id, count(distinct sale.id)::int as payments, min(sale.occurred_at) as first_at
     from commissions as commission
     join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
     where commission.mode = :mode and commission.program_id = any (:programIds::text[]) and commission.kind = 'earned'
       and commission.level = 1 and (commission.status <> 'rejected' or sale.refunded_minor > 0) and sale.occurred_at < :from
     group by sale.referral_id`,
    { ...scope },
  );
  const { rows: volumes } = await tx.raw<{
    rows: {
      program_id: ProgramId;
      affiliate_id: string;
      group_id: string | null;
      contact_id: string;
      level: number;
      at: Instant;
      count: number;
      base: string;
      earned: string;
    }[];
  }>(
    `select commission.program_id, commission.affiliate_id, affiliate.group_id, coalesce(sale.contact_id, lead.contact_id, '') as contact_id,
            commission.level, min(coalesce(sale.occurred_at, lead.occurred_at)) as at,
            count(*) filter (where commission.kind = 'earned' and commission.amount_minor > commission.reversed_minor + commission.clawed_back_minor)::int as count,
            coalesce(sum(case when sale.captured_minor > 0 and commission.kind = 'earned'
              then div(commission.base_minor::numeric * (sale.captured_minor - sale.refunded_minor), sale.captured_minor) end), 0)::text as base,
            sum(commission.amount_minor - commission.reversed_minor - commission.clawed_back_minor)::text as earned
     from commissions as commission
     join affiliates as affiliate on affiliate.workspace_id = commission.workspace_id and affiliate.id = commission.affiliate_id
     left join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
     left join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id and commission.sale_id is null
     where commission.mode = :mode and commission.program_id = any (:programIds::text[])
       and (commission.kind = 'earned' or (commission.kind = 'adjustment' and commission.cause_type = 'sale'))
       and commission.status in ('pending', 'approved', 'paid') and coalesce(sale.occurred_at, lead.occurred_at) < :from
     group by commission.program_id, commission.affiliate_id, affiliate.group_id, coalesce(sale.contact_id, lead.contact_id, ''),
              commission.level, date_trunc('hour', coalesce(sale.occurred_at, lead.occurred_at))`,
    { ...scope },
  );
  return {
    payments: new Map(payments.map((row) => [row.referral_id, { payments: row.payments, firstAt: row.first_at }])),
    volumes: volumes.map((row) => ({
      programId: row.program_id,
      affiliateId: row.affiliate_id as AffiliateId,
      groupId: row.group_id,
      customerId: row.contact_id,
      level: row.level,
      at: row.at,
      count: row.count,
      amount: BigInt(row.base),
      earned: BigInt(row.earned),
    })),
  };
}

/** What was booked for the same events: earned lines and the raises of whole bands, less the share that was given back since. */
export async function readBooked(
  tx: ReadTx | Tx,
  scope: SimulationScope,
): Promise<
  readonly {
    readonly programId: string;
    readonly affiliateId: string;
    readonly currency: CurrencyCode;
    readonly amount: bigint;
  }[]
> {
  const { rows } = await tx.raw<{
    rows: { program_id: string; affiliate_id: string; currency: CurrencyCode; amount: string }[];
  }>(
    `with past as (
       select sale.workspace_id, sale.id, sale.captured_minor as captured,
              case when sale.status = 'charged_back' then sale.captured_minor else sale.refunded_minor end as refunded
       from sales as sale where ${pastSales} and ${comparable}),
     line as (
       select commission.program_id, commission.affiliate_id, commission.currency, commission.amount_minor as amount, past.captured, past.refunded
       from past join commissions as commission on commission.workspace_id = past.workspace_id and commission.sale_id = past.id
       where commission.kind = 'earned' or (commission.kind = 'adjustment' and commission.cause_type = 'sale' and commission.status <> 'rejected')
       union all
       select commission.program_id, commission.affiliate_id, commission.currency, commission.amount_minor, 0, 0
       from leads as lead join commissions as commission on commission.workspace_id = lead.workspace_id and commission.lead_id = lead.id
       where ${pastLeads} and commission.kind = 'earned')
     select program_id, affiliate_id, currency,
            sum(amount - case when captured > 0 and refunded > 0
              then sign(amount) * div(2 * abs(amount)::numeric * refunded + captured, 2 * captured) else 0 end)::bigint::text as amount
     from line group by program_id, affiliate_id, currency`,
    { ...scope },
  );
  return rows.map((row) => ({
    programId: row.program_id,
    affiliateId: row.affiliate_id,
    currency: row.currency,
    amount: BigInt(row.amount),
  }));
}

/** Sales that are left out on both sides, with why; the first hundred. */
export async function listNotComparable(
  tx: ReadTx | Tx,
  scope: SimulationScope,
): Promise<readonly { readonly saleId: string; readonly code: string }[]> {
  const { rows } = await tx.raw<{ rows: { id: string; code: string | null }[] }>(
    `select sale.id, sale.no_commission_code as code from sales as sale
     where ${pastSales} and not (${comparable}) order by sale.occurred_at, sale.id limit 100`,
    { ...scope },
  );
  return rows.map((row) => ({ saleId: row.id, code: row.code ?? 'staff_decision' }));
}

/** The id of a draft that is not stored: it stands in no explanation that is. */
export const draftRuleId = 'rul_draft' as RuleId;

/**
 * What would a period have cost under a draft, or under the present plan (`draft` null), beside what was booked? Writes nothing. `progress` is
 * called after each page.
 */
export async function simulatePlan(
  tx: ReadTx | Tx,
  scope: SimulationScope,
  draft: { readonly rule: Rule; readonly replacesRuleId: string | null } | null,
  progress: (events: number) => void = () => undefined,
): Promise<SimulationResult> {
  // Every row is read: a plan that starts fast would be a nested loop over all of them.
  await tx.raw(`select set_config('statement_timeout', '10min', true), set_config('cursor_tuple_fraction', '1', true)`);
  const programs = await readSimulatedPrograms(tx, scope, draft);
  const simulation = createSimulation(programs, await readChains(tx), await readBeginning(tx, scope));
  const asksFirst = await asksFirstPayment(tx, programs.values());
  let events = 0;
  for await (const page of readPastEvents(tx, scope, asksFirst)) {
    for (const past of page) simulation.take(past);
    events += page.length;
    progress(events);
  }
  const booked = await readBooked(tx, scope);
  const currencies = new Set([...programs.values()].map((program) => program.currency));
  const [only] = currencies;
  const names = async (table: 'programs' | 'affiliates'): Promise<ReadonlyMap<string, string>> => {
    const rows = await tx(table).select<{ id: string; name: string }[]>('id', 'name');
    return new Map(rows.map((row) => [row.id, row.name]));
  };
  return compareWithBooked({
    from: scope.from,
    to: scope.until,
    simulated: simulation.result(),
    booked,
    currencyOf: new Map([...programs.values()].map((program) => [program.id, program.currency])),
    programNames: await names('programs'),
    affiliateNames: await names('affiliates'),
    bandCurrency: currencies.size === 1 ? (only ?? null) : null,
    notComparable: await listNotComparable(tx, scope),
  });
}
