import { moveCommissions } from '../../db/earning/commission.js';
import {
  findContactReferral,
  insertTouch,
  listTouches,
  lockReferral,
  updateReferral,
} from '../../db/earning/referral.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { listOwnReferrals } from '../../db/reads/tracking/contactReferrals.js';
import type { Tx } from '../../db/transaction.js';
import { moveJourney } from '../../db/tracking/attribution.js';
import { type Contact, mergeContactRows } from '../../db/tracking/contact.js';
import { type Act, actFor } from '../../domain/act.js';
import { laterStage, type Referral } from '../../domain/earning/referral.js';
import { assertInvariant, DomainError } from '../../domain/errors.js';
import type { AffiliateId, ProgramId, ReferralId } from '../../domain/ids.js';
import { addDuration, earliest } from '../../domain/time.js';
import { nudge, signalReferral, workflowIds } from '../../workflows/contract.js';

// Steps on the person behind leads and referrals. Whoever calls them holds the transaction and the contacts' locks, in the order of ids.

/** Two referrals of one program that cannot become one by themselves. */
export interface MergeConflict {
  readonly programId: string;
  readonly referralId: string;
  readonly intoReferralId: string;
  readonly code: 'decided' | 'both_accounts';
}

/**
 * Joins two contacts that are one person (features.md 2.2): a referral whose program the other has none of moves with it; two that are pending
 * merge, the one with the earlier first touch stays and takes over the other's commissions as they are. Refuses with `contact.transition_not_allowed` and every conflict before it writes.
 */
export async function mergeContacts(tx: Tx, act: Act, from: Contact, into: Contact): Promise<void> {
  const pairs: { readonly own: Referral; readonly other: Referral | undefined }[] = [];
  for (const { id, mode, programId } of await listOwnReferrals(tx, from.id)) {
    const other = await findContactReferral(tx, { mode, programId, contactId: into.id });
    const [first, second] = [id, other?.id].filter((one) => one !== undefined).sort();
    const locked = new Map<string, Referral>();
    for (const one of [first, second]) {
      const referral = one === undefined ? undefined : await lockReferral(tx, one);
      if (referral !== undefined) locked.set(referral.id, referral);
    }
    const own = locked.get(id);
    if (own !== undefined) pairs.push({ own, other: other === undefined ? undefined : locked.get(other.id) });
  }
  const conflicts: MergeConflict[] = [];
  for (const { own, other } of pairs) {
    if (other === undefined) continue;
    const names = { programId: own.programId, referralId: own.id, intoReferralId: other.id };
    if (own.status !== 'pending' || other.status !== 'pending') conflicts.push({ ...names, code: 'decided' });
  }
  if (conflicts.length > 0) throw new DomainError('contact.transition_not_allowed', { conflicts });

  for (const { own, other } of pairs) {
    if (other === undefined) await updateReferral(tx, act, own, 'edited', { contactId: into.id });
    else await mergePending(tx, act, own, other, into);
  }
  await mergeContactRows(tx, act, from, into);
}

function youngerOf(a: Referral, b: Referral): Referral {
  const [startOfA, startOfB] = [a.clickAt ?? a.leadAt ?? a.createdAt, b.clickAt ?? b.leadAt ?? b.createdAt];
  return startOfA < startOfB || (startOfA === startOfB && a.id < b.id) ? b : a;
}

async function mergePending(tx: Tx, act: Act, own: Referral, other: Referral, into: Contact): Promise<void> {
  const loser = youngerOf(own, other);
  const root = loser === own ? other : own;
  await moveJourney(tx, loser.id, root.id);
  await moveCommissions(tx, act, loser.id, root.id);
  await updateReferral(tx, act, loser, 'merged', { mergedIntoId: root.id });
  await updateReferral(tx, act, root, 'customerMerged', {
    ...(root.contactId === into.id ? {} : { contactId: into.id }),
    ...reachedBy(root, loser),
  });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: loser.id }, 'merged', { intoReferralId: root.id }),
    nudgeOf(act, root.id),
  );
}

/** What the one that stays has reached with the other's lead and sale: the first of each counts, and the next payment is no first one. */
function reachedBy(root: Referral, loser: Referral): Partial<Pick<Referral, 'stage' | 'leadAt' | 'saleAt'>> {
  const leadAt = earliest([root.leadAt, loser.leadAt].filter((at) => at !== null)) ?? null;
  const saleAt = earliest([root.saleAt, loser.saleAt].filter((at) => at !== null)) ?? null;
  return {
    ...(leadAt === root.leadAt ? {} : { leadAt }),
    ...(saleAt === root.saleAt ? {} : { saleAt }),
    ...(loser.stage === root.stage ? {} : { stage: laterStage(root.stage, loser.stage) }),
  };
}

function nudgeOf(act: Act, referralId: ReferralId) {
  const ref = { workspaceId: act.workspaceId, referralId };
  return nudge('referral', workflowIds.referral(ref), ref);
}

/**
 * Staff name another first or last referrer (TRK-08): the only way the first ever changes. Later sales follow; commissions that exist stay with
 * whom they are. Refuses with `resource.not_found` where the person has no referral in the program.
 */
export async function overrideReferrer(
  tx: Tx,
  act: Act,
  contact: Contact,
  wish: { readonly programId: ProgramId; readonly which: 'first' | 'last'; readonly affiliateId: AffiliateId },
): Promise<void> {
  const found = await findContactReferral(tx, {
    mode: act.mode,
    programId: wish.programId,
    contactId: contact.id,
  });
  const referral = found === undefined ? undefined : await lockReferral(tx, found.id);
  if (referral === undefined) throw new DomainError('resource.not_found');
  const { referrerChoice } = referral;
  // A touch of its own, that outlives those before it: else the next form would be credited by one of them again.
  if (wish.which === 'last') {
    assertInvariant(act.cause !== null, 'an override is a decision', { referralId: referral.id });
    const { attributionWindow } = await readReferralTerms(tx, wish.programId);
    const touches = await listTouches(tx, referral.id);
    await insertTouch(tx, referral.id, {
      kind: 'manual',
      sourceId: act.cause.id,
      affiliateId: wish.affiliateId,
      linkId: null,
      sub1: null,
      occurredAt: act.now,
      endsAt: touches.reduce(
        (ends, touch) => (touch.endsAt > ends ? touch.endsAt : ends),
        addDuration(act.now, attributionWindow),
      ),
    });
  }
  await updateReferral(tx, actFor(act, { mode: referral.mode }), referral, 'edited', {
    ...(wish.which === 'first' ? { firstAffiliateId: wish.affiliateId } : { lastAffiliateId: wish.affiliateId }),
    ...(referrerChoice === null || referrerChoice === wish.which ? { affiliateId: wish.affiliateId } : {}),
  });
  await enqueue(tx, nudgeOf(act, referral.id));
}
