import { Context } from '@temporalio/activity';
import { listWorkspaces } from '../db/directory.js';
import { findAffiliate } from '../db/affiliate/affiliate.js';
import { lockEndingDocuments, moveDocument, stampReminded } from '../db/affiliate/document.js';
import { insertEmailsOnce } from '../db/messaging/email.js';
import { insertNoticesOnce } from '../db/messaging/notice.js';
import { lockProgram } from '../db/program/program.js';
import {
  insertResults,
  isPeriodJudged,
  listPerformance,
  listStandards,
  type ProgramStandards,
  takePlannedThresholds,
} from '../db/program/standard.js';
import { listConnected } from '../db/payout/gateway.js';
import { listEndingKeys } from '../db/reads/access/dueKeys.js';
import { readDueDates } from '../db/reads/payout/dueDates.js';
import { listHolders } from '../db/reads/payout/payoutControls.js';
import { listPlanAffiliates, readPlanInputs } from '../db/reads/payout/payoutPlan.js';
import { readWorkspaceZone } from '../db/reads/payout/payoutStep.js';
import { countOpenDifferences } from '../db/reads/payout/reconciliationList.js';
import { inWorkspace, type Tx } from '../db/transaction.js';
import { type Act, systemAct } from '../domain/act.js';
import { type AffiliateDocument, documentText } from '../domain/affiliate/document.js';
import { endingKeyText, keyWarningDays } from '../domain/access/apiKeyExpiry.js';
import { dateIn, periodContaining } from '../domain/calendar.js';
import type { AffiliateId, UserId, WorkspaceId } from '../domain/ids.js';
import { everybody, planPayouts } from '../domain/payout/payoutRun.js';
import { isJudged, judgeStandard, type Threshold } from '../domain/program/standard.js';
import { addDays, addMs, epochMs, type Instant } from '../domain/time.js';
import type { PayoutDeps } from './payout/deps.js';

// What a day of the calendar brings (temporal.md 6): periods that ended, documents that lapse, and money that is late.

type CalendarDeps = Pick<PayoutDeps, 'db' | 'longDb' | 'newId' | 'logger' | 'gatewayPolicy'>;

/** Affiliates per page of the plan; names in one notice. */
const perPage = 500;
const mostNames = 20;
/** How long before its last day a document is spoken of. */
const remindDays = 14;

export function calendarActivities(deps: CalendarDeps) {
  return {
    /** One pass over all workspaces, a transaction each. Safe to repeat: a period is judged once, a day's reminder is one notice. */
    passCalendar: async (): Promise<{ readonly found: number }> => {
      let found = 0;
      for (const { id } of await listWorkspaces(deps.db)) {
        found += await inWorkspace(deps.longDb, id, async (tx, now) => {
          const act = actOf(deps, id, now);
          const zone = await readWorkspaceZone(tx);
          const passed = (await judgeStandards(tx, act, zone)) + (await lapseDocuments(tx, act, zone));
          const warned = await warnOfEndingKeys(tx, act, zone);
          const explained = await remindOfDifferences(tx, act, zone);
          return passed + warned + explained + (await remindOfLate(tx, act, zone, deps));
        });
        Context.current().heartbeat(found);
      }
      return { found };
    },
  };
}

/** What the product does by itself, because a time has come. */
export function actOf(deps: Pick<CalendarDeps, 'newId'>, workspaceId: WorkspaceId, now: Instant): Act {
  return systemAct({ workspaceId, now, newId: deps.newId });
}

/**
 * Judges the periods that have ended (PRG-18) and tells staff who is below: by what held in them. What is planned takes its place between
 * those that ended before its day and those that end after it (PRG-17). Answers how many are below.
 */
export async function judgeStandards(tx: Tx, act: Act, workspaceZone: string): Promise<number> {
  let below = 0;
  for (const standards of await listStandards(tx)) {
    const zone = standards.timeZone ?? workspaceZone;
    const { programId, next, nextFrom } = standards;
    for (const threshold of standards.thresholds)
      below += await judgeThreshold(tx, act, zone, { ...standards, threshold, until: nextFrom });
    if (next === null || nextFrom === null || nextFrom > act.now) continue;
    const program = await lockProgram(tx, programId);
    if (program !== undefined) await takePlannedThresholds(tx, act, program);
    for (const threshold of next)
      below += await judgeThreshold(tx, act, zone, { ...standards, threshold, setAt: nextFrom, until: null });
  }
  return below;
}

/** The newest period of a threshold that has ended, if it ended while the threshold held and was not judged. */
async function judgeThreshold(
  tx: Tx,
  act: Act,
  zone: string,
  of: Pick<ProgramStandards, 'programId' | 'programName' | 'setAt'> & {
    readonly threshold: Threshold;
    readonly until: Instant | null;
  },
): Promise<number> {
  const { programId, threshold } = of;
  const current = periodContaining(zone, threshold.period, act.now);
  const range = periodContaining(zone, threshold.period, addMs(current.from, -1));
  if (!isJudged(of.setAt, range.until) || (of.until !== null && range.until > of.until)) return 0;
  if (await isPeriodJudged(tx, { programId, ...threshold, from: range.from })) return 0;
  const results = (await listPerformance(tx, { programId, range })).map((one) => ({
    ...one,
    ...judgeStandard(threshold, one),
  }));
  await insertResults(tx, act, { programId, threshold, range, results });
  const names = results.filter((one) => one.outcome === 'below').map((one) => one.name);
  if (names.length > 0)
    await tellStaff(tx, act, 'affiliate.write', {
      onceKey: `standard/${programId}/${threshold.metric}/${threshold.period}/${range.from}`,
      kind: 'below_standard',
      subject: `${names.length} below the standard of ${of.programName}`,
      body: [
        `${wordsOf(threshold)}, from ${dateIn(zone, range.from)} to ${dateIn(zone, addMs(range.until, -1))}:`,
        listed(names),
      ].join('\n\n'),
      link: '/affiliates?belowStandard=true',
    });
  return names.length;
}

function wordsOf({ metric, minimum, maximum, period }: Threshold): string {
  const bound = minimum === null ? `at most ${maximum ?? 0}` : `at least ${minimum}`;
  return `${metric}: ${bound} a ${period}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - mostNames;
  return [...names.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/**
 * Accepted documents whose last day is over have expired; those whose last day is near are spoken of once, ahead (AFF-24, AUD-10). The affiliate
 * hears of both; staff of what has expired: whether somebody is suspended for it they decide. Answers how many it found.
 */
export async function lapseDocuments(tx: Tx, act: Act, zone: string): Promise<number> {
  const today = dateIn(zone, act.now);
  const ended = await lockEndingDocuments(tx, { before: today, notReminded: false, limit: perPage });
  for (const one of ended) await tellOfDocument(tx, act, await moveDocument(tx, act, one, 'expired', null), 'expired');
  const soon = dateIn(zone, addDays(act.now, remindDays + 1));
  const ending = await lockEndingDocuments(tx, { before: soon, notReminded: true, limit: perPage });
  for (const one of ending) {
    await tellOfDocument(tx, act, one, 'expiring');
    await stampReminded(tx, act, one.id);
  }
  if (ended.length > 0)
    await tellStaff(tx, act, 'check.write', {
      onceKey: `document.expired/${today}/${ended[0]?.id ?? ''}`,
      kind: 'document_expired',
      subject: `${ended.length} documents have expired`,
      body: listed(ended.map(({ label }) => label)),
      link: '/documents?status=expired',
    });
  return ended.length + ending.length;
}

async function tellOfDocument(
  tx: Tx,
  act: Act,
  document: AffiliateDocument,
  event: 'expired' | 'expiring',
): Promise<void> {
  const affiliate = await findAffiliate(tx, document.affiliateId);
  // Nobody asks who has left, or was never taken, for a new one.
  if (affiliate === undefined || affiliate.status === 'terminated' || affiliate.status === 'declined') return;
  const text = {
    onceKey: `document/${document.id}/${event}`,
    kind: `document_${event}`,
    ...documentText(affiliate.language, { ...document, event }),
  };
  await insertNoticesOnce(tx, act, [{ ...text, to: { affiliateId: affiliate.id }, link: '/documents' }]);
  await insertEmailsOnce(tx, act, [{ ...text, recipient: affiliate.email }], 4);
}

/**
 * Warns an affiliate by mail and notice, and whoever looks after keys by notice, before an API user ends: two weeks and three days ahead (LED-06).
 * Once for each day that it was to end on: a later date is warned of anew. Answers how many end soon.
 */
export async function warnOfEndingKeys(tx: Tx, act: Act, zone: string): Promise<number> {
  const [early, late] = keyWarningDays;
  const lastDays = dateIn(zone, addDays(act.now, late));
  const ending = await listEndingKeys(tx, {
    after: dateIn(zone, act.now),
    until: dateIn(zone, addDays(act.now, early)),
  });
  for (const key of ending) {
    const onceKey = `apiKey.ending/${key.id}/${key.expiresOn}/${key.expiresOn <= lastDays ? late : early}`;
    const kind = 'api_key_ending';
    const of = { name: key.name, day: key.expiresOn };
    const text = { onceKey, kind, ...endingKeyText(key.language, of) };
    await insertEmailsOnce(tx, act, [{ ...text, recipient: key.email }], 4);
    await insertNoticesOnce(tx, act, [{ ...text, to: { affiliateId: key.affiliateId }, link: '/' }]);
    const staffs = { onceKey: `${onceKey}/staff`, kind, ...endingKeyText(null, of) };
    await tellStaff(tx, act, 'key.write', { ...staffs, link: '/developers/api-keys' });
  }
  return ending.length;
}

/** A difference with a gateway is explained within so many days (money.md 10). */
const explainDays = 3;

/** Reminds whoever may say what a difference is of those that wait for longer (BEY-06): once a day while any does. Answers how many. */
export async function remindOfDifferences(tx: Tx, act: Act, zone: string): Promise<number> {
  const open = await countOpenDifferences(tx, { mode: act.mode, before: addDays(act.now, -explainDays) });
  if (open === 0) return 0;
  const onceKey = `reconciliation.open/${dateIn(zone, act.now)}`;
  const { rows } = await tx.raw<{ rows: unknown[] }>('select from notices where once_key = :onceKey limit 1', {
    onceKey,
  });
  if (rows.length > 0) return 0;
  await tellStaff(tx, act, 'reconcile.write', {
    onceKey,
    kind: 'reconciliation_overdue',
    subject: `${open === 1 ? 'A difference waits' : `${open} differences wait`} for an explanation`,
    body: `The statement and the books have not agreed for more than ${explainDays} days. Say what each difference is, or move its money to suspense.`,
    link: '/reconciliations?unexplained=true',
  });
  return open;
}

/** Reminds staff who prepare payouts of what should have been paid by now (PAY-20): once a day while anything is late. Answers how many. */
export async function remindOfLate(
  tx: Tx,
  act: Act,
  zone: string,
  deps: Pick<CalendarDeps, 'gatewayPolicy'>,
): Promise<number> {
  const today = dateIn(zone, act.now);
  const onceKey = `payout.overdue/${today}`;
  const { rows } = await tx.raw<{ rows: unknown[] }>('select from notices where once_key = :onceKey limit 1', {
    onceKey,
  });
  if (rows.length > 0) return 0;
  const { rows: open } = await tx.raw<{ rows: { late: number }[] }>(
    `select count(*)::int as late from payouts
     where mode = :mode and status in ('draft', 'pending') and due_on < :today::date`,
    { mode: act.mode, today },
  );
  const payouts = open[0]?.late ?? 0;
  const affiliates = await countLate(tx, act, zone, deps);
  if (payouts + affiliates === 0) return 0;
  await tellStaff(tx, act, 'payout.prepare', {
    onceKey,
    kind: 'payout_overdue',
    subject: 'Payouts are overdue',
    body: `${affiliates === 1 ? '1 affiliate is' : `${affiliates} affiliates are`} due and in no payout yet; ${payouts === 1 ? '1 payout is' : `${payouts} payouts are`} made and not paid.`,
    link: payouts > 0 ? '/payouts?overdue=true' : '/payouts/due',
  });
  return payouts + affiliates;
}

/** Affiliates that could be paid and should have been, by the plan and the calendar. */
async function countLate(
  tx: Tx,
  act: Act,
  zone: string,
  { gatewayPolicy }: Pick<CalendarDeps, 'gatewayPolicy'>,
): Promise<number> {
  const scope = {
    mode: act.mode,
    cutOffAt: act.now,
    currencies: [],
    filter: everybody,
    excludedAffiliateIds: [],
    previousCutOffAt: null,
  };
  const connected = await listConnected(tx, act.mode);
  let late = 0;
  for (let after: AffiliateId | null = null; ; ) {
    const ids: readonly AffiliateId[] = await listPlanAffiliates(tx, scope, { after, limit: perPage, lock: false });
    const datesOf = await readDueDates(tx, {
      mode: act.mode,
      affiliateIds: ids,
      zone,
      today: dateIn(zone, act.now),
    });
    const planned = planPayouts(await readPlanInputs(tx, scope, ids, false), {
      now: act.now,
      nowMs: epochMs(act.now),
      mode: act.mode,
      gateways: gatewayPolicy,
      connected,
      msOf: epochMs,
    });
    late += planned.filter(
      (row) => row.outcome === 'paid' && datesOf(row.affiliateId, row.currency).overdueSince !== null,
    ).length;
    const last = ids.at(-1);
    if (ids.length < perPage || last === undefined) return late;
    after = last;
  }
}

async function tellStaff(
  tx: Tx,
  act: Act,
  right: 'affiliate.write' | 'check.write' | 'key.write' | 'payout.prepare' | 'reconcile.write',
  notice: {
    readonly onceKey: string;
    readonly kind: string;
    readonly subject: string;
    readonly body: string;
    readonly link: string;
  },
): Promise<void> {
  const people = await listHolders(tx, right);
  await insertNoticesOnce(
    tx,
    act,
    people.map((id) => ({ ...notice, to: { userId: id as UserId } })),
  );
}
