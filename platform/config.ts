import { createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';

export type NodeEnv = 'development' | 'test' | 'production';
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** One of the keys that protect stored secrets. A stored value names its key by `id`; the first of the list encrypts. */
export interface SecretKey {
  readonly id: string;
  /** A KeyObject and not bytes: printed or serialised by mistake it shows nothing. */
  readonly key: KeyObject;
}

/** The environment, parsed once at boot and frozen. A module is given the part it needs (architecture.md 14). */
export interface Config {
  readonly nodeEnv: NodeEnv;
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Origin of every link we make, without a slash at the end. */
    readonly publicUrl: string;
    /** Addresses and CIDRs of the proxies whose X-Forwarded-For counts. */
    readonly trustProxy: readonly string[];
    /** The header in which such a proxy says from which country a request comes; undefined: none does. */
    readonly countryHeader?: string | undefined;
    readonly metricsToken: string | undefined;
  };
  readonly database: {
    readonly url: string;
    /** Signs in as the owner; only migrations, bootstrap and backup need it. */
    readonly migrationUrl: string | undefined;
  };
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly taskQueuePrefix: string;
    readonly cliPath: string | undefined;
    /** True when npm start runs the server: its retention is raised and `rehydrate` follows (temporal.md 1.4). */
    readonly embedded: boolean;
    /** Address of the web UI, for links to a live history. */
    readonly uiUrl: string | undefined;
  };
  readonly worker: {
    /** Task queues without prefix; undefined = all. */
    readonly queues: readonly string[] | undefined;
    readonly deploymentName: string | undefined;
    readonly buildId: string;
    /** Port of `GET /readyz` of the worker, loopback. */
    readonly healthPort: number;
  };
  /** At least one; newest first. */
  readonly secretKeys: readonly SecretKey[];
  readonly smtpUrl: string | undefined;
  readonly logLevel: LogLevel;
  readonly dataDir: string;
  /** Private CIDRs that outgoing requests may reach; empty in production. */
  readonly outboundAllow: readonly string[];
  /** E-mail address of the first owner; without it bootstrap prints a link that asks for one. */
  readonly ownerEmail: string | undefined;
  /** Where payout providers are reached instead of at their own hosts, by gateway; empty in production. */
  readonly gatewayOrigins: Readonly<Record<string, string>>;
  /** Crash points to arm (platform/failpoint.ts); empty in production. */
  readonly failpoints: string;
}

/** Everything that is wrong with the environment, one sentence each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `${problems.length === 1 ? 'One setting is' : `${problems.length} settings are`} wrong:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'a port number')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, 'a port from 1 to 65535');
const postgresUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:$/.test(protocolOf(text)), 'postgres://user:password@host:5432/database');
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const networks = list.refine(
  (parts) => parts.every(isNetwork),
  'addresses or CIDRs, separated by commas, such as 10.0.0.0/8',
);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, 'letters, digits, dot, hyphen, underscore');

interface Variable<T> {
  readonly schema: z.ZodType<T, string | undefined>;
  readonly about: string;
  /** May stand in a file named by `<NAME>_FILE`. */
  readonly secret?: true;
  /** What .env.example shows: a default as a comment, or an example of the form. */
  readonly example: string;
}

function variable<T>(schema: z.ZodType<T, string | undefined>, about: string, example: string): Variable<T> {
  return { schema, about, example };
}

function secret<T>(schema: z.ZodType<T, string | undefined>, about: string, example: string): Variable<T> {
  return { schema, about, example, secret: true };
}

const variables = {
  NODE_ENV: variable(
    z.enum(['development', 'test', 'production']).default('development'),
    'production refuses embedded servers and demo data',
    'development',
  ),
  HOST: variable(z.string().optional(), 'address to listen on; default loopback, 0.0.0.0 in production', '127.0.0.1'),
  PORT: variable(port.default(3000), 'port of the API, which serves console and portal', '3000'),
  PUBLIC_URL: variable(
    z
      .string()
      .refine((text) => isOrigin(text), 'an origin such as https://partners.example.com, without path')
      .transform((text) => text.replace(/\/$/, '')),
    'origin of every link in mails, redirects and answers',
    'http://localhost:3000',
  ),
  TRUST_PROXY: variable(
    networks.default([]),
    'proxies whose X-Forwarded-For counts: addresses or CIDRs, separated by commas',
    '10.0.0.0/8',
  ),
  COUNTRY_HEADER: variable(
    z
      .string()
      .regex(/^[A-Za-z0-9-]{1,60}$/, 'the name of a header')
      .optional(),
    'header in which a proxy of TRUST_PROXY says the country of a request, in two letters; unset: countries are unknown',
    'CF-IPCountry',
  ),
  METRICS_TOKEN: secret(
    z.string().min(16, 'at least 16 characters').optional(),
    'bearer token of GET /metrics; without it loopback only',
    '',
  ),
  DATABASE_URL: secret(
    postgresUrl,
    'Postgres 15 or newer, signing in as tributary; unset: npm start brings its own',
    'postgres://tributary:password@127.0.0.1:5432/tributary',
  ),
  MIGRATION_DATABASE_URL: secret(
    postgresUrl.optional(),
    'the same database as its owner: migrations, bootstrap, backup; default: the embedded owner',
    'postgres://tributary_owner:password@127.0.0.1:5432/tributary',
  ),
  TEMPORAL_ADDRESS: variable(
    z.string().regex(/^[A-Za-z0-9._-]+:\d{1,5}$|^\[[0-9A-Fa-f:]+\]:\d{1,5}$/, 'host:port'),
    'Temporal server; unset: npm start brings its own',
    '127.0.0.1:7233',
  ),
  TEMPORAL_NAMESPACE: variable(name.default('tributary'), 'namespace of Temporal', 'tributary'),
  TEMPORAL_TASK_QUEUE_PREFIX: variable(
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,60}$/, 'letters, digits, dot, hyphen, underscore')
      .default(''),
    'put before each task queue, where several installations share a namespace',
    '',
  ),
  TEMPORAL_CLI_PATH: variable(z.string().optional(), 'Temporal CLI of the embedded server', '/usr/local/bin/temporal'),
  TEMPORAL_EMBEDDED: variable(
    z
      .enum(['true', 'false'])
      .default('false')
      .transform((text) => text === 'true'),
    'set by npm start when it runs the Temporal server',
    'false',
  ),
  TEMPORAL_UI_URL: variable(
    z
      .string()
      .refine((text) => /^https?:$/.test(protocolOf(text)), 'an http or https address')
      .optional(),
    'web UI of Temporal, for links from the console',
    'http://localhost:8233',
  ),
  WORKER_QUEUES: variable(
    list
      .refine(
        (parts) => parts.length > 0 && parts.every((part) => /^[a-z][A-Za-z0-9-]*$/.test(part)),
        'names of task queues, separated by commas',
      )
      .optional(),
    'task queues of this worker, without prefix; default: all',
    'referrals,payouts,jobs',
  ),
  WORKER_DEPLOYMENT_NAME: variable(
    name.optional(),
    "Temporal's name of this deployment; without it the worker is unversioned",
    'tributary',
  ),
  WORKER_HEALTH_PORT: variable(port.default(3900), "port of the worker's GET /readyz, loopback", '3900'),
  BUILD_ID: variable(name.default('development'), 'version of the code, shown by GET /version', '0.1.0'),
  SECRET_KEY: secret(
    z.string().transform(readSecretKeys),
    'keys that protect stored secrets, newest first, each <id>:<32 bytes in base64>, separated by commas; older ones only decrypt (make one: openssl rand -base64 32)',
    'key1:…',
  ),
  SMTP_URL: secret(
    z
      .string()
      .refine((text) => /^smtps?:$/.test(protocolOf(text)), 'smtp://user:password@host:587')
      .optional(),
    'mail server; without it mails are kept in the development mailbox',
    'smtp://user:password@host:587',
  ),
  LOG_LEVEL: variable(
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
    'fatal, error, warn, info, debug or trace',
    'info',
  ),
  DATA_DIR: variable(z.string().default('.data'), 'folder of the embedded servers, logs and exported files', '.data'),
  OUTBOUND_ALLOW: variable(
    networks.default([]),
    'private CIDRs that outgoing requests may reach, for development and tests; refused in production',
    '127.0.0.0/8,::1/128',
  ),
  OWNER_EMAIL: variable(
    z.email('an e-mail address').optional(),
    'first owner, made by npm run bootstrap; without it a one-time link is printed',
    'owner@example.com',
  ),
  GATEWAY_ORIGINS: variable(
    list
      .refine((parts) => parts.every(isGatewayOrigin), 'gateway=origin, separated by commas')
      .transform((parts) => Object.fromEntries(parts.map((part) => part.split('=') as [string, string])))
      .default({}),
    'where payout providers are reached instead of at their own hosts, for development and tests; refused in production',
    'paypal=http://127.0.0.1:4010,wise=http://127.0.0.1:4011',
  ),
  FAILPOINTS: variable(
    z.string().default(''),
    'crash points of the fault tests, separated by commas; refused in production',
    'after:submitAttempt',
  ),
} as const;

const schema = z
  .object({
    NODE_ENV: variables.NODE_ENV.schema,
    HOST: variables.HOST.schema,
    PORT: variables.PORT.schema,
    PUBLIC_URL: variables.PUBLIC_URL.schema,
    TRUST_PROXY: variables.TRUST_PROXY.schema,
    COUNTRY_HEADER: variables.COUNTRY_HEADER.schema,
    METRICS_TOKEN: variables.METRICS_TOKEN.schema,
    DATABASE_URL: variables.DATABASE_URL.schema,
    MIGRATION_DATABASE_URL: variables.MIGRATION_DATABASE_URL.schema,
    TEMPORAL_ADDRESS: variables.TEMPORAL_ADDRESS.schema,
    TEMPORAL_NAMESPACE: variables.TEMPORAL_NAMESPACE.schema,
    TEMPORAL_TASK_QUEUE_PREFIX: variables.TEMPORAL_TASK_QUEUE_PREFIX.schema,
    TEMPORAL_CLI_PATH: variables.TEMPORAL_CLI_PATH.schema,
    TEMPORAL_EMBEDDED: variables.TEMPORAL_EMBEDDED.schema,
    TEMPORAL_UI_URL: variables.TEMPORAL_UI_URL.schema,
    WORKER_QUEUES: variables.WORKER_QUEUES.schema,
    WORKER_DEPLOYMENT_NAME: variables.WORKER_DEPLOYMENT_NAME.schema,
    WORKER_HEALTH_PORT: variables.WORKER_HEALTH_PORT.schema,
    BUILD_ID: variables.BUILD_ID.schema,
    SECRET_KEY: variables.SECRET_KEY.schema,
    SMTP_URL: variables.SMTP_URL.schema,
    LOG_LEVEL: variables.LOG_LEVEL.schema,
    DATA_DIR: variables.DATA_DIR.schema,
    OUTBOUND_ALLOW: variables.OUTBOUND_ALLOW.schema,
    OWNER_EMAIL: variables.OWNER_EMAIL.schema,
    GATEWAY_ORIGINS: variables.GATEWAY_ORIGINS.schema,
    FAILPOINTS: variables.FAILPOINTS.schema,
  })
  .superRefine((settings, context) => {
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (settings.COUNTRY_HEADER !== undefined && settings.TRUST_PROXY.length === 0)
      refuse('COUNTRY_HEADER', 'counts only from a proxy that TRUST_PROXY names: set that too');
    if (settings.NODE_ENV !== 'production') return;
    if (settings.OUTBOUND_ALLOW.length > 0)
      refuse('OUTBOUND_ALLOW', 'is for development and tests: unset it in production');
    if (Object.keys(settings.GATEWAY_ORIGINS).length > 0)
      refuse('GATEWAY_ORIGINS', 'is for development and tests: unset it in production');
    if (settings.FAILPOINTS !== '') refuse('FAILPOINTS', 'is for the fault tests: unset it in production');
    if (settings.TEMPORAL_EMBEDDED) refuse('TEMPORAL_EMBEDDED', 'production refuses the embedded server');
  });

/**
 * Parses the environment. Throws ConfigError with all problems at once. An empty value counts as unset; each secret may
 * stand in the file named by `<NAME>_FILE` instead.
 */
export function loadConfig(env: Environment): Config {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const [name, definition] of Object.entries<Variable<unknown>>(variables)) {
    const value = readVariable(env, name, definition, problems);
    if (value !== undefined) values[name] = value;
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const name = String(issue.path[0]);
      if (problems.some((line) => line.startsWith(`${name}_FILE`) || line.startsWith(`${name}:`))) continue;
      problems.push(`${name}: ${values[name] === undefined ? `is not set (${aboutOf(name)})` : issue.message}`);
    }
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return freeze(nest(parsed.data));
}

function nest(settings: z.infer<typeof schema>): Config {
  return {
    nodeEnv: settings.NODE_ENV,
    http: {
      host: settings.HOST ?? (settings.NODE_ENV === 'production' ? '0.0.0.0' : '127.0.0.1'),
      port: settings.PORT,
      publicUrl: settings.PUBLIC_URL,
      trustProxy: settings.TRUST_PROXY,
      countryHeader: settings.COUNTRY_HEADER,
      metricsToken: settings.METRICS_TOKEN,
    },
    database: { url: settings.DATABASE_URL, migrationUrl: settings.MIGRATION_DATABASE_URL },
    temporal: {
      address: settings.TEMPORAL_ADDRESS,
      namespace: settings.TEMPORAL_NAMESPACE,
      taskQueuePrefix: settings.TEMPORAL_TASK_QUEUE_PREFIX,
      cliPath: settings.TEMPORAL_CLI_PATH,
      embedded: settings.TEMPORAL_EMBEDDED,
      uiUrl: settings.TEMPORAL_UI_URL,
    },
    worker: {
      queues: settings.WORKER_QUEUES,
      deploymentName: settings.WORKER_DEPLOYMENT_NAME,
      buildId: settings.BUILD_ID,
      healthPort: settings.WORKER_HEALTH_PORT,
    },
    secretKeys: settings.SECRET_KEY,
    smtpUrl: settings.SMTP_URL,
    logLevel: settings.LOG_LEVEL,
    dataDir: settings.DATA_DIR,
    outboundAllow: settings.OUTBOUND_ALLOW,
    ownerEmail: settings.OWNER_EMAIL,
    gatewayOrigins: settings.GATEWAY_ORIGINS,
    failpoints: settings.FAILPOINTS,
  };
}

function readVariable(
  env: Environment,
  name: string,
  definition: Variable<unknown>,
  problems: string[],
): string | undefined {
  const direct = env[name] === '' ? undefined : env[name];
  const file = env[`${name}_FILE`];
  if (!definition.secret || !file) return direct;
  if (direct !== undefined) {
    problems.push(`${name}_FILE: ${name} is set as well; keep one of them`);
    return undefined;
  }
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch (error) {
    problems.push(`${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

/**
 * The environment of a command on the machine of `npm start`: what is set, else what the running stack wrote to
 * `<DATA_DIR>/running.env` (its addresses) and `<DATA_DIR>/env` (its secrets). In production only what is set.
 */
export function localEnvironment(env: Environment = process.env): Environment {
  if (env['NODE_ENV'] === 'production') return env;
  const dataDir = env['DATA_DIR'] || '.data';
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  // A server that was named by hand is another one than the running stack's: its owner's login does not fit either.
  const running = set['DATABASE_URL'] === undefined ? readEnvFile(join(dataDir, 'running.env')) : {};
  return { ...readEnvFile(join(dataDir, 'env')), ...running, ...set };
}

/** Lines `NAME=value`; # begins a comment. A missing file is an empty one. */
export function readEnvFile(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const found = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim());
    if (found?.[1] !== undefined) values[found[1]] = found[2] ?? '';
  }
  return values;
}

/** The text of `.env.example`: generated, so that it cannot miss a variable; a test compares. */
export function renderEnvExample(): string {
  const lines = [
    '# Every setting, from platform/config.ts. `npm start` needs none of them; copy to .env for docker compose.',
    '',
  ];
  for (const [name, definition] of Object.entries<Variable<unknown>>(variables)) {
    lines.push(
      `# ${definition.about}${definition.secret ? `; or ${name}_FILE` : ''}`,
      `# ${name}=${definition.example}`,
      '',
    );
  }
  return lines.join('\n');
}

function aboutOf(name: string): string {
  return Object.entries<Variable<unknown>>(variables).find(([key]) => key === name)?.[1].about ?? '';
}

function readSecretKeys(text: string, context: z.RefinementCtx): readonly SecretKey[] {
  const keys: SecretKey[] = [];
  for (const part of text.split(',')) {
    const [id = '', encoded = '', ...rest] = part.trim().split(':');
    const bytes = Buffer.from(encoded, 'base64');
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id) || bytes.length !== 32 || rest.length > 0) {
      // The value itself stays out of the message: it would end up in a log.
      context.addIssue({ code: 'custom', message: 'each key is <id>:<32 bytes in base64>, separated by commas' });
      return z.NEVER;
    }
    keys.push({ id, key: createSecretKey(bytes) });
  }
  if (new Set(keys.map((key) => key.id)).size !== keys.length) {
    context.addIssue({ code: 'custom', message: 'two keys have the same id' });
    return z.NEVER;
  }
  return keys;
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : '';
}

function isGatewayOrigin(text: string): boolean {
  const [gateway = '', origin = '', ...more] = text.split('=');
  return more.length === 0 && /^[a-z]{1,20}$/.test(gateway) && isOrigin(origin);
}

function isOrigin(text: string): boolean {
  if (!/^https?:$/.test(protocolOf(text))) return false;
  const url = new URL(text);
  return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (bits === undefined) return true;
  if (!/^\d{1,3}$/.test(bits)) return false;
  try {
    new BlockList().addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (
      typeof part === 'object' &&
      part !== null &&
      (Array.isArray(part) || Object.getPrototypeOf(part) === Object.prototype)
    )
      freeze(part);
  }
  return Object.freeze(value);
}
