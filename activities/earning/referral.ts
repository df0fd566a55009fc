import { listChecks } from '../../db/earning/check.js';
import {
  findContactReferral,
  findWindowEnd,
  insertReferral,
  insertTouch,
  lockReferral,
  updateReferral,
} from '../../db/earning/referral.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readOpenMoney } from '../../db/reads/earning/referralMoney.js';
import { askReferralTerms, readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { listUnappliedFacts } from '../../db/reads/earning/unappliedFacts.js';
import type { Tx } from '../../db/transaction.js';
import { lockContact } from '../../db/tracking/contact.js';
import { lockContactOf } from '../../db/tracking/contactLock.js';
import { insertLead } from '../../db/tracking/lead.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import type { Check } from '../../domain/earning/check.js';
import { firstDeadline, msUntil, waitUntil } from '../../domain/earning/deadline.js';
import type { Referral } from '../../domain/earning/referral.js';
import { assertInvariant, DomainError } from '../../domain/errors.js';
import type { AffiliateId, ContactId, ProgramId } from '../../domain/ids.js';
import { addDuration, earliest } from '../../domain/time.js';
import { exportMessage, signalReferral, type Step, workflowIds } from '../../workflows/contract.js';
import { confirmPayment, isClean, runInternalChecks } from './check.js';

// The step every database activity of a referral answers. The activities themselves are in lifecycle.ts: commission.ts needs this file and
// lifecycle.ts needs commission.ts.

/** What every step about a fact of a referral locks and reads first, in the order of money.md 9: contact, referral. */
export function lockForFact(
  tx: Tx,
  table: 'leads' | 'sales',
  input: { readonly referralId: string; readonly fact: { readonly id: string } },
): readonly Promise<unknown>[] {
  return [
    lockContactOf(tx, table, input.fact.id),
    lockReferral(tx, input.referralId),
    listChecks(tx, input.referralId),
    askReferralTerms(tx, input.referralId),
  ];
}

/**
 * Where the referral stands and what its workflow waits for, as the last call of each activity's transaction. Opens the wait of a referral
 * that has just become pending: checks, deadline, automatic approval (REF-04, 08, 09). A deadline that is due already is answered as 1 ms,
 * so that `passDeadline` acts on it; `actedOn`: that has just happened. A run with nothing left asks for the export of its history.
 */
export async function nextStep(
  tx: Tx,
  act: Act,
  referralId: string,
  options: { readonly actedOn?: boolean } = {},
): Promise<Step> {
  const locked = await lockReferral(tx, referralId);
  assertInvariant(locked !== undefined, 'the referral of a step is there', { referralId });
  const at = actFor(act, { mode: locked.mode });
  const { referral, checks } =
    locked.status === 'pending' ? await openWait(tx, at, locked) : { referral: locked, checks: [] };
  const { now } = act;
  const [facts, money, windowEnd] = await Promise.all([
    listUnappliedFacts(tx, {
      referralId,
      workflowId: workflowIds.referral({ workspaceId: act.workspaceId, referralId: referral.id }),
    }),
    readOpenMoney(tx, { referralId, now, actedOn: options.actedOn === true }),
    referral.status === 'tracking' ? findWindowEnd(tx, referralId) : undefined,
  ]);
  const until = waitUntil({
    referral,
    windowEnd: referral.status === 'tracking' ? (windowEnd ?? referral.windowEndsAt) : null,
    money,
    nextAsk: earliest(checks.flatMap((check) => (isAsked(check) && check.askAt > now ? [check.askAt] : []))) ?? null,
    now,
  });
  if (until === null && facts.length === 0) await askForExport(tx, at, referral);
  return {
    seq: referral.version,
    status: referral.status,
    wait: until === null ? null : { until, ms: msUntil(until, now) },
    facts,
    checksToAsk: checks.flatMap((check) => (isAsked(check) && check.askAt <= now ? [check.id] : [])),
  };
}

function isAsked(check: Check): check is Check & { readonly askAt: NonNullable<Check['askAt']> } {
  return check.status === 'waiting' && check.provider !== null && check.askAt !== null && check.pendingVerdict === null;
}

async function openWait(
  tx: Tx,
  act: Act,
  pending: Referral,
): Promise<{ readonly referral: Referral; readonly checks: readonly Check[] }> {
  const terms = await readReferralTerms(tx, pending.programId);
  const bySystem = actFor(act, { actor: systemActor, cause: null, reasonCode: null });
  let referral = pending;
  let checks: readonly Check[];
  if (referral.pendingSince === null) {
    checks = await runInternalChecks(tx, bySystem, referral);
    referral = await updateReferral(tx, bySystem, referral, 'waitOpened', {
      pendingSince: act.now,
      decideBy: firstDeadline(act.now, terms),
      remindedAt: null,
    });
  } else {
    const confirmed: Check[] = [];
    for (const check of await listChecks(tx, referral.id)) confirmed.push(await confirmPayment(tx, bySystem, check));
    checks = confirmed;
  }
  // Automatic only once: what staff reopened, staff decide.
  if (terms.referralApproval === 'automatic' && referral.decidedAt === null && (await isClean(tx, referral, checks))) {
    referral = await updateReferral(tx, bySystem, referral, 'approved', { decidedAt: act.now, decideBy: null });
  }
  return { referral, checks: referral.status === 'pending' ? checks : [] };
}

/** A visitor who never came back leaves his rows, which tell all (temporal.md 10.1); an export would cost more than the run. */
async function askForExport(tx: Tx, act: Act, referral: Referral): Promise<void> {
  if (act.origin === null) return; // not in a workflow
  const isEmpty =
    referral.status === 'expired' &&
    referral.leadAt === null &&
    referral.saleAt === null &&
    referral.decidedAt === null;
  if (!isEmpty) await enqueue(tx, exportMessage({ workflowId: act.origin.workflowId, runId: act.origin.runId }));
}

/** Tags, notes, assignment, metadata (REF-05). Rows only: the workflow waits for none of them. The caller has locked the row. */
export async function editReferral(
  tx: Tx,
  act: Act,
  referral: Referral,
  change: Partial<Pick<Referral, 'tags' | 'notes' | 'assigneeId' | 'metadata'>>,
): Promise<Referral> {
  const before: Partial<Referral> = referral;
  const changed = Object.entries(change).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof Referral]),
  );
  return changed.length === 0 ? referral : updateReferral(tx, act, referral, 'edited', Object.fromEntries(changed));
}

/** Locks the referral for a step of the API's; undefined for an unknown id. */
export async function takeReferral(tx: Tx, id: string): Promise<Referral | undefined> {
  return lockReferral(tx, id);
}

/**
 * Enters a referral by hand (REF-11): flagged `manual`, with a touch of the named affiliate and a lead of the event, which its workflow
 * judges like any other. The caller has checked affiliate, program and contact. Refuses a contact that has one in this program with
 * `resource.already_exists` and its id (REF-12).
 */
export async function enterByHand(
  tx: Tx,
  act: Act,
  entry: {
    readonly affiliateId: AffiliateId;
    readonly programId: ProgramId;
    readonly contactId: ContactId;
    readonly event: 'registration' | 'enquiry';
    readonly notes: string | null;
    readonly tags: readonly string[];
    readonly metadata: Readonly<Record<string, string>>;
  },
): Promise<Referral> {
  const contact = await lockContact(tx, entry.contactId);
  assertInvariant(contact !== undefined, 'the contact of an entry was checked', { contactId: entry.contactId });
  const own = await findContactReferral(tx, { ...entry, mode: act.mode });
  if (own !== undefined) throw new DomainError('resource.already_exists', { field: 'contactId', existingId: own.id });
  const terms = await readReferralTerms(tx, entry.programId);
  const endsAt = addDuration(act.now, terms.attributionWindow);
  const leadId = act.newId('lead');
  const referral = await insertReferral(
    tx,
    act,
    {
      id: act.newId('referral'),
      programId: entry.programId,
      status: 'pending',
      stage: 'lead',
      contactId: entry.contactId,
      affiliateId: entry.affiliateId,
      manual: true,
      notes: entry.notes,
      tags: entry.tags,
      metadata: entry.metadata,
      windowEndsAt: endsAt,
    },
    'leadReported',
  );
  await insertTouch(tx, referral.id, {
    kind: 'manual',
    sourceId: leadId,
    affiliateId: entry.affiliateId,
    linkId: null,
    sub1: null,
    occurredAt: act.now,
    endsAt,
  });
  await insertLead(tx, act, {
    id: leadId,
    source: 'manual',
    externalId: null,
    contentHash: '',
    customerExternalId: null,
    event: entry.event,
    channel: 'manual',
    name: contact.name,
    email: contact.email,
    phone: contact.phone,
    company: contact.company,
    country: contact.country,
    contactId: entry.contactId,
    duplicateOfId: null,
    isUnique: true,
    programId: entry.programId,
    affiliateId: entry.affiliateId,
    linkId: null,
    clickId: null,
    coupon: null,
    sub1: null,
    referralId: referral.id,
    assigneeId: null,
    customFields: {},
    consent: null,
    metadata: {},
    occurredAt: act.now,
  });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: referral.id }, 'leadReported', { leadId }),
  );
  return referral;
}
