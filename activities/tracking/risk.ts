import { Context } from '@temporalio/activity';
import type { Db } from '../../db/connection.js';
import { listWorkspaces } from '../../db/directory.js';
import {
  listAffiliateSignals,
  listRecruiters,
  listSharedEdges,
  readReferralSignals,
} from '../../db/reads/tracking/riskSignals.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { inWorkspace, type Tx } from '../../db/transaction.js';
import { markBurstsSuspect } from '../../db/tracking/click.js';
import { raiseFlag } from '../../db/tracking/riskFlag.js';
import { type Act, actFor, systemAct, systemActor } from '../../domain/act.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { NewId, WorkspaceId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import {
  findRings,
  judgeAffiliate,
  judgeReferral,
  riskLimits,
  type RiskFinding,
} from '../../domain/tracking/riskRules.js';

// Fraud checks (features.md 19). A referral is judged when its wait for a decision opens; affiliates and bursts in a pass over the workspace.

/** Judges the referral by our own rules and raises what was found. Safe to repeat: a finding is one flag. Answers what speaks against it. */
export async function flagReferral(tx: Tx, act: Act, referral: Referral): Promise<readonly RiskFinding[]> {
  if (referral.contactId === null) return [];
  const [signals] = await readReferralSignals(tx, [referral.id]);
  if (signals === undefined) return [];
  const findings = judgeReferral(signals, await readReferralTerms(tx, referral.programId));
  const bySystem = actFor(act, { actor: systemActor, mode: referral.mode, cause: null });
  for (const { code, evidence } of findings)
    await raiseFlag(tx, bySystem, {
      referralId: referral.id,
      affiliateId: signals.sameAffiliateId ?? referral.affiliateId,
      code,
      evidence: { ...evidence, contactId: referral.contactId },
    });
  return findings;
}

export interface RiskDeps {
  readonly db: Db;
  readonly newId: NewId;
}

export function riskActivities(deps: RiskDeps) {
  return {
    /** One pass over all workspaces: bursts of clicks, floods, refunds, rings and chains. Safe to repeat; a finding is one flag a day. */
    scanRisks: async (): Promise<{ readonly found: number }> => {
      let found = 0;
      for (const { id } of await listWorkspaces(deps.db)) {
        found += await inWorkspace(deps.db, id, async (tx, now) => scanWorkspace(tx, scanAct(deps, id, now)));
        Context.current().heartbeat(found);
      }
      return { found };
    },
  };
}

function scanAct(deps: RiskDeps, workspaceId: WorkspaceId, now: Instant): Act {
  return systemAct({ workspaceId, now, newId: deps.newId });
}

/** Answers how many findings are new. */
export async function scanWorkspace(tx: Tx, act: Act): Promise<number> {
  let found = await markBurstsSuspect(tx, riskLimits.clicksPerMinute);
  for (const { affiliateId, ...signals } of await listAffiliateSignals(tx)) {
    for (const { code, evidence } of judgeAffiliate(signals))
      found += (await raiseFlag(tx, act, { referralId: null, affiliateId, code, evidence })) ? 1 : 0;
  }
  return found + (await flagShared(tx, act));
}

async function flagShared(tx: Tx, act: Act): Promise<number> {
  const edges = await listSharedEdges(tx);
  let found = 0;
  const raise = async (
    affiliateId: string,
    code: 'ring' | 'chain_abuse' | 'shared_destination',
    evidence: object,
    key: string,
  ) => {
    const isNew = await raiseFlag(tx, act, {
      referralId: null,
      affiliateId,
      code,
      evidence: { ...evidence },
      onceKey: `${code}/${affiliateId}/${key}`,
    });
    found += isNew ? 1 : 0;
  };
  for (const cluster of findRings(edges)) {
    const kinds = [...new Set(cluster.edges.map((edge) => edge.kind))];
    for (const member of cluster.members)
      await raise(
        member,
        'ring',
        { members: cluster.members, kinds, edges: cluster.edges.slice(0, 50) },
        cluster.members.join(','),
      );
  }
  const hands = findRings(edges, 2);
  const recruiters = await listRecruiters(tx, [...new Set(hands.flatMap((hand) => hand.members))]);
  for (const { id, recruiterId } of recruiters) {
    const hand = hands.find((one) => one.members.includes(id) && one.members.includes(recruiterId));
    if (hand === undefined) continue;
    const kinds = hand.edges.filter((edge) => [edge.a, edge.b].includes(id)).map((edge) => edge.kind);
    for (const one of [id, recruiterId])
      await raise(
        one,
        'chain_abuse',
        { affiliateId: id, recruiterId, kinds: [...new Set(kinds)] },
        `${recruiterId}/${id}`,
      );
  }
  for (const { a, b, kind } of edges)
    if (kind === 'payout_account')
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const)
        await raise(one, 'shared_destination', { with: other }, other);
  return found;
}
