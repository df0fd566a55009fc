import { type Decided, refused } from '../decided.js';
import type { AffiliateId, PayoutMethodId, PayoutRunId, WorkspaceId } from '../ids.js';
import { type CurrencyCode, formatMoney, maxMinor, type Money } from '../money.js';
import type { Mode } from '../act.js';
import type { Instant } from '../time.js';
import { type EventOf, eventsFrom, isFinal, nextStatus, type StatusOf, transitionTable } from '../transitions.js';
import { canExpress, type ConnectableGateway, type GatewayPolicy, isUsable, type Route, routeOf } from './gateway.js';
import { methodStatusAt, type PayoutMethodStatus, type PayoutMethodType } from './payoutMethod.js';

/** features.md 2.10. `paused` is a flag on `executing`. `nobodyDue` is `planned` with nobody to pay. */
export const payoutRunTransitions = transitionTable({
  planning: { planned: 'planned', nobodyDue: 'completed', cancelled: 'cancelled' },
  planned: { replanned: 'planning', approved: 'approved', cancelled: 'cancelled' },
  approved: { replanned: 'planning', executed: 'executing', cancelled: 'cancelled' },
  executing: { completed: 'completed' },
  completed: {},
  cancelled: {},
});
export type PayoutRunStatus = StatusOf<typeof payoutRunTransitions>;
export type PayoutRunEvent = EventOf<typeof payoutRunTransitions>;

/** Whom a run looks at: empty means all (api.md 10.2). It limits both sections of the preview. */
export interface RunFilter {
  readonly programIds: readonly string[];
  readonly groupIds: readonly string[];
  readonly affiliateIds: readonly string[];
  readonly methodTypes: readonly string[];
}

export const everybody: RunFilter = { programIds: [], groupIds: [], affiliateIds: [], methodTypes: [] };

export type SecondPerson = 'other_person' | 'single_person';

/** What an approval of this work would be now, by those who hold the right to approve: by somebody else, or alone (api.md 10.2). */
export function secondPersonAmong(
  holders: readonly string[],
  work: { readonly createdByUser: string | null; readonly editors: readonly string[] },
): SecondPerson {
  const hands = [work.createdByUser, ...work.editors].filter((one) => one !== null);
  return holders.length === 1 && hands.length > 0 && hands.every((one) => one === holders[0])
    ? 'single_person'
    : 'other_person';
}

export interface PayoutRun {
  readonly id: PayoutRunId;
  readonly workspaceId: WorkspaceId;
  readonly mode: Mode;
  readonly status: PayoutRunStatus;
  readonly paused: boolean;
  readonly workflowId: string;
  readonly scheduleId: string | null;
  readonly period: string | null;
  readonly currencies: readonly string[];
  readonly filter: RunFilter;
  readonly excludedAffiliateIds: readonly string[];
  readonly cutOffAt: Instant;
  readonly payAt: Instant | null;
  readonly note: string | null;
  readonly planVersion: number;
  readonly planCursor: string | null;
  readonly planHash: string | null;
  readonly proof: readonly RunProof[] | null;
  readonly createdByType: string;
  readonly createdBy: string | null;
  readonly createdByUser: string | null;
  readonly editors: readonly string[];
  readonly approvedBy: string | null;
  readonly approvedAt: Instant | null;
  readonly secondPerson: SecondPerson | null;
  readonly executedAt: Instant | null;
  readonly completedAt: Instant | null;
  readonly parkedAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** Affiliates of a plan whose ids lie behind `after`, up to and with `until` (null: all). */
export interface PlanRange {
  readonly after: string;
  readonly until: string | null;
}

/**
 * Cuts what lies behind `after` at some ids in their order: each affiliate lies in one range, also one that comes while the plan is made.
 */
export function cutPlan(after: string, bounds: readonly string[]): readonly PlanRange[] {
  return [...bounds, null].map((until, index) => ({ after: bounds[index - 1] ?? after, until }));
}

/** Control totals of a plan, per currency: in minor units as decimal text, because JSON has no bigint. */
export interface RunProof {
  readonly currency: string;
  readonly payableBefore: string;
  readonly payableAfter: string;
  readonly linesEqualTotals: boolean;
}

/** features.md 4.7, in the order they are listed; `commission_not_approved` is ours (docs/decisions/0660). */
export const notPaidCodes = [
  'referral_not_approved',
  'commission_not_approved',
  'suspended',
  'agreement_outdated',
  'tax_form_missing',
  'no_method',
  'method_unverified',
  'unsupported_currency',
  'method_changed_recently',
  'on_hold',
  'in_hold_period',
  'below_minimum',
  'negative_balance',
  'zero_balance',
  'in_other_run',
  'excluded_by_user',
] as const;
export type NotPaidCode = (typeof notPaidCodes)[number];

export interface NotPaidReason {
  readonly code: NotPaidCode;
  readonly detail: string;
  readonly fix: string;
  readonly fixBy: 'affiliate' | 'staff' | 'nobody';
  readonly fixPath: string | null;
}

/** features.md 4.11. */
export type Oddity =
  | 'first_payout'
  | 'three_times_median'
  | 'method_changed_recently'
  | 'shared_destination'
  | 'manual_round_amount'
  | 'rate_above_program';

/** Money that stays with the affiliate beside what is paid: minor units as text, until when (null: somebody has to act). */
export interface StaysBehind {
  readonly code: NotPaidCode;
  readonly amountMinor: string;
  readonly until: Instant | null;
}

export interface PlanMethod {
  readonly id: PayoutMethodId;
  readonly type: PayoutMethodType;
  readonly status: PayoutMethodStatus;
  readonly activeAt: Instant | null;
  readonly version: number;
  readonly fingerprint: string;
  readonly masked: string;
  readonly changedAt: Instant;
  readonly isShared: boolean;
}

/** One affiliate in one currency as the page's statement added it up, in minor units. */
export interface PlanInput {
  readonly affiliateId: AffiliateId;
  readonly currency: CurrencyCode;
  readonly affiliateStatus: string;
  /** Terminated, and what was approved is not paid (AFF-09). */
  readonly isForfeited: boolean;
  readonly isExcluded: boolean;
  /** Approved lines in no live payout that this run may pay: earned and bonus, all other kinds, and what earlier runs left. */
  readonly grossMinor: bigint;
  readonly correctionsMinor: bigint;
  readonly carriedMinor: bigint;
  readonly count: number;
  readonly heldMinor: bigint;
  /** Pending lines whose hold still runs, and when the first of them ends. */
  readonly pendingMinor: bigint;
  readonly pendingUntil: Instant | null;
  /** Pending lines whose hold is over: they wait for the decision of their referral, or for their own. */
  readonly overdueReferralMinor: bigint;
  readonly overdueMinor: bigint;
  readonly afterCutOffMinor: bigint;
  readonly unapprovedReferralMinor: bigint;
  readonly inOtherRunMinor: bigint;
  readonly hasRoundManualLine: boolean;
  /** A rule of the affiliate's own or of its group paid more than the program pays everybody. */
  readonly hasRateAboveProgram: boolean;
  readonly method: PlanMethod | null;
  readonly minimum: { readonly minor: bigint; readonly scope: 'affiliate' | 'group' | 'workspace' };
  readonly paidBefore: number;
  readonly medianMinor: bigint | null;
}

export interface PlannedRow {
  readonly affiliateId: AffiliateId;
  readonly currency: CurrencyCode;
  readonly outcome: 'paid' | 'not_paid';
  readonly owedMinor: bigint;
  readonly grossMinor: bigint;
  readonly correctionsMinor: bigint;
  readonly carriedMinor: bigint;
  readonly netMinor: bigint;
  readonly commissionCount: number;
  readonly reasons: readonly NotPaidReason[];
  readonly oddities: readonly Oddity[];
  readonly staysBehind: readonly StaysBehind[];
  readonly method: PlanMethod | null;
  readonly route: Route | null;
}

/** A changed method is marked as odd for 7 days (features.md 20.1). */
const changedRecentlyMs = 7 * 86_400_000;
const medianFactor = 3n;
const noneConnected: ReadonlySet<ConnectableGateway> = new Set();

/**
 * The plan of one page: who is paid what, and everybody else with all reasons of features.md 4.7. Pure, so that a dry run, a run and a
 * draft by hand cannot disagree.
 */
export function planPayouts(
  inputs: readonly PlanInput[],
  context: {
    readonly now: Instant;
    readonly nowMs: number;
    readonly mode: Mode;
    readonly gateways: GatewayPolicy;
    /** Absent: nobody has given us credentials of a provider. */
    readonly connected?: ReadonlySet<ConnectableGateway>;
    readonly msOf: (at: Instant) => number;
  },
): readonly PlannedRow[] {
  return inputs.map((input) => planOne(input, context));
}

type Context = Parameters<typeof planPayouts>[1];

function planOne(input: PlanInput, context: Context): PlannedRow {
  const netMinor = input.grossMinor + input.correctionsMinor + input.carriedMinor;
  const reasons = reasonsNotToPay(input, netMinor, context);
  const isPaid = reasons.length === 0 && netMinor > 0n;
  return {
    affiliateId: input.affiliateId,
    currency: input.currency,
    outcome: isPaid ? 'paid' : 'not_paid',
    owedMinor:
      netMinor + input.heldMinor + input.afterCutOffMinor + input.unapprovedReferralMinor + input.inOtherRunMinor,
    grossMinor: input.grossMinor,
    correctionsMinor: input.correctionsMinor,
    carriedMinor: input.carriedMinor,
    netMinor,
    commissionCount: input.count,
    reasons,
    oddities: isPaid ? odditiesOf(input, netMinor, context) : [],
    staysBehind: isPaid ? staysBehindOf(input) : [],
    method: input.method,
    route:
      input.method === null
        ? null
        : routeOf({ ...input.method, currency: input.currency }, context.connected ?? noneConnected),
  };
}

const text = (minor: bigint, currency: CurrencyCode): string => formatMoney({ minor, currency }).amount;

function reasonsNotToPay(input: PlanInput, net: bigint, context: Context): readonly NotPaidReason[] {
  const reasons: NotPaidReason[] = [];
  const affiliatePath = `/affiliates/${input.affiliateId}`;
  const say = (
    code: NotPaidCode,
    detail: string,
    fix: string,
    fixBy: NotPaidReason['fixBy'],
    fixPath: string | null = null,
  ): void => {
    reasons.push({ code, detail, fix, fixBy, fixPath });
  };
  const amount = (minor: bigint): string => `${text(minor, input.currency)} ${input.currency}`;
  const hasLines = input.count > 0;

  // Beside payable money these are told as `staysBehind` on the paid row; here they are the reason only when nothing else is payable.
  const ofReferrals = input.unapprovedReferralMinor + input.overdueReferralMinor;
  if (!hasLines && ofReferrals !== 0n)
    say(
      'referral_not_approved',
      `${amount(ofReferrals)} belong to referrals that are not approved.`,
      'Decide the referrals.',
      'staff',
      `/referrals?affiliateId=${input.affiliateId}&status=pending`,
    );
  if (!hasLines && input.overdueMinor !== 0n)
    say(
      'commission_not_approved',
      `The hold of ${amount(input.overdueMinor)} is over, but they are not approved.`,
      'Decide the commissions.',
      'staff',
      `/commissions?affiliateId=${input.affiliateId}&status=pending`,
    );
  if (input.affiliateStatus === 'suspended' || (input.affiliateStatus === 'terminated' && input.isForfeited))
    say(
      'suspended',
      `The affiliate is ${input.affiliateStatus}.`,
      'Reactivate the affiliate, or leave the money held.',
      'staff',
      affiliatePath,
    );
  sayMethod(input, net, context, say, affiliatePath);
  if (!hasLines && input.heldMinor !== 0n)
    say(
      'on_hold',
      `${amount(input.heldMinor)} are on hold.`,
      'Release the commissions.',
      'staff',
      `/commissions?affiliateId=${input.affiliateId}&onHold=true`,
    );
  if (!hasLines && input.pendingMinor + input.afterCutOffMinor !== 0n)
    say(
      'in_hold_period',
      input.pendingUntil === null
        ? `${amount(input.pendingMinor + input.afterCutOffMinor)} are not due in this run.`
        : `${amount(input.pendingMinor)} are pending, the first until ${input.pendingUntil}.`,
      'Nothing to do; it is paid once it is approved.',
      'nobody',
    );
  if (net > maxMinor)
    say(
      'unsupported_currency',
      `${amount(net)} are more than one payout can hold (${amount(maxMinor)}).`,
      'Hold some of the commissions and pay the rest first.',
      'staff',
      `/commissions?affiliateId=${input.affiliateId}&status=approved`,
    );
  if (net > 0n && net < input.minimum.minor)
    say(
      'below_minimum',
      `${text(net, input.currency)} of ${amount(input.minimum.minor)} (${input.minimum.scope}).`,
      'Nothing to do; it carries over.',
      'nobody',
    );
  if (net < 0n)
    say(
      'negative_balance',
      `${amount(net)}: more was taken back than earned since.`,
      'Nothing to do; the next earnings clear it.',
      'nobody',
    );
  if (hasLines && net === 0n) say('zero_balance', 'The lines add up to zero.', 'Nothing to do.', 'nobody');
  if (!hasLines && input.inOtherRunMinor !== 0n)
    say(
      'in_other_run',
      `${amount(input.inOtherRunMinor)} are in an open payout already.`,
      'Finish or cancel that payout.',
      'staff',
      `/payouts?affiliateId=${input.affiliateId}`,
    );
  if (input.isExcluded)
    say('excluded_by_user', 'Left out of this run by staff.', 'Include the affiliate again.', 'staff');
  if (!hasLines && reasons.length === 0) say('zero_balance', 'Nothing is owed.', 'Nothing to do.', 'nobody');
  return reasons;
}

function sayMethod(
  input: PlanInput,
  net: bigint,
  context: Context,
  say: (code: NotPaidCode, detail: string, fix: string, fixBy: NotPaidReason['fixBy'], fixPath?: string | null) => void,
  affiliatePath: string,
): void {
  const { method } = input;
  const path = `${affiliatePath}/payout-methods`;
  if (method === null) {
    say('no_method', `No way to be paid in ${input.currency}.`, 'Add payout details.', 'affiliate', path);
    return;
  }
  const status = methodStatusAt(method, context.now);
  if (status === 'unverified')
    say(
      'method_unverified',
      `The ${method.type} details are not confirmed.`,
      'Confirm the payout details.',
      'staff',
      path,
    );
  else if (!isUsable(method.type, context.mode, context.gateways))
    say(
      'unsupported_currency',
      'The simulated gateway pays nothing in production.',
      'Add other payout details.',
      'affiliate',
      path,
    );
  else if (net > 0n && !canExpress(method.type, { minor: net, currency: input.currency }))
    say(
      'unsupported_currency',
      `PayPal cannot pay out ${text(net, input.currency)} ${input.currency}.`,
      'Add other payout details.',
      'affiliate',
      path,
    );
  else if (status === 'cooling')
    say(
      'method_changed_recently',
      `The new details are used from ${method.activeAt ?? 'later'}.`,
      'Nothing to do; wait for the end of the cooling time.',
      'nobody',
    );
}

function staysBehindOf(input: PlanInput): readonly StaysBehind[] {
  const rest = (code: NotPaidCode, minor: bigint, until: Instant | null): readonly StaysBehind[] =>
    minor === 0n ? [] : [{ code, amountMinor: minor.toString(), until }];
  return [
    ...rest('referral_not_approved', input.unapprovedReferralMinor + input.overdueReferralMinor, null),
    ...rest('commission_not_approved', input.overdueMinor, null),
    ...rest('on_hold', input.heldMinor, null),
    ...rest('in_hold_period', input.pendingMinor + input.afterCutOffMinor, input.pendingUntil),
    ...rest('in_other_run', input.inOtherRunMinor, null),
  ];
}

function odditiesOf(input: PlanInput, net: bigint, context: Context): readonly Oddity[] {
  const oddities: Oddity[] = [];
  if (input.paidBefore === 0) oddities.push('first_payout');
  if (input.medianMinor !== null && net > timesMedian(input.medianMinor)) oddities.push('three_times_median');
  if (input.method !== null && context.msOf(input.method.changedAt) > context.nowMs - changedRecentlyMs)
    oddities.push('method_changed_recently');
  if (input.method?.isShared === true) oddities.push('shared_destination');
  if (input.hasRoundManualLine) oddities.push('manual_round_amount');
  if (input.hasRateAboveProgram) oddities.push('rate_above_program');
  return oddities;
}

function timesMedian(median: bigint): bigint {
  let total = 0n; // added up: only domain/money.ts multiplies amounts
  for (let i = 0n; i < medianFactor; i += 1n) total += median;
  return total;
}

/** Who wants to decide: a person (four eyes compares persons), how they came, and who else could. */
export interface Approver {
  readonly userId: string | null;
  readonly isKey: boolean;
  readonly steppedUp: boolean;
  /** Other active people who hold the right. */
  readonly others: number;
  /** Setting `payouts.secondPerson`. */
  readonly isSecondRequired: boolean;
  readonly mode: Mode;
}

export type FourEyes =
  | { readonly ok: true; readonly secondPerson: SecondPerson }
  | { readonly ok: false; readonly refusal: ReturnType<typeof refused> };

/**
 * api.md 1.2: who made or edited it cannot approve it wherever another active person could; alone, only in a session after step-up. Test
 * mode is exempt. Codes: access.own_work, access.step_up_required.
 */
export function judgeFourEyes(
  work: { readonly createdByUser: string | null; readonly editors: readonly string[] },
  approver: Approver,
): FourEyes {
  const hands = [work.createdByUser, ...work.editors].filter((one): one is string => one !== null);
  const isOwn = approver.userId !== null && hands.includes(approver.userId);
  if (!isOwn) return { ok: true, secondPerson: 'other_person' };
  if (approver.mode === 'test') return { ok: true, secondPerson: 'single_person' };
  const isAlone = approver.others === 0 && hands.every((one) => one === approver.userId);
  if (!isAlone || approver.isSecondRequired)
    return { ok: false, refusal: refused('access.own_work', { createdBy: work.createdByUser }) };
  if (approver.isKey || !approver.steppedUp) return { ok: false, refusal: refused('access.step_up_required') };
  return { ok: true, secondPerson: 'single_person' };
}

/** Judges a move of the run. Codes: payout_run.already_decided, payout_run.transition_not_allowed. */
export function decideRunMove(
  run: Pick<PayoutRun, 'status' | 'approvedBy' | 'approvedAt'>,
  event: PayoutRunEvent,
): Decided<PayoutRunEvent> {
  if (nextStatus(payoutRunTransitions, run.status, event) !== undefined) return { kind: 'accepted', event };
  const isTaken =
    (event === 'approved' && (run.status === 'approved' || run.status === 'executing' || run.status === 'completed')) ||
    (event === 'executed' && (run.status === 'executing' || run.status === 'completed')) ||
    (isFinal(payoutRunTransitions, run.status) && event === 'cancelled' && run.status === 'cancelled');
  const params = {
    currentStatus: run.status,
    allowedActions: runActions(run.status, false),
    ...(isTaken ? { decidedById: run.approvedBy, decidedAt: run.approvedAt } : {}),
  };
  return refused(isTaken ? 'payout_run.already_decided' : 'payout_run.transition_not_allowed', params);
}

const actionOf: Readonly<Partial<Record<PayoutRunEvent, string>>> = {
  replanned: 'replan',
  approved: 'approve',
  executed: 'execute',
  cancelled: 'cancel',
};

/** What the state table offers a person, in the imperative of the API. */
export function runActions(status: PayoutRunStatus, paused: boolean): readonly string[] {
  const moves = eventsFrom(payoutRunTransitions, status).flatMap((event) => actionOf[event] ?? []);
  const edits = status === 'planned' || status === 'approved' ? ['exclude', 'include'] : [];
  const flag = status === 'executing' ? [paused ? 'resume' : 'pause'] : [];
  return [...moves, ...edits, ...flag];
}

/** A threshold list (`minimumPayout`): the first scope that names the currency wins; without one it is 50 units (features.md 20.1). */
export function minimumFor(
  currency: CurrencyCode,
  scopes: readonly { readonly scope: 'affiliate' | 'group' | 'workspace'; readonly amounts: readonly Money[] }[],
  fallback: Money,
): PlanInput['minimum'] {
  for (const { scope, amounts } of scopes) {
    const found = amounts.find((one) => one.currency === currency);
    if (found !== undefined) return { minor: found.minor, scope };
  }
  return { minor: fallback.minor, scope: 'workspace' };
}
