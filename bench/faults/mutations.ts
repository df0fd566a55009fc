import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Can the fault tests fail at all? Each planted fault is put into a copy of the tree as it stands, and the matching tests have to turn red, for the
// reason that belongs to it (reliability.md 6.4). `npx tsx bench/faults/mutations.ts`. The copy without a fault has to stay green. Ends with 1
// when a fault went unnoticed.

interface Mutation {
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** Tests of test/faults/killPoints.test.ts that meet it, as a pattern of their names. */
  readonly tests: string;
  /** What the failure has to say; null: nothing may fail. */
  readonly says: RegExp | null;
}

const payouts = 'db/migrations/20261125_1060_create_payouts.ts';
const mutations: readonly Mutation[] = [
  {
    name: 'nothing (control)',
    edits: [],
    tests: 'K28 a message is claimed|K19|verdict',
    says: null,
  },
  {
    name: 'the unique indexes against paying twice are dropped',
    edits: [
      {
        file: 'db/migrations/20261129_3501_lighten_payout_lines.ts', // the first one's place was taken
        from: 'create unique index live_payout_of_commission',
        to: 'create index live_payout_of_commission',
      },
      { file: payouts, from: 'create unique index one_live_attempt', to: 'create index one_live_attempt' },
    ],
    tests: 'K19|verdict',
    says: /V3 walls: \w+ let a second one in/,
  },
  {
    name: 'the gateway is called before the attempt is committed',
    edits: [
      {
        file: 'activities/payout/payoutAttempt.ts',
        from: '          await claim(tx, act, deps, payout, newest);',
        to: `        {
          await claim(tx, act, deps, payout, newest);
          const fresh = await findNewestAttempt(tx, ref.payoutId);
          const frozen = fresh === undefined ? undefined : await findFrozenInstruction(tx, fresh.id);
          if (frozen?.state === 'submitting')
            await gateways.get(frozen.gateway)?.submit(
              {
                requestKey: frozen.requestKey,
                reference: frozen.reference,
                merchant: merchantOf({ workspaceId: ref.workspaceId, mode: frozen.mode }),
                amount: { minor: frozen.amountMinor, currency: frozen.currency as CurrencyCode },
                destination: deps.openMethodDetails(frozen.sealedDetails),
              },
              Context.current().cancellationSignal,
            );
        }`,
      },
    ],
    tests: 'K19|verdict',
    says: /V3 journal: .* which no attempt has/,
  },
  {
    name: 'a message is marked as sent before it is sent',
    edits: [
      {
        file: 'platform/relay/loop.ts',
        from: '    for (const row of rows) failpoint(',
        to: `    await markMessages(db, rows.map((row) => ({ kind: 'sent', id: row.id, token })));
    for (const row of rows) failpoint(`,
      },
    ],
    tests: 'K28 a message is claimed|verdict',
    says: /expected \[\] to not deeply equal \[\]/,
  },
];

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** What git tracks or would track: no data, no build, no packages. */
async function copyTree(copy: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    maxBuffer: 1 << 26,
  });
  for (const file of stdout.split('\0')) {
    const from = join(root, file);
    if (file !== '' && existsSync(from)) await cp(from, join(copy, file)); // one deleted just now is still listed
  }
}

async function plant(copy: string, { name, edits }: Mutation): Promise<void> {
  for (const { file, from, to } of edits) {
    const path = join(copy, file);
    const text = await readFile(path, 'utf8');
    if (text.split(from).length !== 2)
      throw new Error(`${name}: ${file} does not hold this once, so edit the mutation: ${from}`);
    await writeFile(
      path,
      text.replace(from, () => to),
    );
  }
}

interface Seen {
  readonly passed: number;
  /** Name of each failed test with its message. */
  readonly failed: readonly string[];
}

async function runTests(copy: string, pattern: string): Promise<Seen> {
  const file = join(copy, 'mutation.json');
  const parameters = [
    'run',
    'test/faults/killPoints.test.ts',
    '-t',
    pattern,
    '--reporter=json',
    `--outputFile=${file}`,
  ];
  // Ends with 1 when a test fails, which is what we are after: the file says what happened.
  await run(join(copy, 'node_modules/.bin/vitest'), parameters, {
    cwd: copy,
    env: { ...process.env, KILL_POINTS: pattern },
    maxBuffer: 1 << 28,
  }).catch(() => undefined);
  const report = JSON.parse(await readFile(file, 'utf8')) as {
    readonly testResults: readonly {
      readonly message?: string;
      readonly assertionResults: readonly {
        readonly status: string;
        readonly title: string;
        readonly failureMessages: readonly string[];
      }[];
    }[];
  };
  const results = report.testResults.flatMap((suite) => suite.assertionResults);
  const suites = report.testResults.flatMap((suite) => (suite.message ? [`before the tests: ${suite.message}`] : []));
  return {
    passed: results.filter((result) => result.status === 'passed').length,
    failed: [
      ...suites,
      ...results
        .filter((result) => result.status === 'failed')
        .map((result) => `${result.title}: ${result.failureMessages.join(' ')}`),
    ],
  };
}

const only = process.argv[2];
const folder = await mkdtemp(join(tmpdir(), 'tributary-mutation-'));
const lines: string[] = [];
let isUnnoticed = false;
try {
  for (const [index, mutation] of mutations.entries()) {
    if (only !== undefined && !mutation.name.includes(only)) continue;
    const copy = join(folder, String(index));
    try {
      await copyTree(copy);
      await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
      await plant(copy, mutation);
      const { passed, failed } = await runTests(copy, mutation.tests);
      const { says } = mutation;
      const isAsExpected =
        says === null ? failed.length === 0 && passed > 0 : failed.some((message) => says.test(message));
      if (!isAsExpected) isUnnoticed = true;
      const colour = failed.length > 0 ? 'red' : passed > 0 ? 'green' : 'no test ran';
      const reason = says === null ? '' : (failed.find((message) => says.test(message)) ?? 'for another reason');
      lines.push(`${isAsExpected ? 'ok  ' : 'BAD '} ${colour.padEnd(6)} ${mutation.name}`);
      console.log(lines.at(-1));
      for (const message of isAsExpected && says !== null ? [reason] : failed)
        console.log(`       ${message.slice(0, 600)}`);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`\n${lines.join('\n')}`);
if (isUnnoticed) process.exitCode = 1;
