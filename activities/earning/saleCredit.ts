import { findStandingCredit, type StandingCredit } from '../../db/earning/earlierSale.js';
import { listTouches, updateReferral } from '../../db/earning/referral.js';
import { findLastCreditBefore, findSubscriptionCredit } from '../../db/earning/sale.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Tx } from '../../db/transaction.js';
import { insertAttribution } from '../../db/tracking/attribution.js';
import type { Act } from '../../domain/act.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { Sale } from '../../domain/earning/sale.js';
import { assertInvariant } from '../../domain/errors.js';
import { addDuration } from '../../domain/time.js';
import type { UnattributedCode } from '../../domain/tracking/attribution.js';
import { attributionFor } from '../tracking/click.js';
import { attributeReferral, creditedFor } from '../tracking/lead.js';
import { takeUpEarlierSales } from './earlierSale.js';
import { broughtAt } from './earnedLines.js';
import { settleSale } from './saleOutcome.js';

// Who is credited with a sale: by its touches the first time, then by whoever was credited before, until a new purchase or the end of the credit.

export interface Credited {
  readonly referral: Referral;
  readonly isFirst: boolean;
  /** The label of the touch that won; null where an earlier fact had decided. */
  readonly sub1: string | null;
}

/** A sale that is judged anew stays with whom it was credited to, whatever was switched since. Undefined: it was credited to nobody yet. */
export function creditedBefore(referral: Referral, sale: Sale): Credited | undefined {
  const wasCredited = sale.correctionId !== null && sale.affiliateId !== null && referral.saleAt !== null;
  if (!wasCredited) return undefined;
  const { affiliateId, linkId } = sale;
  return { referral: { ...referral, affiliateId, linkId: linkId as Referral['linkId'] }, isFirst: false, sub1: null };
}

/** Who is credited. Renewals stay with the affiliate of the first payment (api.md 8.3). Undefined: the sale was moved or nobody is. */
export async function creditSale(tx: Tx, act: Act, referral: Referral, sale: Sale): Promise<Credited | undefined> {
  assertInvariant(sale.contactId !== null, 'a sale with a referral has a contact', { saleId: sale.id });
  const isFirst = referral.saleAt === null;
  if (!isFirst || referral.status === 'expired') {
    if (referral.affiliateId !== null) return creditLater(tx, act, referral, sale, isFirst);
    await settleSale(tx, act, sale, referral, { code: null, attributionCode: 'cookie_expired' });
    return undefined;
  }
  const attributed = await attributeReferral(tx, act, referral, {
    kind: 'sale',
    id: sale.id,
    occurredAt: sale.occurredAt,
    contactId: sale.contactId,
    coupon: sale.coupon,
  });
  if (attributed.kind === 'moved') return undefined;
  if (attributed.kind === 'nobody') {
    await settleSale(tx, act, sale, attributed.referral, {
      code: null,
      attributionCode: attributed.attribution.code ?? 'no_touch',
    });
    return undefined;
  }
  // Without a click, coupon or person of its own the purchase is credited through the referral, for as long as that carries credit.
  if (attributed.attribution.winner === null && (await isCreditOver(tx, referral, sale)))
    return creditNobody(tx, act, attributed.referral, sale, 'referral_lifetime_over');
  // 0.00 is no first payment: the next one is credited anew (api.md 8.3).
  const saleAt = sale.captured > 0n ? { saleAt: sale.occurredAt } : {};
  const { winner } = attributed.attribution;
  const moved = await updateReferral(tx, act, attributed.referral, 'attributed', saleAt);
  await takeUpEarlierSales(tx, act, sale.contactId, moved);
  return { referral: creditedFor({ ...attributed, referral: moved }), isFirst, sub1: winner?.sub1 ?? null };
}

async function creditNobody(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  attributionCode: UnattributedCode,
): Promise<undefined> {
  await settleSale(tx, act, sale, referral, { code: null, attributionCode });
  return undefined;
}

/** The program ends credit some time after the lead (TRK-24), and nobody gave this sale to an affiliate by hand (TRK-27). */
async function isCreditOver(tx: Tx, referral: Referral, sale: Sale): Promise<boolean> {
  const { referralLifetime } = await readReferralTerms(tx, referral.programId);
  const since = broughtAt(referral);
  if (referralLifetime === null || since === null || sale.occurredAt < addDuration(since, referralLifetime))
    return false;
  return !isGivenByHand(await listTouches(tx, referral.id), sale);
}

export function isGivenByHand(touches: Awaited<ReturnType<typeof listTouches>>, sale: Sale): boolean {
  return touches.some((touch) => touch.kind === 'manual' && touch.sourceId === sale.id);
}

/**
 * A later payment of a customer. A subscription goes on with whom its first payment credited. A new purchase is a form like the first: after
 * another affiliate's click it moves the last referrer (TRK-09). Without one it follows the program's present choice of first or last referrer,
 * where that was switched since the referral was credited (TRK-10). What was earned stays.
 */
async function creditLater(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  isFirst: boolean,
): Promise<Credited | undefined> {
  const later = { isFirst, sub1: null };
  const begun =
    sale.subscriptionExternalId === null
      ? undefined
      : await findSubscriptionCredit(tx, {
          mode: sale.mode,
          referralId: referral.id,
          source: sale.source,
          subscriptionExternalId: sale.subscriptionExternalId,
          saleId: sale.id,
        });
  const isRenewal = begun !== undefined || (sale.paymentNumber ?? 1) > 1;
  const standing = isRenewal
    ? undefined
    : await findStandingCredit(tx, { referralId: referral.id, factId: sale.id, at: sale.occurredAt });
  const moved = isRenewal ? undefined : await creditNewTouch(tx, act, referral, sale, { isFirst, standing });
  if (moved !== undefined) return moved;
  if (await isCreditOver(tx, referral, sale)) return creditNobody(tx, act, referral, sale, 'referral_lifetime_over');
  // For this payment alone: the referral itself keeps whom it credits now.
  if (begun !== undefined) return { ...later, referral: { ...referral, ...begun } };
  if (standing !== undefined) return { ...later, referral: creditedThen(referral, standing) };
  const { referrerChoice } = await readReferralTerms(tx, referral.programId);
  const chosen = referrerChoice === 'first' ? referral.firstAffiliateId : referral.lastAffiliateId;
  const isSwitched = referral.referrerChoice !== null && referral.referrerChoice !== referrerChoice;
  if (!isSwitched || chosen === null) return { ...later, referral };
  const touches = await listTouches(tx, referral.id);
  const newest = touches.filter((touch) => touch.affiliateId === chosen).at(-1);
  return {
    ...later,
    referral: await updateReferral(tx, act, referral, 'attributed', {
      affiliateId: chosen,
      linkId: newest?.linkId ?? null,
      referrerChoice,
    }),
  };
}

/** An older purchase without a touch of its own is of whom the referral credited then, whoever it credits now (G30). */
function creditedThen(referral: Referral, { affiliateId, linkId }: StandingCredit): Referral {
  return affiliateId === undefined ? referral : { ...referral, affiliateId, linkId: linkId ?? null };
}

/** Credits a new purchase by the touches that came since the last form or purchase. Undefined: there are none that count. */
async function creditNewTouch(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  { isFirst, standing }: { readonly isFirst: boolean; readonly standing: StandingCredit | undefined },
): Promise<Credited | undefined> {
  assertInvariant(sale.contactId !== null, 'a sale with a referral has a contact', { saleId: sale.id });
  const known = await listTouches(tx, referral.id);
  if (known.length === 0) return undefined;
  const since = await findLastCreditBefore(tx, { referralId: referral.id, saleId: sale.id, at: sale.occurredAt });
  const touches = known.filter((touch) => since === null || touch.occurredAt > since);
  if (!touches.some((touch) => touch.occurredAt <= sale.occurredAt && sale.occurredAt < touch.endsAt)) return undefined;
  const { attribution, referrerChoice } = await attributionFor(tx, {
    programId: referral.programId,
    touches,
    first: referral.firstAffiliateId,
    last: standing?.affiliateId ?? referral.lastAffiliateId,
    fact: {
      kind: 'sale',
      id: sale.id,
      occurredAt: sale.occurredAt,
      contactId: sale.contactId,
      coupon: sale.coupon,
    },
  });
  const { winner } = attribution;
  // The first referrer is the one who is paid, and came by none of these: the referral would carry the credit.
  if (winner === null && (await isCreditOver(tx, referral, sale))) return undefined;
  insertAttribution(tx, act, {
    referralId: referral.id,
    causeType: 'sale',
    causeId: sale.id,
    referrerChoice,
    attribution,
  });
  const credit = {
    affiliateId: attribution.affiliateId,
    linkId: winner?.linkId ?? (attribution.affiliateId === referral.affiliateId ? referral.linkId : null),
  };
  // An older purchase is credited by what counted at its time; whom the newer ones moved the referral to, it stays with.
  if (standing !== undefined) return { referral: { ...referral, ...credit }, isFirst, sub1: winner?.sub1 ?? null };
  const moved = await updateReferral(tx, act, referral, 'attributed', {
    ...credit,
    lastAffiliateId: attribution.last,
    referrerChoice,
  });
  return { referral: moved, isFirst, sub1: winner?.sub1 ?? null };
}
