import type { Db, RelayDb } from '../../db/connection.js';
import {
  findContactReferral,
  findVisitorReferral,
  insertReferral,
  insertTouch,
  listTouches,
  lockReferral,
  updateReferral,
} from '../../db/earning/referral.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { inWorkspace, notify, type Tx } from '../../db/transaction.js';
import { insertAttribution } from '../../db/tracking/attribution.js';
import {
  type Click,
  type ClickStamp,
  findClicks,
  listWaitingClicks,
  lockClicks,
  lockVisitors,
  stampClicks,
} from '../../db/tracking/click.js';
import { type Act, type Actor, actFor } from '../../domain/act.js';
import { laterStage, type Referral } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ContactId, NewId, ProgramId, ReferralId, WorkspaceId } from '../../domain/ids.js';
import { addMs, type Instant } from '../../domain/time.js';
import { type Attribution, chooseTouch, type ReferrerChoice, type Touch } from '../../domain/tracking/attribution.js';
import type { Logger } from '../../platform/logger.js';
import { startMessage, workflowIds } from '../../workflows/contract.js';

/** A browser acts, and nobody knows whose. */
const visitorActor: Actor = { type: 'visitor', id: null, userId: null };
/** Clicks that one pass looks at, and that one transaction takes up: short locks, and a bad one spoils little. */
const perPass = 1_000;
const perTransaction = 100;
/** How far back a click's predecessors are followed when a lead names it before the relay came by. */
const longestChain = 50;

export interface ClickStepDeps {
  readonly relayDb: RelayDb;
  readonly db: Db;
  readonly newId: NewId;
  readonly logger: Logger;
}

/**
 * The relay's click step: takes up the credited clicks that wait, oldest first, many of one workspace per transaction (temporal.md 3.2).
 * Answers how many it took up. Safe to run in any number of processes: each click is stamped once.
 */
export async function takeUpClicks(deps: ClickStepDeps): Promise<number> {
  const waiting = await listWaitingClicks(deps.relayDb, perPass);
  let taken = 0;
  for (const [workspaceId, ids] of groupedByWorkspace(waiting)) {
    for (let from = 0; from < ids.length; from += perTransaction)
      taken += await takeUpPage(deps, workspaceId, ids.slice(from, from + perTransaction));
  }
  if (taken > 0) await notify(deps.db, 'outbox', '');
  return taken;
}

async function takeUpPage(deps: ClickStepDeps, workspaceId: WorkspaceId, ids: readonly string[]): Promise<number> {
  try {
    return await inWorkspace(deps.db, workspaceId, async (tx, now) => {
      const taken = await takeUp(tx, clickAct(deps, workspaceId, now), ids, { skipLocked: true });
      return taken.length;
    });
  } catch (error) {
    if (ids.length === 1) {
      deps.logger.error({ err: error, workspaceId, clickId: ids[0] }, 'click not taken up');
      return 0;
    }
    // One click that cannot be taken up must not hold up the others of its page.
    let taken = 0;
    for (const id of ids) taken += await takeUpPage(deps, workspaceId, [id]);
    return taken;
  }
}

function groupedByWorkspace(
  clicks: readonly { readonly id: string; readonly workspaceId: WorkspaceId }[],
): ReadonlyMap<WorkspaceId, readonly string[]> {
  const groups = new Map<WorkspaceId, string[]>();
  for (const click of clicks) {
    const group = groups.get(click.workspaceId);
    if (group === undefined) groups.set(click.workspaceId, [click.id]);
    else group.push(click.id);
  }
  return groups;
}

function clickAct(deps: Pick<ClickStepDeps, 'newId'>, workspaceId: WorkspaceId, now: Instant): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: visitorActor,
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: null,
    newId: deps.newId,
  };
}

/** A click with whose it is and the journey it belongs to. */
export interface TakenUpClick {
  readonly click: Click;
  /** Null for a click that credits nobody. */
  readonly visitorId: string | null;
  /** The visitor's journey in the click's program as it stands, locked; undefined when it credits nobody or the journey is over. */
  readonly referral: Referral | undefined;
}

/**
 * Lead and sale intake, and the script's visit: takes up the click that was named, at once and under the same locks as the relay, so that a
 * lead a millisecond after its click finds its referral. Undefined: no such click in this workspace and mode.
 */
export async function takeUpClick(tx: Tx, act: Act, clickId: string): Promise<TakenUpClick | undefined> {
  const chain = await untakenChain(tx, clickId);
  await takeUp(tx, act, chain, { skipLocked: false });
  const [click] = await findClicks(tx, [clickId]);
  if (click === undefined || click.mode !== act.mode) return undefined;
  if (click.credit !== 'credited' || click.visitorId === null) return { click, visitorId: null, referral: undefined };
  const visitor = { mode: click.mode, programId: click.programId, visitorId: click.visitorId };
  await lockVisitors(tx, [visitor]);
  const newest = await findVisitorReferral(tx, visitor);
  return { click, visitorId: click.visitorId, referral: newest && (await lockLiving(tx, newest.id)) };
}

/** The click and the ones before it of the same browser that nobody has taken up yet. */
async function untakenChain(tx: Tx, clickId: string): Promise<readonly string[]> {
  const chain: string[] = [];
  let next: string | null = clickId;
  while (next !== null && chain.length < longestChain) {
    const [click]: readonly Click[] = await findClicks(tx, [next]);
    if (click === undefined || click.takenUpAt !== null || click.credit !== 'credited') break;
    if (chain.includes(click.id)) break; // nobody's cookie names a later click, but a forged one may
    chain.push(click.id);
    next = click.previousClickId;
  }
  return chain;
}

/** Takes up those of the clicks that wait for it; each is stamped with visitor and referral in the same transaction. */
async function takeUp(
  tx: Tx,
  act: Act,
  ids: readonly string[],
  options: { readonly skipLocked: boolean },
): Promise<readonly ClickStamp[]> {
  const locked = await lockClicks(tx, ids, options);
  const waiting = locked.filter((click) => click.credit === 'credited' && click.takenUpAt === null);
  const clicks = await withVisitors(tx, act, waiting, options);
  // All visitors at once and in order, so that two who take up clicks of the same visitors wait instead of deadlocking (money.md 9).
  await lockVisitors(
    tx,
    clicks.map(({ click, visitorId }) => ({ mode: click.mode, programId: click.programId, visitorId })),
  );
  const stamps: ClickStamp[] = [];
  for (const { click, visitorId } of clicks) {
    const referral = await addToJourney(tx, clickActOf(act, click), click, visitorId);
    stamps.push({ clickId: click.id, visitorId, referralId: referral.id });
  }
  await stampClicks(tx, act.now, stamps);
  return stamps;
}

function clickActOf(act: Act, click: Click): Act {
  return actFor(act, { mode: click.mode, actor: visitorActor, cause: { type: 'click', id: click.id } });
}

/** Whose clicks they are: the visitor of the click before, if this workspace knows it; else a new one. */
async function withVisitors(
  tx: Tx,
  act: Act,
  clicks: readonly Click[],
  options: { readonly skipLocked: boolean },
): Promise<readonly { readonly click: Click; readonly visitorId: string }[]> {
  const here = new Set<string>(clicks.map((click) => click.id));
  const elsewhere = clicks.flatMap(({ previousClickId: id }) => (id === null || here.has(id) ? [] : [id]));
  const known = new Map((await findClicks(tx, elsewhere)).map((click) => [click.id as string, click]));
  const visitors = new Map<string, string>();
  const found: { click: Click; visitorId: string }[] = [];
  for (const click of clicks) {
    const { previousClickId } = click;
    const previous = previousClickId === null ? undefined : known.get(previousClickId);
    const isBeingTakenUp =
      previous !== undefined &&
      previous.credit === 'credited' &&
      previous.takenUpAt === null &&
      previous.createdAt <= click.createdAt;
    if (isBeingTakenUp && options.skipLocked) continue; // by another process just now: this one's turn comes when it is done
    const before = previousClickId === null ? undefined : visitors.get(previousClickId);
    const same = before ?? (previous?.mode === click.mode ? (previous.visitorId ?? undefined) : undefined);
    const visitorId = same ?? act.newId('visitor');
    visitors.set(click.id, visitorId);
    found.push({ click, visitorId });
  }
  return found;
}

/** Adds the click's touch to the visitor's open journey in the program, or begins one. The caller holds the visitor's lock. */
async function addToJourney(tx: Tx, act: Act, click: Click, visitorId: string): Promise<Referral> {
  const touch = touchOf(click);
  const newest = await findVisitorReferral(tx, { mode: click.mode, programId: click.programId, visitorId });
  const open = newest && (await lockLiving(tx, newest.id));
  if (open === undefined) return beginJourney(tx, act, click, visitorId, touch);
  if (!(await insertTouch(tx, open.id, touch))) return open;
  const isLonger = open.windowEndsAt === null || open.windowEndsAt < touch.endsAt;
  return updateReferral(tx, act, open, 'touched', isLonger ? { windowEndsAt: touch.endsAt } : {});
}

async function beginJourney(tx: Tx, act: Act, click: Click, visitorId: string, touch: Touch): Promise<Referral> {
  const referral = await insertReferral(
    tx,
    act,
    {
      id: act.newId('referral'),
      programId: click.programId,
      status: 'tracking',
      stage: 'click',
      visitorId,
      clickAt: click.createdAt,
      windowEndsAt: touch.endsAt,
    },
    'clicked',
  );
  await insertTouch(tx, referral.id, touch);
  const ref = { workspaceId: act.workspaceId, referralId: referral.id };
  await enqueue(
    tx,
    startMessage({
      workflowType: 'referral',
      workflowId: workflowIds.referral(ref),
      input: ref,
      startAt: touch.endsAt,
    }),
  );
  return referral;
}

/** Locks the journey a visitor's newest referral stands for: itself, or the one it merged into. Undefined: it is over. */
async function lockLiving(tx: Tx, referralId: string): Promise<Referral | undefined> {
  const locked = await lockReferral(tx, referralId);
  if (locked?.status !== 'merged') return locked?.status === 'expired' ? undefined : locked;
  assertInvariant(locked.mergedIntoId !== null, 'a merged referral names its root', { referralId });
  const root = await lockReferral(tx, locked.mergedIntoId);
  return root?.status === 'expired' || root?.status === 'merged' ? undefined : root;
}

/** A credited click names its affiliate until its own window ends. */
export function touchOf(click: Click): Touch {
  return {
    kind: 'click',
    sourceId: click.id,
    affiliateId: click.affiliateId,
    linkId: click.linkId,
    sub1: click.sub1,
    occurredAt: click.createdAt,
    endsAt: addMs(click.createdAt, click.windowSeconds * 1_000),
  };
}

/** The page was seen: the journey of its click is at stage `visit`, if it was not further already. */
export async function markVisited(tx: Tx, act: Act, taken: TakenUpClick, visitId: string): Promise<void> {
  const { referral } = taken;
  if (referral === undefined || referral.visitAt !== null) return;
  await updateReferral(tx, actFor(act, { cause: { type: 'visit', id: visitId } }), referral, 'visited', {
    stage: laterStage(referral.stage, 'visit'),
    visitAt: act.now,
  });
}

/** A lead or sale as far as its journey depends on it. */
export interface JourneyFact {
  readonly kind: 'lead' | 'sale';
  readonly id: string;
  readonly occurredAt: Instant;
  readonly contactId: ContactId;
  /** It names a code that no coupon has. */
  readonly hasUnknownCoupon: boolean;
}

/** Who is credited on a journey for a fact, by the program's terms of now. Pure but for reading touches and terms. */
export async function attributionFor(
  tx: Tx,
  of: {
    readonly programId: ProgramId;
    readonly touches: readonly Touch[];
    readonly first: Referral['firstAffiliateId'];
    readonly last: Referral['lastAffiliateId'];
    readonly fact: JourneyFact;
  },
): Promise<{ readonly attribution: Attribution; readonly referrerChoice: ReferrerChoice }> {
  const { referrerChoice, couponPriority } = await readReferralTerms(tx, of.programId);
  const attribution = chooseTouch({
    touches: of.touches,
    at: of.fact.occurredAt,
    referrerChoice,
    couponPriority,
    first: of.first,
    last: of.last,
    hasUnknownCoupon: of.fact.hasUnknownCoupon,
  });
  return { attribution, referrerChoice };
}

export interface JourneyWanted {
  readonly programId: ProgramId;
  readonly fact: JourneyFact;
  /** The click that the fact names, taken up. */
  readonly taken: TakenUpClick | undefined;
  /** A touch of the fact's own: the affiliate whose key sent it. */
  readonly ownTouch: Touch | undefined;
}

/**
 * The journey that a lead or sale belongs to (features.md 2.2): the visitor's, the contact's own, or a new one in `pending` with the touches
 * that still count. Undefined: nobody is to be credited, so there is none. The contact is locked by the caller, so that two first leads of
 * one contact end as one referral; a tracking journey of somebody with a referral already is merged by the fact's activity.
 */
export async function journeyFor(tx: Tx, act: Act, wanted: JourneyWanted): Promise<Referral | undefined> {
  const { programId, fact, taken, ownTouch } = wanted;
  const own = await findContactReferral(tx, { mode: act.mode, programId, contactId: fact.contactId });
  const ofVisitor = taken?.click.programId === programId ? taken.referral : undefined;
  const isVisitorsOwn = ofVisitor !== undefined && (ofVisitor.contactId ?? fact.contactId) === fact.contactId;
  if (isVisitorsOwn) {
    if (ownTouch !== undefined) await insertTouch(tx, ofVisitor.id, ownTouch);
    return ofVisitor;
  }
  const touches = [...(await countingTouches(tx, wanted)), ...(ownTouch === undefined ? [] : [ownTouch])];
  if (own !== undefined) {
    for (const touch of touches) await insertTouch(tx, own.id, touch);
    return own;
  }
  return touches.length === 0 ? undefined : mintPending(tx, act, wanted, touches);
}

/** Of a shared browser, or of a journey that has just expired: what still counts of the visitor's touches is copied (features.md 2.2). */
async function countingTouches(tx: Tx, { taken, programId, fact }: JourneyWanted): Promise<readonly Touch[]> {
  if (taken === undefined || taken.visitorId === null || taken.click.programId !== programId) return [];
  const { mode } = taken.click;
  const referral = taken.referral ?? (await findVisitorReferral(tx, { mode, programId, visitorId: taken.visitorId }));
  const touches = referral === undefined ? [] : await listTouches(tx, referral.id);
  return touches.filter((touch) => touch.occurredAt <= fact.occurredAt && fact.occurredAt < touch.endsAt);
}

async function mintPending(
  tx: Tx,
  act: Act,
  { programId, fact, taken }: JourneyWanted,
  touches: readonly Touch[],
): Promise<Referral> {
  const { attribution, referrerChoice } = await attributionFor(tx, {
    programId,
    touches,
    first: null,
    last: null,
    fact,
  });
  const id: ReferralId = act.newId('referral');
  // Credited from its first moment: its checks run before the fact's activity does, and must know whom to compare the buyer with.
  const referral = await insertReferral(
    tx,
    actFor(act, { cause: { type: fact.kind, id: fact.id } }),
    {
      id,
      programId,
      status: 'pending',
      stage: fact.kind,
      visitorId: taken?.visitorId ?? null,
      contactId: fact.contactId,
      affiliateId: attribution.affiliateId,
      linkId: attribution.winner?.linkId ?? null,
      firstAffiliateId: attribution.first,
      lastAffiliateId: attribution.last,
      referrerChoice,
      ...(taken === undefined ? {} : { clickAt: taken.click.createdAt }),
      ...(fact.kind === 'lead' ? { leadAt: fact.occurredAt } : { saleAt: fact.occurredAt }),
    },
    fact.kind === 'lead' ? 'leadReported' : 'saleReported',
  );
  for (const touch of touches) await insertTouch(tx, id, touch);
  await insertAttribution(tx, act, {
    referralId: id,
    causeType: fact.kind,
    causeId: fact.id,
    referrerChoice,
    attribution,
  });
  return referral;
}
