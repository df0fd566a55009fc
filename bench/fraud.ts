// Is fraud caught, and are honest affiliates left alone? (reliability.md G29) A labelled set made from a seed: 100,000 clicks and 10,000 buyers,
// most of them honest, hard cases among them, and 24 patterns of fraud whose sizes are drawn on both sides of the limits. It goes through
// Postgres: the same statements gather the signals, the same rules judge them.
import knexFactory from 'knex';
import { connect } from '../db/connection.js';
import {
  listAffiliateSignals,
  listRecruiters,
  listSharedEdges,
  readReferralSignals,
} from '../db/reads/tracking/riskSignals.js';
import { readWorkspace } from '../db/transaction.js';
import { isBlockingRisk } from '../domain/tracking/riskFlag.js';
import { findRings, judgeAffiliate, judgeReferral } from '../domain/tracking/riskRules.js';
import { newId } from '../platform/newId.js';
import { inBenchDatabase } from './database.js';
import type { Bench, Measured } from './measure.js';
import { spanMs } from './fraudGenerator.js';
import { patterns } from './fraudPatterns.js';
import { buyersInAll, clicksInAll, insert, plant } from './fraudSet.js';

const seed = Number(process.env['FRAUD_SEED'] ?? 20_261_126);
const perPage = 500;

export const fraudBench: Bench = {
  names: ['fraudRecall', 'fraudPrecision', 'fraudHonestHeld'],
  what: `recall, precision and honest buyers held over ${clicksInAll} clicks, ${buyersInAll} buyers and 24 patterns of fraud`,
  takes: '1 minute',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  return inBenchDatabase(async (database) => {
    const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
    const db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'bench fraud' });
    database.closing.push(
      () => db.destroy(),
      () => owner.destroy(),
    );
    const [workspaceId, programId] = [newId('workspace'), newId('program')];
    await owner('workspaces').insert({ id: workspaceId, name: 'Bench' });
    await owner('settings').insert({ workspace_id: workspaceId, version: 1, sections: '{}' });
    await owner('programs').insert({
      workspace_id: workspaceId,
      id: programId,
      name: 'P',
      slug: programId.slice(4),
      status: 'active',
      currency: 'USD',
    });
    const start = Date.now() - spanMs - 3_600_000;
    const planted = plant({ workspaceId, programId, start, seed });
    await owner.raw('drop index contacts_email_key'); // the pairs of one mailbox
    say(
      `seed ${seed}: ${planted.rows.get('clicks')?.length ?? 0} clicks, ${planted.buyers.length} buyers, ${planted.fraud.size} of them fraud`,
    );
    await insert(owner, planted);
    await owner.raw('analyze');

    const flagged = new Map<string, readonly string[]>();
    const began = performance.now();
    const affiliateOf = new Map<string, string | null>();
    for (let from = 0; from < planted.buyers.length; from += perPage) {
      const page = planted.buyers.slice(from, from + perPage);
      const signals = await readWorkspace(db, workspaceId, (tx) => readReferralSignals(tx, page));
      for (const one of signals) {
        affiliateOf.set(one.referralId, one.affiliateId);
        const codes = judgeReferral(one)
          .filter(({ code }) => isBlockingRisk(code))
          .map(({ code }) => code);
        if (codes.length > 0) flagged.set(one.referralId, codes);
      }
    }
    const perReferralMs = (performance.now() - began) / planted.buyers.length;
    const bad = await readWorkspace(db, workspaceId, async (tx) => {
      const found = new Map<string, string>();
      for (const { affiliateId, ...signals } of await listAffiliateSignals(tx))
        for (const { code } of judgeAffiliate(signals)) found.set(affiliateId, code);
      const edges = await listSharedEdges(tx);
      for (const cluster of findRings(edges)) for (const member of cluster.members) found.set(member, 'ring');
      const hands = findRings(edges, 2);
      for (const { id, recruiterId } of await listRecruiters(
        tx,
        hands.flatMap((hand) => hand.members),
      ))
        if (hands.some((hand) => hand.members.includes(id) && hand.members.includes(recruiterId)))
          found.set(id, 'chain_abuse');
      return found;
    });
    for (const [referralId, affiliateId] of affiliateOf) {
      const code = affiliateId === null ? undefined : bad.get(affiliateId);
      if (code !== undefined) flagged.set(referralId, [...(flagged.get(referralId) ?? []), code]);
    }

    const caught = [...planted.fraud.keys()].filter((id) => flagged.has(id)).length;
    const wrong = [...flagged.keys()].filter((id) => !planted.fraud.has(id));
    const recall = caught / planted.fraud.size;
    const precision = caught / Math.max(1, flagged.size);
    const honestHeld = wrong.length / (planted.buyers.length - planted.fraud.size);
    const missed = new Map<string, number>();
    for (const [id, pattern] of planted.fraud)
      if (!flagged.has(id)) missed.set(pattern, (missed.get(pattern) ?? 0) + 1);
    const why = new Map<string, number>();
    for (const id of wrong) for (const code of flagged.get(id) ?? []) why.set(code, (why.get(code) ?? 0) + 1);
    const notes = [
      `seed ${seed}; ${planted.fraud.size} fraudulent of ${planted.buyers.length} buyers in ${Object.keys(patterns).length} patterns`,
      `caught ${caught}; missed ${[...missed].map(([pattern, count]) => `${pattern} ${count}`).join(', ') || 'none'}`,
      `honest buyers held ${wrong.length}${wrong.length === 0 ? '' : `: ${[...why].map(([code, count]) => `${code} ${count}`).join(', ')}`}`,
      `${perReferralMs.toFixed(2)} ms per referral to gather and judge, in pages of ${perPage}`,
    ];
    notes.forEach(say);
    const figure = (name: string, against: string, ours: number, goal: string): Measured => ({
      name,
      against,
      unit: 'share',
      rounds: [{ ours, theirs: 1 }],
      goal,
      notes,
    });
    return [
      figure('fraudRecall', 'every planted fraud', recall, '>= 0.95'),
      figure('fraudPrecision', 'every flagged buyer', precision, '>= 0.98'),
      figure('fraudHonestHeld', 'every honest buyer', honestHeld, '<= 0.005'),
    ];
  });
}
