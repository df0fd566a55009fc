// What the installation takes when nobody uses it, and what 100,000 clicks leave behind: memory and CPU of api, worker, Temporal and Postgres,
// read from /proc (Linux only). Nothing may grow without bound.
import { setTimeout as pause } from 'node:timers/promises';
import type { ClickId } from '../domain/ids.js';
import { LiveStack } from '../test/support/liveStack.js';
import { createJourneys, type Journeys } from './journeys.js';
import { getRequest, loadHttp } from './httpLoad.js';
import type { Bench, Measured } from './measure.js';
import { type Process, processes, readIfThere } from './processes.js';

const parts = ['api-0', 'worker-0', 'temporal', 'postgres'] as const;
type Part = (typeof parts)[number];
const clickCount = 100_000;
/** The clicks are of this many visitors, each with the cookie of the first click: a new visitor costs a workflow, which is not measured here. */
const visitorCount = 200;
const settleMs = 60_000;
const watchMs = 10_000;
const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0';

/** Of a process with its children. */
interface Taken {
  readonly residentMb: number;
  readonly cpuMs: number;
}

interface AtRest {
  readonly residentMb: number;
  /** Percent of one core. */
  readonly cpuPercent: number;
}

export const restBench: Bench = {
  names: ['rest', 'restCpu'],
  what: 'memory and CPU of api, worker, Temporal and Postgres at rest, after 100,000 clicks against before',
  takes: '4 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start({ env: { LOG_LEVEL: 'warn' } });
  try {
    const journeys = await createJourneys(stack);
    try {
      const first = await journeys.click(visitorCount);
      await pause(settleMs);
      const before = await watch(stack);
      say(`at rest: ${told(before)}`);
      const storedBefore = await countClicks(journeys);
      const acknowledged = await clickMany(stack, journeys, await firstClicks(journeys));
      const stored = (await countClicks(journeys)) - storedBefore;
      if (stored !== acknowledged) throw new Error(`${acknowledged} clicks were answered, ${stored} are stored`);
      say(`${acknowledged} clicks acknowledged, ${stored} rows`);
      await pause(settleMs);
      const after = await watch(stack);
      const waiting = await waitingClicks(journeys);
      say(`after them: ${told(after)}`);
      const notes = [
        `rounds in this order: ${parts.join(', ')}; ours after the clicks, theirs before; a minute of rest before each, CPU over ${watchMs / 1_000} s`,
        `${acknowledged} clicks of ${first.length} visitors acknowledged, ${stored} rows; ${waiting} of them not yet taken up by the relay's click step when the second look ended`,
        `before: ${told(before)}`,
        `after: ${told(after)}`,
      ];
      const pairs = (of: (rest: AtRest) => number) =>
        parts.map((part) => ({ ours: of(after[part]), theirs: of(before[part]) }));
      return [
        {
          name: 'rest',
          against: 'itself before 100,000 clicks',
          unit: 'MB resident',
          goal: '<= 1.5',
          rounds: pairs((rest) => rest.residentMb),
          notes,
        },
        {
          name: 'restCpu',
          against: 'itself before 100,000 clicks',
          unit: '% of a core',
          goal: '<= 1.5',
          rounds: pairs((rest) => rest.cpuPercent),
          notes,
        },
      ];
    } finally {
      await journeys.close();
    }
  } finally {
    await stack.stop();
  }
}

type Rests = Readonly<Record<Part, AtRest>>;

async function watch(stack: LiveStack): Promise<Rests> {
  const look = (): Readonly<Record<Part, Taken>> => {
    const all = processes();
    return perPart((part) => takenBy(stack.pidOf(part), all));
  };
  const from = look();
  await pause(watchMs);
  const to = look();
  return perPart((part) => ({
    residentMb: to[part].residentMb,
    cpuPercent: Math.max(0.1, ((to[part].cpuMs - from[part].cpuMs) * 100) / watchMs), // a tick is 10 ms: less than one is 0.1 %
  }));
}

function perPart<T>(of: (part: Part) => T): Readonly<Record<Part, T>> {
  return { 'api-0': of('api-0'), 'worker-0': of('worker-0'), temporal: of('temporal'), postgres: of('postgres') };
}

function takenBy(pid: number, all: readonly Process[]): Taken {
  let taken: Taken = { residentMb: proportionalMb(pid), cpuMs: all.find((one) => one.pid === pid)?.cpuMs ?? 0 };
  for (const child of all.filter((one) => one.parent === pid)) {
    const more = takenBy(child.pid, all);
    taken = { residentMb: taken.residentMb + more.residentMb, cpuMs: taken.cpuMs + more.cpuMs };
  }
  return taken;
}

/** Pages that several processes share count once over all of them: Postgres's buffers would count for each backend otherwise. */
function proportionalMb(pid: number): number {
  const [, kB = '0'] = /^Pss:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/smaps_rollup`)) ?? [];
  return Number(kB) / 1_024;
}

async function clickMany(stack: LiveStack, { slug }: Journeys, cookies: readonly ClickId[]): Promise<number> {
  const result = await loadHttp({
    port: Number(new URL(stack.baseUrl).port),
    connections: 50,
    until: { answers: clickCount },
    status: 302,
    requests: cookies.map((click) => getRequest(`/r/${slug}`, { 'user-agent': agent, cookie: `trb_click=${click}` })),
  });
  return result.answered;
}

async function firstClicks({ owner, workspaceId }: Journeys): Promise<readonly ClickId[]> {
  const rows = await owner('clicks').where({ workspace_id: workspaceId }).select<{ id: ClickId }[]>('id');
  return rows.map((row) => row.id);
}

async function countClicks({ owner }: Journeys): Promise<number> {
  const rows = await owner('clicks').count();
  return Number(rows[0]?.['count']);
}

async function waitingClicks({ owner }: Journeys): Promise<number> {
  const rows = await owner('clicks').where({ credit: 'credited' }).whereNull('taken_up_at').count();
  return Number(rows[0]?.['count']);
}

function told(rests: Rests): string {
  return parts
    .map((part) => `${part} ${rests[part].residentMb.toFixed(0)} MB ${rests[part].cpuPercent.toFixed(1)} %`)
    .join(', ');
}
