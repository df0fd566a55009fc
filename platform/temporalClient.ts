import {
  Client,
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import type { Config } from './config.js';

export interface TemporalClient {
  readonly client: Client;
  readonly connection: Connection;
  close(): Promise<void>;
}

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/**
 * A client that connects at its first call, so that a process starts without Temporal. `identity` is what histories show: a role and a
 * build, never the machine's user (temporal.md 8). Callers bound each call with `client.withDeadline`, or all of them by `deadlineMs`: the
 * former follows each promise of the process from its first use on (async hooks), which took every request of the API 8 % of its time.
 */
export function createTemporalClient(
  config: Pick<Config['temporal'], 'address' | 'namespace'>,
  identity: string,
  deadlineMs?: number,
): TemporalClient {
  const bounded: Interceptor = (options, next) =>
    // What `next` makes is a call; its type says less.
    next({ ...options, deadline: options.deadline ?? Date.now() + (deadlineMs ?? 0) }) as ReturnType<Interceptor>;
  const connection = Connection.lazy({
    address: config.address,
    ...(deadlineMs === undefined
      ? {}
      : { interceptors: [bounded, makeGrpcRetryInterceptor(defaultGrpcRetryOptions())] }), // the second is the default
  });
  return {
    connection,
    client: new Client({ connection, namespace: config.namespace, identity }),
    close: () => connection.close(),
  };
}

/** Declared once; room for five more Keywords is kept free in SQL visibility (temporal.md 7). */
const keys = {
  WorkspaceId: defineSearchAttributeKey('WorkspaceId', SearchAttributeType.KEYWORD),
  ProgramId: defineSearchAttributeKey('ProgramId', SearchAttributeType.KEYWORD),
  AffiliateId: defineSearchAttributeKey('AffiliateId', SearchAttributeType.KEYWORD),
  EntityStatus: defineSearchAttributeKey('EntityStatus', SearchAttributeType.KEYWORD),
  PayoutRunId: defineSearchAttributeKey('PayoutRunId', SearchAttributeType.KEYWORD),
  NextDeadline: defineSearchAttributeKey('NextDeadline', SearchAttributeType.DATETIME),
} as const;

type TextAttribute = Exclude<keyof typeof keys, 'NextDeadline'>;
export type SearchAttributeValues = { readonly [Name in TextAttribute]?: string | undefined };

/** Absent values are left out: an empty attribute would be one more event when it is set. */
export function toSearchAttributes(values: SearchAttributeValues): TypedSearchAttributes {
  return new TypedSearchAttributes(
    (Object.keys(values) as TextAttribute[]).flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [{ key: keys[name], value }];
    }),
  );
}

/** Temporal's numbers of value types (temporal.api.enums.v1.IndexedValueType). */
const valueTypes = { KEYWORD: 2, DATETIME: 6 } as const;

/** What the server answered to a step of `prepareNamespace`, for the person at the terminal. */
export interface NamespaceReport {
  readonly registered: boolean;
  readonly addedAttributes: readonly string[];
}

const dayS = 86_400;
const firstCallTimeoutMs = 10_000;

/**
 * The namespace with its retention and search attributes, over gRPC, so that it works against any cluster. Idempotent. Throws an Error whose
 * message says what the cluster's administrator has to run when the server refuses and the result is not there already.
 */
export async function prepareNamespace(
  connection: Connection,
  namespace: string,
  options: { readonly embedded: boolean; readonly waitMs?: number },
): Promise<NamespaceReport> {
  await waitForServer(connection, options.waitMs ?? 30_000);
  const registered = await ensureNamespace(connection, namespace, options.embedded);
  const addedAttributes = await ensureSearchAttributes(connection, namespace);
  return { registered, addedAttributes };
}

async function waitForServer(connection: Connection, waitMs: number): Promise<void> {
  const end = Date.now() + waitMs;
  for (;;) {
    try {
      await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.getSystemInfo({}));
      return;
    } catch (error) {
      if (Date.now() > end) throw new Error('Temporal does not answer', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function ensureNamespace(connection: Connection, namespace: string, embedded: boolean): Promise<boolean> {
  const service = connection.workflowService;
  const call = <T>(work: () => Promise<T>): Promise<T> =>
    connection.withDeadline(Date.now() + firstCallTimeoutMs, work);
  let registered = false;
  if (!(await namespaceExists(connection, namespace))) {
    // 30 days on a cluster: longer than any outage of the exporter. On a box 7: the database file stays small (temporal.md 1.4).
    const days = embedded ? 7 : 30;
    try {
      await call(() =>
        service.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: (days * dayS) as never } }),
      );
      registered = true;
    } catch (error) {
      if (!(await namespaceExists(connection, namespace))) {
        throw new Error(
          `Temporal refuses to register the namespace; its administrator runs: temporal operator namespace create --namespace ${namespace} --retention 30d`,
          { cause: error },
        );
      }
    }
    await waitForNamespace(connection, namespace);
  }
  // A dev server makes its namespace at the start, with 24 h: too short to notice that an export failed.
  if (embedded) {
    await call(() =>
      service.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: { seconds: (7 * dayS) as never } },
      }),
    );
  }
  return registered;
}

async function namespaceExists(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.withDeadline(Date.now() + firstCallTimeoutMs, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } catch (error) {
    if (codeOf(error) === 5) return false;
    throw error;
  }
}

/** Other parts of a cluster learn of a new namespace some seconds later. */
async function waitForNamespace(connection: Connection, namespace: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      await connection.withDeadline(Date.now() + firstCallTimeoutMs, () =>
        connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }),
      );
      return;
    } catch (error) {
      if (codeOf(error) !== 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error(`the namespace ${namespace} was registered, but Temporal does not know it after 20 s`);
}

/** Adding a name that exists is no error to the server, not even with another type: so the types are compared. */
async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const list = async (): Promise<Readonly<Record<string, unknown>>> => {
    const { customAttributes } = await connection.withDeadline(Date.now() + firstCallTimeoutMs, () =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return customAttributes ?? {};
  };
  const wanted = Object.values(keys).map((key) => ({
    name: key.name,
    type: valueTypes[key.type as keyof typeof valueTypes],
  }));
  const existing = await list();
  const otherType = wanted.filter(({ name, type }) => existing[name] !== undefined && existing[name] !== type);
  if (otherType.length > 0) {
    throw new Error(
      `search attributes of another type stand in the namespace ${namespace}: ${otherType.map(({ name }) => name).join(', ')}; remove them with temporal operator search-attribute remove, or use another namespace`,
    );
  }
  const missing = wanted.filter(({ name }) => existing[name] === undefined);
  if (missing.length === 0) return [];
  try {
    await connection.withDeadline(Date.now() + firstCallTimeoutMs, () =>
      connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, type])),
      }),
    );
  } catch (error) {
    const now = await list();
    const still = missing.filter(({ name }) => now[name] === undefined);
    if (still.length > 0) {
      const flags = still.map(({ name, type }) => `--name ${name} --type ${type === 2 ? 'Keyword' : 'Datetime'}`);
      throw new Error(
        `Temporal refuses to add search attributes; its administrator runs: temporal operator search-attribute create --namespace ${namespace} ${flags.join(' ')}`,
        { cause: error },
      );
    }
  }
  return missing.map(({ name }) => name);
}

function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** What `work` answers within `ms` milliseconds; `away` when it fails or takes longer: a screen or a probe must never hang with what it asks. */
export async function orAway<T>(ms: number, work: () => Promise<T>): Promise<T | 'away'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'away'>((resolve) => {
    timer = setTimeout(() => resolve('away'), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } catch {
    return 'away'; // why it is away is logged where it is used; here only the fact counts
  } finally {
    clearTimeout(timer);
  }
}
