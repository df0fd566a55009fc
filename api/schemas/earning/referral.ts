import { z } from 'zod';
import type { AttributionView } from '../../../db/reads/earning/referralAttributions.js';
import type { ReferralView } from '../../../db/reads/earning/referralList.js';
import type { StoryLine } from '../../../db/reads/earning/referralStory.js';
import type { TouchView } from '../../../db/reads/earning/referralTouches.js';
import { blockingChecks, checkEventOf, checkKinds } from '../../../domain/earning/check.js';
import { claimReasons } from '../../../domain/earning/claim.js';
import {
  type CheckStatus,
  checkTransitions,
  referralStages,
  referralTransitions,
} from '../../../domain/earning/referral.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import { heldUntil } from '../../../domain/earning/storySpan.js';
import { reasonForAffiliate } from '../../../domain/publicReason.js';
import type { Instant } from '../../../domain/time.js';
import { addDuration } from '../../../domain/time.js';
import { nextStatus, statusesOf } from '../../../domain/transitions.js';
import { workflowIds } from '../../../workflows/contract.js';
import { anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import {
  byWire,
  decisionBody,
  decisionWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  longText,
  moneyWire,
  metadataWire,
  noteText,
  objectFields,
  reasonText,
  text,
  versionFields,
} from '../wire.js';

export const referralParams = z.strictObject({ referralId: idWire('referral') });
export const checkParams = z.strictObject({ referralId: idWire('referral'), checkId: idWire('check') });

const statuses = statusesOf(referralTransitions) as [
  'tracking',
  'pending',
  'approved',
  'rejected',
  'expired',
  'merged',
];
const checkStatuses = statusesOf(checkTransitions) as ['waiting', 'passed', 'failed', 'waived'];

export const referralQuery = listQuery(
  {
    status: anyOf(statuses),
    stage: anyOf(referralStages),
    affiliateId: anyText(),
    programId: anyText(),
    groupId: anyText(),
    linkId: anyText(),
    contactId: anyText(),
    tag: anyText(),
    flag: anyText(),
    event: anyText(),
    manual: flag(),
    assigneeId: anyText(),
    ...instantRange('dueAt'),
    ...instantRange('createdAt'),
  },
  { q: true, include: ['counts', 'value'] },
);

const tags = z.array(text(50)).max(50);

/** By hand (REF-11): who brought whom into which program, by which event. */
export const referralCreate = z.strictObject({
  affiliateId: idWire('affiliate'),
  programId: idWire('program'),
  contactId: idWire('contact'),
  event: z.enum(['registration', 'enquiry']),
  note: noteText.exactOptional(),
  tags: tags.exactOptional(),
  metadata: metadataWire.exactOptional(),
});

export const referralPatch = z.strictObject({
  tags: tags.exactOptional(),
  notes: longText(10_000).nullable().exactOptional(),
  assigneeId: idWire('user').nullable().exactOptional(),
  metadata: metadataWire.exactOptional(),
});

/** An override passes over open and failed checks, and says why (api.md 1.8). */
export const approveBody = z
  .strictObject({ ...decisionBody.shape, override: z.boolean().exactOptional() })
  .check((context) => {
    const { override, reason, reasonCode } = context.value;
    if (override === true && reason === undefined && reasonCode === undefined)
      context.issues.push({
        ...fieldIssue('required', 'Say why: reason or reasonCode.', ['reason']),
        input: context.value,
      });
  });

/** What may be shown to whoever opens the check later. */
export const checkBody = z
  .strictObject({
    status: z.enum(checkStatuses),
    reason: reasonText.exactOptional(),
    reasonCode: z.enum(claimReasons).exactOptional(),
    evidence: z.record(text(40), longText(500)).exactOptional(),
  })
  .check((context) => {
    const { status, reason, reasonCode } = context.value;
    if ((status === 'waived' || status === 'failed') && reason === undefined && reasonCode === undefined)
      context.issues.push({
        ...fieldIssue('required', 'Say why: reason or reasonCode.', ['reason']),
        input: context.value,
      });
  });

const checkWire = z.strictObject({
  id: idWire('check'),
  kind: z.enum(checkKinds),
  status: z.enum(checkStatuses),
  required: z.boolean(),
  reasonCode: z.string().nullable(),
  evidence: z.record(z.string(), z.unknown()),
  decidedBy: z.string().nullable(),
  at: instantWire.nullable(),
  allowedActions: z.array(z.enum(checkStatuses)).meta({ description: 'What the caller may answer now.' }),
});

export const customerWire = z.strictObject({
  reference: z.string().nullable(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  masked: z.boolean(),
});

export const referralWire = z
  .strictObject({
    ...objectFields('referral', 'referral'),
    programId: idWire('program'),
    status: z.enum(statuses),
    stage: z.enum(referralStages),
    affiliateId: z.string().nullable(),
    linkId: z.string().nullable(),
    contactId: z.string().nullable(),
    customer: customerWire.nullable(),
    firstAffiliateId: z.string().nullable(),
    lastAffiliateId: z.string().nullable(),
    referrerChoice: z.enum(['first', 'last']).nullable(),
    levels: z.array(z.strictObject({ level: z.int(), affiliateId: z.string() })),
    stageTimes: z.strictObject({
      click: instantWire.nullable(),
      visit: instantWire.nullable(),
      lead: instantWire.nullable(),
      sale: instantWire.nullable(),
    }),
    events: z.array(
      z.strictObject({
        event: z.string(),
        leadId: z.string().exactOptional(),
        saleId: z.string().exactOptional(),
        at: instantWire,
      }),
    ),
    checks: z.array(checkWire),
    flags: z.array(z.strictObject({ code: z.string(), evidence: z.record(z.string(), z.unknown()), at: instantWire })),
    tags: z.array(z.string()),
    notes: z.string().nullable(),
    assigneeId: z.string().nullable(),
    manual: z.boolean(),
    windowEndsAt: instantWire.nullable(),
    waitingFor: z.enum(['event', 'check', 'decision', 'hold', 'payout']).nullable(),
    dueAt: instantWire.nullable(),
    nextAutomaticStep: z
      .strictObject({ at: instantWire, what: z.enum(['expire', 'remind', 'escalate', 'reject', 'approve_commission']) })
      .nullable(),
    commissionIds: z.array(z.string()),
    decision: decisionWire,
    mergedIntoId: z.string().nullable(),
    workflowId: z.string(),
    allowedActions: z.array(z.string()),
    moves: z
      .record(z.string(), z.record(z.string(), z.string()))
      .exactOptional()
      .meta({ description: 'The state table: status, event, next status. Only in the detail, for its diagram.' }),
    value: z.array(moneyWire).exactOptional().meta({
      description:
        'What the customer paid, less what was given back, in each currency. Only for staff: in the detail, in a list with `include=value`.',
    }),
    test: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('Referral');
export type ReferralReply = z.output<typeof referralWire>;
export const referralList = listOf(referralWire);

export interface ReferralReader {
  readonly workspaceId: WorkspaceId;
  /** May see e-mail addresses (pii.read). */
  readonly seesPeople: boolean;
  /** Reads as the affiliate: the customer is what the program lets affiliates see. */
  readonly isAffiliate: boolean;
  /** What the reader's rights let them answer to a check (check.write, check.waive); none where it is left out. */
  readonly checkAnswers?: readonly CheckStatus[];
  readonly now: Instant;
}

/**
 * Referral → wire. Notes, tags, who decides and why are for staff (REF-05); an affiliate reads the referrals that credit it, and nothing of the
 * other affiliates on them, its recruiter included (BEY-22).
 */
export function presentReferral(
  view: ReferralView,
  reader: ReferralReader,
  allowedActions: readonly string[],
): ReferralReply {
  const { referral } = view;
  const { isAffiliate } = reader;
  const ownOnly = <Id extends string | null>(id: Id): Id | null =>
    isAffiliate && id !== referral.affiliateId ? null : id;
  const saleAt = referral.saleAt ?? view.events.find((event) => event.saleId !== null)?.at ?? null;
  return {
    id: referral.id,
    object: 'referral',
    programId: referral.programId,
    status: referral.status,
    stage: referral.stage,
    affiliateId: referral.affiliateId,
    linkId: referral.linkId,
    contactId: isAffiliate ? null : referral.contactId,
    customer: presentCustomer(view, reader),
    firstAffiliateId: ownOnly(referral.firstAffiliateId),
    lastAffiliateId: ownOnly(referral.lastAffiliateId),
    referrerChoice: referral.referrerChoice,
    levels: view.levels.filter((row) => ownOnly(row.affiliateId) !== null).map((row) => ({ ...row })),
    stageTimes: {
      click: referral.clickAt,
      visit: referral.visitAt,
      lead: referral.leadAt,
      sale: saleAt,
    },
    events: view.events.map((event) => ({
      event: event.event,
      ...(event.leadId === null ? {} : { leadId: event.leadId }),
      ...(event.saleId === null ? {} : { saleId: event.saleId }),
      at: event.at,
    })),
    checks: view.checks.map((check) => ({
      id: check.id,
      kind: check.kind,
      status: check.status,
      required: check.required,
      reasonCode: isAffiliate ? reasonForAffiliate(check.reasonCode) : check.reasonCode,
      evidence: isAffiliate ? {} : { ...check.evidence },
      decidedBy: isAffiliate ? null : check.decidedBy,
      at: check.decidedAt,
      allowedActions: checkStatuses.filter(
        (status) =>
          reader.checkAnswers?.includes(status) === true &&
          nextStatus(checkTransitions, check.status, checkEventOf[status]) !== undefined,
      ),
    })),
    flags: isAffiliate ? [] : view.flags.map((risk) => ({ ...risk, evidence: { ...risk.evidence } })),
    tags: isAffiliate ? [] : [...referral.tags],
    notes: isAffiliate ? null : referral.notes,
    assigneeId: isAffiliate ? null : referral.assigneeId,
    manual: referral.manual,
    windowEndsAt: referral.windowEndsAt,
    waitingFor: waitingFor(view),
    dueAt: referral.status === 'pending' ? referral.decideBy : null,
    nextAutomaticStep: nextAutomaticStep(view, reader.now),
    commissionIds: view.commissions.filter((line) => ownOnly(line.affiliateId) !== null).map((line) => line.id),
    decision: isAffiliate ? null : view.decision,
    mergedIntoId: referral.mergedIntoId,
    workflowId: workflowIds.referral({ workspaceId: reader.workspaceId, referralId: referral.id }),
    allowedActions: [...allowedActions],
    test: referral.mode === 'test',
    metadata: isAffiliate ? {} : { ...referral.metadata },
    version: referral.version,
    createdAt: referral.createdAt,
    updatedAt: referral.updatedAt,
  };
}

/** Who a referral is about, as far as this reader may see it. */
export function presentCustomer(
  view: {
    readonly customer: ReferralView['customer'];
    readonly referral: Pick<ReferralView['referral'], 'contactId'>;
    readonly terms: Pick<ReferralView['terms'], 'customerVisibility'>;
  },
  reader: Pick<ReferralReader, 'isAffiliate' | 'seesPeople'>,
): ReferralReply['customer'] {
  if (view.customer === null) return null;
  const { reference, name, email } = view.customer;
  if (!reader.isAffiliate)
    return { reference, name, email: reader.seesPeople ? email : null, masked: !reader.seesPeople };
  // The shop's own number of a customer may be an address: affiliates read ours (PRG-04).
  const { contactId } = view.referral;
  const own = contactId === null ? null : `C-${contactId.slice(-6)}`;
  const { customerVisibility } = view.terms;
  if (customerVisibility === 'full') return { reference: own, name, email, masked: false };
  return { reference: own, name: customerVisibility === 'name_only' ? name : null, email: null, masked: true };
}

function waitingFor(view: ReferralView): ReferralReply['waitingFor'] {
  const { referral, money } = view;
  switch (referral.status) {
    case 'tracking':
      return 'event';
    case 'pending':
      return blockingChecks(view.checks).some((check) => check.code === 'check_open') ? 'check' : 'decision';
    case 'approved':
    case 'rejected':
      if (money.hasPending) return money.nextHoldEnd === null ? 'decision' : 'hold';
      return money.hasUnpaid ? 'payout' : null;
    case 'expired':
    case 'merged':
      return null;
    default:
      return referral.status satisfies never;
  }
}

function nextAutomaticStep(view: ReferralView, now: Instant): ReferralReply['nextAutomaticStep'] {
  const { referral, money, terms } = view;
  if (referral.status === 'tracking')
    return referral.windowEndsAt === null ? null : { at: referral.windowEndsAt, what: 'expire' };
  if (referral.status === 'pending' && referral.decideBy !== null && referral.pendingSince !== null) {
    const isReminder =
      referral.remindedAt === null && referral.decideBy < addDuration(referral.pendingSince, terms.checkDeadline);
    return { at: referral.decideBy, what: isReminder ? 'remind' : terms.checkDeadlineAction };
  }
  const isWaiting = referral.status === 'approved' && money.nextHoldEnd !== null && money.nextHoldEnd > now;
  return isWaiting && money.nextHoldEnd !== null ? { at: money.nextHoldEnd, what: 'approve_commission' } : null;
}

export const touchWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('touch'),
    kind: z.enum(['click', 'coupon', 'lead', 'manual', 'visit']),
    affiliateId: z.string().nullable(),
    linkId: z.string().nullable(),
    slug: z.string().nullable(),
    sub1: z.string().nullable(),
    url: z.string().nullable(),
    at: instantWire,
    endsAt: instantWire.nullable(),
    credited: z
      .boolean()
      .nullable()
      .meta({ description: 'Null: nothing was decided with it yet; a visit carries no credit.' }),
    code: z.string().nullable().meta({ description: 'Why it was not credited.' }),
  })
  .openapi('Touch');
export const touchList = listOf(touchWire);

export function presentTouch(touch: TouchView): z.output<typeof touchWire> {
  return { object: 'touch', ...touch };
}

/** `own`: the affiliate that reads, which sees its own touches and no others; null: staff. */
export function isTouchFor(own: string | null, touch: TouchView): boolean {
  return own === null || touch.affiliateId === own;
}

export const attributionWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('attribution'),
    causeType: z.string(),
    causeId: z.string(),
    referrerChoice: z.enum(['first', 'last']),
    affiliateId: z.string().nullable(),
    code: z.string().nullable(),
    candidates: z.array(
      z.strictObject({
        kind: z.string(),
        sourceId: z.string(),
        affiliateId: z.string(),
        linkId: z.string().nullable(),
        at: instantWire,
        endsAt: instantWire,
        won: z.boolean(),
        code: z.string().nullable(),
      }),
    ),
    at: instantWire,
  })
  .openapi('Attribution');
export const attributionList = listOf(attributionWire);

/** `own`: the affiliate that reads, which learns whether it was credited and how its own touches fared; null: staff. */
export function presentAttribution(attribution: AttributionView, own: string | null): z.output<typeof attributionWire> {
  const { candidates, ...rest } = attribution;
  const isForeign = own !== null && rest.affiliateId !== own;
  const seen = own === null ? candidates : candidates.filter((candidate) => candidate.affiliateId === own);
  return {
    object: 'attribution',
    ...rest,
    affiliateId: isForeign ? null : rest.affiliateId,
    code: own === null ? rest.code : reasonForAffiliate(rest.code),
    candidates: seen.map((candidate) => ({
      kind: candidate.kind,
      sourceId: candidate.sourceId,
      affiliateId: candidate.affiliateId,
      linkId: candidate.linkId,
      at: candidate.occurredAt,
      endsAt: candidate.endsAt,
      won: candidate.won,
      code: candidate.code,
    })),
  };
}

export const storyWire = z
  .strictObject({
    at: instantWire,
    kind: z.string(),
    event: z.string().meta({ description: 'What happened to it, as the history names it.' }),
    to: z.string().nullable().meta({ description: 'The status it led to; null where none changed.' }),
    text: z.string(),
    actor: byWire,
    refType: z.string(),
    refId: z.string(),
    reason: z.string().nullable(),
    slug: z.string().nullable().meta({ description: 'The link, where it was a click.' }),
    planned: z.boolean(),
    until: instantWire.nullable().exactOptional().meta({
      description:
        'With `form=gantt`: when its status ended, null while it stands; what moves nothing ends when it began.',
    }),
  })
  .openapi('StoryLine');
export const storyList = listOf(storyWire);
export const storyQuery = z.strictObject({ form: z.enum(['list', 'gantt']).exactOptional() });
type StoryReply = z.output<typeof storyWire>;

/** What the history's words are in plain ones. What is not here reads as its object and event. */
const sentences: Readonly<Record<string, string>> = {
  'click.touched': 'Clicked',
  'visit.touched': 'Visited',
  'coupon.touched': 'Named a coupon',
  'lead.touched': 'Named an affiliate',
  'manual.touched': 'Entered by hand',
  'referral.leadReported': 'Became a lead',
  'referral.saleReported': 'Bought',
  'referral.leadAdded': 'Sent another lead',
  'referral.saleAdded': 'Bought again',
  'referral.attributed': 'Credit decided',
  'referral.waitOpened': 'Waits for a decision',
  'referral.reminded': 'Reminder: still waits for a decision',
  'referral.escalated': 'Overdue: handed on',
  'referral.approved': 'Approved',
  'referral.rejected': 'Rejected',
  'referral.reopened': 'Opened again',
  'referral.windowEnded': 'Never came back: expired',
  'referral.merged': 'Joined with an earlier referral of the same person',
  'referral.customerMerged': 'Another referral of the same person joined',
  'referral.visited': 'Visited the shop',
  'referral.edited': 'Tags, notes or assignment changed',
  'lead.received': 'Lead received',
  'lead.accepted': 'Lead accepted',
  'lead.converted': 'Lead became a customer',
  'lead.duplicated': 'Lead was a duplicate',
  'lead.invalidated': 'Lead declared invalid',
  'check.opened': 'Check opened',
  'check.passed': 'Check passed',
  'check.failed': 'Check failed',
  'check.waived': 'Check waived',
  'check.askedAnew': 'Check asked anew',
  'check.unknown': 'The provider could not tell; it is asked again',
  'riskFlag.raised': 'Flagged',
  'commission.accrued': 'Commission earned',
  'commission.approved': 'Commission approved',
  'commission.rejected': 'Commission rejected',
  'commission.reversed': 'Commission taken back',
  'commission.clawedBack': 'Commission clawed back',
  'commission.reinstated': 'Commission reinstated',
  'commission.approvalWithdrawn': 'Approval of the commission withdrawn',
  'commission.held': 'Commission put on hold',
  'commission.released': 'Commission released',
  'commission.paid': 'Commission paid',
  'decision.refused': 'A decision was refused',
};

export function presentStoryLine(line: StoryLine): StoryReply {
  const sentence = sentences[`${line.objectType}.${line.event}`];
  const plain = `${line.objectType} ${line.event}`.replace(/([A-Z])/g, ' $1').toLowerCase();
  return {
    at: line.at,
    kind: line.objectType,
    event: line.event,
    to: line.to,
    text: [sentence ?? plain, ...(line.slug === null ? [] : [line.slug])].join(' '),
    actor: { ...line.actor },
    refType: line.objectType,
    refId: line.objectId,
    reason: line.reasonCode,
    slug: line.slug,
    planned: false,
  };
}

/** The same lines over time (screens.md 4, Gantt). */
export function withEnds(lines: readonly StoryReply[]): StoryReply[] {
  const ends = heldUntil(lines);
  return lines.map((line, index) => ({ ...line, until: ends[index] ?? null }));
}

/** What an affiliate reads of the story: the journey and its own touches, without checks, findings, other people's lines and names of staff. */
export function storyForAffiliate(lines: readonly StoryLine[], own: string): readonly StoryReply[] {
  const isTold = ({ objectType, changes, event }: StoryLine): boolean =>
    event === 'touched' ? changes['affiliateId'] === own : journeyObjects.has(objectType);
  return lines.filter(isTold).map((line) => ({
    ...presentStoryLine(line),
    actor: { type: line.actor.type, id: null, name: null },
    reason: reasonForAffiliate(line.reasonCode),
  }));
}

const journeyObjects: ReadonlySet<string> = new Set(['referral', 'lead', 'sale', 'refund']);

const plannedSentences: Readonly<Record<NonNullable<ReferralReply['nextAutomaticStep']>['what'], string>> = {
  expire: 'Expires unless the visitor comes back',
  remind: 'Reminder that a decision is due',
  escalate: 'Is handed on, overdue',
  reject: 'Is rejected, overdue',
  approve_commission: 'The hold ends and the commission approves itself',
};

/** The steps that time alone will take, last in the story. */
export function presentPlanned(view: ReferralView, now: Instant): readonly StoryReply[] {
  const next = nextAutomaticStep(view, now);
  if (next === null) return [];
  return [
    {
      at: next.at,
      kind: 'planned',
      event: next.what,
      to: null,
      text: plannedSentences[next.what],
      actor: { type: 'system', id: null, name: null },
      refType: 'referral',
      refId: view.referral.id,
      reason: null,
      slug: null,
      planned: true,
    },
  ];
}
