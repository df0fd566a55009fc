import { findLastDecision } from '../../db/audit/decision.js';
import { findStandingCredit } from '../../db/earning/earlierSale.js';
import { findContactReferral, listTouches, lockReferral, updateReferral } from '../../db/earning/referral.js';
import { listParkedSales, lockSale, updateSale } from '../../db/earning/sale.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Tx } from '../../db/transaction.js';
import { insertAttribution, moveJourney } from '../../db/tracking/attribution.js';
import { lockContactOf } from '../../db/tracking/contactLock.js';
import { findClick } from '../../db/tracking/click.js';
import { type Lead, lockLead, settleLead, updateLead } from '../../db/tracking/lead.js';
import { findLeadSource } from '../../db/tracking/leadSource.js';
import { type Act, actFor } from '../../domain/act.js';
import { laterStage, type Referral } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { LeadId, ReferralId, SaleId } from '../../domain/ids.js';
import type { Attribution } from '../../domain/tracking/attribution.js';
import { acceptanceOf } from '../../domain/tracking/leadRouting.js';
import { type Fact, type ReferralRef, signalReferral, type Step } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';
import { takeUpEarlierSales } from '../earning/earlierSale.js';
import { accrueLead, takeBackLead } from '../earning/leadCommission.js';
import { lockForFact, nextStep } from '../earning/referral.js';
import { attributionFor, type JourneyFact, journeyFor } from './click.js';

export function leadActivities(deps: Pick<ActivityDeps, 'db' | 'newId'>) {
  return {
    /** Judges a lead and credits it on its referral, or stores why nobody is. Safe to repeat: a lead with an outcome stays as it is. */
    applyLead: (input: ReferralRef & { readonly fact: Fact }): Promise<Step> =>
      databaseActivity(
        deps,
        input,
        async (tx, act) => {
          await takeLead(tx, act, input);
          return nextStep(tx, act, input.referralId);
        },
        (tx) => [
          ...lockForFact(tx, 'leads', input),
          lockLead(tx, input.fact.id),
          findLastDecision(tx, input.fact.id),
          listTouches(tx, input.referralId),
        ],
      ),
  };
}

async function takeLead(tx: Tx, act: Act, { referralId, fact }: { referralId: ReferralId; fact: Fact }): Promise<void> {
  await lockContactOf(tx, 'leads', fact.id); // before the referral, as lead intake does (money.md 9)
  const referral = await lockReferral(tx, referralId);
  const lead = await lockLead(tx, fact.id);
  if (referral === undefined || lead === undefined || lead.processedAt !== null || lead.contactId === null) return;
  // Taken up again after a decision of staff: that decision is the cause, because a lead causes a thing once (money.md 8).
  const decision = await findLastDecision(tx, lead.id);
  const cause = decision === undefined ? { type: 'lead', id: lead.id } : { type: 'decision', id: decision.id };
  const mine = actFor(act, { mode: referral.mode, cause });
  if (lead.referralId !== referral.id) return; // it was moved, and its new referral was told
  if (referral.status === 'merged') return readdress(tx, mine, lead, referral.mergedIntoId);
  if (lead.verdict === 'invalid' || lead.verdict === 'duplicate') {
    if (lead.verdict === 'invalid') await takeBackLead(tx, mine, lead);
    await settleLead(tx, mine, lead, lead.verdict);
    return;
  }

  if (lead.attributionStatus === 'attributed') {
    await settleLead(tx, mine, lead, lead.verdict); // credited before; only the verdict is new
    await accrueLead(tx, mine, referral, lead);
    return;
  }
  const journeyFact: JourneyFact = {
    kind: 'lead',
    id: lead.id,
    occurredAt: lead.occurredAt,
    contactId: lead.contactId,
    coupon: lead.coupon,
  };
  // A journey of somebody else, or one that has just ended: the lead gets its own where a touch still counts (features.md 2.2).
  const isOther = referral.contactId !== null && referral.contactId !== lead.contactId;
  if (isOther || referral.status === 'expired') return moveToOwnJourney(tx, mine, lead, referral, journeyFact);

  const attributed = await attributeReferral(tx, mine, referral, journeyFact);
  if (attributed.kind === 'moved') return;
  const { leadAcceptance } = await readReferralTerms(tx, referral.programId);
  const source = lead.sourceId === null ? undefined : await findLeadSource(tx, lead.sourceId);
  await acceptLead(tx, mine, lead, acceptanceOf(source?.leadAcceptance, leadAcceptance));
  const fresh = await lockLead(tx, lead.id);
  assertInvariant(fresh !== undefined, 'a locked lead is there', { leadId: lead.id });
  if (attributed.kind === 'nobody') {
    await settleLead(tx, mine, fresh, 'unattributed', {
      attributionCode: attributed.attribution.code,
      referralId: null,
    });
    return;
  }
  const { winner, affiliateId } = attributed.attribution;
  const sub1 = lead.sub1 ?? winner?.sub1 ?? null;
  await settleLead(tx, mine, fresh, 'attributed', {
    attributionStatus: 'attributed',
    attributionCode: null,
    affiliateId,
    programId: referral.programId,
    linkId: attributed.linkId,
    sub1,
  });
  await accrueLead(tx, mine, creditedFor(attributed), { ...fresh, sub1 });
  await wakeParkedSales(tx, mine, fresh, attributed.referral);
  await takeUpEarlierSales(tx, mine, lead.contactId, attributed.referral);
}

/** A lead that is kept is accepted by itself, or waits for an agent, as its source or program says. */
async function acceptLead(tx: Tx, act: Act, lead: Lead, leadAcceptance: 'automatic' | 'manual'): Promise<void> {
  if (lead.verdict === 'received' && leadAcceptance === 'automatic') await updateLead(tx, act, lead, 'accepted');
}

async function readdress(tx: Tx, act: Act, lead: Lead, into: ReferralId | null): Promise<void> {
  assertInvariant(into !== null, 'a merged referral names its root', { leadId: lead.id });
  const left = actFor(act, { cause: { type: 'referral', id: lead.referralId ?? '' } });
  await updateLead(tx, left, lead, 'readdressed', { referralId: into });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: into }, 'leadReported', { leadId: lead.id }),
  );
}

async function moveToOwnJourney(tx: Tx, act: Act, lead: Lead, referral: Referral, fact: JourneyFact): Promise<void> {
  const click = lead.clickId === null ? undefined : await findClick(tx, lead.clickId);
  const own = await journeyFor(tx, act, {
    programId: referral.programId,
    fact,
    ownTouch: undefined,
    taken: click && { click, visitorId: click.visitorId, referral },
  });
  if (own !== undefined && own.id !== referral.id) return readdress(tx, act, lead, own.id);
  await settleLead(tx, act, lead, 'unattributed', { attributionCode: 'cookie_expired', referralId: null });
}

/** The shop's number has a face now: sales that came before their lead are facts of this referral (TRK-26). */
async function wakeParkedSales(tx: Tx, act: Act, lead: Lead, referral: Referral): Promise<void> {
  if (lead.customerExternalId === null) return;
  for (const { id } of await listParkedSales(tx, { mode: lead.mode, customerExternalId: lead.customerExternalId })) {
    const sale = await lockSale(tx, id);
    if (sale?.parkedCode !== 'unknown_customer') continue;
    await updateSale(tx, act, sale, 'tied', { parkedCode: null, contactId: lead.contactId, referralId: referral.id });
  }
}

export type Attributed =
  /** The referral as it stands now, at `pending` or further, and who is credited for this fact: somebody else than it credits now, when the fact is older. */
  | {
      readonly kind: 'credited';
      readonly referral: Referral;
      readonly attribution: Attribution;
      readonly linkId: Referral['linkId'];
    }
  /** Every touch had ended: the referral is `expired`, nobody is credited. */
  | { readonly kind: 'nobody'; readonly referral: Referral; readonly attribution: Attribution }
  /** The contact has a referral already: this one merged into it, with the fact, and both workflows were told. */
  | { readonly kind: 'moved'; readonly referral: Referral };

/** The referral as its lines for this fact are written. */
export function creditedFor(of: Extract<Attributed, { kind: 'credited' }>): Referral {
  return { ...of.referral, affiliateId: of.attribution.affiliateId, linkId: of.linkId };
}

/**
 * The step that a lead and a sale share: ties a tracking referral to its contact or merges it into the contact's own, decides who is
 * credited and keeps the decision. The caller has locked contact and referral; the fact's row is its own to settle.
 */
export async function attributeReferral(tx: Tx, act: Act, referral: Referral, fact: JourneyFact): Promise<Attributed> {
  if (referral.status === 'tracking') {
    const own = await findContactReferral(tx, {
      mode: referral.mode,
      programId: referral.programId,
      contactId: fact.contactId,
    });
    if (own !== undefined && own.id !== referral.id) return mergeInto(tx, act, referral, own.id, fact);
  }
  const touches = await listTouches(tx, referral.id);
  // Facts arrive in any order: an older one is credited as at its time, and what a newer one has decided for the referral stays (G30).
  const standing =
    referral.affiliateId === null
      ? undefined
      : await findStandingCredit(tx, { referralId: referral.id, factId: fact.id, at: fact.occurredAt });
  const { attribution, referrerChoice } = await attributionFor(tx, {
    programId: referral.programId,
    touches,
    first: referral.firstAffiliateId,
    last: standing?.affiliateId ?? referral.lastAffiliateId,
    fact,
  });
  insertAttribution(tx, act, {
    referralId: referral.id,
    causeType: fact.kind,
    causeId: fact.id,
    referrerChoice,
    attribution,
  });
  if (attribution.affiliateId === null && referral.status === 'tracking')
    return { kind: 'nobody', referral: await updateReferral(tx, act, referral, 'windowEnded'), attribution };
  const isLead = fact.kind === 'lead';
  const event =
    referral.status === 'tracking' ? (isLead ? 'leadReported' : 'saleReported') : isLead ? 'leadAdded' : 'saleAdded';
  const linkId = attribution.winner?.linkId ?? standing?.linkId ?? referral.linkId;
  const credit = {
    affiliateId: attribution.affiliateId,
    linkId,
    firstAffiliateId: attribution.first,
    lastAffiliateId: attribution.last,
    referrerChoice,
  };
  const changed = await updateReferral(tx, act, referral, event, {
    contactId: fact.contactId,
    ...(standing === undefined ? credit : {}),
    stage: laterStage(referral.stage, fact.kind),
    ...(isLead && referral.leadAt === null ? { leadAt: fact.occurredAt } : {}),
  });
  return { kind: 'credited', referral: changed, attribution, linkId };
}

/** The younger journey ends as `merged` and names the older; what belongs to it moves in this transaction (temporal.md 3.11). */
async function mergeInto(
  tx: Tx,
  act: Act,
  loser: Referral,
  rootId: ReferralId,
  fact: JourneyFact,
): Promise<Attributed> {
  const root = await lockReferral(tx, rootId);
  assertInvariant(root !== undefined && root.status !== 'merged', 'a contact has a living referral', { rootId });
  await moveJourney(tx, loser.id, root.id);
  await updateReferral(tx, act, loser, 'merged', { mergedIntoId: root.id });
  const touched = await updateReferral(tx, act, root, 'customerMerged');
  const ref = (referralId: ReferralId): ReferralRef => ({ workspaceId: act.workspaceId, referralId });
  await enqueue(
    tx,
    signalReferral(ref(loser.id), 'merged', { intoReferralId: root.id }),
    fact.kind === 'lead'
      ? signalReferral(ref(root.id), 'leadReported', { leadId: fact.id as LeadId })
      : signalReferral(ref(root.id), 'saleReported', { saleId: fact.id as SaleId }),
  );
  return { kind: 'moved', referral: touched };
}
