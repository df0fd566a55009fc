import type { z } from 'zod';
import { replanForMethods } from '../../../activities/payout/methodChange.js';
import { rolesHolding } from '../../../db/access/role.js';
import { countActiveWithRoles } from '../../../db/access/user.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate, lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { listConnected } from '../../../db/payout/gateway.js';
import {
  findPayoutMethod,
  getSealedDetails,
  insertPayoutMethod,
  lockMethodsOf,
  lockPayoutMethod,
  movePayoutMethod,
  openPayoutsOf,
  recordUnmasking,
} from '../../../db/payout/payoutMethod.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { listPayoutMethods } from '../../../db/reads/payout/payoutMethodList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Settings } from '../../../domain/access/settings.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import type { PayoutMethodId } from '../../../domain/ids.js';
import { methodTypesOf } from '../../../domain/payout/gateway.js';
import {
  decideRemoval,
  decideVerification,
  detailFieldsOf,
  detailsPurpose,
  fingerprintPurpose,
  type FieldProblem,
  judgeDetails,
  methodStatusAt,
  type PayoutMethod,
  type PayoutMethodStatus,
  type PayoutMethodType,
  payoutMethodTypes,
} from '../../../domain/payout/payoutMethod.js';
import { addDuration } from '../../../domain/time.js';
import type { Config } from '../../../platform/config.js';
import { type FieldError, invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  payoutMethodCreate,
  payoutMethodDetailsWire,
  payoutMethodList,
  payoutMethodParams,
  payoutMethodQuery,
  payoutMethodTypeList,
  payoutMethodWire,
  presentPayoutMethod,
} from '../../schemas/payout/payoutMethod.js';
import { decisionBody, type DecisionReason, noContent, reasonOf } from '../../schemas/wire.js';
import { decideHere } from '../program/directDecision.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'scope' | 'mode'>;

function actionsFor(ctx: Asking, status: PayoutMethodStatus): readonly string[] {
  return status === 'unverified' && ctx.can('payout_method.verify') ? ['verify'] : [];
}

function presentFor(ctx: Asking, method: PayoutMethod, now: Parameters<typeof methodStatusAt>[1]) {
  return presentPayoutMethod(method, now, actionsFor(ctx, methodStatusAt(method, now)));
}

/** Why this type cannot be chosen here, if it cannot. */
export function unusable(
  type: PayoutMethodType,
  settings: Settings,
  config: Config,
  mode: 'live' | 'test',
): string | null {
  if (type === 'tipalti') return 'No adapter for it is installed.';
  if (type === 'sandbox' && mode === 'live' && config.nodeEnv === 'production')
    return 'The simulated gateway pays nobody: in production it works in test mode only.';
  const { methodTypes } = settings.payouts;
  return methodTypes.length > 0 && !methodTypes.includes(type) ? 'Not among the types of the settings.' : null;
}

export interface MethodRule {
  readonly payoutMethodTypes: readonly string[];
}

/** Does the affiliate's group leave this type to choose? One without a list of its own leaves all. */
export function isAllowedIn(group: MethodRule | undefined, type: PayoutMethodType): boolean {
  return group === undefined || group.payoutMethodTypes.length === 0 || group.payoutMethodTypes.includes(type);
}

const listTypes = defineRoute({
  method: 'GET',
  path: '/v1/payout-method-types',
  permission: 'payout.read',
  reply: payoutMethodTypeList,
  refuses: [],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => {
      const { settings } = await getSettings(tx);
      const connected = await listConnected(tx, ctx.mode);
      const data = payoutMethodTypes.map((type) => {
        const reason = unusable(type, settings, config, ctx.mode);
        return {
          object: 'payout_method_type' as const,
          type,
          fields: detailFieldsOf(type).map((fields) => [...fields]),
          execution:
            type === 'sandbox' || [...connected].some((gateway) => methodTypesOf(gateway).includes(type))
              ? ('gateway' as const)
              : ('manual' as const),
          usable: reason === null,
          reason,
        };
      });
      return { data, nextCursor: null };
    }),
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/payout-methods',
  permission: 'payout_method.read',
  params: affiliateParams,
  query: payoutMethodQuery,
  reply: payoutMethodList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      const methods = await listPayoutMethods(tx, affiliate.id, page);
      return ctx.list(
        methods,
        page,
        (method) => presentFor(ctx, method, now),
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
    });
  },
});

const add = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/payout-methods',
  permission: 'payout_method.write',
  stepUp: true,
  params: affiliateParams,
  body: payoutMethodCreate,
  reply: payoutMethodWire,
  status: 201,
  refuses: ['resource.not_found', 'access.not_in_scope', 'access.not_enabled'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        // Lock order of money.md 9: the affiliate, then its methods.
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        const method = await addPayoutMethod(ctx, deps, tx, act, affiliate, ctx.body);
        await tellAffiliate(tx, act, affiliate, method);
        return answer(presentFor(ctx, method, act.now), { location: `/v1/payout-methods/${method.id}` });
      },
      { wake: true },
    ),
});

/** A new method of a locked affiliate, not confirmed yet; one that was not confirmed before is replaced. Also the portal's (api.md 17). */
export async function addPayoutMethod(
  ctx: Pick<Asking, 'mode'>,
  { config, secrets }: Pick<ApiDeps, 'config' | 'secrets'>,
  tx: Tx,
  act: Parameters<typeof insertPayoutMethod>[1],
  affiliate: Affiliate,
  { type, currency, details }: z.output<typeof payoutMethodCreate>,
): Promise<PayoutMethod> {
  const { settings } = await getSettings(tx);
  const reason = unusable(type, settings, config, ctx.mode);
  if (reason !== null)
    throw new DomainError('access.not_enabled', { capability: `payout_method.${type}`, detail: reason });
  const group = affiliate.groupId === null ? undefined : await findGroup(tx, affiliate.groupId);
  if (!isAllowedIn(group, type)) {
    const detail = 'Not among the types of the affiliate’s group.';
    throw new DomainError('access.not_enabled', { capability: `payout_method.${type}`, detail });
  }
  const judged = judgeDetails(type, details);
  if (!judged.ok) throw invalid(...judged.problems.map(describeProblem));
  for (const earlier of await lockMethodsOf(tx, affiliate.id, currency))
    if (earlier.status === 'unverified') await movePayoutMethod(tx, act, earlier, 'replaced');
  return insertPayoutMethod(tx, act, {
    id: act.newId('payoutMethod'),
    affiliateId: affiliate.id,
    type,
    currency,
    masked: judged.masked,
    fingerprint: secrets.sign(fingerprintPurpose, judged.identity),
    sealed: secrets.seal(detailsPurpose, JSON.stringify(judged.details)),
  });
}

function describeProblem({ field, code }: FieldProblem): FieldError {
  const detail = {
    required: 'This field is required.',
    bad_format: 'Not a valid value of this field.',
    not_in_list: 'ok, slow, refuse, lost_reply, lost_request or returned.',
    unknown_field: 'This field is not known here.',
    not_allowed_here: 'This type cannot be used here.',
  }[code];
  return { pointer: field === 'type' ? '#/type' : `#/details/${field}`, code, detail };
}

/** A change of where money goes is told to the address known before, whoever made it (T3). It names no part of the destination. */
async function tellAffiliate(
  tx: Tx,
  act: Parameters<typeof insertEmail>[1],
  affiliate: Affiliate,
  method: PayoutMethod,
): Promise<void> {
  await insertEmail(tx, act, {
    kind: 'payout_method_added',
    recipient: affiliate.email,
    subject: 'A payout method was added',
    body: [
      `Hello ${affiliate.name},`,
      `a payout method (${method.type}, ${method.currency}) was added to your account. It is used once it has been verified.`,
      'If this was not you, tell us at once.',
    ].join('\n\n'),
    links: [],
  });
}

/** The method, when this reader may see its affiliate. */
export async function requireMethod(ctx: Asking, tx: ReadTx | Tx, id: PayoutMethodId): Promise<PayoutMethod> {
  const method = await findPayoutMethod(tx, id);
  if (method === undefined || method.status === 'removed') throw new DomainError('resource.not_found');
  await requireAffiliateInScope(tx, await findAffiliate(tx, method.affiliateId), ctx.scope);
  return method;
}

const get = defineRoute({
  method: 'GET',
  path: '/v1/payout-methods/:methodId',
  permission: 'payout_method.read',
  params: payoutMethodParams,
  reply: payoutMethodWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) => ctx.read(async (tx, now) => presentFor(ctx, await requireMethod(ctx, tx, ctx.params.methodId), now)),
});

const details = defineRoute({
  method: 'GET',
  path: '/v1/payout-methods/:methodId/details',
  permission: 'pii.unmask',
  params: payoutMethodParams,
  reply: payoutMethodDetailsWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx, { secrets }) =>
    // A write: whoever looks leaves a trace in the same transaction, or does not get to look.
    ctx.write(async (tx, act) => {
      await requireMethod(ctx, tx, ctx.params.methodId);
      const method = await lockPayoutMethod(tx, ctx.params.methodId);
      if (method === undefined) throw new DomainError('resource.not_found');
      await recordUnmasking(tx, act, method);
      const clear: unknown = JSON.parse(secrets.unseal(detailsPurpose, await getSealedDetails(tx, method.id)));
      return {
        object: 'payout_method_details' as const,
        id: method.id,
        type: method.type,
        currency: method.currency,
        details: clear as Record<string, string>,
      };
    }),
});

/** Four eyes (api.md 1.2). True: nobody else could, so one person did both. */
async function checkFourEyes(ctx: Asking, tx: Tx, method: PayoutMethod, settings: Settings): Promise<boolean> {
  const { actor } = ctx.caller;
  const isOwnWork = method.createdBy !== null && method.createdBy === actor.userId;
  if (!isOwnWork || ctx.mode === 'test') return false;
  const verifiers = await rolesHolding(tx, 'payout_method.verify');
  const others = await countActiveWithRoles(tx, verifiers, actor.userId ?? undefined);
  if (others > 0 || settings.payouts.secondPerson === 'required')
    throw new DomainError('access.own_work', { createdBy: method.createdBy });
  // Alone, a person proves to be that person; a key cannot.
  if (ctx.caller.via === 'key') throw new DomainError('access.step_up_required');
  return true;
}

const verify = defineRoute({
  method: 'POST',
  path: '/v1/payout-methods/:methodId/verify',
  permission: 'payout_method.verify',
  stepUp: true,
  params: payoutMethodParams,
  body: decisionBody,
  reply: payoutMethodWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'access.own_work', 'payout_method.already_decided'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const named = await requireMethod(ctx, tx, ctx.params.methodId);
        return presentFor(ctx, await verifyPayoutMethod(ctx, tx, act, named, reasonOf(ctx.body)), act.now);
      },
      { wake: true },
    ),
});

/**
 * Confirms a method; one that is in use goes on until the cooling time is over. Staff need a second pair of eyes; whoever answers the mail
 * to the affiliate's own address is the affiliate (api.md 10.1, 17). Codes: `payout_method.already_decided`, `access.own_work`.
 */
export async function verifyPayoutMethod(
  ctx: Asking,
  tx: Tx,
  act: Parameters<typeof insertPayoutMethod>[1],
  named: PayoutMethod,
  reason: DecisionReason,
): Promise<PayoutMethod> {
  await lockAffiliate(tx, named.affiliateId);
  const methods = await lockMethodsOf(tx, named.affiliateId, named.currency);
  const method = methods.find((one) => one.id === named.id) ?? named;
  const active = methods.filter((one) => one.id !== method.id && (one.status === 'active' || one.status === 'cooling'));
  const { settings } = await getSettings(tx);
  const decided = decideVerification(method, active.length > 0);
  const isByStaff = ctx.caller.audience === 'staff';
  const isSinglePerson =
    isByStaff && decided.kind === 'accepted' ? await checkFourEyes(ctx, tx, method, settings) : false;
  const effect = await decideHere(ctx, tx, act, {
    verb: 'verify',
    objectType: 'payout_method',
    objectId: method.id,
    decided,
    allowedActions: actionsFor(ctx, methodStatusAt(method, act.now)),
    reason,
  });
  for (const earlier of active) await movePayoutMethod(tx, effect, earlier, 'replaced');
  await replanForMethods(
    tx,
    effect,
    active.map((one) => one.id),
  );
  const event = active.length > 0 ? 'cooled' : 'verified';
  const activeAt = event === 'cooled' ? addDuration(act.now, settings.payouts.methodCooling) : act.now;
  return movePayoutMethod(tx, effect, method, event, { activeAt, isSinglePerson });
}

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/payout-methods/:methodId',
  permission: 'payout_method.write',
  stepUp: true,
  params: payoutMethodParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'access.not_in_scope', 'resource.in_use', 'payout_method.already_decided'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await removePayoutMethod(ctx, tx, act, await requireMethod(ctx, tx, ctx.params.methodId));
      return undefined;
    }),
});

/** Takes a method away; payouts that were made keep their copy. Codes: `resource.in_use`, `payout_method.already_decided`. */
export async function removePayoutMethod(
  ctx: Pick<RouteContext<unknown, unknown, unknown, unknown>, 'requireVersion'>,
  tx: Tx,
  act: Parameters<typeof insertPayoutMethod>[1],
  named: PayoutMethod,
): Promise<void> {
  await lockAffiliate(tx, named.affiliateId);
  const method = await lockPayoutMethod(tx, named.id);
  if (method === undefined) throw new DomainError('resource.not_found');
  ctx.requireVersion(method.version);
  const usedBy = await openPayoutsOf(tx, method.id);
  if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
  const decided = decideRemoval(method);
  if (decided.kind === 'refused') throw new DomainError(decided.code, decided.params);
  await movePayoutMethod(tx, act, method, 'removed');
  await replanForMethods(tx, act, [method.id]);
}

export const payoutMethodRoutes: readonly Route[] = [listTypes, list, add, get, details, verify, remove];
