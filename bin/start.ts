import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { migrateUp } from '../db/migrate.js';
import { type Config, ConfigError } from '../platform/config.js';
import { isOk } from '../platform/embedded/service.js';
import {
  type Stack,
  type StackParts,
  type StackReport,
  StepFailedError,
  Supervisor,
} from '../platform/embedded/stack.js';
import { createLogger } from '../platform/logger.js';
import { bootstrap } from './bootstrap.js';
import { checkout } from './checkout.js';
import { holdsDemo, makeDemo, makeDemoOfToday } from './demo.js';

const usage = `npm start -- [options]
  --check         start, ask every printed address, stop; exit code 0 or 1
  --empty         no demo data
  --logs          show the output of all parts, with prefixes
  --strict-ports  stop when a port is taken, instead of taking the next free one`;

interface Address {
  readonly label: string;
  readonly url: string;
  readonly note: string;
}

/** What is printed at the end and what --check asks. A page that does not answer must not be listed. */
function addressesOf(stack: Stack, isDemo: boolean, testKey: string | undefined): readonly Address[] {
  const { http, temporal } = stack.config;
  // Keys are stored hashed: the first start is the only one that knows it.
  const docsNote =
    testKey === undefined ? `keys: ${http.publicUrl}/developers/api-keys` : `test key, shown once: ${testKey}`;
  const addresses: Address[] = [
    { label: 'Console', url: http.publicUrl, note: 'for staff' },
    {
      label: 'Portal',
      url: `${http.publicUrl}/portal`,
      note: isDemo ? 'sign in as ana@demo.test: the link arrives in the mailbox' : 'for affiliates',
    },
    { label: 'Resellers', url: `${http.publicUrl}/reseller`, note: 'for resellers' },
    { label: 'API docs', url: `${http.publicUrl}/docs`, note: docsNote },
  ];
  if (stack.signInLink !== undefined) {
    addresses.unshift({
      label: 'Sign in',
      url: stack.signInLink,
      note: 'one-time link, 30 minutes; a new one: npm run sign-in-link',
    });
  }
  if (stack.config.smtpUrl === undefined)
    addresses.push({ label: 'Mailbox', url: `${http.publicUrl}/dev/mail`, note: 'mails of this machine' });
  if (isDemo)
    addresses.push({
      label: 'Demo shop',
      url: `${http.publicUrl}/demo-shop`,
      note: 'makes real clicks, leads, sales and refunds',
    });
  if (temporal.uiUrl !== undefined)
    addresses.push({ label: 'Temporal UI', url: temporal.uiUrl, note: 'every workflow, event by event' });
  return addresses;
}

const stepWidth = 20;
const detailWidth = 44;

/** Ticks: on a terminal the line of a running step is written over, elsewhere only finished steps and long waits show. */
function terminalReport(out: NodeJS.WriteStream): StackReport {
  let current = '';
  const clear = (): void => {
    if (out.isTTY) out.write('\r\x1b[2K');
  };
  const show = (step: string, text: string): void => {
    if (out.isTTY) out.write(`\r\x1b[2K  … ${step.padEnd(stepWidth)}${text}`.slice(0, (out.columns || 80) + 4));
  };
  return {
    began(step) {
      current = step;
      show(step, '');
    },
    progress(step, message) {
      if (!out.isTTY) out.write(`    ${step}: ${message}\n`);
      else if (step === current) show(step, message);
    },
    done(step, detail, durationMs) {
      clear();
      out.write(
        `  ✔ ${step.padEnd(stepWidth)}${detail.padEnd(detailWidth)}${(durationMs / 1_000).toFixed(1).padStart(5)} s\n`,
      );
    },
    failed(step, message) {
      clear();
      out.write(`  ✖ ${step.padEnd(stepWidth)}${message.replaceAll('\n', '\n    ')}\n`);
    },
    notice(sentence) {
      clear();
      out.write(`    ${sentence}\n`);
    },
  };
}

function printTable(out: NodeJS.WriteStream, addresses: readonly Address[]): void {
  const width = Math.max(...addresses.map((address) => address.url.length)) + 3;
  out.write('\n');
  for (const { label, url, note } of addresses) out.write(`  ${label.padEnd(14)}${url.padEnd(width)}${note}\n`);
}

/** Asks each address; answers those that do not answer with success. The one-time link is not used up: only its page is asked. */
async function probe(addresses: readonly Address[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { label, url } of addresses) {
    if (!(await isOk(url))) failed.push(`${label} ${url}`);
  }
  return failed;
}

/** Writes what is added to the log files from now on, with the name of the part. Answers how to stop. */
function followLogs(folder: string, out: NodeJS.WriteStream): () => void {
  const names = ['postgres', 'temporal', 'worker', 'api'];
  const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);
  const read = new Map(names.map((name) => [name, sizeOf(join(folder, `${name}.log`))]));
  const timer = setInterval(() => {
    for (const name of names) {
      const file = join(folder, `${name}.log`);
      const size = sizeOf(file);
      const from = Math.min(read.get(name) ?? 0, size);
      if (size === from) continue;
      const bytes = Buffer.alloc(size - from);
      const handle = openSync(file, 'r');
      readSync(handle, bytes, 0, bytes.length, from);
      closeSync(handle);
      // A line that is still being written waits for its end.
      const end = bytes.lastIndexOf(0x0a) + 1;
      read.set(name, from + end);
      for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1))
        out.write(`${name.padEnd(9)}| ${line}\n`);
    }
  }, 200);
  return () => clearInterval(timer);
}

function entryOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url)); // always compiled (bin/compile.mjs)
}

/** Builds the pages in a process of its own, beside the other steps, unless they were built from these sources. */
async function buildSite(signal: AbortSignal): Promise<string> {
  // A build carries its pages and none of their sources.
  if (checkout() === undefined || (await import('./buildWeb.js')).isWebBuilt()) return 'built already';
  const child = spawn(process.execPath, [entryOf('buildWeb')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4_000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`npm run build:web ended with ${code}\n${said}`);
  return 'built';
}

function versionOf(): string {
  const parsed = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return parsed.version;
}

async function main(): Promise<number> {
  const out = process.stdout;
  let flags: { check?: boolean; empty?: boolean; logs?: boolean; 'strict-ports'?: boolean; help?: boolean };
  try {
    const option = { type: 'boolean' } as const;
    const options = { check: option, empty: option, logs: option, 'strict-ports': option, help: option };
    flags = parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    return 1;
  }
  if (flags.help === true) {
    out.write(`${usage}\n`);
    return 0;
  }

  const dataDir = process.env['DATA_DIR'] || '.data';
  out.write(
    `\n  tributary ${versionOf()}   Node ${process.versions.node}   data: ${relative('', dataDir) === dataDir ? `./${dataDir}` : dataDir}\n\n`,
  );
  const stopFollowing = flags.logs === true ? followLogs(join(dataDir, 'log'), out) : (): void => undefined;
  let testKey: string | undefined;
  const makeYear = async (config: Config): Promise<string | undefined> => {
    const made = await makeDemo(config);
    testKey = made?.testKey;
    return made?.words;
  };
  const parts: StackParts = {
    migrate: migrateUp,
    bootstrap: (config: Config) => bootstrap(config, createLogger({ logLevel: 'warn' }, { process: 'bootstrap' })),
    buildSite,
    workerEntry: entryOf('worker'),
    apiEntry: entryOf('api'),
    ...(process.env['NODE_ENV'] === 'production' ? {} : { demo: makeYear }),
  };
  const wantsEmpty = flags.empty === true || existsSync(join(dataDir, emptyMark));
  if (flags.empty === true) rememberEmpty(dataDir);
  let lost = false;
  let endWait: () => void = () => undefined;
  const ended = new Promise<void>((done) => {
    endWait = done;
  });
  const supervisor = new Supervisor({
    env: { ...process.env, BUILD_ID: process.env['BUILD_ID'] || versionOf() },
    strictPorts: flags['strict-ports'] === true,
    empty: wantsEmpty,
    parts,
    report: terminalReport(out),
    onLost: (sentence) => {
      lost = true;
      out.write(`\n  ${sentence}; stopping the rest\n`);
      endWait();
    },
  });

  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) {
      out.write('\n  stopping … (once more: kill)\n');
      endWait();
      supervisor.stop().catch(() => undefined); // awaited again below, where its error is printed
      return;
    }
    supervisor.kill().then(
      () => process.exit(130),
      () => process.exit(130),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

  let exitCode = 0;
  try {
    const stack = await supervisor.start();
    const addresses = addressesOf(stack, await holdsDemo(stack.config), testKey);
    printTable(out, addresses);
    if (flags.check === true) {
      const failed = await probe(addresses);
      for (const line of failed) out.write(`  ✖ no answer: ${line}\n`);
      if (failed.length > 0) exitCode = 1;
      else out.write(`\n  ✔ all ${addresses.length} addresses answer\n`);
    } else {
      out.write('\n  Ctrl+C stops, data is kept\n');
      const today = wantsEmpty ? undefined : makeToday(stack.config, out);
      await keepAlive(ended);
      await today?.stop();
    }
    await supervisor.stop();
    out.write(`  stopped, data kept in ${relative('', dataDir) === dataDir ? `./${dataDir}` : dataDir}\n`);
  } catch (error) {
    await supervisor.stop().catch((problem: unknown) => process.stderr.write(`  ${String(problem)}\n`));
    // A failed step has been printed; a start that was interrupted is no failure of its own.
    if (signals === 0 && !(error instanceof StepFailedError)) {
      process.stderr.write(
        `  ✖ ${error instanceof ConfigError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    }
    exitCode = 1;
  } finally {
    stopFollowing();
  }
  return lost ? 1 : exitCode;
}

/** A file in the data folder: it was started with --empty, so no later start fills it. `npm run reset` takes it along. */
const emptyMark = 'no-demo-data';

function rememberEmpty(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, emptyMark), 'Started with --empty: npm start adds no demo data here.\n');
}

/** Today's demo items, made while the console already answers. Its end is a line; a failure says so and is tried again at the next start. */
function makeToday(config: Config, out: NodeJS.WriteStream): { stop(): Promise<void> } {
  const abort = new AbortController();
  const made = makeDemoOfToday(config, abort.signal).then(
    (what) => {
      if (what !== undefined) out.write(`  ✔ demo data of today ${what}\n`);
    },
    (error: unknown) => {
      if (!abort.signal.aborted)
        out.write(
          `    demo data of today: ${error instanceof Error ? error.message : String(error)}; the next start goes on\n`,
        );
    },
  );
  return {
    async stop() {
      abort.abort();
      await made;
    },
  };
}

/** The parts are processes of their own and keep nothing of this one busy. */
async function keepAlive(until: Promise<void>): Promise<void> {
  const timer = setInterval(() => undefined, 60_000);
  await until;
  clearInterval(timer);
}

process.exitCode = await main();
