// npm start from an empty data folder to its printed table, demo data included, and the start after it (performance.md, row 11).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Measured } from './measure.js';

const rounds = 3;
const budget = { first: 15, later: 3 } as const;

export const startBench: Bench = {
  names: ['start', 'startAgain'],
  what: 'npm start with demo data from an empty data folder to its table, and the start after it, in seconds',
  takes: '2 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const first: number[] = [];
  const later: number[] = [];
  const steps: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const dataDir = await mkdtemp(join(tmpdir(), 'tributary-start-'));
    try {
      const began = await startOnce(dataDir);
      first.push(began.seconds);
      steps.push(began.steps);
      later.push((await startOnce(dataDir)).seconds);
      say(`round ${round + 1}: ${first.at(-1)?.toFixed(1)} s, then ${later.at(-1)?.toFixed(1)} s`);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
  const notes = [
    'from the spawn of bin/start.ts to the printed table, when console and API answer; today’s items come after it',
    'the pages were built before the first round, if that round did not build them: see its steps',
    ...steps.map((text, round) => `first start of round ${round + 1}: ${text}`),
  ];
  const of = (seconds: readonly number[], limit: number) => seconds.map((ours) => ({ ours, theirs: limit }));
  const common = { unit: 's', goal: '<= 1.00', notes };
  return [
    { ...common, name: 'start', against: `its budget of ${budget.first} s`, rounds: of(first, budget.first) },
    { ...common, name: 'startAgain', against: `its budget of ${budget.later} s`, rounds: of(later, budget.later) },
  ];
}

async function startOnce(dataDir: string): Promise<{ readonly seconds: number; readonly steps: string }> {
  const began = performance.now();
  const child = spawn(process.execPath, ['bin/run.mjs', 'start'], {
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let output = '';
  const seconds = await new Promise<number>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (/^ {2}Console /m.test(output)) resolve((performance.now() - began) / 1_000);
    });
    child.once('close', () => reject(new Error(`npm start ended before its table:\n${output}`)));
  });
  child.kill('SIGINT');
  await closed;
  const steps = [...output.matchAll(/✔ ([a-z]+(?: data)?) +.*?(\d+\.\d) s/g)].map((match) => `${match[1]} ${match[2]}`);
  return { seconds, steps: steps.join(', ') };
}
