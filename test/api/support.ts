import { randomBytes, randomUUID } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createApp } from '../../api/app.js';
import { createApiLog } from '../../api/apiLog.js';
import { clientAddressOf, KnownSessions } from '../../api/auth.js';
import { createDecisionOutcomes } from '../../api/decisionOutcome.js';
import type { ApiDeps } from '../../api/deps.js';
import type { Route } from '../../api/route.js';
import { type HttpServer, listenOn } from '../../api/server.js';
import type { ClickEdge } from '../../api/routes/tracking/click.js';
import { createSignInGuard } from '../../api/signInGuard.js';
import { insertApiKey } from '../../db/access/apiKey.js';
import { getSettings, lockSettings, updateSettings } from '../../db/access/settings.js';
import { insertUser, type User } from '../../db/access/user.js';
import { createWorkspace, ensureLogin } from '../../db/access/workspace.js';
import { connect, connectEdge, type Db } from '../../db/connection.js';
import { inWorkspace } from '../../db/transaction.js';
import type { Act, Mode } from '../../domain/act.js';
import type { Permission, PresetId } from '../../domain/access/permission.js';
import type { WorkspaceId } from '../../domain/ids.js';
import type { Config } from '../../platform/config.js';
import { createDomainChecker } from '../../platform/domainCheck.js';
import { HeadKeeper } from '../../platform/headKeeper.js';
import { noEngine } from '../../platform/engineState.js';
import { noLiveHistories } from '../../platform/liveHistories.js';
import { createLogger } from '../../platform/logger.js';
import { createPasswords } from '../../platform/passwords.js';
import { createMetrics } from '../../platform/metrics.js';
import { newId } from '../../platform/newId.js';
import { createSecrets, hashToken, newApiKey } from '../../platform/secrets.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

export interface TestAnswer {
  readonly status: number;
  /** The parsed JSON body; null when there is none. */
  readonly body: Json;
  readonly text: string;
  readonly headers: Headers;
}

/**
 * A JSON answer, read by path: `answer.body['data']?.[0]?.['id']`. Each step may be anything (to the compiler: `never`), so that tests
 * stay readable; what it really is the expectation says.
 */
export type Json = { readonly [key: string]: Json } & readonly Json[] & string & number & boolean & null;

/** The elements of a JSON array in an answer; none when it is no array. */
export function itemsOf(json: unknown): readonly Json[] {
  return Array.isArray(json) ? (json as unknown as readonly Json[]) : [];
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestWorkspace {
  readonly id: WorkspaceId;
  readonly owner: User;
  /** A live secret key of the owner with every right of theirs. */
  readonly key: string;
  /** The same in test mode. */
  readonly testKey: string;
}

export interface TestApi {
  readonly url: string;
  readonly db: Db;
  readonly database: TestDatabase;
  readonly deps: ApiDeps;
  /** A workspace with an owner and keys; `saved`: its settings were saved once, so that programs can be made. */
  makeWorkspace(options?: { readonly name?: string; readonly saved?: boolean }): Promise<TestWorkspace>;
  /** Another person of a workspace, with a key of theirs. */
  makePerson(
    workspace: Pick<TestWorkspace, 'id'>,
    roleIds: readonly PresetId[],
    options?: {
      readonly name?: string;
      readonly mode?: Mode;
      readonly permissions?: readonly Permission[];
      readonly affiliateId?: string;
    },
  ): Promise<{ readonly user: User; readonly key: string }>;
  /** Calls the API with a key, or with none; POST and PATCH get a fresh Idempotency-Key unless one is given. */
  as(key: string | null, path: string, options?: CallOptions): Promise<TestAnswer>;
  /** One transaction's context, for calling writers directly. */
  act(workspaceId: WorkspaceId, now: Act['now'], change?: Partial<Act>): Act;
  close(): Promise<void>;
}

/** The real application on a free port, over a database of its own. Close it in `afterAll`. */
export async function startTestApi(
  options: {
    readonly routes?: readonly Route[];
    readonly edge?: (deps: ApiDeps) => ClickEdge;
    readonly config?: {
      readonly publicUrl?: string;
      readonly nodeEnv?: Config['nodeEnv'];
      readonly metricsToken?: string;
      readonly outboundAllow?: readonly string[];
    };
    readonly deps?: Partial<ApiDeps>;
  } = {},
): Promise<TestApi> {
  const database = await createTestDatabase();
  const logger = createLogger({ logLevel: process.env['TEST_LOG'] === undefined ? 'fatal' : 'debug' });
  const config: Config = {
    nodeEnv: options.config?.nodeEnv ?? 'test',
    http: {
      host: '127.0.0.1',
      port: 3000,
      publicUrl: options.config?.publicUrl ?? 'http://localhost:3000',
      trustProxy: [],
      metricsToken: options.config?.metricsToken,
    },
    database: { url: database.appUrl, migrationUrl: database.ownerUrl },
    temporal: {
      address: '127.0.0.1:1',
      namespace: 'test',
      taskQueuePrefix: '',
      cliPath: undefined,
      embedded: false,
      uiUrl: undefined,
    },
    worker: { queues: undefined, deploymentName: undefined, buildId: 'test', healthPort: 3900 },
    secretKeys: [{ id: 'test', key: createSecretKey(randomBytes(32)) }],
    smtpUrl: undefined,
    logLevel: 'fatal',
    dataDir: '.data',
    outboundAllow: options.config?.outboundAllow ?? [],
    ownerEmail: undefined,
    gatewayOrigins: {},
    failpoints: '',
  };
  const db = connect({ url: database.appUrl, poolSize: 10, applicationName: 'test api' });
  const edgeDb = connectEdge({ url: database.appUrl, poolSize: 2, applicationName: 'test edge' });
  const outcomes = createDecisionOutcomes({ db, url: database.appUrl, logger });
  const clientAddress = clientAddressOf(config.http.trustProxy);
  const deps: ApiDeps = {
    db,
    longDb: db,
    edgeDb,
    config,
    newId,
    logger,
    secrets: createSecrets(config.secretKeys),
    outcomes,
    heads: new HeadKeeper(path.join(tmpdir(), `tributary-heads-${randomUUID()}`)),
    liveHistories: noLiveHistories,
    engine: noEngine,
    // Test files make more calls with one key than a person may: those about the limits pass their own.
    rateLimiter: { take: () => undefined },
    knownSessions: new KnownSessions(),
    gatewayDesks: new Map(),
    apiLog: createApiLog({ db, logger }),
    passwords: createPasswords(),
    signInGuard: createSignInGuard(),
    checkDomain: createDomainChecker({ publicUrl: config.http.publicUrl, allow: config.outboundAllow }),
    clientAddress,
    ...options.deps,
  };
  const app = createApp(deps, {
    registry: createMetrics(),
    health: {
      isServing: () => true,
      database: () => Promise.resolve('ok'),
      migrations: () => Promise.resolve('ok'),
      temporal: () => Promise.resolve('away'),
    },
    ...(options.routes === undefined ? {} : { routes: options.routes }),
  });
  const http: HttpServer = await listenOn(options.edge?.(deps).before(app.callback()) ?? app.callback(), {
    host: '127.0.0.1',
    port: 0,
    logger,
  });
  const url = `http://127.0.0.1:${http.port}`;

  const act = (workspaceId: WorkspaceId, now: Act['now'], change: Partial<Act> = {}): Act => ({
    workspaceId,
    mode: 'live',
    now,
    actor: { type: 'system', id: null, userId: null },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: null,
    newId,
    ...change,
  });

  const makeKey = (
    workspaceId: WorkspaceId,
    user: User,
    mode: Mode,
    grant: { readonly roleId?: string; readonly permissions?: readonly Permission[]; readonly affiliateId?: string },
  ): Promise<string> =>
    inWorkspace(db, workspaceId, async (tx, now) => {
      const secret = newApiKey('sk', mode);
      await insertApiKey(tx, act(workspaceId, now), {
        id: newId('apiKey'),
        name: `key of ${user.name}`,
        kind: 'secret',
        mode,
        tokenHash: hashToken(secret),
        hint: secret.slice(-4),
        publicKey: null,
        signingSecret: null,
        permissions: grant.permissions ?? [],
        roleId: grant.roleId ?? null,
        affiliateId: grant.affiliateId ?? null,
        createdBy: user.id,
        expiresOn: null,
        ipRestricted: false,
        ipAllowList: [],
      });
      return secret;
    });

  return {
    url,
    db,
    database,
    deps,
    act,
    async makeWorkspace({ name = 'Shop', saved = true } = {}) {
      const { workspaceId, owner } = await createWorkspace(db, newId, {
        name,
        owner: { name: 'Ana', email: `ana-${randomUUID()}@shop.example` },
        isFirst: true,
        ownerStatus: 'active',
      });
      if (saved)
        await inWorkspace(db, workspaceId, async (tx, now) => {
          const { settings } = await getSettings(tx);
          await updateSettings(tx, act(workspaceId, now), await lockSettings(tx), settings);
        });
      const key = await makeKey(workspaceId, owner, 'live', { roleId: 'owner', permissions: ['instance.admin'] });
      const testKey = await makeKey(workspaceId, owner, 'test', { roleId: 'owner', permissions: ['instance.admin'] });
      return { id: workspaceId, owner, key, testKey };
    },
    async makePerson(workspace, roleIds, { name = 'Ben', mode = 'live', permissions, affiliateId } = {}) {
      const user = await inWorkspace(db, workspace.id, async (tx, now) => {
        const email = `${name.toLowerCase()}-${randomUUID()}@shop.example`;
        return insertUser(tx, act(workspace.id, now), {
          id: newId('user'),
          loginId: await ensureLogin(tx, newId, email),
          audience: 'staff',
          name,
          email,
          roleIds,
          status: 'active',
        });
      });
      const { presets } = await import('../../domain/access/permission.js');
      const held = permissions ?? roleIds.flatMap((role) => presets[role].permissions);
      const key = await makeKey(workspace.id, user, mode, {
        permissions: held,
        ...(affiliateId === undefined ? {} : { affiliateId }),
      });
      return { user, key };
    },
    async as(key, path, { method, body, raw, headers = {} } = {}) {
      const verb = method ?? (body === undefined && raw === undefined ? 'GET' : 'POST');
      const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const isIdempotent = verb === 'POST' || verb === 'PATCH';
      const response = await fetch(`${url}${path}`, {
        method: verb,
        redirect: 'manual',
        headers: {
          ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
          ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(isIdempotent && key !== null ? { 'Idempotency-Key': randomUUID() } : {}),
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        body: (isJson && text !== '' ? JSON.parse(text) : null) as Json,
        text,
        headers: response.headers,
      };
    },
    async close() {
      await http.close(1_000);
      await deps.apiLog.stop();
      await outcomes.stop();
      await edgeDb.end();
      await db.destroy();
      await database.drop();
    },
  };
}
