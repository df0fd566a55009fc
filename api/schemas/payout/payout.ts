import { z } from 'zod';
import type { OwedRow } from '../../../db/reads/payout/owedAsOf.js';
import type { AttemptView, LineView, PayoutFilter, PayoutView } from '../../../db/reads/payout/payoutView.js';
import type { Mode } from '../../../domain/act.js';
import { payoutTransitions, problemOf } from '../../../domain/payout/payout.js';
import { attemptTransitions } from '../../../domain/payout/payoutAttempt.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import { statusesOf } from '../../../domain/transitions.js';
import { asOfParameter } from '../../asOf.js';
import {
  anyOf,
  anyText,
  boundsOf,
  dayRange,
  daysOf,
  flag,
  instantRange,
  listQuery,
  type ListQuery,
} from '../../lists.js';
import {
  currencyWire,
  dateWire,
  idWire,
  instantWire,
  listOf,
  longText,
  moneyWire,
  noteText,
  objectFields,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

export const payoutParams = z.strictObject({ payoutId: idWire('payout') });
const statuses = statusesOf(payoutTransitions) as ['draft', 'pending', 'paid', 'cancelled'];
const states = statusesOf(attemptTransitions) as ['submitting', 'submitted', 'unknown', 'paid', 'refused', 'returned'];
const problems = ['failed', 'unknown', 'returned'] as const;

export const payoutQuery = listQuery(
  {
    status: anyOf(statuses),
    problem: anyOf(problems),
    affiliateId: anyText(),
    runId: anyText(),
    methodType: anyOf(payoutMethodTypes),
    currency: anyText(),
    overdue: flag(),
    ...dayRange('paidOn'),
    ...instantRange('createdAt'),
  },
  { q: true, include: ['counts', 'sums'] },
);

/** What the list, its file and a bulk act over it look for: the same rows. */
export function payoutFilterOf(
  mode: Mode,
  query: Omit<z.output<typeof payoutQuery>, keyof ListQuery | 'include' | 'expand' | 'q'> & { readonly q?: string },
): PayoutFilter {
  return {
    mode,
    q: query.q,
    statuses: query.status,
    problems: query.problem,
    affiliateIds: query.affiliateId,
    runIds: query.runId,
    methodTypes: query.methodType,
    currencies: query.currency,
    overdue: query.overdue,
    paidOn: daysOf(query, 'paidOn'),
    createdAt: boundsOf(query, 'createdAt'),
  };
}
export const payoutCreate = z.strictObject({ affiliateId: idWire('affiliate'), currency: currencyWire });
export const markPaidBody = z.strictObject({
  reference: text(200),
  paidOn: dateWire,
  note: noteText.nullable().default(null),
});
export const resolveBody = z.strictObject({
  outcome: z.enum(['paid', 'refused', 'returned']),
  evidence: longText(10_000),
});

export const attemptWire = z.strictObject({
  id: z.string(),
  number: z.int(),
  state: z.enum(states),
  requestKey: z.string(),
  gatewayReference: z.string().nullable(),
  gatewayState: z.string().nullable(),
  code: z.string().nullable(),
  needsHuman: z.boolean(),
  /** When the provider is asked next what became of it. */
  nextLookAt: instantWire.nullable(),
  /** What one person said it came to; a second one who says the same settles it. */
  proposal: z.strictObject({ outcome: z.string(), by: z.string().nullable(), at: instantWire }).nullable(),
  at: instantWire,
});
export const attemptList = listOf(attemptWire);

export const payoutWire = z
  .strictObject({
    ...objectFields('payout', 'payout'),
    runId: z.string().nullable(),
    affiliateId: idWire('affiliate'),
    status: z.enum(statuses),
    problem: z.enum(problems).nullable(),
    onHold: z.boolean(),
    currency: z.string(),
    amount: moneyWire,
    commissions: z.int(),
    method: z.strictObject({
      id: z.string().nullable(),
      type: z.string(),
      execution: z.enum(['gateway', 'manual']),
      masked: z.string().nullable(),
    }),
    attempt: attemptWire.nullable(),
    reference: z.string().nullable(),
    paidOn: dateWire.nullable(),
    dueOn: dateWire.nullable(),
    overdue: z.boolean(),
    returned: z.strictObject({ at: instantWire, amount: moneyWire, code: z.string().nullable() }).nullable(),
    backToDraft: z.array(z.strictObject({ code: z.string(), at: instantWire })),
    note: z.string().nullable(),
    planVersion: z.int(),
    secondPerson: z.enum(['other_person', 'single_person']),
    allowedActions: z.array(z.string()),
    test: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('Payout');
export const payoutList = listOf(payoutWire);

export const payoutLineWire = z
  .strictObject({
    object: z.literal('payout_line'),
    commissionId: z.string(),
    kind: z.string(),
    amount: signedMoneyWire,
    saleId: z.string().nullable(),
    referralId: z.string().nullable(),
    status: z.string(),
  })
  .openapi('PayoutLine');
export const payoutLineList = listOf(payoutLineWire);

export const dueQuery = listQuery(asOfParameter, { sort: ['affiliateId'], q: true });
export const dueWire = z
  .strictObject({
    object: z.literal('payout_due'),
    affiliateId: idWire('affiliate'),
    name: z.string(),
    currency: z.string(),
    amount: signedMoneyWire,
    commissions: z.int(),
    payable: z.boolean(),
    reasons: z.array(z.string()),
    dueOn: dateWire.nullable(),
    overdueSince: dateWire.nullable(),
  })
  .openapi('PayoutDue');
export const dueList = listOf(dueWire);

/** A row as it stood: who was owed what, without today's judgement of whether it can be paid. */
export function presentOwed(row: OwedRow): z.output<typeof dueWire> {
  return {
    object: 'payout_due',
    affiliateId: row.affiliateId,
    name: row.name,
    currency: row.currency,
    amount: { minor: row.minor, currency: row.currency },
    commissions: row.commissions,
    payable: row.minor > 0n,
    reasons: [],
    dueOn: null,
    overdueSince: null,
  };
}

export function presentPayout(
  payout: PayoutView,
  secondPerson: 'other_person' | 'single_person',
  allowedActions: readonly string[],
): z.output<typeof payoutWire> {
  const { currency } = payout;
  return {
    id: payout.id,
    object: 'payout',
    runId: payout.runId,
    affiliateId: payout.affiliateId,
    status: payout.status,
    problem: problemOf(payout.status, payout.attempt?.state ?? null),
    onHold: payout.onHold,
    currency,
    amount: { minor: payout.amountMinor, currency },
    commissions: payout.commissions,
    method: {
      id: payout.methodId,
      type: payout.methodType,
      execution: payout.execution,
      masked: payout.methodMasked,
    },
    attempt: payout.attempt === null ? null : presentAttempt(payout.attempt),
    reference: payout.reference,
    paidOn: payout.paidOn,
    dueOn: payout.dueOn,
    overdue: payout.overdue,
    returned:
      payout.returned === null
        ? null
        : {
            at: payout.returned.at,
            amount: { minor: BigInt(payout.returned.amountMinor), currency },
            code: payout.returned.code,
          },
    backToDraft: payout.backToDraftReasons.map((one) => ({ ...one })),
    note: payout.note,
    planVersion: payout.planVersion,
    secondPerson: payout.secondPerson ?? secondPerson,
    allowedActions: [...allowedActions],
    test: payout.mode === 'test',
    metadata: { ...payout.metadata },
    version: payout.version,
    createdAt: payout.createdAt,
    updatedAt: payout.updatedAt,
  };
}

export function presentAttempt(attempt: AttemptView): z.output<typeof attemptWire> {
  return { ...attempt };
}

export function presentLine(line: LineView): z.output<typeof payoutLineWire> {
  const { amountMinor, currency, ...rest } = line;
  return { object: 'payout_line', ...rest, amount: { minor: amountMinor, currency } };
}
