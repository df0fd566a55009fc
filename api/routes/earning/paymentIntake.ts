import {
  advancePaymentEvent,
  findTiedSale,
  listReleased,
  lockPaymentEvent,
  lockParkedEvent,
  lockPaymentKeys,
  type ParkableFact,
  type ParkedPaymentEvent,
  type PaymentOutcome,
  storePaymentEvent,
  sumRefundsOf,
  tiePayment,
} from '../../../db/earning/paymentEvent.js';
import { noteSourceEvent } from '../../../db/earning/paymentSource.js';
import { findSaleByExternalId, lockSale, updateSale } from '../../../db/earning/sale.js';
import { listPaidAfterEnd, lockSubscription, recordSubscriptionEnd } from '../../../db/earning/subscriptionEnd.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findProductsByName } from '../../../db/program/commissionPlan.js';
import { inWorkspace, notify, type Tx } from '../../../db/transaction.js';
import { findContactByEmail } from '../../../db/tracking/contact.js';
import { type Act, actFor, type Mode, systemAct, systemActor } from '../../../domain/act.js';
import type { PaymentFact } from '../../../domain/earning/paymentEvent.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import { type PaymentSourceId, parseId, type WorkspaceId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { signalReferral } from '../../../workflows/contract.js';
import type { ApiDeps } from '../../deps.js';
import type { SaleCreate } from '../../schemas/earning/sale.js';
import type { StandardEvent } from '../../schemas/earning/paymentSource.js';
import { emailWire, nameText } from '../../schemas/wire.js';
import { takeInLead } from '../tracking/leadIntake.js';
import { happenedAt } from './fact.js';
import { takeInRefund } from './refund.js';
import { takeInDispute, takeInSale } from './sale.js';

/** Who reports the same order by API uses the same external id: both are of one space (api.md 4.2). */
const source = 'main';

/** What an event asks for: a fact of Stripe's, or one of our own envelope in the API's own form. */
export type Asked = PaymentFact | { readonly kind: 'reported'; readonly event: StandardEvent };

export interface IncomingEvent {
  readonly id: string;
  readonly type: string;
  readonly mode: Mode;
  readonly occurredAt: Instant;
  readonly bodyHash: string;
  readonly facts: readonly Asked[];
  /** Nothing to apply: a type we do not know, or a body that cannot be read. */
  readonly refusal: { readonly outcome: 'ignored' | 'refused'; readonly code: string | null } | null;
}

export interface Settled {
  readonly outcome: PaymentOutcome;
  readonly code: string | null;
  readonly isRepeat: boolean;
}

interface Result {
  readonly outcome: PaymentOutcome;
  readonly code: string | null;
  readonly parked: { readonly fact: ParkableFact; readonly waitsFor: readonly string[] } | null;
  /** Keys that events may have waited for. */
  readonly releases: readonly string[];
}

type Deps = Pick<ApiDeps, 'db' | 'newId' | 'logger' | 'config'>;
interface Of {
  readonly workspaceId: WorkspaceId;
  readonly sourceId: PaymentSourceId;
  readonly requestId: string;
}

/**
 * One event, once: stored, then each of its facts in a transaction of its own, then whatever had waited for it. It is acknowledged only
 * after that, and a delivery that broke off goes on behind the last fact done when it comes again.
 */
export async function takeInPaymentEvent(deps: Deps, of: Of, event: IncomingEvent): Promise<Settled> {
  const stored = await inWorkspace(deps.db, of.workspaceId, (tx, now) =>
    storePaymentEvent(tx, {
      sourceId: of.sourceId,
      externalId: event.id,
      mode: event.mode,
      type: event.type,
      bodyHash: event.bodyHash,
      occurredAt: event.occurredAt,
      facts: event.facts.length,
      outcome: event.refusal?.outcome ?? null,
      code: event.refusal?.code ?? null,
      now,
    }),
  );
  if (stored.bodyHash !== event.bodyHash)
    deps.logger.warn({ sourceId: of.sourceId, eventId: event.id }, 'payment event came again with other bytes');
  if (event.refusal !== null) return settle(deps, of, { ...event.refusal, isRepeat: false });
  if (stored.outcome !== null) {
    // Its last fact was committed; whether what had waited for it was set free before the process ended nobody knows.
    await release(deps, of, event.mode, event.facts.flatMap(keysOf));
    await notify(deps.db, 'outbox', '');
    return { outcome: stored.outcome, code: null, isRepeat: true };
  }

  let settled: Pick<Result, 'outcome' | 'code'> = { outcome: 'no_effect', code: null };
  const released = new Set<string>();
  for (const [index, asked] of event.facts.entries()) {
    if (index < stored.factsDone) continue;
    const isLast = index === event.facts.length - 1;
    const result = await applyOnce(deps, of, event, { index, isLast, asked, before: settled.outcome });
    if (result === undefined) return { outcome: 'applied', code: null, isRepeat: true }; // its twin did it
    settled = worse(settled, result);
    for (const key of result.releases) released.add(key);
  }
  await release(deps, of, event.mode, [...released]);
  await notify(deps.db, 'outbox', '');
  return settle(deps, of, { ...settled, isRepeat: false });
}

/** The keys that others may have waited for: of a sale, or of what ties one to its payment. */
function keysOf(asked: Asked): readonly string[] {
  if (asked.kind === 'sale') return [...asked.keys, asked.externalId];
  if (asked.kind === 'tie') return [...asked.keys, asked.saleExternalId];
  const isSale = asked.kind === 'reported' && (asked.event.type === 'sale' || asked.event.type === 'declined');
  return isSale ? [asked.event.data.externalId] : [];
}

/** What is said of an event with several facts: the one that says most. */
function worse(a: Pick<Result, 'outcome' | 'code'>, b: Result): Pick<Result, 'outcome' | 'code'> {
  const rank: Readonly<Record<PaymentOutcome, number>> = {
    no_effect: 0,
    ignored: 0,
    applied: 1,
    parked: 2,
    refused: 3,
  };
  return rank[b.outcome] >= rank[a.outcome] ? { outcome: b.outcome, code: b.code } : a;
}

async function settle(deps: Deps, of: Of, settled: Settled): Promise<Settled> {
  await inWorkspace(deps.db, of.workspaceId, (tx, now) => noteSourceEvent(tx, of.sourceId, now, settled.code));
  return settled;
}

/** Undefined: another delivery of the same event did it meanwhile. */
async function applyOnce(
  deps: Deps,
  of: Of,
  event: IncomingEvent,
  step: {
    readonly index: number;
    readonly isLast: boolean;
    readonly asked: Asked;
    readonly before: PaymentOutcome;
  },
): Promise<Result | undefined> {
  const key = { sourceId: of.sourceId, externalId: event.id };
  const write = (work: (tx: Tx, act: Act) => Promise<Result>) =>
    inWorkspace(deps.db, of.workspaceId, async (tx, now) => {
      const { factsDone, outcome } = await lockPaymentEvent(tx, key);
      if (factsDone !== step.index || outcome !== null) return undefined;
      const result = await work(tx, actOf(deps, of, event.mode, now));
      const said = worse({ outcome: step.before, code: null }, result);
      await advancePaymentEvent(tx, {
        ...key,
        factsDone: step.index + 1,
        outcome: step.isLast ? said.outcome : null,
        code: said.code,
        parked: result.parked,
        now,
      });
      return result;
    });
  try {
    return await write((tx, act) => apply(tx, act, step.asked, event.occurredAt));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    // Nothing of the fact was written. What it ties stays true all the same: a refund of it must find the sale that is there.
    return write(async (tx, act) => ({
      outcome: 'refused',
      code: shortCode(error),
      parked: null,
      releases: step.asked.kind === 'sale' ? await tie(tx, act, step.asked.externalId, step.asked.keys) : [],
    }));
  }
}

/** What had waited for these keys, each in a transaction of its own. What it sets free in turn is nothing: refunds and disputes tie nothing. */
async function release(deps: Deps, of: Of, mode: Mode, keys: readonly string[]): Promise<void> {
  const waiting = await inWorkspace(deps.db, of.workspaceId, (tx) => listReleased(tx, { mode, keys }));
  for (const parked of waiting) {
    const again = (work: (tx: Tx, act: Act) => Promise<Result>) =>
      inWorkspace(deps.db, of.workspaceId, async (tx, now) => {
        const { outcome } = await lockPaymentEvent(tx, parked);
        if (outcome !== 'parked') return;
        const result = await work(tx, actOf(deps, of, mode, now));
        await advancePaymentEvent(tx, { ...parked, ...result, now });
      });
    try {
      await again((tx, act) => apply(tx, act, parked.fact, parked.occurredAt));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      await again(async () => ({ outcome: 'refused', code: shortCode(error), parked: null, releases: [] }));
    }
  }
}

/**
 * The same inside a transaction that has just written a sale: what waited for it or for its payment (api.md 4.2). The keys' locks come first, so
 * that an event that is parking just now has either seen the sale or is seen here.
 */
export async function releaseWith(tx: Tx, act: Act, saleExternalId: string): Promise<void> {
  const keys = [saleExternalId];
  await lockPaymentKeys(tx, act.mode, keys);
  for (const parked of await listReleased(tx, { mode: act.mode, keys })) await judgeParkedEvent(tx, act, parked);
}

/** Judges an event that waits once more. Undefined: somebody else did it meanwhile. */
export async function judgeParkedEvent(
  tx: Tx,
  act: Act,
  key: Pick<ParkedPaymentEvent, 'sourceId' | 'externalId'>,
): Promise<Pick<Result, 'outcome' | 'code'> | undefined> {
  const parked = await lockParkedEvent(tx, key);
  if (parked === undefined) return undefined;
  let result: Result;
  try {
    result = await apply(tx, actFor(act, { mode: parked.mode, actor: systemActor }), parked.fact, parked.occurredAt);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    result = { outcome: 'refused', code: shortCode(error), parked: null, releases: [] };
  }
  await advancePaymentEvent(tx, { ...parked, ...result, now: act.now });
  return result;
}

/** The code as the API would say it, without its area. */
function shortCode(error: DomainError): string {
  return error.code.slice(error.code.indexOf('.') + 1);
}

function actOf(deps: Deps, of: Of, mode: Mode, now: Instant): Act {
  return systemAct({ workspaceId: of.workspaceId, mode, now, requestId: of.requestId, newId: deps.newId });
}

const applied: Result = { outcome: 'applied', code: null, parked: null, releases: [] };
const noEffect: Result = { ...applied, outcome: 'no_effect' };

async function apply(tx: Tx, act: Act, asked: Asked, occurredAt: Instant): Promise<Result> {
  switch (asked.kind) {
    case 'customer':
      return applyCustomer(tx, act, asked, occurredAt);
    case 'sale':
      return applySale(tx, act, asked, occurredAt);
    case 'tie':
      await lockPaymentKeys(tx, act.mode, asked.keys);
      return { ...applied, releases: await tie(tx, act, asked.saleExternalId, asked.keys) };
    case 'refundedTo':
      return applyRefund(tx, act, asked, occurredAt);
    case 'dispute':
      return applyDispute(tx, act, asked);
    case 'subscriptionCancelled':
      return endSubscription(tx, act, { source, ...asked }, happenedAt(occurredAt, act.now));
    case 'reported':
      return applyReported(tx, act, asked.event);
    default:
      return asked satisfies never;
  }
}

/** What waits for this sale, and for whatever names its payment. */
async function tie(tx: Tx, act: Act, saleExternalId: string, keys: readonly string[]): Promise<readonly string[]> {
  await tiePayment(tx, { mode: act.mode, keys, saleExternalId });
  return [...keys, saleExternalId];
}

async function applyCustomer(
  tx: Tx,
  act: Act,
  fact: Extract<PaymentFact, { kind: 'customer' }>,
  occurredAt: Instant,
): Promise<Result> {
  const email = emailWire.safeParse(fact.email);
  if (!email.success) return { ...noEffect, outcome: 'refused', code: 'contact_missing' };
  const name = nameText.safeParse(fact.name);
  const clickId = fact.clickId === null ? undefined : parseId('click', fact.clickId);
  const { isNew } = await takeInLead(
    tx,
    act,
    {
      externalId: fact.externalId,
      email: email.data,
      ...(name.success ? { name: name.data } : {}),
      ...(fact.customerExternalId === null ? {} : { customerExternalId: fact.customerExternalId }),
      ...(clickId === undefined ? {} : { clickId }),
    },
    { affiliateId: null, channel: 'payment_hook', occurredAt: happenedAt(occurredAt, act.now) },
  );
  return isNew ? applied : noEffect;
}

async function applySale(
  tx: Tx,
  act: Act,
  fact: Extract<PaymentFact, { kind: 'sale' }>,
  occurredAt: Instant,
): Promise<Result> {
  await lockPaymentKeys(tx, act.mode, fact.keys);
  const there = await findSaleByExternalId(tx, { mode: act.mode, source, externalId: fact.externalId });
  // A failed try that is told after the one that went through says nothing new.
  if (there !== undefined && there.status !== 'declined' && fact.status === 'declined') return noEffect;
  const email = fact.email?.trim().toLowerCase() ?? null;
  // It finds a contact and never makes one: an address alone counts only where somebody has it (api.md 4.2).
  const isKnown = email !== null && (await findContactByEmail(tx, email)) !== undefined;
  if (fact.customerExternalId === null && !isKnown)
    return { ...noEffect, outcome: 'refused', code: 'unknown_customer' };
  // A price or product that is no sku of ours says nothing: then as if none were named (api.md 8.3).
  const ours = await findProductsByName(tx, fact.productHints);
  const product = fact.product ?? fact.productHints.find((hint) => ours.has(hint)) ?? null;
  const body: SaleCreate = {
    externalId: fact.externalId,
    occurredAt,
    customer: {
      ...(fact.customerExternalId === null ? {} : { externalId: fact.customerExternalId }),
      ...(isKnown && email !== null ? { email } : {}),
    },
    type: 'payment',
    status: fact.status,
    amount: fact.amount,
    ...(fact.tax === null ? {} : { tax: fact.tax }),
    ...(fact.shipping === null ? {} : { shipping: fact.shipping }),
    ...(product === null ? {} : { product }),
    ...(fact.subscriptionExternalId === null ? {} : { subscription: { externalId: fact.subscriptionExternalId } }),
  };
  const { isNew } = await takeInSale(tx, act, body, { source, channel: 'payment_hook' });
  return { ...(isNew ? applied : noEffect), releases: await tie(tx, act, fact.externalId, fact.keys) };
}

/** The external id of the sale that these keys name, if anybody has said so; its lock is taken with theirs. */
async function saleOf(tx: Tx, act: Act, keys: readonly string[]): Promise<string | undefined> {
  await lockPaymentKeys(tx, act.mode, keys);
  const tied = await findTiedSale(tx, { mode: act.mode, keys });
  if (tied !== undefined) return tied;
  for (const externalId of keys)
    if ((await findSaleByExternalId(tx, { mode: act.mode, source, externalId })) !== undefined) return externalId;
  return undefined;
}

async function applyRefund(
  tx: Tx,
  act: Act,
  fact: Extract<PaymentFact, { kind: 'refundedTo' }>,
  occurredAt: Instant,
): Promise<Result> {
  const saleExternalId = await saleOf(tx, act, fact.keys);
  if (saleExternalId === undefined)
    return { outcome: 'parked', code: 'unknown_sale', parked: { fact, waitsFor: fact.keys }, releases: [] };
  await lockPaymentKeys(tx, act.mode, [`refunds of ${saleExternalId}`]);
  // The event says what the refunds add up to: in whatever order several come, the largest sum stands in the end.
  const left = fact.total.minor - (await sumRefundsOf(tx, { mode: act.mode, source, saleExternalId }));
  if (left <= 0n) return noEffect;
  const { isNew } = await takeInRefund(
    tx,
    act,
    { externalId: fact.externalId, amount: { minor: left, currency: fact.total.currency }, occurredAt },
    {
      sale: await findSaleByExternalId(tx, { mode: act.mode, source, externalId: saleExternalId }),
      source,
      saleExternalId,
    },
  );
  return isNew ? applied : noEffect;
}

async function applyDispute(tx: Tx, act: Act, fact: Extract<PaymentFact, { kind: 'dispute' }>): Promise<Result> {
  const externalId = await saleOf(tx, act, fact.keys);
  const seen =
    externalId === undefined ? undefined : await findSaleByExternalId(tx, { mode: act.mode, source, externalId });
  if (seen === undefined) {
    const waitsFor = externalId === undefined ? fact.keys : [...fact.keys, externalId];
    return { outcome: 'parked', code: 'unknown_sale', parked: { fact, waitsFor }, releases: [] };
  }
  const sale = await lockSale(tx, seen.id);
  assertInvariant(sale !== undefined, 'a sale that was found is there', { saleId: seen.id });
  let isNew = false;
  for (const { step, occurredAt } of fact.steps) {
    const current = (await lockSale(tx, sale.id)) ?? sale;
    const taken = await takeInDispute(tx, act, current, {
      externalId: fact.externalId,
      status: step,
      amount: fact.amount,
      occurredAt,
    });
    isNew ||= taken.isNew;
  }
  return isNew ? applied : noEffect;
}

/**
 * A subscription was cancelled (COM-16). A payment made afterwards that has been judged already is judged once more, by its referral's workflow: it
 * had come first. One made before keeps what it earned, also when it is told later.
 */
async function endSubscription(
  tx: Tx,
  act: Act,
  of: { readonly source: string; readonly subscriptionExternalId: string },
  cancelledAt: Instant,
): Promise<Result> {
  const { subscriptionExternalId } = of;
  const subscription = { mode: act.mode, source: of.source, subscriptionExternalId };
  await lockSubscription(tx, subscription);
  if (!(await recordSubscriptionEnd(tx, { ...subscription, cancelledAt, now: act.now }))) return noEffect;
  for (const saleId of await listPaidAfterEnd(tx, { ...subscription, cancelledAt })) {
    const sale = await lockSale(tx, saleId);
    // Not judged yet: it finds the end by itself.
    if (sale === undefined || sale.processedAt === null || sale.referralId === null) continue;
    await updateSale(tx, act, sale, 'judgedAgain', { processedAt: null, outcome: null });
    const ref = { workspaceId: act.workspaceId, referralId: sale.referralId };
    await enqueue(tx, signalReferral(ref, 'saleReported', { saleId: sale.id }));
  }
  return applied;
}

/** Our own envelope: the API's own bodies, by the API's own intake. */
async function applyReported(tx: Tx, act: Act, event: StandardEvent): Promise<Result> {
  switch (event.type) {
    case 'sale':
    case 'declined': {
      const status = event.type === 'declined' ? 'declined' : event.data.status;
      const of = { source: event.data.source ?? source, channel: 'payment_hook' as const };
      const { isNew } = await takeInSale(tx, act, { ...event.data, status }, of);
      return { ...(isNew ? applied : noEffect), releases: [event.data.externalId] };
    }
    case 'refund': {
      const { saleExternalId, source: named = source, ...facts } = event.data;
      const sale = await findSaleByExternalId(tx, { mode: act.mode, source: named, externalId: saleExternalId });
      const { isNew } = await takeInRefund(tx, act, facts, { sale, source: named, saleExternalId });
      return isNew ? applied : noEffect;
    }
    case 'dispute': {
      const { saleExternalId, externalId, status: step, amount = null } = event.data;
      const steps = [{ step, occurredAt: happenedAt(event.data.occurredAt, act.now) }];
      return applyDispute(tx, act, { kind: 'dispute', externalId, steps, amount, keys: [saleExternalId] });
    }
    case 'subscription_cancelled': {
      const { source: named = source, subscriptionExternalId, occurredAt } = event.data;
      return endSubscription(tx, act, { source: named, subscriptionExternalId }, happenedAt(occurredAt, act.now));
    }
    default:
      return event satisfies never;
  }
}
