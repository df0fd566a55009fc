import { z } from 'zod';
import type { CommissionChangeRow, CommissionStory } from '../../../db/reads/earning/commissionExplanation.js';
import type { CommissionView } from '../../../db/reads/earning/commissionList.js';
import { commissionKinds, commissionTransitions } from '../../../domain/earning/commission.js';
import { formatMoney, type Money } from '../../../domain/money.js';
import { reasonForAffiliate } from '../../../domain/publicReason.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import {
  decisionWire,
  idWire,
  instantWire,
  listOf,
  objectFields,
  reasonText,
  signedMoneyWire,
  versionFields,
} from '../wire.js';

export const commissionParams = z.strictObject({ commissionId: idWire('commission') });
const statuses = statusesOf(commissionTransitions) as ['pending', 'rejected', 'approved', 'reversed', 'paid'];

export const commissionQuery = listQuery(
  {
    status: anyOf(statuses),
    list: anyOf(['pending', 'payable', 'history']),
    affiliateId: anyText(),
    groupId: anyText(),
    programId: anyText(),
    level: anyText(),
    kind: anyOf(commissionKinds),
    onHold: flag(),
    saleId: anyText(),
    referralId: anyText(),
    payoutId: anyText(),
    ...instantRange('eligibleAt'),
    ...instantRange('createdAt'),
  },
  { q: true, include: ['counts', 'sums'] },
);

export const entryCreate = z.strictObject({
  affiliateId: idWire('affiliate'),
  programId: idWire('program'),
  kind: z.enum(['bonus', 'adjustment']),
  amount: signedMoneyWire,
  reason: reasonText,
  skipHold: z.boolean().default(false),
});
export const adjustBody = z.strictObject({
  amount: signedMoneyWire,
  reason: reasonText,
  skipHold: z.boolean().default(false),
});

const wireMoney = z.strictObject({ amount: z.string(), currency: z.string() });
const exactWire = z.strictObject({ numerator: z.string(), denominator: z.string(), unit: z.literal('minor') });
const blockerWire = z.strictObject({ code: z.string(), detail: z.string(), until: instantWire.nullable() });

export const commissionWire = z.strictObject({
  ...objectFields('commission', 'commission'),
  kind: z.enum(commissionKinds),
  status: z.enum(statuses),
  level: z.int(),
  affiliateId: z.string(),
  programId: z.string(),
  referralId: z.string().nullable(),
  saleId: z.string().nullable(),
  leadId: z.string().nullable(),
  amount: signedMoneyWire,
  reversed: signedMoneyWire,
  clawedBack: signedMoneyWire,
  net: signedMoneyWire,
  base: signedMoneyWire.nullable(),
  baseType: z.string().nullable(),
  ratePpm: z.int().nullable(),
  ruleId: z.string().nullable(),
  ruleVersion: z.int().nullable(),
  parts: z.array(
    z.strictObject({
      lineIndexes: z.array(z.int()),
      ruleId: z.string(),
      ruleVersion: z.int(),
      scope: z.string(),
      base: wireMoney,
      baseType: z.string().nullable(),
      ratePpm: z.int().nullable(),
      flat: wireMoney.nullable(),
      exact: exactWire,
      bandFrom: z.string().nullable(),
      ordinal: z.int().nullable(),
    }),
  ),
  level1CommissionId: z.string().nullable(),
  originCommissionId: z.string().nullable(),
  clipCode: z.string().nullable(),
  onHold: z.boolean(),
  blockers: z.array(blockerWire),
  eligibleAt: instantWire,
  approvedAt: instantWire.nullable(),
  payoutId: z.string().nullable(),
  paidAt: instantWire.nullable(),
  decision: decisionWire,
  customer: z
    .strictObject({
      reference: z.string(),
      name: z.string().nullable(),
      email: z.string().nullable(),
      masked: z.boolean(),
    })
    .nullable(),
  reason: z.string().nullable(),
  sub1: z.string().nullable(),
  allowedActions: z.array(z.string()),
  test: z.boolean(),
  ...versionFields,
});
export type CommissionReply = z.output<typeof commissionWire>;
export const commissionList = listOf(commissionWire);

/** Who reads: people see persons only with the right, affiliates what the program lets them see. */
export interface CommissionReader {
  readonly isAffiliate: boolean;
  readonly seesPeople: boolean;
}

export function presentCommission(
  view: CommissionView,
  reader: CommissionReader,
  allowedActions: readonly string[],
): CommissionReply {
  const { commission: line } = view;
  const money = (minor: bigint): Money => ({ minor, currency: line.currency });
  // A rejected line has nothing left, whatever it would have been.
  const net = line.status === 'rejected' ? 0n : line.amount - line.reversed - line.clawedBack;
  const { isAffiliate } = reader;
  // Of a recruit's sale its recruiter learns the amount, and neither whose sale nor which it was.
  const isRecruits = isAffiliate && line.level !== 1;
  return {
    id: line.id,
    object: 'commission',
    kind: line.kind,
    status: line.status,
    level: line.level,
    affiliateId: line.affiliateId,
    programId: line.programId,
    referralId: isRecruits ? null : line.referralId,
    saleId: isRecruits ? null : line.saleId,
    leadId: isRecruits ? null : line.leadId,
    amount: money(line.amount),
    reversed: money(line.reversed),
    clawedBack: money(line.clawedBack),
    net: money(net),
    base: line.base === null ? null : money(line.base),
    baseType: line.baseType,
    ratePpm: line.ratePpm,
    ruleId: line.ruleId,
    ruleVersion: line.ruleVersion,
    parts: line.parts.map((part) => ({
      lineIndexes: [...part.lineIndexes],
      ruleId: part.ruleId,
      ruleVersion: part.ruleVersion,
      scope: part.scope,
      base: part.base,
      baseType: part.baseType,
      ratePpm: part.ratePpm,
      flat: part.flat,
      exact: part.exact,
      bandFrom: part.bandFrom ?? null,
      ordinal: part.ordinal ?? null,
    })),
    level1CommissionId: isRecruits ? null : line.level1CommissionId,
    originCommissionId: line.originCommissionId,
    clipCode: line.clipReason,
    onHold: line.onHold,
    blockers: [...view.blockers],
    eligibleAt: line.eligibleAt,
    approvedAt: line.approvedAt,
    payoutId: view.payoutId,
    paidAt: line.paidAt,
    decision: isAffiliate ? null : view.decision,
    customer: isRecruits ? null : customerOf(view, reader),
    reason: isAffiliate && line.kind === 'earned' ? null : line.reason,
    sub1: line.sub1,
    allowedActions: [...allowedActions],
    test: line.mode === 'test',
    version: line.version,
    createdAt: line.createdAt,
    updatedAt: line.updatedAt,
  };
}

function customerOf(view: CommissionView, reader: CommissionReader): CommissionReply['customer'] {
  const { customer, customerVisibility } = view;
  if (customer === null) return null;
  const seesAll = reader.isAffiliate ? customerVisibility === 'full' : reader.seesPeople;
  const seesName = seesAll || !reader.isAffiliate || customerVisibility === 'name_only';
  return {
    reference: `C-${customer.id.slice(-6)}`,
    name: seesName ? customer.name : null,
    email: seesAll ? customer.email : null,
    masked: !seesAll,
  };
}

const loose = z.record(z.string(), z.unknown());
export const explanationWire = z.looseObject({
  object: z.literal('commission_explanation'),
  commissionId: z.string(),
  sentence: z.string(),
  cause: loose,
  attribution: loose.nullable(),
  net: signedMoneyWire,
  transferIds: z.array(z.string()),
});

/** Why this amount (api.md 9.2): what the line keeps of its making, and what came later. */
export function presentExplanation(view: CommissionView, story: CommissionStory): z.output<typeof explanationWire> {
  const { commission: line } = view;
  const money = (minor: bigint) => formatMoney({ minor, currency: line.currency });
  const kept = line.explanation;
  return {
    rule: null,
    inputs: [],
    exchangeRate: null,
    exact: {
      numerator: line.exact.numerator.toString(),
      denominator: line.exact.denominator.toString(),
      unit: 'minor',
    },
    rounding: { mode: 'half_away_from_zero', difference: { numerator: '0', denominator: '1' } },
    rounded: money(line.amount),
    split: null,
    cap: null,
    ...kept,
    object: 'commission_explanation',
    commissionId: line.id,
    sentence:
      typeof kept['sentence'] === 'string' ? kept['sentence'] : `${money(line.amount).amount} ${line.currency}.`,
    cause: { ...story.cause },
    attribution:
      story.attribution === null
        ? null
        : {
            affiliateId: story.attribution.affiliateId,
            referrerChoice: story.attribution.referrerChoice,
            decidedAt: story.attribution.decidedAt,
            candidates: story.attribution.candidates.map((one) => ({
              clickId: one['kind'] === 'click' ? one['sourceId'] : null,
              affiliateId: one['affiliateId'],
              at: one['occurredAt'],
              won: one['won'],
              code: one['code'],
            })),
          },
    adjustments: story.linked
      .filter((one) => one.kind === 'adjustment')
      .map((one) => ({ commissionId: one.id, amount: money(one.amount), status: one.status, reason: one.reason })),
    reversals: presentReversals(view, story),
    net: {
      minor: line.status === 'rejected' ? 0n : line.amount - line.reversed - line.clawedBack,
      currency: line.currency,
    },
    netWithRaises: money(story.standing),
    transferIds: [...story.transferIds],
  };
}

/**
 * What was taken off the line and what came back, each with its amount, and what stands against it: with the rounded amount they sum to
 * the net (BEY-01).
 */
export function presentReversals(
  { commission: line }: CommissionView,
  story: CommissionStory,
): readonly Readonly<Record<string, unknown>>[] {
  const money = (minor: bigint) => formatMoney({ minor, currency: line.currency });
  return [
    ...takenAndBack(line.amount, story.changes).map(({ change, minor }) => ({
      commissionId: line.id,
      event: change.event,
      reasonCode: change.reasonCode,
      amount: money(minor),
      cause: change.cause,
      at: change.at,
    })),
    ...story.linked
      .filter((one) => one.kind === 'clawback')
      .map((one) => ({
        commissionId: one.id,
        event: 'clawed_back',
        amount: money(one.amount),
        cause: { type: one.causeType, id: one.causeId },
        at: one.createdAt,
      })),
  ];
}

const takingEvents: ReadonlySet<string> = new Set(['reduced', 'rejected', 'reversed']);

/** What each change did to the line's own worth, clawbacks apart: a rejected line is worth nothing, and its whole rest once it is back. */
function takenAndBack(
  amount: bigint,
  changes: readonly CommissionChangeRow[],
): readonly { readonly change: CommissionChangeRow; readonly minor: bigint }[] {
  let worth = amount;
  let reversed = 0n;
  return changes.flatMap((change) => {
    const [, now] = (change.changes['reversedMinor'] ?? []) as readonly string[];
    if (now !== undefined) reversed = BigInt(now);
    const before = worth;
    worth = change.to === 'rejected' ? 0n : amount - reversed;
    const minor = worth - before;
    return minor !== 0n || takingEvents.has(change.event) ? [{ change, minor }] : [];
  });
}

const changeWire = z.strictObject({
  seq: z.int(),
  event: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  reasonCode: z.string().nullable(),
  actor: z.strictObject({ type: z.string(), id: z.string().nullable() }),
  cause: z.strictObject({ type: z.string(), id: z.string() }).nullable(),
  changes: loose,
  at: instantWire,
});
export const changeList = z.strictObject({ data: z.array(changeWire), nextCursor: z.null() });

/** The line's history. An affiliate reads what became of it and when, by public codes, not who of the staff did what (BEY-22). */
export function presentChanges(
  rows: readonly CommissionChangeRow[],
  reader: Pick<CommissionReader, 'isAffiliate'>,
): z.output<typeof changeList> {
  const told = rows.map((row) =>
    reader.isAffiliate
      ? {
          ...row,
          reasonCode: reasonForAffiliate(row.reasonCode),
          actor: { type: row.actor.type, id: null },
          cause: null,
          changes: {},
        }
      : { ...row, changes: { ...row.changes } },
  );
  return { data: told, nextCursor: null };
}
