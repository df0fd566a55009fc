import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { listDueAgreements } from '../../../db/reads/affiliate/ownAgreements.js';
import type { OwnSearch } from '../../../db/reads/earning/ownCustomer.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Settings } from '../../../domain/access/settings.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { Caller } from '../../auth.js';
import type { RouteContext } from '../../routeContext.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'scope'>;

/** Whose portal this is: the credential says so, never a parameter (api.md 17). */
export function ownId(ctx: Asking): AffiliateId {
  if (ctx.scope.kind !== 'affiliate') throw new DomainError('access.wrong_audience');
  return ctx.scope.affiliateId;
}

/** Customers as the program allows; staff who look at the portal without the right to personal data see none there either (screens.md 2). */
export function shownCustomers<V extends string>(
  ctx: { readonly caller: Pick<Caller, 'viewing'> },
  allowed: V,
): V | 'anonymous' {
  return ctx.caller.viewing?.seesPeople === false ? 'anonymous' : allowed;
}

/** The search word of the portal, to be compared with no more of a customer than whoever asks is shown; undefined: none was asked for. */
export function ownSearch(
  ctx: { readonly caller: Pick<Caller, 'viewing'>; readonly query: { readonly q?: string } },
  settings: Settings,
): OwnSearch | undefined {
  const { q } = ctx.query;
  if (q === undefined) return undefined;
  const { customerVisibility: visibility } = settings.affiliates;
  return { q, visibility, seesPeople: ctx.caller.viewing?.seesPeople !== false };
}

/** The codes that `requireOwn` refuses with: every route of the portal lists them. */
export const portalRefusals = ['access.not_enabled', 'affiliate.requirements_open'] as const;
/** Of those that change something also this one. */
export const portalWriteRefusals = [...portalRefusals, 'affiliate.affiliate_not_active'] as const;

/**
 * The caller's own record, when the portal is open to it. Codes: `access.not_enabled` while the portal is off; `affiliate.requirements_open`
 * while required terms are not accepted (not for `agreements`, where they are); for a `write` `affiliate.affiliate_not_active` unless the
 * affiliate is approved.
 */
export async function requireOwn(
  tx: ReadTx | Tx,
  ctx: Asking,
  now: Instant,
  need: 'read' | 'write' | 'agreements' = 'read',
): Promise<{ readonly affiliate: Affiliate; readonly settings: Settings }> {
  const { settings } = await getSettings(tx);
  if (!settings.affiliates.portalEnabled) throw new DomainError('access.not_enabled', { capability: 'portal' });
  const affiliate = await findAffiliate(tx, ownId(ctx));
  if (affiliate === undefined) throw new DomainError('resource.not_found');
  if (need === 'write' && affiliate.status !== 'approved')
    throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus: affiliate.status });
  if (need !== 'agreements') {
    const open = await listDueAgreements(tx, affiliate.id, now);
    if (open.length > 0)
      throw new DomainError('affiliate.requirements_open', {
        open: open.map(({ id, title, programName }) => ({
          code: 'agreement_accepted',
          agreementId: id,
          detail: `Accept ${title} of ${programName}.`,
        })),
      });
  }
  return { affiliate, settings };
}
