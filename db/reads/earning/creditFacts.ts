import type { Mode } from '../../../domain/act.js';
import type { OwnTouch } from '../../../domain/earning/creditCheck.js';
import type { AffiliateId, ReferralId } from '../../../domain/ids.js';
import { addMs, type Instant } from '../../../domain/time.js';
import type { Candidate } from '../../../domain/tracking/attribution.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** What is known of an affiliate's own part in an order or behind a click. */
export interface CreditFacts {
  readonly touches: readonly OwnTouch[];
  readonly happenedAt: Instant | null;
  readonly creditedTo: AffiliateId | null;
  readonly unattributedCode: string | null;
  readonly decision: {
    readonly referrerChoice: 'first' | 'last';
    readonly candidates: readonly Candidate[];
    readonly isOfThis: boolean;
  } | null;
  /** An own referral that was rejected: what can be appealed. */
  readonly rejectedReferralId: ReferralId | null;
}

interface TouchRow {
  readonly kind: OwnTouch['kind'];
  readonly source_id: string;
  readonly affiliate_id: AffiliateId;
  readonly sub1: string | null;
  readonly occurred_at: Instant;
  readonly ends_at: Instant;
}

const toTouch = (row: TouchRow): OwnTouch => ({
  kind: row.kind,
  sourceId: row.source_id,
  affiliateId: row.affiliate_id,
  sub1: row.sub1,
  occurredAt: row.occurred_at,
  endsAt: row.ends_at,
});

interface SaleFactsRow {
  readonly id: string;
  readonly referral_id: ReferralId | null;
  readonly contact_id: string | null;
  readonly affiliate_id: AffiliateId | null;
  readonly attribution_code: string | null;
  readonly occurred_at: Instant;
}

// Had this affiliate a part in an order of this number? Of several sources that know the number the first one where it had; undefined: in none.
export async function readCreditOfOrder(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly affiliateId: AffiliateId; readonly orderReference: string },
): Promise<CreditFacts | undefined> {
  const sales = await tx('sales')
    .where({ mode: of.mode, external_id: of.orderReference })
    .orderBy('created_at')
    .limit(20)
    .select<SaleFactsRow[]>('id', 'referral_id', 'contact_id', 'affiliate_id', 'attribution_code', 'occurred_at');
  for (const sale of sales) {
    const referrals = await referralsOf(tx, of.mode, sale);
    const touches = await ownTouches(tx, of.affiliateId, referrals);
    if (touches.length === 0) continue;
    return {
      touches,
      happenedAt: sale.occurred_at,
      creditedTo: sale.affiliate_id,
      unattributedCode: sale.attribution_code,
      decision: await decisionFor(tx, sale.referral_id, sale.id),
      rejectedReferralId: await rejectedOf(tx, of.affiliateId, referrals),
    };
  }
  return undefined;
}

// What became of this affiliate's own click? Undefined: it is nobody's, or another's.
export async function readCreditOfClick(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly affiliateId: AffiliateId; readonly clickId: string },
): Promise<CreditFacts | undefined> {
  const click = await tx('clicks').where({ id: of.clickId, mode: of.mode, affiliate_id: of.affiliateId }).first<
    | {
        credit: string;
        credit_code: string | null;
        sub1: string | null;
        referral_id: ReferralId | null;
        window_seconds: number;
        created_at: Instant;
      }
    | undefined
  >('credit', 'credit_code', 'sub1', 'referral_id', 'window_seconds', 'created_at');
  if (click === undefined) return undefined;
  const own: OwnTouch = {
    kind: 'click',
    sourceId: of.clickId,
    affiliateId: of.affiliateId,
    sub1: click.sub1,
    occurredAt: click.created_at,
    endsAt: addMs(click.created_at, click.window_seconds * 1_000),
  };
  const referral =
    click.referral_id === null
      ? undefined
      : await tx('referrals')
          .where({ id: click.referral_id })
          .first<{ affiliate_id: AffiliateId | null; lead_at: Instant | null; sale_at: Instant | null } | undefined>(
            'affiliate_id',
            'lead_at',
            'sale_at',
          );
  const isOpen = click.credit === 'credited' && referral !== undefined;
  return {
    touches: [own],
    happenedAt: isOpen ? (referral.sale_at ?? referral.lead_at) : null,
    creditedTo: isOpen ? referral.affiliate_id : null,
    unattributedCode: click.credit === 'credited' ? null : (click.credit_code ?? 'no_touch'),
    decision: isOpen ? await decisionFor(tx, click.referral_id, null) : null,
    rejectedReferralId: click.referral_id === null ? null : await rejectedOf(tx, of.affiliateId, [click.referral_id]),
  };
}

/** The journey of the sale, and every other of its person: a touch may stand on one that expired. */
async function referralsOf(tx: ReadTx | Tx, mode: Mode, sale: SaleFactsRow): Promise<readonly ReferralId[]> {
  const rows =
    sale.contact_id === null
      ? []
      : await tx('referrals').where({ mode, contact_id: sale.contact_id }).select<{ id: ReferralId }[]>('id');
  return [...new Set([...(sale.referral_id === null ? [] : [sale.referral_id]), ...rows.map((row) => row.id)])];
}

async function ownTouches(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  referralIds: readonly ReferralId[],
): Promise<readonly OwnTouch[]> {
  if (referralIds.length === 0) return [];
  const rows = await tx('touches')
    .whereIn('referral_id', [...referralIds])
    .where({ affiliate_id: affiliateId })
    .orderBy('occurred_at')
    .orderBy('source_id')
    .select<TouchRow[]>('kind', 'source_id', 'affiliate_id', 'sub1', 'occurred_at', 'ends_at');
  return rows.map(toTouch);
}

/** The decision taken for this cause; else the newest of the journey, which later sales follow. */
async function decisionFor(
  tx: ReadTx | Tx,
  referralId: ReferralId | null,
  causeId: string | null,
): Promise<CreditFacts['decision']> {
  if (referralId === null) return null;
  const rows = await tx('attributions')
    .where({ referral_id: referralId })
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .select<{ cause_id: string; referrer_choice: 'first' | 'last'; candidates: readonly Candidate[] }[]>(
      'cause_id',
      'referrer_choice',
      'candidates',
    );
  const row = rows.find((one) => one.cause_id === causeId) ?? rows[0];
  return row === undefined
    ? null
    : {
        referrerChoice: row.referrer_choice,
        candidates: row.candidates,
        isOfThis: causeId === null || row.cause_id === causeId,
      };
}

async function rejectedOf(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  referralIds: readonly ReferralId[],
): Promise<ReferralId | null> {
  const row = await tx('referrals')
    .whereIn('id', [...referralIds])
    .where({ affiliate_id: affiliateId, status: 'rejected' })
    .orderBy('id')
    .first<{ id: ReferralId } | undefined>('id');
  return row?.id ?? null;
}
