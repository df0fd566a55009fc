import type { Db, RelayDb } from '../../db/connection.js';
import { isDisconnected } from '../../db/errors.js';
import {
  findContactReferral,
  findVisitorReferral,
  insertReferral,
  insertTouch,
  listTouches,
  updateReferral,
} from '../../db/earning/referral.js';
import { enqueueSet } from '../../db/messaging/outbox.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { inWorkspace, notify, type Tx } from '../../db/transaction.js';
import { insertAttribution } from '../../db/tracking/attribution.js';
import { findCouponByCode } from '../../db/tracking/coupon.js';
import {
  type Click,
  findClicks,
  listWaitingClicks,
  lockClicks,
  lockVisitors,
  type ProgramVisitor,
  stampClicks,
} from '../../db/tracking/click.js';
import {
  type BegunJourney,
  insertJourneys,
  insertTouches,
  type LengthenedJourney,
  lockLivingReferrals,
  programVisitorKey,
  type RecordedStep,
  recordJourneySteps,
  updateJourneys,
} from '../../db/tracking/journey.js';
import { type Act, type Actor, actFor } from '../../domain/act.js';
import { laterStage, type Referral } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ContactId, NewId, ProgramId, ReferralId, WorkspaceId } from '../../domain/ids.js';
import { addDuration, addMs, type Instant } from '../../domain/time.js';
import { type Attribution, chooseTouch, type ReferrerChoice, type Touch } from '../../domain/tracking/attribution.js';
import { type CouponProblem, couponProblem } from '../../domain/tracking/coupon.js';
import { addTouches, type JourneyStep } from '../../domain/tracking/journey.js';
import type { Logger } from '../../platform/logger.js';
import { startMessage, workflowIds } from '../../workflows/contract.js';

/** A browser acts, and nobody knows whose. */
const visitorActor: Actor = { type: 'visitor', id: null, userId: null };
/** Clicks that one pass looks at, and that one transaction takes up: short locks, and a bad one spoils little. */
const perPass = 2_000;
const perTransaction = 500;
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
      return takeUp(tx, clickAct(deps, workspaceId, now), ids, { skipLocked: true });
    });
  } catch (error) {
    if (isDisconnected(error)) throw error; // no click's fault: the relay tries the step again, ever more seldom
    if (ids.length === 1) {
      deps.logger.error({ err: error, workspaceId, clickId: ids[0] }, 'click not taken up');
      return 0;
    }
    // One click that cannot be taken up must not hold up the others of its page: by halves, it is alone after a few steps.
    const half = Math.ceil(ids.length / 2);
    return (
      (await takeUpPage(deps, workspaceId, ids.slice(0, half))) + (await takeUpPage(deps, workspaceId, ids.slice(half)))
    );
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
  const living = await lockLivingReferrals(tx, [visitor]);
  return { click, visitorId: click.visitorId, referral: living.get(programVisitorKey(visitor)) };
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

/** Takes up those of the clicks that wait for it; each is stamped with visitor and referral in the same transaction. Answers how many. */
async function takeUp(
  tx: Tx,
  act: Act,
  ids: readonly string[],
  options: { readonly skipLocked: boolean },
): Promise<number> {
  const locked = await lockClicks(tx, ids, options);
  const waiting = locked.filter((click) => click.credit === 'credited' && click.takenUpAt === null);
  const clicks = await withVisitors(tx, act, waiting, options);
  // All visitors at once and in order, so that two who take up clicks of the same visitors wait instead of deadlocking (money.md 9). One who
  // is new is known to nobody before the commit and needs no lock.
  const known = clicks.filter((visited) => !visited.isNew).map(visitorOf);
  await lockVisitors(tx, known);
  const journeys = journeysOf(act, clicks, await lockLivingReferrals(tx, known));
  await writeJourneys(tx, act, journeys);
  await stampClicks(
    tx,
    act.now,
    journeys.flatMap(({ id, clicks: own }) =>
      own.map(({ click, visitorId }) => ({ clickId: click.id, visitorId, referralId: id })),
    ),
  );
  return clicks.length;
}

/** A click with whose it is; `isNew`: this transaction made the visitor. */
interface VisitedClick {
  readonly click: Click;
  readonly visitorId: string;
  readonly isNew: boolean;
}

function visitorOf({ click, visitorId }: VisitedClick): ProgramVisitor {
  return { mode: click.mode, programId: click.programId, visitorId };
}

/** A referral with the clicks that it gets, oldest first. */
interface Journey {
  readonly id: ReferralId;
  /** As it is locked; undefined: these clicks begin it. */
  readonly referral: Referral | undefined;
  readonly clicks: VisitedClick[];
}

/** Each click goes to the open journey of its visitor in its program, or begins one that the visitor's next clicks go to. */
function journeysOf(
  act: Act,
  clicks: readonly VisitedClick[],
  living: ReadonlyMap<string, Referral>,
): readonly Journey[] {
  const ofVisitor = new Map<string, Journey>();
  const byId = new Map<string, Journey>(); // two visitors whose journeys merged share one
  for (const visited of clicks) {
    const key = programVisitorKey(visitorOf(visited));
    const referral = living.get(key);
    let journey = ofVisitor.get(key) ?? (referral && byId.get(referral.id));
    if (journey === undefined) {
      journey = { id: referral?.id ?? act.newId('referral'), referral, clicks: [] };
      byId.set(journey.id, journey);
    }
    ofVisitor.set(key, journey);
    journey.clicks.push(visited);
  }
  return [...byId.values()];
}

/** Writes rows, touches and history of the journeys, and the starts of those that begin: a statement each, however many clicks. */
async function writeJourneys(tx: Tx, act: Act, journeys: readonly Journey[]): Promise<void> {
  const begun = new Map(
    journeys.flatMap((journey) => {
      const [first] = journey.clicks;
      return journey.referral === undefined && first !== undefined ? [[journey.id, begunBy(journey, first)]] : [];
    }),
  );
  await insertJourneys(tx, act.now, [...begun.values()]);
  const touches = await insertTouches(
    tx,
    journeys.flatMap((journey) =>
      journey.clicks.map(({ click }) => ({ journey, referralId: journey.id, click, touch: touchOf(click) })),
    ),
  );
  const addedTo = new Map<Journey, (typeof touches)[number][]>();
  for (const one of touches) {
    const added = addedTo.get(one.journey);
    if (added === undefined) addedTo.set(one.journey, [one]);
    else added.push(one);
  }
  const lengthened: LengthenedJourney[] = [];
  const recorded: RecordedStep[] = [];
  for (const [journey, added] of addedTo) {
    const { referral } = journey;
    const after = addTouches(
      referral ?? notBegun,
      added.map((one) => one.touch),
    );
    if (referral !== undefined) lengthened.push({ referral, ...after });
    after.steps.forEach((step, index) => {
      const one = added[index];
      assertInvariant(one !== undefined, 'a step for each touch');
      recorded.push({
        act: clickActOf(act, one.click),
        referralId: journey.id,
        status: referral?.status ?? 'tracking',
        step,
        begun: index === 0 ? (begun.get(journey.id) ?? null) : null,
      });
    });
  }
  await updateJourneys(tx, act.now, lengthened);
  await recordJourneySteps(tx, recorded);
  await enqueueSet(
    tx,
    recorded.flatMap(({ begun: journey, step }) => (journey === null ? [] : [startOf(act, journey, step)])),
  );
}

const notBegun = { version: 0, windowEndsAt: null } as const;

function begunBy(journey: Journey, first: VisitedClick): BegunJourney {
  const { version, windowEndsAt } = addTouches(
    notBegun,
    journey.clicks.map(({ click }) => touchOf(click)),
  );
  const { click } = first;
  return { id: journey.id, ...visitorOf(first), clickAt: click.createdAt, version, windowEndsAt };
}

/** Not before its first window ends: the workflow reads then whether later touches have moved the end. */
function startOf(act: Act, { id }: BegunJourney, { touch }: JourneyStep): ReturnType<typeof startMessage> {
  const ref = { workspaceId: act.workspaceId, referralId: id };
  return startMessage({
    workflowType: 'referral',
    workflowId: workflowIds.referral(ref),
    input: ref,
    startAt: touch.endsAt,
  });
}

function clickActOf(act: Act, click: Click): Act {
  return actFor(act, { mode: click.mode, actor: visitorActor, cause: { type: 'click', id: click.id } });
}

/** Whose clicks they are: the visitor of the click before, if this workspace knows it; else a new one. A click after the one before it. */
async function withVisitors(
  tx: Tx,
  act: Act,
  clicks: readonly Click[],
  options: { readonly skipLocked: boolean },
): Promise<readonly VisitedClick[]> {
  const here = new Map<string, Click>(clicks.map((click) => [click.id, click]));
  const elsewhere = clicks.flatMap(({ previousClickId: id }) => (id === null || here.has(id) ? [] : [id]));
  const known = new Map((await findClicks(tx, elsewhere)).map((click) => [click.id as string, click]));
  const found = new Map<string, VisitedClick | 'underWay' | 'waits'>();
  const visit = (click: Click): void => {
    if (found.has(click.id)) return;
    found.set(click.id, 'underWay'); // a forged cookie may name a click that names it
    const { previousClickId } = click;
    const before = previousClickId === null ? undefined : here.get(previousClickId);
    const previous = before ?? (previousClickId === null ? undefined : known.get(previousClickId));
    let same: Pick<VisitedClick, 'visitorId' | 'isNew'> | undefined;
    if (previous !== undefined && previous.createdAt <= click.createdAt) {
      if (before !== undefined) visit(before);
      const visited = found.get(previous.id);
      const isUntaken = previous.credit === 'credited' && previous.takenUpAt === null;
      // By another process just now: this one's turn comes when it is done.
      if (options.skipLocked && (before === undefined ? isUntaken : visited === 'waits')) {
        found.set(click.id, 'waits');
        return;
      }
      if (typeof visited === 'object') same = visited;
    }
    if (same === undefined && previous?.visitorId != null) same = { visitorId: previous.visitorId, isNew: false };
    const { visitorId, isNew } =
      same !== undefined && previous?.mode === click.mode ? same : { visitorId: act.newId('visitor'), isNew: true };
    found.delete(click.id); // behind the one before it
    found.set(click.id, { click, visitorId, isNew });
  };
  for (const click of clicks) visit(click);
  return [...found.values()].filter((visited) => typeof visited === 'object');
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
  /** The code that it names. */
  readonly coupon: string | null;
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
    couponProblem: await problemOf(tx, of.fact),
  });
  return { attribution, referrerChoice };
}

async function problemOf(tx: Tx, fact: JourneyFact): Promise<CouponProblem | null> {
  return fact.coupon === null ? null : couponProblem(await findCouponByCode(tx, fact.coupon), fact.occurredAt);
}

/** The touch of a code that credits its affiliate in this program (BEY-18): good from the fact that named it, for the program's window. */
async function couponTouch(tx: Tx, { programId, fact }: JourneyWanted): Promise<readonly Touch[]> {
  if (fact.coupon === null) return [];
  const found = await findCouponByCode(tx, fact.coupon);
  if (found?.coupon.programId !== programId || couponProblem(found, fact.occurredAt) !== null) return [];
  const { attributionWindow } = await readReferralTerms(tx, programId);
  return [
    {
      kind: 'coupon',
      sourceId: `${found.coupon.id}/${fact.id}`,
      affiliateId: found.coupon.affiliateId,
      linkId: null,
      sub1: null,
      occurredAt: fact.occurredAt,
      endsAt: addDuration(fact.occurredAt, attributionWindow),
    },
  ];
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
  const { programId, fact, taken } = wanted;
  const ownTouches = [...(wanted.ownTouch === undefined ? [] : [wanted.ownTouch]), ...(await couponTouch(tx, wanted))];
  const own = await findContactReferral(tx, { mode: act.mode, programId, contactId: fact.contactId });
  const ofVisitor = taken?.click.programId === programId ? taken.referral : undefined;
  const isVisitorsOwn = ofVisitor !== undefined && (ofVisitor.contactId ?? fact.contactId) === fact.contactId;
  if (isVisitorsOwn) {
    for (const touch of ownTouches) await insertTouch(tx, ofVisitor.id, touch);
    return ofVisitor;
  }
  const touches = [...(await countingTouches(tx, wanted)), ...ownTouches];
  if (own !== undefined) {
    for (const touch of touches) if (mayTouch(own, touch)) await insertTouch(tx, own.id, touch);
    return own;
  }
  return touches.length === 0 ? undefined : mintPending(tx, act, wanted, touches);
}

/**
 * A lead that an affiliate's server reports proves no visit: it brings a person whom nobody brought before, and never takes one from somebody
 * else. The last referrer moves by a tracked click and a form (TRK-09, LED-17).
 */
function mayTouch(own: Referral, touch: Touch): boolean {
  return touch.kind !== 'lead' || own.lastAffiliateId === null || own.lastAffiliateId === touch.affiliateId;
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
  insertAttribution(tx, act, {
    referralId: id,
    causeType: fact.kind,
    causeId: fact.id,
    referrerChoice,
    attribution,
  });
  return referral;
}
