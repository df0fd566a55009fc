import { expect, test } from 'vitest';
import { money, parseCurrency } from '../../domain/money.js';
import { createLogger, type Logger } from '../../platform/logger.js';

function logInto(lines: string[], bindings?: Record<string, unknown>): Logger {
  return createLogger({ logLevel: 'info' }, bindings, { write: (line) => void lines.push(line) });
}

function lineOf(write: (logger: Logger) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(logInto(lines, { process: 'api' }));
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
}

test('a line is JSON with level, time, message and the bindings', () => {
  const line = lineOf((logger) => logger.child({ requestId: 'req_1' }).info({ durationMs: 12 }, 'request answered'));

  expect(line).toMatchObject({
    level: 'info',
    process: 'api',
    requestId: 'req_1',
    durationMs: 12,
    msg: 'request answered',
  });
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
});

test('money is written in its wire form and a big integer as a string', () => {
  const usd = parseCurrency('USD');
  if (usd === undefined) throw new Error('USD is in the table');

  expect(
    lineOf((logger) => logger.info({ amount: money(-1205n, usd), count: 9_007_199_254_740_993n }, 'posted')),
  ).toMatchObject({
    amount: { amount: '-12.05', currency: 'USD' },
    count: '9007199254740993',
  });
});

const planted = [
  'ana@example.com',
  'sk_live_abcdefgh12345678',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'DE89370400440532013000',
  '12-3456789',
  'hunter2',
  'r0nPtsZ3',
  'q7Xw0pLm2Rk9Vb4Tn8Yc',
];

test('no planted secret is in a line, wherever it stands', () => {
  const lines: string[] = [];
  const logger = logInto(lines, { owner: { email: 'ana@example.com' } });
  const refused = Object.assign(
    new Error('duplicate key: (email)=(ana@example.com)', { cause: new Error('key sk_live_abcdefgh12345678') }),
    {
      code: '23505',
      constraint: 'users_email_unique',
      detail: 'Key (tax_id)=(12-3456789) exists',
      parameters: ['hunter2'],
    },
  );

  logger
    .child({
      'X-CSRF-Token': 'q7Xw0pLm2Rk9Vb4Tn8Yc',
      a: { deep: { payout: [{ bank: { iban: 'DE89370400440532013000' } }] } },
    })
    .info('mail to ana@example.com sent');
  logger.warn(
    {
      taxId: '12-3456789',
      password: 'hunter2',
      headers: { Authorization: 'Bearer r0nPtsZ3', cookie: 'session=r0nPtsZ3' },
    },
    'refused',
  );
  logger.error({ err: refused }, 'insert failed');
  logger.error(refused);
  logger.error(
    { failures: [refused], url: 'postgres://tributary:hunter2@127.0.0.1/tributary' },
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  );
  logger.info(
    { link: 'http://localhost:3000/welcome/q7Xw0pLm2Rk9Vb4Tn8Yc', note: 'pay to DE89370400440532013000' },
    'said %s',
    'ana@example.com',
  );

  expect(lines).toHaveLength(6);
  for (const secret of planted) expect(lines.join('')).not.toContain(secret);
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({
    err: { type: 'Error', code: '23505', constraint: 'users_email_unique', cause: { type: 'Error' } },
  });
});

test('secrets are found behind any sign and in a text as long as somebody likes', () => {
  const long = 'a.b-'.repeat(50_000);
  const text = `-postgres://tributary:hunter2@db x.ana@example.com ${long}`;
  const lines: string[] = [];
  logInto(lines, {}).info(text);
  for (const secret of ['hunter2', 'ana@example.com']) expect(lines.join('')).not.toContain(secret);
  expect(lines.join('')).toContain(long);
});

test('what a reader needs is not hidden', () => {
  const fields = {
    workspaceId: 'ws_1',
    referralId: 'ref_1',
    code: 'email_taken',
    emailVerified: true,
    workflowId: 'referral/ws_1/ref_1',
  };

  expect(lineOf((logger) => logger.info(fields, 'referral opened'))).toMatchObject(fields);
});

test('an object that holds itself is written once', () => {
  const looped: Record<string, unknown> = { code: 'x' };
  looped['self'] = looped;

  expect(lineOf((logger) => logger.info({ looped }, 'seen'))).toMatchObject({
    looped: { code: 'x', self: '[circular]' },
  });
});
