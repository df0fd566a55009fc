import type { RiskCode } from './riskFlag.js';
import { type ClickOrigin, forbiddenAd, noTrafficTerms, type TrafficTerms } from './trafficTerms.js';

// Fraud rules: what is counted is gathered elsewhere, what it means is decided here (features.md 19, reliability.md 5). Each limit is far above
// what honest traffic showed in the labelled set (bench/fraud.ts) and is repeated in the finding's evidence.

export const riskLimits = {
  /** Clicks of one address in the minute before or after one of its clicks. An office behind one address stays far below. */
  clicksPerMinute: 20,
  /** Leads of one address within ten minutes. */
  leadsPerTenMinutes: 6,
  /** A click this many seconds before the lead or sale … */
  lateClickSeconds: 20,
  /** … of somebody who came this many minutes ago by another affiliate: the order was on its way. */
  establishedMinutes: 10,
  /** Clicks of one affiliate in a day from which on they must bring something … */
  floodClicks: 1_000,
  /** … which is a lead per so many clicks: the worst honest advertising is ten times better. */
  floodClicksPerLead: 5_000,
  /** Sales of an affiliate from which on refunds are a share and not an accident … */
  refundSales: 5,
  /** … which must stay below this many per million. */
  refundMillionths: 500_000,
  /** Accounts of one hand. */
  ringSize: 3,
} as const;

/** Domains whose addresses live for minutes. A short list of the best known: a longer one ages faster than it helps. */
const throwawayDomains: ReadonlySet<string> = new Set([
  '10minutemail.com',
  'dispostable.com',
  'fakeinbox.com',
  'getnada.com',
  'guerrillamail.com',
  'guerrillamail.net',
  'mailinator.com',
  'maildrop.cc',
  'mohmal.com',
  'sharklasers.com',
  'temp-mail.org',
  'tempmail.dev',
  'throwawaymail.com',
  'trashmail.com',
  'yopmail.com',
]);

export function isThrowawayMail(emailKey: string | null): boolean {
  return emailKey !== null && throwawayDomains.has(emailKey.slice(emailKey.lastIndexOf('@') + 1));
}

/** What is known of a referral when it is judged. */
export interface ReferralSignals {
  /** What the buyer and a credited affiliate have in common. */
  readonly same: readonly SharedTrait[];
  readonly sameAffiliateId: string | null;
  readonly buyerEmailKey: string | null;
  /** The most clicks of one address around one of its clicks. */
  readonly clicksPerMinute: number;
  readonly leadsPerTenMinutes: number;
  /** From the credited click to the lead or sale that was credited; null: no click is. */
  readonly secondsToEvent: number | null;
  /** From the first click of another affiliate to the credited one; null: there is none. */
  readonly minutesSinceOther: number | null;
  /** The clicks of those it credits, newest first: where each came from. */
  readonly origins: readonly ClickOrigin[];
  /** Of the buyer, as the buyer or whoever sent the lead said. */
  readonly buyerCountry: string | null;
}

export type SharedTrait = 'contact' | 'email' | 'phone' | 'payout_account' | 'visitor' | 'device';

export interface RiskFinding {
  readonly code: RiskCode;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Everything that speaks against this referral, most serious first. Empty: nothing. `terms` are its program's. */
export function judgeReferral(signals: ReferralSignals, terms: TrafficTerms = noTrafficTerms): readonly RiskFinding[] {
  const ad = forbiddenAd(signals.origins, terms);
  const elsewhere = placeMismatch(signals);
  const findings: (RiskFinding | false)[] = [
    signals.same.length > 0 && {
      code: 'self_referral',
      evidence: { same: [...signals.same], affiliateId: signals.sameAffiliateId },
    },
    signals.clicksPerMinute > riskLimits.clicksPerMinute && {
      code: 'click_burst',
      evidence: { clicksPerMinute: signals.clicksPerMinute, limit: riskLimits.clicksPerMinute },
    },
    signals.leadsPerTenMinutes > riskLimits.leadsPerTenMinutes && {
      code: 'lead_burst',
      evidence: { leadsPerTenMinutes: signals.leadsPerTenMinutes, limit: riskLimits.leadsPerTenMinutes },
    },
    isLateClick(signals) && {
      code: 'late_click',
      evidence: { secondsToEvent: signals.secondsToEvent, minutesSinceOther: signals.minutesSinceOther },
    },
    isThrowawayMail(signals.buyerEmailKey) && { code: 'throwaway_mail', evidence: {} },
    ad !== undefined && { code: 'paid_ads', evidence: { ...ad } },
    elsewhere !== undefined && { code: 'place_mismatch', evidence: elsewhere },
  ];
  return findings.filter((finding) => finding !== false);
}

/**
 * The buyer says to live in a country from which none of the clicks came. A single click from there is enough for everything to fit: whoever
 * clicks on the road and buys at home is no finding.
 */
function placeMismatch({ origins, buyerCountry }: ReferralSignals): RiskFinding['evidence'] | undefined {
  const clickCountries = [...new Set(origins.flatMap(({ country }) => (country === null ? [] : [country])))];
  if (buyerCountry === null || clickCountries.length === 0 || clickCountries.includes(buyerCountry)) return undefined;
  return { buyerCountry, clickCountries };
}

function isLateClick({ secondsToEvent, minutesSinceOther }: ReferralSignals): boolean {
  if (secondsToEvent === null || minutesSinceOther === null) return false;
  return secondsToEvent <= riskLimits.lateClickSeconds && minutesSinceOther >= riskLimits.establishedMinutes;
}

/** What is known of an affiliate over the day or the quarter that is looked at. */
export interface AffiliateSignals {
  readonly clicks: number;
  readonly leads: number;
  readonly sales: number;
  readonly refundedSales: number;
}

export function judgeAffiliate(signals: AffiliateSignals): readonly RiskFinding[] {
  const { clicks, leads, sales, refundedSales } = signals;
  const findings: (RiskFinding | false)[] = [
    clicks >= riskLimits.floodClicks &&
      leads * riskLimits.floodClicksPerLead < clicks && { code: 'click_flood', evidence: { clicks, leads } },
    sales >= riskLimits.refundSales &&
      exceedsShare(refundedSales, sales, riskLimits.refundMillionths) && {
        code: 'refund_share',
        evidence: { sales, refundedSales },
      },
  ];
  return findings.filter((finding) => finding !== false);
}

/** Is `part` of `whole` more than so many of a million? */
function exceedsShare(part: number, whole: number, millionths: number): boolean {
  return part * 1_000_000 > whole * millionths;
}

/** Two affiliates and what they have in common. */
export interface SharedEdge {
  readonly a: string;
  readonly b: string;
  readonly kind: 'payout_account' | 'phone' | 'visitor' | 'device';
}

/** The same account or browser is one hand; one device alone may be a family's, two such signs are not. */
const weight: Readonly<Record<SharedEdge['kind'], number>> = { payout_account: 2, phone: 2, visitor: 2, device: 1 };
const oneHand = 2;

export interface Cluster {
  readonly members: readonly string[];
  readonly edges: readonly SharedEdge[];
}

/**
 * Groups of affiliates that are one hand (T19): joined by strong signs, weak ones added up per pair. An office of twelve that shares an address
 * shares neither accounts nor browsers, and is no group.
 */
export function findRings(edges: readonly SharedEdge[], least: number = riskLimits.ringSize): readonly Cluster[] {
  const pairs = new Map<string, { readonly edges: SharedEdge[]; readonly kinds: Set<SharedEdge['kind']> }>();
  for (const edge of edges) {
    if (edge.a === edge.b) continue;
    const [a, b] = edge.a < edge.b ? [edge.a, edge.b] : [edge.b, edge.a];
    const key = `${a}/${b}`;
    const pair = pairs.get(key) ?? { edges: [], kinds: new Set() };
    if (!pair.kinds.has(edge.kind)) pair.edges.push({ a, b, kind: edge.kind });
    pair.kinds.add(edge.kind);
    pairs.set(key, pair);
  }
  const strong = [...pairs.values()].filter(
    ({ kinds }) => [...kinds].reduce((sum, kind) => sum + weight[kind], 0) >= oneHand,
  );
  const root = new Map<string, string>();
  const find = (id: string): string => {
    let at = id;
    for (let up = root.get(at); up !== undefined && up !== at; up = root.get(at)) at = up;
    return at;
  };
  for (const { edges: own } of strong)
    for (const { a, b } of own) {
      const [one, other] = [find(a), find(b)];
      root.set(a, root.get(a) ?? one);
      root.set(b, root.get(b) ?? other);
      if (one !== other) root.set(one < other ? other : one, one < other ? one : other);
    }
  const clusters = new Map<string, { members: Set<string>; edges: SharedEdge[] }>();
  for (const { edges: own } of strong)
    for (const edge of own) {
      const key = find(edge.a);
      const cluster = clusters.get(key) ?? { members: new Set(), edges: [] };
      cluster.members.add(edge.a).add(edge.b);
      cluster.edges.push(edge);
      clusters.set(key, cluster);
    }
  return [...clusters.values()]
    .filter(({ members }) => members.size >= least)
    .map(({ members, edges: own }) => ({ members: [...members].sort(), edges: own }))
    .sort((x, y) => ((x.members[0] ?? '') < (y.members[0] ?? '') ? -1 : 1));
}

/** FRD-05. Parts per million; null where there is nothing to divide by. */
export interface Quality {
  readonly acceptedPpm: number | null;
  readonly refundedPpm: number | null;
  readonly conversionPpm: number | null;
  readonly isBelowStandard: boolean;
}

/** Below it an affiliate's traffic is looked at: half of its leads refused, or a third of its sales refunded. */
export const qualityStandard = { acceptedPpm: 500_000, refundedPpm: 333_333, leastLeads: 10, leastSales: 5 } as const;

export function qualityOf(counts: {
  readonly clicks: number;
  readonly leads: number;
  readonly acceptedLeads: number;
  readonly sales: number;
  readonly refundedSales: number;
}): Quality {
  const share = (part: number, whole: number): number | null =>
    whole === 0 ? null : Math.round((part * 1_000_000) / whole);
  const acceptedPpm = share(counts.acceptedLeads, counts.leads);
  const refundedPpm = share(counts.refundedSales, counts.sales);
  return {
    acceptedPpm,
    refundedPpm,
    conversionPpm: share(counts.leads, counts.clicks),
    isBelowStandard:
      (acceptedPpm !== null &&
        counts.leads >= qualityStandard.leastLeads &&
        acceptedPpm < qualityStandard.acceptedPpm) ||
      (refundedPpm !== null && counts.sales >= qualityStandard.leastSales && refundedPpm > qualityStandard.refundedPpm),
  };
}
