import {
  endProviderSessions,
  findSignInProvider,
  lockSignInProvider,
  saveSignInProvider,
  type SignInProvider,
  unsetProviderVersion,
} from '../../../db/access/signInProvider.js';
import { listSignInProviders } from '../../../db/directory.js';
import { signInProviderPurpose } from '../../../domain/access/signInProvider.js';
import { checkIssuer, ProviderFailure } from '../../../platform/oidc.js';
import type { ApiDeps } from '../../deps.js';
import { invalid } from '../../problems.js';
import { requireMayGrant } from '../../roleGrants.js';
import { definePublicRoute, defineRoute, type Route } from '../../route.js';
import {
  presentSignInProvider,
  providerButtonWire,
  signInProviderBody,
  signInProviderWire,
} from '../../schemas/access/signInProvider.js';
import { listOf } from '../../schemas/wire.js';

// The company's provider of a workspace (BEY-35, docs/decisions/1160): what is kept of it, and the buttons of the sign-in page.

export const callbackPath = '/v1/auth/oidc/callback';

function present(deps: ApiDeps, provider: SignInProvider | undefined) {
  return presentSignInProvider(provider, {
    callbackUrl: `${deps.config.http.publicUrl}${callbackPath}`,
    unsetVersion: unsetProviderVersion,
  });
}

const buttons = definePublicRoute({
  method: 'GET',
  path: '/v1/auth/oidc/providers',
  summary: 'Through which providers may staff sign in here?',
  reply: listOf(providerButtonWire),
  refuses: [],
  async handle(_ctx, deps) {
    const data = await listSignInProviders(deps.db);
    return { data: data.map(({ workspaceId, label }) => ({ workspaceId, label })), nextCursor: null };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/sign-in-provider',
  summary: 'The company’s provider through which staff sign in; never its secret',
  permission: 'settings.read',
  reply: signInProviderWire,
  refuses: [],
  handle: (ctx, deps) => ctx.read(async (tx) => present(deps, await findSignInProvider(tx))),
});

/** 422 on the issuer, unless it answers for itself. Asked outside of any transaction; only what is switched on has to work. */
async function requireIssuer(deps: ApiDeps, body: { readonly issuer: string; readonly clientId: string }) {
  try {
    await checkIssuer(
      { issuer: body.issuer, clientId: body.clientId, clientSecret: '-', groupsClaim: '' },
      deps.config.outboundAllow,
    );
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    throw invalid({
      pointer: '#/issuer',
      code: error.fault === 'inner_address' || error.fault === 'scheme_not_allowed' ? 'not_allowed_here' : 'not_found',
      detail:
        error.kind === 'unreachable'
          ? `No discovery document could be read there (${error.fault}).`
          : `What stands there is no discovery document of this issuer (${error.fault}).`,
    });
  }
}

const put = defineRoute({
  method: 'PUT',
  path: '/v1/sign-in-provider',
  summary: 'Set the provider; who may not give a role may not give it to a group',
  permission: 'settings.write',
  stepUp: true,
  ifMatch: 'required',
  body: signInProviderBody,
  reply: signInProviderWire,
  refuses: ['access.permission_missing', 'access.step_up_required', 'request.version_mismatch'],
  async handle(ctx, deps) {
    const { clientSecret, ...body } = ctx.body;
    if (body.enabled) await requireIssuer(deps, body);
    return ctx.write(async (tx, act) => {
      const before = await lockSignInProvider(tx);
      ctx.requireVersion(before?.version ?? unsetProviderVersion);
      const mapped = body.roleGroups.map(({ roleId }) => roleId);
      await requireMayGrant(tx, ctx.caller, mapped, (index) => `#/roleGroups/${index}/roleId`);
      // Taking a role from a group needs the right to give it, as it does for people.
      const dropped = (before?.roleGroups ?? []).map(({ roleId }) => roleId).filter((id) => !mapped.includes(id));
      await requireMayGrant(tx, ctx.caller, dropped, () => '#/roleGroups');
      const isOther = before?.issuer !== body.issuer || before?.clientId !== body.clientId;
      // The secret that is kept goes to the issuer it was given for and to no other: nobody reads it that way either.
      if (clientSecret === undefined && isOther)
        throw invalid({
          pointer: '#/clientSecret',
          code: 'required',
          detail: 'This issuer and client need its secret.',
        });
      const sealed =
        clientSecret === undefined
          ? (before?.clientSecret ?? '')
          : deps.secrets.seal(signInProviderPurpose, clientSecret);
      const after = await saveSignInProvider(tx, act, before, { ...body, clientSecret: sealed });
      // Whom this issuer let in stays no longer than it does; who changes it sees the answer.
      if (!body.enabled || (before !== undefined && isOther))
        await endProviderSessions(tx, ctx.workspaceId, ctx.caller.session?.sessionId ?? null);
      return present(deps, after);
    });
  },
});

export const signInProviderRoutes: readonly Route[] = [buttons, get, put];
