import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chooseVictim, killAndRecover, killAtPoint, seededRandom, startWorkload } from '../../test/faults/workload.js';
import { type Finding, World } from '../../test/faults/world.js';

// The fault campaign (reliability.md 6): kills under load, one after the other, then heal, drain, a complete final read and the verdict.
// `npm run campaign -- --kills 60 --seed 7`. Every second kill of an api or a worker is at a named point, the others at any moment. Prints
// seed and counts, writes bench/results/faults.json, and ends with 1 when the verdict finds anything.

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '600' },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const clients = Number(values.clients);
const killingMs = Number(values.minutes) * 60_000;
if (![kills, seed, clients].every((value) => Number.isInteger(value) && value >= 0) || Number.isNaN(killingMs))
  throw new Error('npm run campaign -- --kills N --seed S [--clients C] [--minutes M]');

function percentile(sorted: readonly number[], share: number): number | null {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : Math.round(value);
}

const random = seededRandom(seed);
console.log(`seed ${seed}, ${kills} kills, ${clients} clients`);
const world = await World.start({ patienceMs: 20 * 60_000 });
let failure: unknown;
let findings: readonly Finding[] = [];
const recoveries = new Map<string, number[]>();
const points = new Map<string, number>();
let killed = 0;
let rounds = 0;
try {
  const probe = await world.lead(await world.affiliate());
  const load = await startWorkload(world, clients);
  try {
    const until = performance.now() + killingMs; // the start of the workload does not count
    while (killed < kills && performance.now() < until) {
      await pause(random() * 2_000);
      const victim = chooseVictim(random);
      if ((victim === 'api-0' || victim === 'worker-0') && random() < 0.5) {
        const point = await killAtPoint(world, victim, random);
        killed += 1; // the kill that made room for the armed one
        if (point !== undefined) {
          killed += 1;
          points.set(point, (points.get(point) ?? 0) + 1);
        }
      }
      const ms = await killAndRecover(world, victim, probe);
      killed += 1;
      recoveries.set(victim, [...(recoveries.get(victim) ?? []), ms]);
      console.log(`${String(killed).padStart(5)}  ${victim.padEnd(9)}${Math.round(ms)} ms, ${load.rounds()} rounds`);
    }
  } finally {
    await load.stop();
    rounds = load.rounds();
  }
  findings = await world.verdict();
} catch (error) {
  failure = error;
  console.error(await world.stack.log(40));
} finally {
  await world.stop();
}

const all = [...recoveries.values()].flat().toSorted((a, b) => a - b);
const { clicks, leads, sales, decisions, runs } = world.acknowledged;
const result = {
  name: 'faults',
  seed,
  kills: killed,
  clients,
  killsByVictim: Object.fromEntries([...recoveries].map(([victim, times]) => [victim, times.length])),
  deathsByPoint: Object.fromEntries([...points].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  acknowledged: {
    clicks: clicks.length,
    leads: leads.length,
    sales: sales.length,
    decisions: decisions.length,
    payoutRuns: runs.length,
  },
  rounds,
  /** Milliseconds from the kill until a new click and lead went the whole way, the start of the processes included. */
  recoveryMs: {
    p50: percentile(all, 0.5),
    p99: percentile(all, 0.99),
    byVictim: Object.fromEntries(
      [...recoveries].map(([victim, times]) => {
        const sorted = times.toSorted((a, b) => a - b);
        return [victim, { p50: percentile(sorted, 0.5), worst: percentile(sorted, 1) }];
      }),
    ),
  },
  findings,
  holds: failure === undefined && findings.length === 0 && killed > 0,
  machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  at: new Date().toISOString(),
};
console.log(JSON.stringify(result, null, 2));
if (failure !== undefined) {
  console.error(failure);
  process.exitCode = 1;
} else {
  if (!result.holds) process.exitCode = 1;
  const folder = new URL('../results/', import.meta.url);
  writeFileSync(new URL('faults.json', folder), `${JSON.stringify(result, null, 2)}\n`);
}
