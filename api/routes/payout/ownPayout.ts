import { lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { listPayoutYears } from '../../../db/reads/payout/ownPayoutDays.js';
import { listPayoutMethods } from '../../../db/reads/payout/payoutMethodList.js';
import { findPayoutView, listLineViews, listPayoutViews } from '../../../db/reads/payout/payoutView.js';
import type { Tx } from '../../../db/transaction.js';
import type { Settings } from '../../../domain/access/settings.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import {
  detailFieldsOf,
  methodStatusAt,
  type PayoutMethod,
  payoutMethodTypes,
} from '../../../domain/payout/payoutMethod.js';
import { addMs, epochMs, type Instant, isBefore, instantOf } from '../../../domain/time.js';
import type { Config } from '../../../platform/config.js';
import type { Secrets } from '../../../platform/secrets.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { daysOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  confirmBody,
  ownMethodList,
  ownMethodWire,
  ownPayoutDetailWire,
  ownPayoutList,
  ownPayoutQuery,
  ownPayoutStatuses,
  presentOwnPayout,
} from '../../schemas/payout/ownPayout.js';
import { payoutParams } from '../../schemas/payout/payout.js';
import { payoutMethodCreate, payoutMethodParams, payoutMethodQuery } from '../../schemas/payout/payoutMethod.js';
import { noContent, reasonOf } from '../../schemas/wire.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from '../affiliate/ownRecord.js';
import {
  addPayoutMethod,
  isAllowedIn,
  type MethodRule,
  removePayoutMethod,
  requireMethod,
  unusable,
  verifyPayoutMethod,
} from './payoutMethod.js';

const payouts = defineRoute({
  method: 'GET',
  path: '/v1/me/payouts',
  summary: 'Own payouts on their way and paid',
  permission: 'me.read',
  query: ownPayoutQuery,
  reply: ownPayoutList,
  refuses: portalRefusals,
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const { status, currency, q } = ctx.query;
    return ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now);
      const rows = await listPayoutViews(
        tx,
        {
          mode: ctx.mode,
          affiliateIds: [affiliate.id],
          statuses: status === undefined ? ownPayoutStatuses : [status],
          currencies: currency,
          q,
          paidOn: daysOf(ctx.query, 'paidOn'),
        },
        page,
      );
      const list = ctx.list(rows, page, presentOwnPayout, ({ createdAt, id }) => ({ value: createdAt, id }));
      if (ctx.query.include?.includes('years') !== true) return list;
      return { ...list, years: [...(await listPayoutYears(tx, ctx.mode, affiliate.id))] };
    });
  },
});

const payout = defineRoute({
  method: 'GET',
  path: '/v1/me/payouts/:payoutId',
  permission: 'me.read',
  params: payoutParams,
  reply: ownPayoutDetailWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      const found = await findPayoutView(tx, ctx.mode, ctx.params.payoutId);
      if (found === undefined || found.affiliateId !== ownId(ctx) || !ownPayoutStatuses.includes(found.status))
        throw new DomainError('resource.not_found');
      const lines = (await listLineViews(tx, found.id)).map(({ commissionId, kind, amountMinor, currency }) => ({
        commissionId,
        kind,
        amount: { minor: amountMinor, currency },
      }));
      return { ...presentOwnPayout(found), lines };
    }),
});

function presentOwnMethod(method: PayoutMethod, now: Instant) {
  const { id, type, currency, masked, activeAt, version, createdAt, updatedAt } = method;
  return {
    object: 'own_payout_method' as const,
    id,
    type,
    currency,
    masked,
    activeAt,
    version,
    createdAt,
    updatedAt,
    status: methodStatusAt(method, now),
  };
}

/** What this affiliate may add: nothing where the workspace sets the method itself, else what workspace and group allow (PAY-06, ruling 8). */
function typesFor(ctx: Pick<Asking, 'mode'>, settings: Settings, config: Config, group: MethodRule | undefined) {
  if (settings.payouts.methodChoice === 'fixed') return [];
  return payoutMethodTypes
    .filter((type) => unusable(type, settings, config, ctx.mode) === null && isAllowedIn(group, type))
    .map((type) => ({ type, fields: detailFieldsOf(type).map((fields) => [...fields]) }));
}

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'mode'>;

const methods = defineRoute({
  method: 'GET',
  path: '/v1/me/payout-methods',
  summary: 'How the affiliate is paid, and what may be added',
  permission: 'me.read',
  query: payoutMethodQuery,
  reply: ownMethodList,
  refuses: portalRefusals,
  handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, now);
      const rows = await listPayoutMethods(tx, affiliate.id, page);
      const list = ctx.list(
        rows,
        page,
        (method) => presentOwnMethod(method, now),
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
      const group = affiliate.groupId === null ? undefined : await findGroup(tx, affiliate.groupId);
      return { ...list, types: typesFor(ctx, settings, config, group) };
    });
  },
});

const method = defineRoute({
  method: 'GET',
  path: '/v1/me/payout-methods/:methodId',
  permission: 'me.read',
  params: payoutMethodParams,
  reply: ownMethodWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      return presentOwnMethod(await requireMethod(ctx, tx, ctx.params.methodId), now);
    }),
});

const add = defineRoute({
  method: 'POST',
  path: '/v1/me/payout-methods',
  permission: 'me.write',
  stepUp: true,
  body: payoutMethodCreate,
  reply: ownMethodWire,
  status: 201,
  refuses: portalWriteRefusals,
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const { settings } = await requireOwn(tx, ctx, act.now, 'write');
        if (settings.payouts.methodChoice === 'fixed')
          throw new DomainError('access.not_enabled', {
            capability: 'payout_method.choice',
            detail: 'How you are paid is set by the program.',
          });
        const affiliate = await lockAffiliate(tx, ownId(ctx));
        if (affiliate === undefined) throw new DomainError('resource.not_found');
        const added = await addPayoutMethod(ctx, deps, tx, act, affiliate, ctx.body);
        await mailConfirmation(tx, act, deps, affiliate, added);
        return answer(presentOwnMethod(added, act.now), { location: `/v1/me/payout-methods/${added.id}` });
      },
      { wake: true },
    ),
});

/** A confirmation lives as long as an invitation does. */
const confirmMs = 24 * 3_600_000;
const confirmPurpose = 'payout_method_confirmation';

/** What is signed: the method in the state it was mailed in, so that a token works once, for this method only, and not for ever. */
function confirmText(method: Pick<PayoutMethod, 'id' | 'version'>, until: string): string {
  return `${method.id} ${method.version} ${until}`;
}

/** Told to the address known before: whoever made the change cannot confirm it without that mailbox (T3). It shows no part of the details. */
async function mailConfirmation(
  tx: Tx,
  act: Act,
  { config, secrets }: Pick<ApiDeps, 'config' | 'secrets'>,
  affiliate: Affiliate,
  added: PayoutMethod,
): Promise<void> {
  const until = epochMs(addMs(act.now, confirmMs)).toString(36);
  const token = `${until}-${secrets.sign(confirmPurpose, confirmText(added, until))}`;
  const link = `${config.http.publicUrl}/portal/payout-methods/${added.id}?token=${token}`;
  await insertEmail(tx, act, {
    kind: 'payout_method_added',
    recipient: affiliate.email,
    subject: 'Confirm your payout details',
    body: [
      `Hello ${affiliate.name},`,
      `a payout method (${added.type}, ${added.currency}) was added to your account. Open this page to confirm it:`,
      link,
      'If this was not you, do not open it and tell us at once.',
    ].join('\n\n'),
    links: [link],
  });
}

function isConfirmedBy(secrets: Secrets, candidate: PayoutMethod, token: string, now: Instant): boolean {
  const cut = token.indexOf('-');
  const until = token.slice(0, cut);
  const ms = Number.parseInt(until, 36);
  if (cut < 1 || !Number.isSafeInteger(ms)) return false;
  const isOurs = secrets.isSignedBy(confirmPurpose, confirmText(candidate, until), token.slice(cut + 1));
  return isOurs && isBefore(now, instantOf(ms));
}

const verify = defineRoute({
  method: 'POST',
  path: '/v1/me/payout-methods/:methodId/verify',
  summary: 'Confirm a method with the token of the mail',
  permission: 'me.write',
  params: payoutMethodParams,
  body: confirmBody,
  reply: ownMethodWire,
  refuses: [
    'resource.not_found',
    'access.token_used_or_expired',
    'payout_method.already_decided',
    ...portalWriteRefusals,
  ],
  handle: (ctx, { secrets }) =>
    ctx.write(
      async (tx, act) => {
        await requireOwn(tx, ctx, act.now, 'write');
        const named = await requireMethod(ctx, tx, ctx.params.methodId);
        if (!isConfirmedBy(secrets, named, ctx.body.token, act.now))
          throw new DomainError('access.token_used_or_expired');
        return presentOwnMethod(await verifyPayoutMethod(ctx, tx, act, named, reasonOf({})), act.now);
      },
      { wake: true },
    ),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/me/payout-methods/:methodId',
  permission: 'me.write',
  stepUp: true,
  params: payoutMethodParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use', 'payout_method.already_decided', ...portalWriteRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await requireOwn(tx, ctx, act.now, 'write');
      await removePayoutMethod(ctx, tx, act, await requireMethod(ctx, tx, ctx.params.methodId));
      return undefined;
    }),
});

/** The portal's payouts and payout methods (api.md 17). */
export const ownPayoutRoutes: readonly Route[] = [payouts, payout, methods, method, add, verify, remove];
