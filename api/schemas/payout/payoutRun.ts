import { z } from 'zod';
import type { PreviewRow, PreviewTotal } from '../../../db/reads/payout/payoutRunPreview.js';
import type { PlanChange, PlanSide, PlanTotal, SealedPlan } from '../../../db/reads/payout/planChanges.js';
import type { GatewayNeed, RunCause } from '../../../db/reads/payout/runOutlook.js';
import type { RunProgress, RunView } from '../../../db/reads/payout/payoutRunView.js';
import type { CurrencyCode } from '../../../domain/money.js';
import {
  notPaidCodes,
  payoutRunTransitions,
  type RunProof,
  type SecondPerson,
} from '../../../domain/payout/payoutRun.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import { statusesOf } from '../../../domain/transitions.js';
import type { Instant } from '../../../domain/time.js';
import { anyOf, instantRange, listQuery } from '../../lists.js';
import {
  currencyWire,
  idWire,
  instantWire,
  listOf,
  longText,
  moneyWire,
  objectFields,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

export const payoutRunParams = z.strictObject({ runId: idWire('payoutRun') });
const statuses = statusesOf(payoutRunTransitions) as [
  'planning',
  'planned',
  'approved',
  'executing',
  'completed',
  'cancelled',
];
const secondPersonWire = z.enum(['other_person', 'single_person']);

const ids = <K extends 'program' | 'affiliate'>(kind: K) => z.array(idWire(kind)).max(10_000).default([]);

/** Body of a run and of its dry run (api.md 10.2): empty = all. */
export const payoutRunCreate = z.strictObject({
  currencies: z.array(currencyWire).max(200).default([]),
  period: text(100).nullable().default(null),
  cutOffAt: instantWire.nullable().default(null),
  payAt: instantWire.nullable().default(null),
  programIds: ids('program'),
  groupIds: z.array(text(64)).max(1_000).default([]),
  affiliateIds: ids('affiliate'),
  methodTypes: z.array(z.enum(payoutMethodTypes)).default([]),
  excludeAffiliateIds: ids('affiliate'),
  note: longText(10_000).nullable().default(null),
});
export type PayoutRunRequest = z.output<typeof payoutRunCreate>;

export const unpaidBody = z.strictObject({});
export const unpaidWire = z
  .strictObject({
    object: z.literal('payout_run_notification'),
    runId: idWire('payoutRun'),
    /** Affiliates that the run does not pay, those of them who can do something about it, and those who were told now. */
    notPaid: z.int(),
    asked: z.int(),
    told: z.int(),
  })
  .openapi('PayoutRunNotification');
export const payoutRunQuery = listQuery({ status: anyOf(statuses), ...instantRange('createdAt') }, { q: true });
export const runLinesQuery = listQuery(
  { outcome: z.enum(['paid', 'not_paid', 'odd']).exactOptional() },
  { sort: ['affiliateId'], q: true },
);

const reasonFields = { reason: longText(500).exactOptional() };
export const approveRunBody = z.strictObject({ planHash: text(100), ...reasonFields });
export const executeRunBody = z.strictObject(reasonFields);
export const editRunBody = z.strictObject({
  affiliateIds: z.array(idWire('affiliate')).min(1).max(10_000),
  ...reasonFields,
});

export const payoutRunWire = z
  .strictObject({
    ...objectFields('payoutRun', 'payout_run'),
    status: z.enum(statuses),
    paused: z.boolean(),
    scheduleId: z.string().nullable(),
    period: z.string().nullable(),
    currencies: z.array(z.string()),
    programIds: z.array(z.string()),
    groupIds: z.array(z.string()),
    affiliateIds: z.array(z.string()),
    methodTypes: z.array(z.string()),
    excludedAffiliateIds: z.array(z.string()),
    cutOffAt: instantWire,
    payAt: instantWire.nullable(),
    note: z.string().nullable(),
    planHash: z.string().nullable(),
    planVersion: z.int(),
    secondPerson: secondPersonWire,
    createdBy: z.strictObject({ type: z.string(), id: z.string().nullable() }),
    approvedBy: z.string().nullable(),
    approvedAt: instantWire.nullable(),
    executedAt: instantWire.nullable(),
    completedAt: instantWire.nullable(),
    progress: z.strictObject({
      draft: z.int(),
      pending: z.int(),
      paid: z.int(),
      cancelled: z.int(),
      /** What keeps the run open. */
      problems: z.array(z.strictObject({ payoutId: z.string(), problem: z.string() })),
    }),
    allowedActions: z.array(z.string()),
    test: z.boolean(),
    ...versionFields,
  })
  .openapi('PayoutRun');
export const payoutRunList = listOf(payoutRunWire);

const staysBehindWire = z.strictObject({
  code: z.enum(notPaidCodes),
  amount: signedMoneyWire,
  until: instantWire.nullable(),
});
const payableWire = z.strictObject({
  affiliateId: idWire('affiliate'),
  name: z.string(),
  payoutId: z.string().nullable(),
  commissions: z.int(),
  gross: signedMoneyWire,
  corrections: signedMoneyWire,
  carried: signedMoneyWire,
  withheld: signedMoneyWire,
  net: signedMoneyWire,
  method: z.strictObject({ id: z.string().nullable(), type: z.string(), masked: z.string() }).nullable(),
  oddities: z.array(z.string()),
  staysBehind: z.array(staysBehindWire),
});
const notPayableWire = z.strictObject({
  affiliateId: idWire('affiliate'),
  name: z.string(),
  owed: signedMoneyWire,
  reasons: z.array(
    z.strictObject({
      code: z.enum(notPaidCodes),
      detail: z.string(),
      fix: z.string(),
      fixBy: z.enum(['affiliate', 'staff', 'nobody']),
      fixPath: z.string().nullable(),
    }),
  ),
});
const sumWire = { affiliates: z.int(), amount: signedMoneyWire };
export const proofWire = z.strictObject({
  currency: z.string(),
  payableBefore: signedMoneyWire,
  payableAfter: signedMoneyWire,
  linesEqualTotals: z.boolean(),
});

const gatewayNeedWire = z.strictObject({
  gatewayId: z.string(),
  ...sumWire,
  balance: signedMoneyWire.nullable().meta({ description: 'What the books say lies there; null: paid by hand.' }),
  missing: moneyWire.nullable().meta({ description: 'What has to be funded before; null: paid by hand.' }),
  fees: signedMoneyWire
    .nullable()
    .meta({ description: 'Estimate: what a payout cost there on average; null: none was paid yet.' }),
});
const causeWire = z.strictObject({
  affiliateId: idWire('affiliate'),
  name: z.string(),
  before: moneyWire,
  after: moneyWire,
  difference: signedMoneyWire,
});

export const payoutRunPreviewWire = z
  .strictObject({
    object: z.literal('payout_run_preview'),
    runId: z.string().nullable(),
    status: z.enum(statuses).nullable(),
    cutOffAt: instantWire,
    planHash: z.string().nullable(),
    secondPerson: secondPersonWire,
    dryRun: z.boolean(),
    totals: z.array(
      z.strictObject({
        currency: z.string(),
        payable: z.strictObject(sumWire),
        notPayable: z.strictObject(sumWire),
        byMethod: z.array(z.strictObject({ type: z.string(), ...sumWire })),
        byGateway: z.array(gatewayNeedWire),
        previousRun: moneyWire.nullable(),
        causes: z.array(causeWire).meta({ description: 'The five affiliates that differ most from the last run.' }),
      }),
    ),
    payable: z.array(payableWire),
    notPayable: z.array(notPayableWire),
    proof: z.array(proofWire),
  })
  .openapi('PayoutRunPreview');

export const runLineWire = z
  .strictObject({
    object: z.literal('payout_run_line'),
    outcome: z.enum(['paid', 'not_paid']),
    currency: z.string(),
    ...payableWire.shape,
    owed: signedMoneyWire,
    reasons: notPayableWire.shape.reasons,
  })
  .openapi('PayoutRunLine');
export const runLineList = listOf(runLineWire);
const planSideWire = z
  .strictObject({
    outcome: z.enum(['paid', 'not_paid']),
    net: signedMoneyWire,
    owed: signedMoneyWire,
    commissions: z.int(),
    reasons: z.array(z.enum(notPaidCodes)),
    method: z.strictObject({ type: z.string(), masked: z.string() }).nullable(),
  })
  .nullable()
  .meta({ description: 'Null: not in that plan at all.' });

/** One affiliate and currency whose line the present plan has otherwise than an earlier one (screens.md 5). */
export const planChangeWire = z
  .strictObject({
    object: z.literal('payout_run_change'),
    affiliateId: idWire('affiliate'),
    name: z.string(),
    currency: z.string(),
    before: planSideWire,
    after: planSideWire,
    difference: signedMoneyWire.meta({ description: 'Of what is paid: positive, more than before.' }),
  })
  .openapi('PayoutRunChange');
export const planChangeList = listOf(planChangeWire);
const planVersionParameter = z
  .string()
  .regex(/^[1-9]\d{0,6}$/, 'A number from 1.')
  .transform(Number)
  .openapi({
    type: 'integer',
    minimum: 1,
    description: 'The version of the plan to compare with; without it the plan before the present one.',
  });
export const planChangesQuery = listQuery(
  {
    since: planVersionParameter.exactOptional(),
  },
  { sort: ['affiliateId'], include: ['counts'] },
);

export const planWire = z
  .strictObject({
    object: z.literal('payout_run_plan'),
    planVersion: z.int(),
    planHash: z.string(),
    isCurrent: z.boolean(),
    plannedAt: instantWire,
    approvedAt: instantWire.nullable(),
    approvedBy: z.string().nullable(),
    payable: z.array(z.strictObject({ currency: z.string(), ...sumWire })),
  })
  .openapi('PayoutRunPlan');
export const planList = listOf(planWire);

export const runProofQuery = z.strictObject({ format: z.enum(['json', 'pdf']).exactOptional() });
export const runProofWire = z
  .strictObject({
    object: z.literal('payout_run_proof'),
    runId: idWire('payoutRun'),
    planHash: z.string().nullable(),
    proof: z.array(proofWire),
  })
  .openapi('PayoutRunProof');

export function presentRun(
  run: RunView,
  progress: RunProgress,
  secondPerson: SecondPerson,
  allowedActions: readonly string[],
): z.output<typeof payoutRunWire> {
  return {
    id: run.id,
    object: 'payout_run',
    status: run.status,
    paused: run.paused,
    scheduleId: run.scheduleId,
    period: run.period,
    currencies: [...run.currencies],
    programIds: [...(run.filter.programIds ?? [])],
    groupIds: [...(run.filter.groupIds ?? [])],
    affiliateIds: [...(run.filter.affiliateIds ?? [])],
    methodTypes: [...(run.filter.methodTypes ?? [])],
    excludedAffiliateIds: [...run.excludedAffiliateIds],
    cutOffAt: run.cutOffAt,
    payAt: run.payAt,
    note: run.note,
    planHash: run.planHash,
    planVersion: run.planVersion,
    secondPerson: run.secondPerson ?? secondPerson,
    createdBy: { type: run.createdByType, id: run.createdByUser },
    approvedBy: run.approvedBy,
    approvedAt: run.approvedAt,
    executedAt: run.executedAt,
    completedAt: run.completedAt,
    progress: { ...progress, problems: [...progress.problems] },
    allowedActions: [...allowedActions],
    test: run.mode === 'test',
    version: run.version,
    createdAt: run.createdAt,
    updatedAt: run.updatedAt,
  };
}

function presentPayable(row: PreviewRow): z.output<typeof payableWire> {
  const { currency } = row;
  const money = (minor: bigint) => ({ minor, currency });
  return {
    affiliateId: row.affiliateId,
    name: row.name,
    payoutId: row.payoutId,
    commissions: row.commissionCount,
    gross: money(row.grossMinor),
    corrections: money(row.correctionsMinor),
    carried: money(row.carriedMinor),
    withheld: money(0n), // BEY-28, later
    net: money(row.netMinor),
    method: row.method,
    oddities: [...row.oddities],
    staysBehind: row.staysBehind.map((rest) => ({
      code: rest.code,
      amount: money(BigInt(rest.amountMinor)),
      until: rest.until,
    })),
  };
}

export function presentRunLine(row: PreviewRow): z.output<typeof runLineWire> {
  return {
    object: 'payout_run_line',
    outcome: row.outcome,
    currency: row.currency,
    ...presentPayable(row),
    owed: { minor: row.owedMinor, currency: row.currency },
    reasons: [...row.reasons],
  };
}

export function presentChange(change: PlanChange): z.output<typeof planChangeWire> {
  const { currency } = change;
  const side = (of: PlanSide | null): z.output<typeof planSideWire> =>
    of === null
      ? null
      : {
          outcome: of.outcome,
          net: { minor: of.netMinor, currency },
          owed: { minor: of.owedMinor, currency },
          commissions: of.commissionCount,
          reasons: [...of.codes],
          method: of.method,
        };
  return {
    object: 'payout_run_change',
    affiliateId: change.affiliateId,
    name: change.name,
    currency,
    before: side(change.before),
    after: side(change.after),
    difference: { minor: (change.after?.netMinor ?? 0n) - (change.before?.netMinor ?? 0n), currency },
  };
}

export function presentPlan(
  plan: SealedPlan,
  totals: readonly PlanTotal[],
  presentHash: string | null,
): z.output<typeof planWire> {
  return {
    object: 'payout_run_plan',
    ...plan,
    isCurrent: plan.planHash === presentHash,
    payable: totals
      .filter((total) => total.planVersion === plan.planVersion)
      .map(({ currency, affiliates, minor }) => ({ currency, affiliates, amount: { minor, currency } })),
  };
}

export function presentProof(proof: readonly RunProof[]): z.output<typeof proofWire>[] {
  return proof.map((one) => {
    const currency = one.currency as CurrencyCode;
    return {
      currency: one.currency,
      payableBefore: { minor: BigInt(one.payableBefore), currency },
      payableAfter: { minor: BigInt(one.payableAfter), currency },
      linesEqualTotals: one.linesEqualTotals,
    };
  });
}

function presentNeed(need: GatewayNeed): z.output<typeof gatewayNeedWire> {
  const { currency, neededMinor, balanceMinor, feesMinor } = need;
  const money = (minor: bigint) => ({ minor, currency });
  const lacking = balanceMinor === null || balanceMinor >= neededMinor ? 0n : neededMinor - balanceMinor;
  return {
    gatewayId: need.gateway,
    affiliates: need.payouts,
    amount: money(neededMinor),
    balance: balanceMinor === null ? null : money(balanceMinor),
    missing: balanceMinor === null ? null : money(lacking),
    fees: feesMinor === null ? null : money(feesMinor),
  };
}

function presentCause(cause: RunCause): z.output<typeof causeWire> {
  const money = (minor: bigint) => ({ minor, currency: cause.currency });
  return {
    affiliateId: cause.affiliateId,
    name: cause.name,
    before: money(cause.beforeMinor),
    after: money(cause.afterMinor),
    difference: money(cause.afterMinor - cause.beforeMinor),
  };
}

export function presentPreview(preview: {
  readonly run: Pick<RunView, 'id' | 'status' | 'planHash'> | null;
  readonly cutOffAt: Instant;
  readonly secondPerson: SecondPerson;
  readonly totals: readonly PreviewTotal[];
  readonly previous: ReadonlyMap<string, bigint>;
  readonly needs: readonly GatewayNeed[];
  readonly causes: readonly RunCause[];
  readonly payable: readonly PreviewRow[];
  readonly notPayable: readonly PreviewRow[];
  readonly proof: readonly RunProof[];
}): z.output<typeof payoutRunPreviewWire> {
  return {
    object: 'payout_run_preview',
    runId: preview.run?.id ?? null,
    status: preview.run?.status ?? null,
    cutOffAt: preview.cutOffAt,
    planHash: preview.run?.planHash ?? null,
    secondPerson: preview.secondPerson,
    dryRun: preview.run === null,
    totals: preview.totals.map((total) => {
      const { currency } = total;
      const sum = (of: { readonly affiliates: number; readonly minor: bigint }) => ({
        affiliates: of.affiliates,
        amount: { minor: of.minor, currency },
      });
      const before = preview.previous.get(currency);
      return {
        currency,
        payable: sum(total.payable),
        notPayable: sum(total.notPayable),
        byMethod: total.byMethod.map((one) => ({ type: one.type, ...sum(one) })),
        byGateway: preview.needs.filter((one) => one.currency === currency).map(presentNeed),
        previousRun: before === undefined ? null : { minor: before, currency },
        causes: preview.causes.filter((one) => one.currency === currency).map(presentCause),
      };
    }),
    payable: preview.payable.map(presentPayable),
    notPayable: preview.notPayable.map((row) => ({
      affiliateId: row.affiliateId,
      name: row.name,
      owed: { minor: row.owedMinor, currency: row.currency },
      reasons: [...row.reasons],
    })),
    proof: presentProof(preview.proof),
  };
}
