// Who may import whom (architecture.md 4), as data, and the finer rules beside it. A failure prints each broken line.
import ts from 'typescript';
import { expect, test } from 'vitest';
import {
  type Edge,
  edgesInCycles,
  edgesLeadingTo,
  edgesOf,
  type Files,
  filesOfCompiler,
  lineOf,
  parse,
  readTree,
  returnedNames,
  walk,
} from './support/sourceTree.js';

type Allowed = { readonly to: RegExp; readonly from?: RegExp; readonly typeOnly?: true };

const layers = ['domain', 'workflows', 'activities', 'db', 'api', 'platform', 'bin', 'bench', 'web', 'test'];
const files = readTree(layers);
const node: Allowed = { to: /^node:/ };
const contract = /^workflows\/contract\.ts$/;
const packages = /^(?!node:|@temporalio\/client$|\(computed\)|.*\.tsx?$).+/; // our own files end in .ts or .tsx

// `\b` and not the file's end: a file that was split by decision is a folder of the same name (architecture.md 17).
const steps =
  /^activities\/(affiliate\/|reseller\/|earning\/(adjustment|check|ledger|ledgerAdjustment|referral)\b|payout\/(gateway|gatewayEvent|methodChange|payout|reconciliation)\b|tracking\/(click|contact|riskCase)\b|audit\/history\b)/;
const guardedWriters =
  /^db\/(earning\/(referral|check|commission|adjustment|ledger)\b|payout\/(payoutRun|payout|payoutAttempt|reconciliation)\b|reseller\/)/;
const httpPackages = /^(koa|koa-[\w-]+|@koa\/.+|zod|@asteasolutions\/zod-to-openapi|isbot|busboy|@temporalio\/client)$/;

const mayImport: Readonly<Record<string, readonly Allowed[]>> = {
  domain: [{ to: /^domain\// }, { to: /^temporal-polyfill$/, from: /^domain\/calendar\.ts$/ }],
  workflows: [
    { to: /^(workflows|domain)\// },
    { to: /^@temporalio\/workflow$/ },
    { to: /^activities\/index\.ts$/, typeOnly: true },
  ],
  db: [
    node,
    { to: /^(db|domain)\// },
    { to: /^(knex|pg)$/ },
    { to: /^\(computed\)$/, from: /^db\/migrationSource\.ts$/ }, // migrations are found by their folder
  ],
  activities: [
    node,
    { to: /^(activities|db|domain)\// },
    { to: contract },
    { to: /^platform\//, typeOnly: true },
    { to: /^@temporalio\/activity$/ },
    { to: /^@temporalio\/worker$/, from: /^activities\/audit\/history\.ts$/ },
    { to: /^@temporalio\/worker$/, from: /^activities\/failures\.ts$/, typeOnly: true }, // the shape of an interceptor
    { to: packages, from: /^activities\/gateways\// },
    { to: /^@temporalio\/client$/, from: /^activities\/gateways\// },
  ],
  api: [node, { to: /^(api|domain|platform|db)\// }, { to: contract }, { to: steps }, { to: httpPackages }],
  platform: [
    node,
    { to: /^(platform|domain)\// },
    { to: packages },
    { to: /^@temporalio\/client$/, from: /^platform\/(relay\/|temporalClient\.ts|embedded\/temporal\.ts)/ },
    { to: /^db\/messaging\//, from: /^platform\/relay\// },
    { to: contract, from: /^platform\/relay\// },
    { to: /^db\/connection\.ts$/, from: /^platform\/relay\//, typeOnly: true }, // the brand RelayDb, which db/messaging asks for
  ],
  web: [{ to: /^web\// }, { to: packages }, { ...node, from: /^web\/vite\.config\.ts$/ }], // the build runs in Node, the pages do not
};
const mayImportAll = /^(bin|bench|test)\//;
const onlyIn = [
  // platform/embedded hands the environment on to the processes it starts.
  { what: /^process\.env$/, files: /^(bin|bench|test)\/|^platform\/(config\.ts$|embedded\/)/ },
  {
    what: /^Date$/,
    files: /^(platform|bench|test|web)\/|^domain\/time\.ts$|^db\/columnTypes\.ts$|^bin\/compile\.mjs$/,
  }, // business time is Postgres's
  { what: /^(Math\.random|crypto)$/, files: /^(?!domain\/|workflows\/)/ },
];
/** Money is multiplied and divided in one file, which rounds once. Names and bigints give it away; `web` does no arithmetic. */
const moneyMath = {
  operators: /^[*/%]=?$/,
  operands: /minor|amount|balance|ppm|^\d+n$|BigInt\(/i,
  files: /^(domain\/money\.ts$|bench\/|test\/)/,
};
const barrels = ['activities/index.ts', 'workflows/index.ts'];

/** Every broken line of a tree, as `file:line: text (what is wrong)`. */
function brokenLines(tree: Files): string[] {
  const sources = [...tree].map(([file, text]) => parse(file, text));
  const edges = sources.flatMap((source) => edgesOf(source, tree));
  return [
    ...edges.flatMap(brokenImport),
    ...sources.flatMap(brokenInside),
    ...calendarReached(edges),
    ...edgesInCycles(edges).map(({ line }) => `${line} (part of an import cycle)`),
    ...namesTwice(sources),
  ];
}

function brokenImport(edge: Edge): string[] {
  const layer = edge.from.split('/')[0] ?? '';
  const fits = ({ to, from, typeOnly }: Allowed) =>
    to.test(edge.to) && (from?.test(edge.from) ?? true) && (edge.typeOnly || typeOnly !== true);
  const isWriterUser = /^(activities|bench|test)\//.test(edge.from) || (layer === 'db' && edge.typeOnly);
  const faults = [
    !mayImportAll.test(edge.from) && !mayImport[layer]?.some(fits) && `${layer} may not import ${edge.to}`,
    guardedWriters.test(edge.to) && !isWriterUser && 'a guarded writer, which only activities may import',
    edge.from === 'bin/verifyAudit.ts' && !/^(node:|domain\/audit\/)/.test(edge.to) && 'the verifier stands alone',
  ];
  return faults.filter((fault) => fault !== false).map((fault) => `${edge.line} (${fault})`);
}

function brokenInside(source: ts.SourceFile): string[] {
  const broken: string[] = [];
  walk(source, (at) => {
    if (ts.isSourceFile(at)) return;
    const isMember = ts.isPropertyAccessExpression(at.parent) && at.parent.name === at;
    const name = ts.isPropertyAccessExpression(at) || (ts.isIdentifier(at) && !isMember) ? at.getText() : '';
    const rule = onlyIn.find(({ what, files: where }) => what.test(name) && !where.test(source.fileName));
    if (rule !== undefined) broken.push(`${lineOf(at)} (${name} has no place here)`);
    const isMath = ts.isBinaryExpression(at) && moneyMath.operators.test(at.operatorToken.getText());
    if (
      isMath &&
      [at.left, at.right].some((side) => moneyMath.operands.test(side.getText())) &&
      !moneyMath.files.test(source.fileName)
    )
      broken.push(`${lineOf(at)} (only domain/money.ts multiplies or divides amounts)`);
  });
  const passesOn = (at: ts.Node) => ts.isExportDeclaration(at) && at.moduleSpecifier !== undefined;
  const isBarrel =
    source.statements.some(passesOn) && source.statements.every((at) => passesOn(at) || ts.isImportDeclaration(at));
  if (isBarrel && !barrels.includes(source.fileName))
    broken.push(`${source.fileName}:1: (a barrel: import the file itself)`);
  return broken;
}

/** The date library must not end up in a workflow's bundle (dependencies.md 2, fact 8), by however many steps. */
const calendarReached = (edges: readonly Edge[]): string[] =>
  edgesLeadingTo(
    'domain/calendar.ts',
    edges.filter((edge) => !edge.typeOnly),
  )
    .filter(({ from }) => from.startsWith('workflows/'))
    .map(({ line }) => `${line} (reaches domain/calendar.ts)`);

/** Two factories spread into one object overwrite each other without a word, so a name may stand in one only. */
function namesTwice(sources: readonly ts.SourceFile[]): string[] {
  const files = sources.filter(({ fileName }) => fileName.startsWith('activities/') && !barrels.includes(fileName));
  const names = files.flatMap((source) => returnedNames(source, /Activities$/));
  return names.flatMap(({ name, line }, at) => {
    const earlier = names.slice(0, at).find((other) => other.name === name);
    return earlier === undefined ? [] : [`${line} (the activity ${name} is also at ${earlier.line})`];
  });
}

test('every file keeps to the layers, the guarded writers, the clock and the environment', () => {
  expect([...new Set(brokenLines(files))].join('\n')).toBe('');
}, 180_000); // every file through the compiler: 5 s, and far more beside a busy machine's other work

test('the rules have seen every file that the compiler sees, and the compiler every file of the server', () => {
  const seen = [...files.keys()].filter((file) => !file.startsWith('web/')).sort();

  expect(seen.length).toBeGreaterThan(10);
  expect(seen).toEqual(
    filesOfCompiler('tsconfig.json')
      .filter((file) => layers.some((layer) => file.startsWith(`${layer}/`)))
      .sort(),
  );
});

test.each([
  { rule: 'domain takes no package', file: 'domain/x.ts', text: `import { z } from 'zod';` },
  { rule: 'domain takes nothing of Node', file: 'domain/x.ts', text: `import type { X } from 'node:fs';` },
  { rule: 'domain knows no clock', file: 'domain/x.ts', text: `export const now = () => Date.now();` },
  {
    rule: 'only money.ts multiplies',
    file: 'activities/x.ts',
    text: `export const tax = (net: Money) => net.minor * 2n;`,
  },
  { rule: 'only money.ts divides', file: 'web/x.ts', text: `export const half = (amount: number) => amount / 2;` },
  { rule: 'domain knows no chance', file: 'domain/x.ts', text: `export const x = Math.random();` },
  {
    rule: 'only calendar.ts knows zones',
    file: 'domain/money.ts',
    text: `import { Temporal as T } from 'temporal-polyfill';`,
  },
  {
    rule: 'a workflow knows activities by type',
    file: 'workflows/x.ts',
    text: `import { a } from '../activities/index.js';`,
  },
  {
    rule: 'a workflow imports no other activity type',
    file: 'workflows/x.ts',
    text: `import type { a } from '../activities/deps.js';`,
  },
  { rule: 'a workflow reads no environment', file: 'workflows/x.ts', text: `export const x = process.env['X'];` },
  { rule: 'db knows no activity', file: 'db/x.ts', text: `export type X = import('../activities/deps.js').X;` },
  {
    rule: 'activities take platform as a type',
    file: 'activities/x.ts',
    text: `import { log } from '../platform/logger.js';`,
  },
  {
    rule: 'activities leave the client to gateways',
    file: 'activities/x.ts',
    text: `import { Client } from '@temporalio/client';`,
  },
  {
    rule: 'api has no guarded writer',
    file: 'api/x.ts',
    text: `import type { w } from '../db/earning/commission.js';`,
  },
  {
    rule: 'bin has no guarded writer either',
    file: 'bin/x.ts',
    text: `import { w } from '../db/reseller/reseller.js';`,
  },
  { rule: 'api calls steps only', file: 'api/x.ts', text: `import { a } from '../activities/earning/commission.js';` },
  {
    rule: 'api imports no workflow',
    file: 'api/x.ts',
    text: `export { w } from '../workflows/referral.js'; export const x = 1;`,
  },
  { rule: 'platform knows no tables', file: 'platform/x.ts', text: `const x = await import('../db/connection.js');` },
  { rule: 'no import without a name', file: 'api/x.ts', text: `const x = (name: string) => import(name);` },
  { rule: 'the verifier stands alone', file: 'bin/verifyAudit.ts', text: `import pg from 'pg';` },
  { rule: 'web knows no server file', file: 'web/x.tsx', text: `import { m } from '../domain/money.js';` },
  { rule: 'no barrels', file: 'domain/index.ts', text: `export * from './money.js';` },
])('a planted line is found: $rule', ({ file, text }) => {
  const [found, ...more] = brokenLines(new Map([[file, text]]));

  expect(found).toContain(`${file}:1:`);
  expect(more).toEqual([]);
});

test('a planted cycle, a hidden calendar and an activity name used twice are found, and good lines are left alone', () => {
  const bait = new Map([
    ['domain/calendar.ts', `import { Temporal as T } from 'temporal-polyfill';`],
    ['domain/a.ts', `import { b } from './b.js';\nimport { days } from './calendar.js';`],
    ['domain/b.ts', `import type { a } from './a.js';`],
    [
      'workflows/x.ts',
      `import { a } from '../domain/a.js';\nimport type { Activities } from '../activities/index.js';`,
    ],
    ['activities/index.ts', `export * from './a.js';`],
    [
      'activities/a.ts',
      `import { sql } from '../db/earning/ledger.js';\nexport function aActivities() {\n  return { pay: () => 1 };\n}`,
    ],
    ['activities/b.ts', `export function bActivities() {\n  return { ask() {}, pay() {} };\n}`],
    ['db/earning/ledger.ts', `import type { Knex } from 'knex';\nimport { readFile } from 'node:fs/promises';`],
  ]);

  expect(brokenLines(bait)).toEqual([
    `workflows/x.ts:1: import { a } from '../domain/a.js'; (reaches domain/calendar.ts)`,
    `domain/a.ts:1: import { b } from './b.js'; (part of an import cycle)`,
    `domain/b.ts:1: import type { a } from './a.js'; (part of an import cycle)`,
    `activities/b.ts:2: return { ask() {}, pay() {} }; (the activity pay is also at activities/a.ts:3: return { pay: () => 1 };)`,
  ]);
});
