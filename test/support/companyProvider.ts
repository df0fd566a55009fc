import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { freePort } from './freePorts.js';

/** A person at the provider: whoever types the key of this entry into its form is that person. */
export interface CompanyAccount {
  readonly email?: string;
  readonly email_verified?: boolean | string;
  readonly name?: string;
  readonly groups?: readonly string[];
}

type Claims = Record<string, unknown>;

export interface CompanyProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Another client of the same provider, with the same way back. */
  readonly otherClientId: string;
  readonly accounts: Map<string, CompanyAccount>;
  /** What a lying provider, or somebody on the way, makes of the ID token; signed anew with the right key unless `byStranger`. */
  lie: { readonly change: (claims: Claims) => Claims; readonly byStranger?: boolean } | undefined;
  close(): Promise<void>;
}

/**
 * The certified provider of the same authors as our client library, with its own forms for development, on a port of this machine. Codes, PKCE,
 * clients, prompts and sessions are its own; only what it says of a person comes from the table, and what a test has it lie about.
 */
export async function startCompanyProvider({
  redirectUri,
  claimsInToken = true,
}: {
  readonly redirectUri: string;
  /** False: e-mail and groups are answered by the user-info endpoint only, as the specification prefers. */
  readonly claimsInToken?: boolean;
}): Promise<CompanyProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const accounts = new Map<string, CompanyAccount>();
  const client = (id: string) => ({
    client_id: id,
    client_secret: `secret of ${id}, long enough`,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    response_types: ['code' as const],
  });
  const provider = new Provider(issuer, {
    clients: [client('tributary'), client('somebody-else')],
    findAccount: (_ctx, id) => {
      const account = accounts.get(id);
      return account === undefined ? undefined : { accountId: id, claims: () => ({ sub: id, ...account }) };
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    conformIdTokenClaims: !claimsInToken,
    jwks: { keys: [{ ...own.privateKey.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['a key of the test'] },
    pkce: { required: () => true },
  });
  const made: CompanyProvider = {
    issuer,
    clientId: 'tributary',
    clientSecret: 'secret of tributary, long enough',
    otherClientId: 'somebody-else',
    accounts,
    lie: undefined,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  provider.use(async (ctx, next) => {
    await next();
    const body = ctx.body as { id_token?: string } | undefined;
    if (ctx.path !== '/token' || made.lie === undefined || body?.id_token === undefined) return;
    const claims = JSON.parse(Buffer.from(body.id_token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
    const key = made.lie.byStranger === true ? stranger.privateKey : own.privateKey;
    ctx.body = { ...body, id_token: signed(made.lie.change(claims), key) };
  });
  const server = createServer((request, response) => {
    provider
      .callback()(request, response)
      .catch(() => response.destroy());
  });
  await new Promise<void>((done) => {
    server.listen(port, '127.0.0.1', done);
  });
  return made;
}

function signed(claims: Claims, key: KeyObject): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'own' })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`;
}
