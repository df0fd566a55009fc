// npm run bench -- <name>: measures ours against its limit or peer, in turn, and writes bench/results/<name>.json (performance.md).
// Without a name: the list. A bench is a file here that exports a `Bench`; add it to `benches`.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { clickBench } from './click.js';
import { decisionBench } from './decision.js';
import { exportBench } from './export.js';
import { fraudBench } from './fraud.js';
import type { Bench, Measured } from './measure.js';
import { listsBench } from './lists.js';
import { payoutRunBench } from './payoutRun.js';
import { restBench } from './rest.js';
import { rollupsBench } from './rollups.js';
import { rulesBench } from './rules.js';
import { salesBench } from './sales.js';
import { simulateBench } from './simulate.js';
import { startBench } from './start.js';
import { takeUpBench } from './takeUp.js';
import { transitionsBench } from './transitions.js';
import { workflowBench } from './workflow.js';

const benches: readonly Bench[] = [
  clickBench,
  workflowBench,
  salesBench,
  decisionBench,
  payoutRunBench,
  restBench,
  takeUpBench,
  rollupsBench,
  transitionsBench,
  rulesBench,
  simulateBench,
  startBench,
  listsBench,
  exportBench,
  fraudBench,
];

const [name] = process.argv.slice(2);
const bench = benches.find((candidate) => candidate.names.includes(name ?? ''));
if (name === undefined) {
  for (const { names, what, takes } of benches) console.log(`${names.join(', ')}\n  ${what}; takes ${takes}`);
} else if (bench === undefined) {
  console.error(`There is no bench ${name}. Without a name you get the list.`);
  process.exitCode = 1;
} else {
  const load = os.loadavg()[0] ?? 0;
  for (const measured of await bench.run((line) => console.log(line))) report(measured, load);
}

function report(measured: Measured, load: number): void {
  const { goal } = measured;
  const ratios = measured.rounds.map(({ ours, theirs }) => ours / theirs).sort((a, b) => a - b);
  const ratio = median(ratios);
  const [sign = '', limit = ''] = goal.split(' ');
  const holds = sign === '>=' ? ratio >= Number(limit) : ratio <= Number(limit);
  const [cpu] = os.cpus();
  const result = {
    name: measured.name,
    against: measured.against,
    unit: measured.unit,
    rounds: measured.rounds.map(({ ours, theirs }) => ({ ours: rounded(ours), theirs: rounded(theirs) })),
    ratio: rounded(ratio),
    goal,
    holds,
    machine: `${os.availableParallelism()} x ${cpu?.model ?? 'unknown'}, Node ${process.versions.node}, ${os.platform()} ${os.arch()}`,
    at: new Date().toISOString(),
    notes: [`load average of the machine before: ${load.toFixed(2)}`, ...measured.notes],
  };
  const folder = path.join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${measured.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const span = `${(ratios[0] ?? 0).toFixed(2)}-${(ratios.at(-1) ?? 0).toFixed(2)}`;
  console.log(
    `${measured.name}: ${ratio.toFixed(2)} of ${measured.against} (goal ${goal}, ${ratios.length} rounds, ${span})${holds ? '' : ' MISSED'}`,
  );
}

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

/** Four significant digits: more is noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
