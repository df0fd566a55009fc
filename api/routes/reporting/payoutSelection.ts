import type { z } from 'zod';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { type AffiliateView, listAffiliates, viewAffiliate } from '../../../db/reads/affiliate/affiliateList.js';
import { listConnected } from '../../../db/payout/gateway.js';
import type { Page } from '../../../db/reads/keyset.js';
import { readPlanInputs, planOfEverybody } from '../../../db/reads/payout/payoutPlan.js';
import { findPayoutView, listPayoutViews, type PayoutView, standingOf } from '../../../db/reads/payout/payoutView.js';
import type { ReadTx } from '../../../db/transaction.js';
import type { Permission } from '../../../domain/access/permission.js';
import { decideAffiliateMove } from '../../../domain/affiliate/affiliate.js';
import { DomainError, publicCode } from '../../../domain/errors.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { payoutActions } from '../../../domain/payout/payout.js';
import { planPayouts } from '../../../domain/payout/payoutRun.js';
import type { BulkVerb } from '../../../domain/reporting/bulkOperation.js';
import { epochMs, type Instant } from '../../../domain/time.js';
import type { ApiDeps } from '../../deps.js';
import type { RouteContext } from '../../routeContext.js';
import { affiliateFilter } from '../../schemas/affiliate/affiliate.js';
import { payoutFilterOf, payoutQuery } from '../../schemas/payout/payout.js';
import { parseWith } from '../../validation.js';
import { affiliateFilterOf } from '../affiliate/affiliateFilter.js';
import { gatewayPolicyOf } from '../payout/gatewayPolicy.js';

// What a bulk act on payouts or affiliates selects and how each row is judged (PAY-18): affiliates that get a draft or are decided on, payouts
// that a person has paid or whose affiliates are written to.

type Selecting = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'mode' | 'scopeFor'>;

export interface Judged {
  readonly id: string;
  /** Why the row rules the act out as it stands; null: it does not. */
  readonly code: string | null;
}

const listOnly = { limit: true, cursor: true, sort: true, include: true, expand: true } as const;
const payoutFilter = payoutQuery.omit({ ...listOnly, q: true });

/** A row with its place in the list, for paging. */
export type Listed = Judged & { readonly at: string };

export type PayoutVerb = 'markPaid' | 'message';

function judgePayout(payout: PayoutView, verb: PayoutVerb): Judged {
  // Affiliates do not see drafts (PRT-17): nobody is written to about one.
  if (verb === 'message') return { id: payout.id, code: payout.status === 'draft' ? 'transition_not_allowed' : null };
  const actions = payoutActions(standingOf(payout));
  if (actions.includes('mark_paid')) return { id: payout.id, code: null };
  return { id: payout.id, code: payout.status === 'paid' ? 'already_decided' : 'transition_not_allowed' };
}

export async function listPayoutsSelected(
  tx: ReadTx,
  ctx: Selecting,
  of: { readonly filter: unknown; readonly verb: PayoutVerb },
  page: Page,
): Promise<readonly Listed[]> {
  const query = parseWith(payoutFilter, of.filter, 'body') as z.output<typeof payoutFilter>;
  const rows = await listPayoutViews(tx, payoutFilterOf(ctx.mode, query), page);
  return rows.map((payout) => ({ at: payout.createdAt, ...judgePayout(payout, of.verb) }));
}

export async function judgePayoutOf(tx: ReadTx, ctx: Selecting, id: string, verb: PayoutVerb): Promise<Judged> {
  const payout = await findPayoutView(tx, ctx.mode, id);
  if (payout === undefined) throw new DomainError('resource.not_found');
  return judgePayout(payout, verb);
}

/** Affiliates of a filter, of those that the right lets the caller see; `judge` says why a row is ruled out. */
export async function listAffiliatesSelected(
  tx: ReadTx,
  ctx: Selecting,
  of: {
    readonly filter: unknown;
    readonly right: Permission;
    readonly judge: (view: AffiliateView) => string | null;
  },
  page: Page,
): Promise<readonly Listed[]> {
  const query = parseWith(affiliateFilter, of.filter, 'body') as z.output<typeof affiliateFilter>;
  const views = await listAffiliates(tx, ctx.scopeFor(of.right), await affiliateFilterOf(tx, query), page);
  return views.map((view) => ({ at: view.affiliate.createdAt, id: view.affiliate.id, code: of.judge(view) }));
}

const affiliateEvents = { approve: 'approved', decline: 'declined', suspend: 'suspended' } as const;

/** Why an affiliate is not approved, declined, suspended or changed now; null: it is. */
export function judgeAffiliate({ affiliate, openRequirements }: AffiliateView, verb: BulkVerb['verb']): string | null {
  if (verb === 'update') return affiliate.status === 'terminated' ? 'transition_not_allowed' : null;
  if (verb !== 'approve' && verb !== 'decline' && verb !== 'suspend') return null;
  const decided = decideAffiliateMove(affiliate, affiliateEvents[verb], openRequirements);
  return decided.kind === 'refused' ? publicCode(decided.code) : null;
}

export async function judgeAffiliateOf(tx: ReadTx, id: string, verb: BulkVerb['verb']): Promise<Judged> {
  const affiliate = await findAffiliate(tx, id);
  if (affiliate === undefined) throw new DomainError('resource.not_found');
  return { id, code: judgeAffiliate(await viewAffiliate(tx, affiliate), verb) };
}

/** Whether each would get a draft now, by the plan itself: for a dry run. */
export async function judgeDue(
  tx: ReadTx,
  ctx: Selecting,
  deps: ApiDeps,
  now: Instant,
  ids: readonly string[],
): Promise<Judged[]> {
  const scope = planOfEverybody(ctx.mode, now);
  const rows = planPayouts(await readPlanInputs(tx, scope, ids as readonly AffiliateId[], false), {
    now,
    nowMs: epochMs(now),
    mode: ctx.mode,
    gateways: gatewayPolicyOf(deps),
    connected: await listConnected(tx, ctx.mode),
    msOf: epochMs,
  });
  return ids.map((id) => {
    const own = rows.filter((row) => row.affiliateId === id);
    if (own.some((row) => row.outcome === 'paid')) return { id, code: null };
    return { id, code: own.flatMap((row) => row.reasons)[0]?.code ?? 'nothing_to_pay' };
  });
}
