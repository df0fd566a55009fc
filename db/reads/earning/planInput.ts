import type { Mode } from '../../../domain/act.js';
import { monthsBetween, periodContaining } from '../../../domain/calendar.js';
import { standingOf } from '../../../domain/earning/commission.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { type BandPeriod, countsVolume } from '../../../domain/program/bands.js';
import type { CapPeriod, CapScope } from '../../../domain/program/commissionPlan.js';
import { capSubject } from '../../../domain/program/earnedPart.js';
import type { AcquisitionModel, ChainMember, PlanEvent, PricedLine } from '../../../domain/program/planEvent.js';
import type { CapSpent, PlanInput, Volume } from '../../../domain/program/planInput.js';
import { type CompiledRules, compileRules } from '../../../domain/program/ruleChoice.js';
import type { Program } from '../../../domain/program/program.js';
import { planAt } from '../../../domain/program/programPlan.js';
import type { Instant } from '../../../domain/time.js';
import { listRulesAt } from '../../program/commissionPlan.js';
import { once, run } from '../../pipeline.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** One event to judge, and how it stands. */
export interface Judging<T extends ReadTx | Tx> {
  readonly program: Pick<Program, 'id' | 'currency' | 'levels' | 'timeZone' | 'acquisitionModel' | 'planSteps'>;
  readonly mode: Mode;
  readonly affiliateId: string;
  readonly referralId: string | null;
  /** When the customer was brought; null: by this event. */
  readonly brought: Instant | null;
  readonly customerId: string;
  readonly event: PlanEvent;
  readonly occurredAt: Instant;
  readonly lines: readonly PricedLine[];
  readonly products: ReadonlySet<string>;
  /** The sale that is judged; absent: one that is imagined, or a lead. */
  readonly saleId?: string;
  /** Where the sale or the caller says it; else one more than the referral has. */
  readonly paymentNumber: number | null;
  /** The sale or lead that is judged once more: what it earned does not count. */
  readonly without: string | null;
  /** Lets events that count together wait for each other (`lockVolumes`); undefined: nothing is written. */
  readonly lock?: (tx: T, keys: readonly string[]) => Promise<void>;
}

/** Everything the rules ask for about one event: chain, rules in force for this customer, volumes and caps (api.md 6.2). */
export async function readPlanInput<T extends ReadTx | Tx>(tx: T, of: Judging<T>): Promise<PlanInput> {
  const { program, occurredAt } = of;
  const { levels, acquisitionModel } = planAt(program, occurredAt);
  const [chain, inForce] = await Promise.all([
    readEarningChain(tx, { affiliateId: of.affiliateId, programId: program.id, levels }),
    listRulesAt(tx, program.id, occurredAt, of.brought ?? occurredAt),
  ]);
  const rules = compileRules(program.id, inForce);
  const wanted = wantedOf(rules);
  const keys = lockKeys(of, wanted, chain);
  if (keys.length > 0) await of.lock?.(tx, keys);
  const zone = wanted.asksZone ? await readZone(tx, program) : 'UTC';
  const { payments, firstAt } = await findEarnedBefore(tx, {
    referralId: of.referralId,
    occurredAt,
    saleId: of.saleId ?? null,
  });
  return {
    programId: program.id,
    currency: program.currency,
    acquisitionModel,
    event: of.event,
    lines: of.lines,
    products: of.products,
    chain,
    rules,
    earnedBefore: {
      payments,
      months: firstAt === null ? null : wanted.asksMonths ? monthsBetween(zone, firstAt, occurredAt) : 0,
    },
    paymentNumber: of.paymentNumber ?? payments + 1,
    customerId: of.customerId,
    volumes: await readVolumes(tx, of, wanted, chain, zone),
    spent: await readSpent(tx, of, wanted, chain, zone),
  };
}

/** What every event is judged by, asked for at once beside something else: `readPlanInput` then has it. */
export async function askPlan(
  tx: ReadTx | Tx,
  of: {
    readonly programId: string;
    readonly levels: number;
    readonly affiliateId: string;
    readonly referralId: string | null;
    readonly saleId: string | null;
    readonly occurredAt: Instant;
    readonly brought: Instant | null;
  },
): Promise<void> {
  await Promise.all([
    readEarningChain(tx, { affiliateId: of.affiliateId, programId: of.programId, levels: of.levels }),
    listRulesAt(tx, of.programId, of.occurredAt, of.brought ?? of.occurredAt),
    findEarnedBefore(tx, { referralId: of.referralId, occurredAt: of.occurredAt, saleId: of.saleId }),
  ]);
}

interface Wanted {
  readonly volumes: readonly { readonly level: number; readonly period: BandPeriod; readonly asksAmount: boolean }[];
  readonly caps: readonly { readonly scope: CapScope; readonly period: CapPeriod }[];
  readonly asksMonths: boolean;
  readonly asksZone: boolean;
}

/** What the rules in force ask for: most plans have neither bands nor caps and cost no look-up. */
function wantedOf({ rules }: CompiledRules): Wanted {
  const volumes = new Map<string, { level: number; period: BandPeriod; asksAmount: boolean }>();
  const caps = new Map<string, { scope: CapScope; period: CapPeriod }>();
  let asksMonths = false;
  for (const { terms } of rules) {
    const { bands, cap, limits } = terms;
    asksMonths ||= limits.maxMonths !== null || bands?.by === 'months_since_first_commission';
    if (bands !== null && countsVolume(bands.by)) {
      const key = `${bands.level} ${bands.period}`;
      const asksAmount = bands.by === 'sales_amount' || volumes.get(key)?.asksAmount === true;
      volumes.set(key, { level: bands.level, period: bands.period, asksAmount });
    }
    if (cap !== null && cap.period !== 'commission')
      caps.set(`${cap.scope} ${cap.period}`, { scope: cap.scope, period: cap.period });
  }
  const asksPeriod = [...volumes.values(), ...caps.values()].some((one) => one.period !== 'lifetime');
  return { volumes: [...volumes.values()], caps: [...caps.values()], asksMonths, asksZone: asksMonths || asksPeriod };
}

/** What has to wait for each other: events of one affiliate in one program, or of the whole program where a cap is shared. */
function lockKeys(
  of: { readonly program: { readonly id: string } },
  wanted: Wanted,
  chain: readonly ChainMember[],
): readonly string[] {
  if (wanted.volumes.length === 0 && wanted.caps.length === 0) return [];
  const isShared = wanted.caps.some((cap) => cap.scope === 'program' || cap.scope === 'group');
  if (isShared) return [`plan ${of.program.id}`];
  const highest = Math.max(...wanted.volumes.map((one) => one.level), wanted.caps.length > 0 ? chain.length : 1);
  return chain
    .filter((member) => member.level <= highest)
    .map((member) => `plan ${of.program.id} ${member.affiliateId}`)
    .sort();
}

/**
 * Two events of one affiliate that were judged at once would both be the tenth (RUL-16): they wait here. Taken after referral and sale, before
 * the balances; keys in order, so that two chains cannot wait for each other.
 */
export async function lockVolumes(tx: Tx, keys: readonly string[]): Promise<void> {
  for (const key of keys)
    await tx.raw(
      `select pg_advisory_xact_lock(hashtextextended(current_setting('tributary.workspace_id') || ' ' || ?, 0))`,
      [key],
    );
}

/** The zone that cuts a program's months: its own, else the workspace's (api.md 6.1). */
export async function readZone(tx: ReadTx | Tx, program: Pick<Program, 'timeZone'>): Promise<string> {
  if (program.timeZone !== null) return program.timeZone;
  const { rows } = await tx.raw<{ rows: { zone: string | null }[] }>(
    `select sections -> 'general' ->> 'timeZone' as zone from settings`,
  );
  return rows[0]?.zone ?? 'UTC';
}

/**
 * How many events has each affiliate of the chain been paid for before, on its level, in the period, and what were their bases? Rejected
 * and fully refunded ones do not count; of a part refunded one the rest of its base does (ruling 38, RFD-12).
 */
async function readVolumes(
  tx: ReadTx | Tx,
  of: Judging<never>,
  wanted: Wanted,
  chain: readonly ChainMember[],
  zone: string,
): Promise<readonly Volume[]> {
  const volumes: Volume[] = [];
  for (const { level, period, asksAmount } of wanted.volumes) {
    const member = chain.find((one) => one.level === level);
    if (member === undefined) continue;
    const range = period === 'lifetime' ? null : periodContaining(zone, period, of.occurredAt);
    const needsFact = asksAmount || range !== null;
    const { rows } = await tx.raw<{ rows: { count: number; amount: string | null }[] }>(
      `select count(*)::int as count,
              ${asksAmount ? `sum(case when sale.captured_minor > 0 then div(commission.base_minor::numeric * (sale.captured_minor - sale.refunded_minor), sale.captured_minor) else 0 end)::text` : 'null'} as amount
       from commissions as commission
       ${
         needsFact
           ? `left join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
       left join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id and commission.sale_id is null`
           : ''
       }
       where commission.mode = :mode and commission.program_id = :programId and commission.affiliate_id = :affiliateId
         and commission.level = :level and commission.kind = 'earned' and commission.status in ('pending', 'approved', 'paid')
         and commission.amount_minor > commission.reversed_minor + commission.clawed_back_minor
         and commission.cause_id <> :without
         ${range === null ? '' : 'and coalesce(sale.occurred_at, lead.occurred_at) >= :from and coalesce(sale.occurred_at, lead.occurred_at) < :until'}`,
      {
        mode: of.mode,
        programId: of.program.id,
        affiliateId: member.affiliateId,
        level,
        without: of.without ?? '',
        ...(range === null ? {} : { from: range.from, until: range.until }),
      },
    );
    volumes.push({ level, period, count: rows[0]?.count ?? 0, amount: BigInt(rows[0]?.amount ?? 0) });
  }
  return volumes;
}

/**
 * What counts against the caps already: what stands of the lines that rules made, in the month of their event. What was given back makes room
 * again.
 */
async function readSpent(
  tx: ReadTx | Tx,
  of: Judging<never>,
  wanted: Wanted,
  chain: readonly ChainMember[],
  zone: string,
): Promise<readonly CapSpent[]> {
  const spent: CapSpent[] = [];
  for (const { scope, period } of wanted.caps) {
    const range = period === 'month' ? periodContaining(zone, 'month', of.occurredAt) : null;
    const subjects = new Map(chain.map((member) => [capSubject(scope, member, of.customerId), member]));
    for (const [subject, member] of subjects) {
      const whose = {
        program: '',
        group: `and affiliate.group_id = :groupId`,
        affiliate: `and commission.affiliate_id = :affiliateId`,
        affiliate_customer: `and commission.affiliate_id = :affiliateId and coalesce(sale.contact_id, lead.contact_id) = :customerId`,
      }[scope];
      if (scope === 'group' && member.groupId === null) continue;
      const { rows } = await tx.raw<{ rows: { amount: string | null }[] }>(
        `select sum(commission.amount_minor - commission.reversed_minor - commission.clawed_back_minor)::text as amount
         from commissions as commission
         left join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
         left join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id and commission.sale_id is null
         ${scope === 'group' ? 'join affiliates as affiliate on affiliate.workspace_id = commission.workspace_id and affiliate.id = commission.affiliate_id' : ''}
         where commission.mode = :mode and commission.program_id = :programId and commission.currency = :currency
           and (commission.kind = 'earned' or (commission.kind = 'adjustment' and commission.cause_type = 'sale'))
           and commission.status in ('pending', 'approved', 'paid') and commission.cause_id <> :without
           ${whose}
           ${range === null ? '' : 'and coalesce(sale.occurred_at, lead.occurred_at) >= :from and coalesce(sale.occurred_at, lead.occurred_at) < :until'}`,
        {
          mode: of.mode,
          programId: of.program.id,
          currency: of.program.currency,
          without: of.without ?? '',
          ...(scope === 'group' ? { groupId: member.groupId } : {}),
          ...(scope === 'affiliate' || scope === 'affiliate_customer' ? { affiliateId: member.affiliateId } : {}),
          ...(scope === 'affiliate_customer' ? { customerId: of.customerId } : {}),
          ...(range === null ? {} : { from: range.from, until: range.until }),
        },
      );
      spent.push({ scope, period, subject, amount: BigInt(rows[0]?.amount ?? 0) });
    }
  }
  return spent;
}

/**
 * What a referral earned on payments that happened before this one, whenever they arrived: for limits in payments and months (RUL-04,
 * BEY-25). A payment that was given back was one; what a person or a limit took off its line was none.
 */
export function findEarnedBefore(
  tx: ReadTx | Tx,
  of: { readonly referralId: string | null; readonly occurredAt: Instant; readonly saleId: string | null },
): Promise<{ readonly payments: number; readonly firstAt: Instant | null }> {
  const { referralId, occurredAt, saleId } = of;
  return once(tx, ['commissions', 'sales'], `earned before ${referralId} ${occurredAt} ${saleId}`, async () => {
    if (referralId === null) return { payments: 0, firstAt: null };
    const rows = await run<{ payments: number; first_at: Instant | null }>(
      tx,
      `select count(distinct commission.sale_id)::int as payments, min(sale.occurred_at) as first_at
       from commissions as commission
       join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
       where commission.referral_id = $1 and commission.kind = 'earned' and commission.level = 1
         and (sale.occurred_at < $2 or (sale.occurred_at = $2 and sale.id < $3))
         and (commission.status <> 'rejected' or sale.refunded_minor > 0)`,
      [referralId, occurredAt, saleId ?? '~'],
    );
    return { payments: rows[0]?.payments ?? 0, firstAt: rows[0]?.first_at ?? null };
  });
}

/**
 * Who may earn on a sale that this affiliate is credited for: it and the recruiters above, as many levels as the program has, each with
 * what its status means for a new commission (money.md 5).
 */
export function readEarningChain(
  tx: ReadTx | Tx,
  of: { readonly affiliateId: string; readonly programId: string; readonly levels: number },
): Promise<readonly ChainMember[]> {
  return once(tx, ['affiliates', 'enrolments'], `chain ${of.affiliateId} ${of.programId} ${of.levels}`, async () => {
    const rows = await run<{
      level: number;
      id: string;
      group_id: string | null;
      acquisition_model: AcquisitionModel | null;
      status: string;
      enrolment: string | null;
    }>(
      tx,
      `with recursive chain as (
         select affiliate.workspace_id, affiliate.id, affiliate.group_id, affiliate.acquisition_model, affiliate.status, affiliate.recruiter_id, 1 as level
         from affiliates as affiliate where affiliate.id = $1
         union all
         select recruiter.workspace_id, recruiter.id, recruiter.group_id, recruiter.acquisition_model, recruiter.status, recruiter.recruiter_id, chain.level + 1
         from chain join affiliates as recruiter on recruiter.workspace_id = chain.workspace_id and recruiter.id = chain.recruiter_id
         where chain.level < $3)
       select chain.level, chain.id, chain.group_id, chain.acquisition_model, chain.status,
              (select enrolment.status from enrolments as enrolment
               where enrolment.workspace_id = chain.workspace_id and enrolment.affiliate_id = chain.id
                 and enrolment.program_id = $2 and enrolment.status <> 'ended' limit 1) as enrolment
       from chain order by chain.level`,
      [of.affiliateId, of.programId, of.levels],
    );
    return rows.map((row) => ({
      level: row.level,
      affiliateId: row.id as AffiliateId,
      groupId: row.group_id,
      acquisitionModel: row.acquisition_model,
      standing: standingOf(row),
    }));
  });
}
