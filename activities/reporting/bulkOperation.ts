import { Context } from '@temporalio/activity';
import type { AffiliateChange } from '../../db/affiliate/affiliate.js';
import { insertDecision, type NewDecision, settleDecision } from '../../db/audit/decision.js';
import { enqueue } from '../../db/messaging/outbox.js';
import {
  type BulkOperation,
  collectOutcomes,
  countOnTheirWay,
  findJob,
  findReferralsOf,
  listItemsToDecide,
  lockOperation,
  markItemDecided,
  markItemSkipped,
  markItemSucceeded,
  moveOperation,
} from '../../db/reporting/bulkOperation.js';
import { notify, readWorkspace, type Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { type JobVerb, jobVerbOf, purgeKind, simulationKind } from '../../domain/reporting/bulkOperation.js';
import { messageKind } from '../../domain/messaging/message.js';
import type { Referral } from '../../domain/earning/referral.js';
import { assertInvariant, type DomainErrorCode } from '../../domain/errors.js';
import type { AffiliateId, DecisionId, PayoutId, ReferralId } from '../../domain/ids.js';
import type { GatewayPolicy } from '../../domain/payout/gateway.js';
import { exportKind } from '../../domain/reporting/listExport.js';
import { type JobRef, signalMessage, workflowIds } from '../../workflows/contract.js';
import { type AffiliateVerb, changeAffiliate, decideAffiliate } from '../affiliate/bulk.js';
import { databaseActivity } from '../databaseActivity.js';
import type { PayoutDeps } from '../payout/deps.js';
import { decideEntry } from '../earning/adjustment.js';
import { editReferral, takeReferral } from '../earning/referral.js';
import { createDrafts } from '../payout/payout.js';
import { messageAffiliates } from './messageAffiliates.js';
import { messageItems } from './messageItems.js';
import { simulateJob } from '../program/simulation.js';
import { type ExportDeps, makeExport } from './listExport.js';
import { purgeTestData } from './testData.js';

/** Decisions per transaction of rows and outbox rows, and so many may be on their way to their workflows. */
const perChunk = 8;
const chunksPerPage = 10;
/**
 * The relay lets one person's decision overtake what waits in the outbox. What it has sent waits in Temporal's queue, first come first served:
 * a thousand sent at once made a single decision wait five seconds. So a chunk goes out when the one before is nearly through, or after two
 * seconds, because one workflow that stands still must not stop the rest.
 */
const looksPerChunk = 40;
const lookEveryMs = 50;
/** Below single decisions, so that one person's click does not wait behind another's thousand (temporal.md 4.3). */
const bulkPriority = 4;

/** What a job's activity answers: are there more pages, and how many results are still out? */
export type BulkStep = { readonly status: string; readonly hasMore: boolean; readonly open: number };

type BulkDeps = Pick<PayoutDeps, 'db' | 'longDb' | 'newId' | 'publicUrl' | 'reached' | 'gatewayPolicy'> & ExportDeps;

export function bulkOperationActivities(deps: BulkDeps) {
  return {
    /** Writes the decisions of the next items. Run twice it goes on behind them: an item with a decision is not taken again. */
    async decideBulkPage(ref: JobRef): Promise<BulkStep> {
      const asked = await readWorkspace(deps.db, ref.workspaceId, (tx) => findJob(tx, ref.jobId));
      if (asked?.kind === simulationKind) return simulateJob(deps, ref);
      if (asked?.kind === purgeKind) return purgeTestData(deps, ref);
      if (asked?.kind === exportKind) return makeExport(deps, ref);
      for (let chunk = 1; ; chunk += 1) {
        const step = await decideChunk(deps, ref);
        if (!step.hasMore || chunk === chunksPerPage) return step;
        await waitForRoom(deps, ref);
      }
    },

    /** Takes over what came of the decisions; the last result ends the job, or what a cancelled one had on its way. */
    collectBulkOutcomes(ref: JobRef): Promise<BulkStep> {
      return databaseActivity(deps, ref, async (tx, act) => {
        const job = await lockOperation(tx, ref.jobId);
        if (job === undefined) return ended(job);
        const open = await collectOutcomes(tx, job.id);
        if (job.status === 'cancelled') {
          // What was decided before the cancel stays, with its result: it is listed, and may be undone.
          const onTheirWay = await countOnTheirWay(tx, job.id);
          return { status: onTheirWay === 0 ? job.status : 'running', hasMore: false, open: onTheirWay };
        }
        if (job.status !== 'running') return ended(job);
        if (open === 0) await moveOperation(tx, act, job, 'done');
        return { status: open === 0 ? 'done' : 'running', hasMore: false, open };
      });
    },
  };
}

async function decideChunk(deps: BulkDeps, ref: JobRef): Promise<BulkStep> {
  const step = await databaseActivity(deps, ref, async (tx, act) => {
    const job = await lockOperation(tx, ref.jobId);
    if (job === undefined || (job.status !== 'queued' && job.status !== 'running')) return ended(job);
    if (job.status === 'queued') await moveOperation(tx, act, job, 'running');
    else await collectOutcomes(tx, job.id); // who watches sees how far it is
    const items = await listItemsToDecide(tx, job.id, perChunk);
    await decideItems(
      tx,
      { ...actFor(act, { actor: job.actor, mode: job.mode }), requestId: job.requestId },
      job,
      items,
      deps,
    );
    deps.reached?.('bulk.decided');
    return { status: 'running', hasMore: items.length === perChunk, open: items.length };
  });
  deps.reached?.('bulk.paged');
  await notify(deps.db, 'outbox', '');
  return step;
}

async function waitForRoom({ db }: BulkDeps, ref: JobRef): Promise<void> {
  for (let look = 0; look < looksPerChunk; look += 1) {
    if ((await readWorkspace(db, ref.workspaceId, (tx) => countOnTheirWay(tx, ref.jobId))) < perChunk / 2) return;
    await Context.current().sleep(lookEveryMs);
  }
}

function ended(job: BulkOperation | undefined): BulkStep {
  return { status: job?.status ?? 'failed', hasMore: false, open: 0 };
}

type Items = Awaited<ReturnType<typeof listItemsToDecide>>;

/** A draft per affiliate and currency (PAY-18): the plan says for each what it got, or why nothing. */
async function draftItems(tx: Tx, act: Act, job: BulkOperation, items: Items, gateways: GatewayPolicy): Promise<void> {
  const rows = await createDrafts(tx, act, {
    affiliateIds: items.map((item) => item.objectId as AffiliateId),
    gateways,
  });
  for (const { position, objectId } of items) {
    const own = rows.filter((row) => row.affiliateId === objectId);
    const made = own.flatMap((row) => row.payoutId ?? []);
    const reasons = own.flatMap((row) => row.reasons.map((reason) => reason.code));
    if (made.length > 0) await markItemSucceeded(tx, job.id, position, made.join(' '));
    else
      await markItemSkipped(tx, job.id, position, {
        code: reasons.includes('in_other_run') ? 'payout.in_open_payout' : 'payout.nothing_to_pay',
        detail: reasons.length === 0 ? null : [...new Set(reasons)].join(' '),
      });
  }
}

/** One item's decision, as the person who began the bulk takes it. */
async function writeDecision(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  of: Pick<NewDecision, 'verb' | 'objectType' | 'objectId' | 'workflowId' | 'params'>,
): Promise<DecisionId> {
  const id = act.newId('decision');
  const { reasonCode, note, publicReason, steppedUp } = job.request;
  const asked = { reasonCode, note, publicReason, steppedUp, operationId: job.id };
  await insertDecision(tx, act, { id, ...of, ...asked, via: 'bulk', callerKey: null, requestHash: null });
  return id;
}

/** A decision per payout, which its workflow takes: four eyes, attempts and days are judged there, one by one. */
async function decidePayoutItems(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  items: Items,
  verb: JobVerb['verb'],
): Promise<void> {
  for (const { position, objectId } of items) {
    const input = { workspaceId: act.workspaceId, payoutId: objectId as PayoutId };
    const workflowId = workflowIds.payout(input);
    const params = job.request.params ?? {};
    const decisionId = await writeDecision(tx, act, job, { verb, objectType: 'payout', objectId, workflowId, params });
    await enqueue(
      tx,
      signalMessage(
        { workflowType: 'payout', workflowId, input, signal: verb, argument: { decisionId } },
        bulkPriority,
      ),
    );
    await markItemDecided(tx, job.id, position, decisionId);
  }
}

/** No workflow sequences an entry by hand: its decision takes effect here, with its own rules and a row as every other (COM-09). */
async function decideEntryItem(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  { position, objectId }: Items[number],
  verb: JobVerb['verb'],
): Promise<void> {
  const { reasonCode, steppedUp } = job.request;
  const decisionId = await writeDecision(tx, act, job, {
    verb: verb === 'withdrawApproval' ? 'withdraw_approval' : verb,
    objectType: 'commission',
    objectId,
    workflowId: '', // settled below: nothing takes it up
    params: {},
  });
  const mine = actFor(act, { cause: { type: 'decision', id: decisionId }, reasonCode });
  const by = { userId: job.actor.userId, isKey: job.actor.type === 'api_key', steppedUp };
  const refusal = await decideEntry(tx, mine, objectId, { verb, by });
  settleDecision(
    tx,
    mine,
    decisionId,
    refusal === undefined ? { state: 'done' } : { state: 'refused', code: refusal.code, params: refusal.params },
  );
  await markItemDecided(tx, job.id, position, decisionId);
}

/** A decision per affiliate, which takes effect here as the single one does (api.md 7.1). */
async function decideAffiliateItems(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  items: Items,
  of: { readonly verb: AffiliateVerb; readonly publicUrl: string },
): Promise<void> {
  for (const { position, objectId } of items) {
    const decisionId = await decideAffiliate(tx, act, { affiliateId: objectId, ...of }, job.request, () =>
      writeDecision(tx, act, job, {
        verb: of.verb,
        objectType: 'affiliate',
        objectId,
        workflowId: '', // settled at once: nothing takes it up
        params: {},
      }),
    );
    if (decisionId === undefined)
      await markItemSkipped(tx, job.id, position, { code: 'resource.not_found', detail: null });
    else await markItemDecided(tx, job.id, position, decisionId);
  }
}

/** Sets the same fields on each row, as its single change does; nothing is decided. */
async function updateItems(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  items: Items,
  objectType: 'affiliates' | 'referrals',
): Promise<void> {
  const set = (job.request.params?.['set'] ?? {}) as AffiliateChange & Partial<Pick<Referral, 'tags' | 'assigneeId'>>;
  for (const { position, objectId } of items) {
    let code: DomainErrorCode | undefined;
    if (objectType === 'affiliates') code = await changeAffiliate(tx, act, objectId, set);
    else {
      const referral = await takeReferral(tx, objectId);
      if (referral === undefined) code = 'resource.not_found';
      else await editReferral(tx, act, referral, set);
    }
    if (code === undefined) await markItemSucceeded(tx, job.id, position, null);
    else await markItemSkipped(tx, job.id, position, { code, detail: null });
  }
}

async function decideItems(
  tx: Tx,
  act: Act,
  job: BulkOperation,
  items: Items,
  { gatewayPolicy, publicUrl }: Pick<BulkDeps, 'gatewayPolicy' | 'publicUrl'>,
): Promise<void> {
  if (job.kind === messageKind) return messageAffiliates(tx, act, job, items);
  const { objectType, verb } = jobVerbOf(job.kind);
  if (verb === 'message') {
    const about = objectType === 'payouts' ? 'payouts' : 'commissions';
    return messageItems(tx, act, { job, about }, items);
  }
  if (verb === 'update')
    return updateItems(tx, act, job, items, objectType === 'affiliates' ? 'affiliates' : 'referrals');
  if (verb === 'createDraft') return draftItems(tx, act, job, items, gatewayPolicy);
  if (objectType === 'affiliates') {
    assertInvariant(publicUrl !== undefined, 'mails name our own address', { operationId: job.id });
    return decideAffiliateItems(tx, act, job, items, { verb: verb as AffiliateVerb, publicUrl });
  }
  if (objectType === 'payouts') return decidePayoutItems(tx, act, job, items, verb);
  const ids = items.map((item) => item.objectId);
  const referralOf = await findReferralsOf(tx, objectType, job.mode, ids);
  for (const { position, objectId } of items) {
    const referralId = referralOf.get(objectId);
    if (referralId === undefined) {
      await markItemSkipped(tx, job.id, position, { code: 'resource.not_found', detail: null });
      continue;
    }
    if (referralId === null) {
      await decideEntryItem(tx, act, job, { position, objectId }, verb);
      continue;
    }
    const input = { workspaceId: act.workspaceId, referralId: referralId as ReferralId };
    const workflowId = workflowIds.referral(input);
    const decisionId = await writeDecision(tx, act, job, { verb, objectType, objectId, workflowId, params: {} });
    await enqueue(
      tx,
      signalMessage(
        { workflowType: 'referral', workflowId, input, signal: verb, argument: { decisionId } },
        bulkPriority,
      ),
    );
    await markItemDecided(tx, job.id, position, decisionId);
  }
}
