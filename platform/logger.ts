import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import { formatMoney, type Money, parseCurrency } from '../domain/money.js';
import type { Config } from './config.js';

export type { Logger };

const hidden = '[hidden]';
const deepest = 8;

/**
 * Keys whose value never reaches a log, at any depth, compared without case, hyphen and underscore: e-mail addresses,
 * tax ids, bank data, tokens (architecture.md 14). By key and not by a list of paths: a path misses the object that
 * somebody nests one level deeper next year.
 */
const hiddenKeys = new RegExp(
  `^(${[
    '.*e?mails?(address)?',
    '.*phone(number)?',
    '.*password',
    '.*passphrase',
    '.*secrets?',
    '.*token',
    '.*apikey',
    'secretkeys?',
    'signingsecret',
    'authorization',
    'proxyauthorization',
    'cookies?',
    'setcookie',
    'sessionid',
    'signature',
    'webhooksignature',
    'stripesignature',
    'tax(id|number)s?',
    'vat(id|number)s?',
    'ssn',
    'iban',
    'bic',
    'swift',
    '.*accountnumber',
    'routingnumber',
    'sortcode',
    'bankaccounts?',
    'bankdetails',
    'payoutdetails',
    'payoutmethoddetails',
    'databaseurl',
    'migrationurl',
    'smtpurl',
    'ip',
    'ipaddress',
  ].join('|')})$`,
);

/**
 * What hides inside a text, most of all in messages of errors: addresses, our keys and links, passwords in URLs, IBANs. Each begins only where
 * its first run of letters does, so that a long text of somebody else's takes as long as it is: without that 64 kB of letters took 11 s.
 */
const hiddenTexts: readonly (readonly [RegExp, string])[] = [
  [/((?<![a-z0-9+.-])[a-z0-9+.-]+:\/\/[^\s:/@]*):[^\s@/]+@/gi, `$1:${hidden}@`],
  [/(?<![\w.+-])[\w.+-]+@[\w-]+(\.[\w-]+)+/g, hidden],
  [/\b(sk|pk)_(test|live)_[A-Za-z0-9]+/g, hidden],
  [/\bwhsec_[A-Za-z0-9+/=_-]+/g, hidden],
  [/\bBearer\s+\S+/gi, `Bearer ${hidden}`],
  [/\/(welcome|reset|verify|sign-in)\/[A-Za-z0-9_-]{16,}/g, `/$1/${hidden}`],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g, hidden],
];

/**
 * A JSON logger, one line per event, pretty only on a terminal. `bindings` go on every line; a request or an activity
 * takes `.child({…})`. Money is written in its wire form, other big integers as decimal strings.
 */
export function createLogger(
  config: Pick<Config, 'logLevel'>,
  bindings: Readonly<Record<string, unknown>> = {},
  destination?: pino.DestinationStream,
): Logger {
  const options: pino.LoggerOptions = {
    level: config.logLevel,
    base: cleanFields({ ...bindings }),
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => cleanFields(fields),
    },
    hooks: {
      logMethod(args, method) {
        const [first, ...rest] = args;
        // Given an error alone, pino would take its message as it is.
        const whole =
          (first as unknown) instanceof Error && rest.length === 0 ? [{ err: first }, messageOf(first)] : args;
        Reflect.apply(
          method,
          this,
          whole.map((arg) => (typeof arg === 'string' ? cleanText(arg) : arg)),
        );
      },
    },
    serializers: { err: (error: unknown) => error }, // described above; pino's own adds the row that a database refused
  };
  return cleaningChildren(pino(options, destination ?? defaultDestination()));
}

function defaultDestination(): pino.DestinationStream {
  // As a stream in this process: a transport is a thread of its own that loses the last lines of a crash.
  if (process.stdout.isTTY) return pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });
  return pino.destination({ dest: 1, sync: true });
}

/** Pino calls its formatter for the first logger's bindings only; children inherit this method instead. */
function cleaningChildren(logger: Logger): Logger {
  const child = Reflect.get(logger, 'child') as Logger['child']; // taken unbound on purpose: `this` is the logger it is called on
  Object.defineProperty(logger, 'child', {
    value(this: Logger, bindings: pino.Bindings, options?: pino.ChildLoggerOptions) {
      return Reflect.apply(child, this, [cleanFields(bindings), options]);
    },
  });
  return logger;
}

function cleanFields(fields: Record<string, unknown>): Record<string, unknown> {
  return cleanObject(fields, 0, new Set());
}

function cleanObject(fields: object, depth: number, above: Set<object>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  above.add(fields);
  for (const [key, value] of Object.entries(fields)) {
    const isHidden =
      value !== undefined && value !== null && hiddenKeys.test(key.toLowerCase().replaceAll(/[-_]/g, ''));
    clean[key] = isHidden ? hidden : cleanValue(value, depth + 1, above);
  }
  above.delete(fields);
  return clean;
}

function cleanValue(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (above.has(value)) return '[circular]';
  if (depth > deepest) return '[deeper]';
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return value.toISOString();
  if (isMoney(value)) return formatMoney(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, depth + 1, above));
  return cleanObject(value, depth, above);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function cleanText(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of hiddenTexts) clean = clean.replace(pattern, replacement);
  return clean;
}

function isMoney(value: object): value is Money {
  return (
    'minor' in value &&
    typeof value.minor === 'bigint' &&
    'currency' in value &&
    typeof value.currency === 'string' &&
    parseCurrency(value.currency) !== undefined
  );
}

interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly constraint?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/** Named properties only: `detail` and `parameters` of a database error quote the row, with the person in it. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: cleanText(String(error)) };
  const code: unknown = 'code' in error ? error.code : undefined;
  const constraint: unknown = 'constraint' in error ? error.constraint : undefined;
  return {
    type: error.name,
    message: cleanText(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(error.stack === undefined ? {} : { stack: cleanText(error.stack) }),
    ...(error.cause instanceof Error && depth < deepest ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
