import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { at } from '../../test/support/apiClient.js';
import { eventually } from '../../test/support/eventually.js';
import { seededRandom } from '../../test/faults/workload.js';
import { World } from '../../test/faults/world.js';

// Clicks under kill -9 (TRK-02): `npm run campaign:clicks -- --clicks 100000 --kills 20 --seed 7`. Clients follow one link as fast as it answers;
// meanwhile the API or Postgres is killed without a word and started again, as a supervisor would. Every click that was answered with a redirect
// has to stand in Postgres, once, and to be taken up by its referral, once; the affiliate's figure of clicks has to be the number of her rows, and
// the books have to hold. Writes bench/results/clickFaults.json; ends with 1 when one is lost or there twice, or anything else does not hold.

const { values } = parseArgs({
  options: {
    clicks: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '20' },
    clients: { type: 'string', default: '32' },
    seed: { type: 'string', default: '7' },
  },
});
const [wanted, kills, clients, seed] = [values.clicks, values.kills, values.clients, values.seed].map(Number);
if (![wanted, kills, clients, seed].every((value) => Number.isInteger(value) && Number(value) > 0))
  throw new Error('npm run campaign:clicks -- --clicks N --kills K --clients C --seed S');
const total = wanted ?? 0;
const killCount = kills ?? 0;
const random = seededRandom(seed ?? 0);

/** Rows looked for with one statement. */
const batch = 5_000;

const world = await World.start({ patienceMs: 20 * 60_000 });
try {
  const { slug, affiliateId } = await world.affiliate();
  const address = `${world.stack.baseUrl}/r/${slug}`;
  const answered: string[] = [];
  let unanswered = 0;
  let isKilling = false;

  /** One visitor: his click counts here only when he got his redirect. */
  const follow = async (): Promise<void> => {
    try {
      const answer = await fetch(address, {
        redirect: 'manual',
        headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document' },
      });
      const id = new URL(answer.headers.get('location') ?? '', address).searchParams.get('click_id');
      if (answer.status === 302 && id !== null) {
        answered.push(id);
        return;
      }
    } catch {
      // the connection broke: nobody was told anything
    }
    unanswered += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const client = async (): Promise<void> => {
    while (answered.length < total) await follow();
  };

  const killed = { 'api-0': 0, postgres: 0 };
  const killer = async (): Promise<void> => {
    for (let kill = 1; kill <= killCount; kill += 1) {
      // Spread over the whole, each at a moment that only the seed knows.
      const at = Math.floor((total * (kill - random())) / killCount);
      while (answered.length < at) await new Promise((resolve) => setTimeout(resolve, 5));
      const victim = random() < 0.5 ? 'api-0' : 'postgres';
      isKilling = true;
      await world.stack.kill(victim);
      await world.stack.startAgain(victim);
      isKilling = false;
      killed[victim] += 1;
      console.log(`${String(kill).padStart(4)}  ${victim.padEnd(9)}${answered.length} clicks answered`);
    }
  };

  const begun = performance.now();
  await Promise.all([killer(), ...Array.from({ length: clients ?? 1 }, client)]);
  const seconds = (performance.now() - begun) / 1_000;
  if (isKilling) throw new Error('a part was killed and not started again');

  const twice = answered.length - new Set(answered).size;
  let stored = 0;
  for (let from = 0; from < answered.length; from += batch)
    stored += (
      await world
        .owner('clicks')
        .whereIn('id', answered.slice(from, from + batch))
        .select('id')
    ).length;
  const lost = answered.length - stored;
  const waiting = await eventually(
    async () => {
      const row = await world
        .owner('clicks')
        .where({ credit: 'credited' })
        .whereNull('taken_up_at')
        .first<{ rows: string }>(world.owner.raw('count(*)::text as rows'));
      return row.rows === '0' ? row.rows : undefined;
    },
    { within: 600_000, every: 500 },
  );
  const count = async (sql: string): Promise<number> => {
    const { rows } = await world.owner.raw<{ rows: readonly { rows: string }[] }>(sql, [affiliateId]);
    return Number(rows[0]?.rows);
  };
  const rows = await count(
    `select count(*) as rows from clicks where affiliate_id = ? and credit <> 'filtered' and not suspect`,
  );
  // A click without a touch was never taken up; one with two was taken up twice.
  const notTouchedOnce = await count(
    `select count(*) as rows from (
       select c.id from clicks c left join touches t on (t.workspace_id, t.source_id) = (c.workspace_id, c.id)
       where c.affiliate_id = ? and c.credit = 'credited' group by c.id having count(t.source_id) <> 1) as wrong`,
  );
  const metrics = await world.people.ana.get(`/v1/affiliates/${affiliateId}/metrics`);
  const books = await world.stack.command('bin/checkBooks.ts');
  const result = {
    seed,
    answered: answered.length,
    unanswered,
    stored,
    lost,
    twice,
    waiting: Number(waiting),
    rows,
    figure: at(metrics.body, 'clicks'),
    notTouchedOnce,
    books: books.output.trim(),
    killed,
    seconds: Math.round(seconds),
    cpus: cpus().length,
    node: process.version,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  const holds = lost + twice + notTouchedOnce === 0 && result.figure === rows && books.code === 0;
  if (holds)
    writeFileSync(new URL('../results/clickFaults.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
  else process.exitCode = 1;
} finally {
  await world.stop();
}
