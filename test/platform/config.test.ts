import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, loadConfig, localEnvironment, renderEnvExample } from '../../platform/config.js';
import { makeFolder } from './fixtures/folder.js';

const newKey = randomBytes(32).toString('base64');
const oldKey = randomBytes(32).toString('base64');

const smallest = {
  DATABASE_URL: 'postgres://tributary:hush@db.example.com/tributary',
  TEMPORAL_ADDRESS: 'temporal.example.com:7233',
  PUBLIC_URL: 'https://partners.example.com/',
  SECRET_KEY: `new:${newKey},old:${oldKey}`,
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('four settings are enough; the rest has defaults', () => {
  const config = loadConfig(smallest);

  expect(config.http).toEqual({
    host: '127.0.0.1',
    port: 3000,
    publicUrl: 'https://partners.example.com',
    trustProxy: [],
    countryHeader: undefined,
    metricsToken: undefined,
  });
  expect(config.temporal).toMatchObject({ namespace: 'tributary', taskQueuePrefix: '', embedded: false });
  expect(config.worker.queues).toBeUndefined();
  expect(config.outboundAllow).toEqual([]);
});

test('secret keys keep their order and their names: the first encrypts', () => {
  const keys = loadConfig(smallest).secretKeys;

  expect(keys.map(({ id }) => id)).toEqual(['new', 'old']);
  expect(keys[0]?.key.export().toString('base64')).toBe(newKey);
});

test('all problems come at once, each with its name, and none quotes a secret', () => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://root:hush@h/d',
    PORT: '70000',
    SECRET_KEY: 'key1:hush',
    WORKER_QUEUES: 'a b',
    TRUST_PROXY: '10.0.0.0/33',
  });

  expect(problems.map((line) => line.split(':')[0])).toEqual([
    'PORT',
    'PUBLIC_URL',
    'TRUST_PROXY',
    'DATABASE_URL',
    'TEMPORAL_ADDRESS',
    'WORKER_QUEUES',
    'SECRET_KEY',
  ]);
  expect(problems.join('\n')).not.toContain('hush');
});

test.each([
  ['a path in the public address', { PUBLIC_URL: 'https://example.com/partners' }, 'PUBLIC_URL: an origin'],
  ['two keys of one name', { SECRET_KEY: `a:${newKey},a:${oldKey}` }, 'SECRET_KEY: two keys have the same id'],
  ['a key of the wrong length', { SECRET_KEY: `a:${newKey.slice(4)}` }, 'SECRET_KEY: each key is'],
  ['an address without port', { TEMPORAL_ADDRESS: 'temporal' }, 'TEMPORAL_ADDRESS: host:port'],
  ['an unknown level', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL: '],
  ['a country that anybody may claim', { COUNTRY_HEADER: 'CF-IPCountry' }, 'COUNTRY_HEADER: counts only from a proxy'],
  ['a header of two words', { TRUST_PROXY: '10.0.0.1', COUNTRY_HEADER: 'my country' }, 'COUNTRY_HEADER: the name'],
  ['a short metrics token', { METRICS_TOKEN: 'abc' }, 'METRICS_TOKEN: at least 16'],
  [
    'outgoing requests to private addresses in production',
    { NODE_ENV: 'production', OUTBOUND_ALLOW: '10.0.0.0/8' },
    'OUTBOUND_ALLOW: is for development',
  ],
  [
    'an embedded server in production',
    { NODE_ENV: 'production', TEMPORAL_EMBEDDED: 'true' },
    'TEMPORAL_EMBEDDED: production refuses',
  ],
])('%s is refused', (_, change, expected) => {
  const problems = problemsOf({ ...smallest, ...change });

  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(expected);
});

test('an empty value counts as unset, as compose files pass it', () => {
  expect(loadConfig({ ...smallest, SMTP_URL: '', PORT: '' })).toMatchObject({
    smtpUrl: undefined,
    http: { port: 3000 },
  });
});

test('a secret may stand in a file; both, or a file that is not there, is a problem', () => {
  const file = join(makeFolder(), 'database url');
  writeFileSync(file, `${smallest.DATABASE_URL}\n`);
  const { DATABASE_URL: _, ...rest } = smallest;

  expect(loadConfig({ ...rest, DATABASE_URL_FILE: file }).database.url).toBe(smallest.DATABASE_URL);
  expect(problemsOf({ ...smallest, DATABASE_URL_FILE: file })).toEqual([
    'DATABASE_URL_FILE: DATABASE_URL is set as well; keep one of them',
  ]);
  expect(problemsOf({ ...smallest, SMTP_URL_FILE: `${file}.none` })).toEqual([
    `SMTP_URL_FILE: cannot read ${file}.none (ENOENT)`,
  ]);
});

test('what was parsed cannot be changed', () => {
  const config = loadConfig(smallest);

  expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError);
  expect(() => Object.assign(config.secretKeys, { 0: undefined })).toThrow(TypeError);
});

test('a command in another terminal finds the running stack, unless a database is named by hand', () => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'env'), `# comment\nSECRET_KEY=${smallest.SECRET_KEY}\nLOG_LEVEL=debug\n`);
  writeFileSync(
    join(folder, 'running.env'),
    'DATABASE_URL=postgres://a@h/running\nMIGRATION_DATABASE_URL=postgres://o@h/running\n',
  );

  expect(localEnvironment({ DATA_DIR: folder, LOG_LEVEL: 'warn' })).toMatchObject({
    DATABASE_URL: 'postgres://a@h/running',
    SECRET_KEY: smallest.SECRET_KEY,
    LOG_LEVEL: 'warn',
  });
  expect(
    localEnvironment({ DATA_DIR: folder, DATABASE_URL: 'postgres://a@h/mine' })['MIGRATION_DATABASE_URL'],
  ).toBeUndefined();
  expect(localEnvironment({ DATA_DIR: folder, NODE_ENV: 'production' })['SECRET_KEY']).toBeUndefined();
});

test('.env.example lists what the schema knows', () => {
  expect(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')).toBe(renderEnvExample());
});
