import { simulationKind } from '../../../domain/reporting/bulkOperation.js';
import { getSettings } from '../../../db/access/settings.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import {
  draftJson,
  endRule,
  findRule,
  insertRule,
  addRuleVersion,
  listGlobalRules,
  listOverrides,
  lockPlan,
  type RuleRecord,
} from '../../../db/program/commissionPlan.js';
import {
  countPastSales,
  draftRuleId,
  listSimulatedPrograms,
  type SimulationScope,
  simulatePlan,
} from '../../../db/reads/program/simulation.js';
import { finishJob, insertJob, lockOperation, recordEnd } from '../../../db/reporting/bulkOperation.js';
import { readWorkspace, type Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { dateIn, daysRange, periodContaining } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { Ppm } from '../../../domain/money.js';
import type { Rule } from '../../../domain/program/commissionPlan.js';
import { ruleConflicts } from '../../../domain/program/ruleConflicts.js';
import { addMs, type Instant, type LocalDate } from '../../../domain/time.js';
import { startMessage, workflowIds } from '../../../workflows/contract.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import { placeOf, termsOf } from '../../schemas/program/commissionRule.js';
import {
  applyBody,
  applyReply,
  type ApplyReply,
  simulateBody,
  simulateReply,
} from '../../schemas/program/simulation.js';
import { showOperation } from '../reporting/bulkOperation.js';
import { checkRule } from './commissionRule.js';
import { fieldRefusal } from './directDecision.js';
import { withoutNewMeetings } from './ruleMeeting.js';

/** Above it the answer is an operation with the same object as its result (api.md 6.2). */
const mostAtOnce = 10_000;

/** Days in the workspace's zone, both included; by default the quarter before this one. */
function periodOf(
  zone: string,
  now: Instant,
  sent: { readonly from?: LocalDate; readonly to?: LocalDate },
): { readonly from: Instant; readonly until: Instant } {
  const { from: thisQuarter } = periodContaining(zone, 'quarter', now);
  const last = periodContaining(zone, 'quarter', addMs(thisQuarter, -1));
  const from = sent.from ?? dateIn(zone, last.from);
  const to = sent.to ?? (sent.from === undefined ? dateIn(zone, addMs(last.until, -1)) : dateIn(zone, now));
  if (to < from) throw fieldRefusal('to', 'out_of_range', 'The last day is not before the first.');
  return daysRange(zone, from, to);
}

/** What a past period would have cost under a draft, beside what was booked. Writes nothing but, for a long period, the job itself. */
const simulate = defineRoute({
  method: 'POST',
  path: '/v1/commission-rules/simulate',
  summary: 'What a past period would have cost under a draft rule',
  permission: 'rule.read',
  body: simulateBody,
  reply: simulateReply,
  refuses: ['rule.rule_conflict', 'sale.currency_mismatch'],
  async handle(ctx, deps) {
    const { body } = ctx;
    const asked = await ctx.read(async (tx, now) => {
      const { settings } = await getSettings(tx);
      const draft = body.draft ?? null;
      const replacesRuleId = body.replacesRuleId ?? null;
      const replaced = replacesRuleId === null ? undefined : await findRule(tx, replacesRuleId);
      if (replacesRuleId !== null && replaced === undefined)
        throw fieldRefusal('replacesRuleId', 'not_found', 'No such rule.');
      const rule: Rule | null =
        draft === null
          ? null
          : {
              ...placeOf(draft),
              id: draftRuleId,
              name: draft.name ?? 'Draft',
              version: 1,
              terms: termsOf(draft, null),
            };
      if (rule !== null) {
        const from = draft?.effectiveFrom !== undefined && draft.effectiveFrom > now ? draft.effectiveFrom : now;
        await checkRule(tx, rule, { except: replaced?.id ?? null, from, to: draft?.effectiveTo ?? null });
      }
      const wanted = body.programIds ?? (rule?.programId == null ? null : [rule.programId]);
      const programIds = await listSimulatedPrograms(tx, wanted);
      const missing = wanted?.findIndex((id) => !programIds.includes(id)) ?? -1;
      if (body.programIds !== undefined && missing >= 0)
        throw fieldRefusal(`programIds/${missing}`, 'not_found', 'No such published program.');
      const scope: SimulationScope = { mode: ctx.mode, ...periodOf(settings.general.timeZone, now, body), programIds };
      return { scope, rule, replacesRuleId, sales: await countPastSales(tx, scope) };
    });
    const { scope, rule, replacesRuleId } = asked;
    if (asked.sales <= mostAtOnce) {
      const draft = rule === null ? null : { rule, replacesRuleId };
      return readWorkspace(deps.longDb, ctx.workspaceId, async (tx) => ({ ...(await simulatePlan(tx, scope, draft)) }));
    }
    return ctx.write(
      async (tx, act) => {
        const id = act.newId('operation');
        const request = {
          from: scope.from,
          until: scope.until,
          programIds: scope.programIds,
          replacesRuleId,
          draft: rule === null ? null : draftJson(rule),
        };
        await insertJob(tx, act, { id, kind: simulationKind, request, total: asked.sales });
        const ref = { workspaceId: act.workspaceId, jobId: id };
        const workflowId = workflowIds.bulkOperation(ref);
        await enqueue(tx, startMessage({ workflowType: 'bulkOperation', workflowId, input: ref, startAt: null }, 4));
        return answer(await showOperation(tx, ctx.caller, id), { status: 202, location: `/v1/operations/${id}` });
      },
      { wake: true },
    );
  },
});

/** The global rule says the rate; those cleared and a global rule of the other event end. */
async function setGlobalRate(
  tx: Tx,
  act: Act,
  { ratePpm, event }: { readonly ratePpm: Ppm; readonly event: 'payment' | 'first_payment' },
  cleared: readonly RuleRecord[],
): Promise<void> {
  for (const one of cleared) await endRule(tx, act, one);
  const levels = [{ level: 1, kind: 'percent', rate: ratePpm, of: 'base' }] as const;
  const [same, ...others] = (await listGlobalRules(tx, act.now)).toSorted(
    (a, b) => Number(b.event === event) - Number(a.event === event),
  );
  if (same !== undefined && same.event === event) {
    const higher = same.terms.levels.filter((one) => one.level > 1);
    const terms = { ...same.terms, levels: [...levels, ...higher], bands: null };
    const conflicts = ruleConflicts({ ...same, terms }, null);
    if (conflicts.length > 0) throw new DomainError('rule.rule_conflict', { conflicts });
    await addRuleVersion(tx, act, same, { name: same.name, terms, effectiveFrom: act.now });
  } else {
    await insertRule(tx, act, {
      scope: 'global',
      programId: null,
      productId: null,
      groupId: null,
      affiliateId: null,
      event,
      transactionType: null,
      id: act.newId('rule'),
      name: 'Global rate',
      terms: {
        base: 'net',
        minimumBase: null,
        flatOnPartialRefund: 'proportional',
        levels,
        bands: null,
        limits: { maxPayments: null, maxMonths: null },
        cap: null,
        appliesTo: 'all',
      },
      effectiveFrom: act.now,
    });
  }
  // A first payment is met by both words: the other global rule would win over the one rate.
  for (const other of same?.event === event ? others : same === undefined ? [] : [same, ...others])
    await endRule(tx, act, other);
}

/** One rate for everybody: the global rule says it, and with `clearOverrides` every narrower rule for payments ends (RUL-12). */
const applyToAll = defineRoute({
  method: 'POST',
  path: '/v1/commission-rules/apply-to-all',
  summary: 'One global rate; a dry run counts the overrides kept and cleared',
  permission: 'rule.write',
  body: applyBody,
  reply: applyReply,
  status: 202,
  refuses: ['rule.rule_conflict'],
  async handle(ctx) {
    const { ratePpm, event, clearOverrides, dryRun } = ctx.body;
    const told = (overrides: Awaited<ReturnType<typeof listOverrides>>): ApplyReply => {
      const byScope: Record<string, number> = {};
      for (const { scope } of overrides) byScope[scope] = (byScope[scope] ?? 0) + 1;
      return { ratePpm, event, kept: clearOverrides ? {} : byScope, cleared: clearOverrides ? byScope : {} };
    };
    if (dryRun) return ctx.read(async (tx, now) => answer(told(await listOverrides(tx, now)), { status: 200 }));
    return ctx.write(async (tx, act) => {
      await lockPlan(tx);
      const overrides = await listOverrides(tx, act.now);
      await withoutNewMeetings(tx, act.now, () => setGlobalRate(tx, act, ctx.body, clearOverrides ? overrides : []));
      const id = act.newId('operation');
      const reply = told(overrides);
      await insertJob(tx, act, { id, kind: 'rules.apply_to_all', request: ctx.body, total: overrides.length });
      const job = await lockOperation(tx, id);
      if (job === undefined) throw new DomainError('resource.not_found');
      await finishJob(tx, act.now, job, { result: reply, total: overrides.length });
      await recordEnd(tx, act, job, 'done');
      return answer(await showOperation(tx, ctx.caller, id), { status: 202, location: `/v1/operations/${id}` });
    });
  },
});

export const simulationRoutes: readonly Route[] = [simulate, applyToAll];
