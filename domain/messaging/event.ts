import { affiliateTransitions } from '../affiliate/affiliate.js';
import { commissionTransitions } from '../earning/commission.js';
import { referralTransitions } from '../earning/referral.js';
import { saleTransitions } from '../earning/sale.js';
import { assertInvariant } from '../errors.js';
import { type Id, idOfUuid, idPrefixes } from '../ids.js';
import { payoutTransitions } from '../payout/payout.js';
import { attemptTransitions } from '../payout/payoutAttempt.js';
import { payoutRunTransitions } from '../payout/payoutRun.js';
import type { Instant } from '../time.js';
import { leadTransitions } from '../tracking/lead.js';
import { linkTransitions } from '../tracking/link.js';

/** Entities that the catalogue knows, by the word the history has for them. */
export type EventObject =
  | 'affiliate'
  | 'link'
  | 'lead'
  | 'sale'
  | 'referral'
  | 'commission'
  | 'payout'
  | 'attempt'
  | 'payout_run'
  | 'operation'
  | 'export';

interface Kind {
  readonly type: string;
  readonly objectType: EventObject;
  /** Words of the history; the object's first entry only where `isBirth`, and a later one only where that is false. */
  readonly events: readonly string[];
  readonly isBirth?: boolean;
  /** Only where this is the status that it led to. */
  readonly to?: string;
}

// An event is an entry of the history in this catalogue (decisions.md 6: no second table of effects; docs/decisions/0950). Notes, edits and
// looks are none. What a gateway says of a payout is an entry of the attempt, not of the payout.
const catalogue = [
  { type: 'affiliate.applied', objectType: 'affiliate', events: ['applied'] },
  { type: 'affiliate.approved', objectType: 'affiliate', events: ['approved'] },
  { type: 'affiliate.declined', objectType: 'affiliate', events: ['declined'] },
  { type: 'affiliate.reopened', objectType: 'affiliate', events: ['reopened'] },
  { type: 'affiliate.suspended', objectType: 'affiliate', events: ['suspended'] },
  { type: 'affiliate.reactivated', objectType: 'affiliate', events: ['reactivated'] },
  { type: 'affiliate.terminated', objectType: 'affiliate', events: ['terminated'] },
  { type: 'link.created', objectType: 'link', events: ['created'] },
  { type: 'link.expired', objectType: 'link', events: ['expired'] },
  { type: 'lead.received', objectType: 'lead', events: ['received'] },
  { type: 'lead.accepted', objectType: 'lead', events: ['accepted'] },
  { type: 'lead.duplicate', objectType: 'lead', events: ['duplicated'] },
  { type: 'lead.invalid', objectType: 'lead', events: ['invalidated'] },
  { type: 'lead.converted', objectType: 'lead', events: ['converted'] },
  { type: 'sale.recorded', objectType: 'sale', events: ['reported', 'succeeded'], to: 'succeeded' },
  { type: 'sale.declined', objectType: 'sale', events: ['reported'], to: 'declined' },
  { type: 'sale.refunded', objectType: 'sale', events: ['partRefunded', 'refunded'] },
  { type: 'sale.disputed', objectType: 'sale', events: ['disputed'] },
  { type: 'sale.charged_back', objectType: 'sale', events: ['lost'] },
  {
    type: 'referral.created',
    objectType: 'referral',
    events: ['clicked', 'leadReported', 'saleReported'],
    isBirth: true,
  },
  { type: 'referral.approved', objectType: 'referral', events: ['approved'] },
  { type: 'referral.rejected', objectType: 'referral', events: ['rejected'] },
  { type: 'referral.reopened', objectType: 'referral', events: ['reopened'] },
  { type: 'referral.expired', objectType: 'referral', events: ['windowEnded'] },
  { type: 'referral.merged', objectType: 'referral', events: ['merged'] },
  {
    type: 'commission.created',
    objectType: 'commission',
    events: ['accrued', 'clawedBack', 'returnCredited', 'latePaid', 'writtenOff'],
    isBirth: true,
  },
  { type: 'commission.approved', objectType: 'commission', events: ['approved'] },
  { type: 'commission.approval_withdrawn', objectType: 'commission', events: ['approvalWithdrawn'] },
  { type: 'commission.held', objectType: 'commission', events: ['held'] },
  { type: 'commission.released', objectType: 'commission', events: ['released'] },
  { type: 'commission.rejected', objectType: 'commission', events: ['rejected'] },
  { type: 'commission.reinstated', objectType: 'commission', events: ['reinstated'] },
  { type: 'commission.reversed', objectType: 'commission', events: ['reversed'] },
  { type: 'commission.clawed_back', objectType: 'commission', events: ['clawedBack'], isBirth: false },
  { type: 'commission.paid', objectType: 'commission', events: ['paid'] },
  { type: 'payout.drafted', objectType: 'payout', events: ['planned'] },
  { type: 'payout.approved', objectType: 'payout', events: ['approved'] },
  { type: 'payout.sent', objectType: 'attempt', events: ['submitted'] },
  { type: 'payout.paid', objectType: 'payout', events: ['paid'] },
  { type: 'payout.failed', objectType: 'attempt', events: ['refused'] },
  { type: 'payout.unknown', objectType: 'attempt', events: ['lost'] },
  { type: 'payout.returned', objectType: 'attempt', events: ['returned'] },
  { type: 'payout.returned_to_draft', objectType: 'payout', events: ['returnedToDraft'] },
  { type: 'payout.cancelled', objectType: 'payout', events: ['cancelled'] },
  { type: 'payout_run.planned', objectType: 'payout_run', events: ['planned'] },
  { type: 'payout_run.replanned', objectType: 'payout_run', events: ['replanned'] },
  { type: 'payout_run.approved', objectType: 'payout_run', events: ['approved'] },
  { type: 'payout_run.started', objectType: 'payout_run', events: ['executed'] },
  { type: 'payout_run.completed', objectType: 'payout_run', events: ['completed', 'nobodyDue'] },
  { type: 'payout_run.cancelled', objectType: 'payout_run', events: ['cancelled'] },
  { type: 'operation.finished', objectType: 'operation', events: ['finished'] },
  { type: 'export.ready', objectType: 'export', events: ['exported'] },
] as const satisfies readonly Kind[];

export type EventType = (typeof catalogue)[number]['type'];
export const eventTypes = catalogue.map((kind) => kind.type) as [EventType, ...EventType[]];

/** Configuration that both modes share (api.md 1.3): its events are in both streams, and `test` is false. */
export const sharedObjects: readonly EventObject[] = ['affiliate', 'link'];

const kindsOfEntry = new Map<string, Kind[]>();
for (const kind of catalogue as readonly Kind[])
  for (const event of kind.events) {
    const key = `${kind.objectType}/${event}`;
    kindsOfEntry.set(key, [...(kindsOfEntry.get(key) ?? []), kind]);
  }

/** Which entries of the history are events of these types: to narrow a question of it. */
export function entriesOf(types: readonly string[]): readonly {
  readonly objectType: EventObject;
  readonly events: readonly string[];
  readonly isBirth: boolean | null;
  readonly to: string | null;
}[] {
  return (catalogue as readonly Kind[])
    .filter(({ type }) => types.includes(type))
    .map(({ objectType, events, isBirth, to }) => ({ objectType, events, isBirth: isBirth ?? null, to: to ?? null }));
}

export interface EntryOfEvent {
  readonly objectType: string;
  readonly event: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** The event that an entry of the history is; null: none. A birth is told before a later entry of the same word. */
export function eventTypeOf(entry: EntryOfEvent & { readonly sequence: number }): EventType | null {
  const kinds = kindsOfEntry.get(`${entry.objectType}/${entry.event}`) ?? [];
  const kind = kinds.find(
    ({ isBirth, to }) => (isBirth === undefined || isBirth === (entry.sequence === 1)) && (to ?? entry.to) === entry.to,
  );
  return (kind?.type as EventType | undefined) ?? null;
}

/** The id of the event that an entry of the history is, and back: the same UUID under another prefix. */
export function eventIdOf(entryId: string): Id<'event'> {
  return entryId.replace(/^aud_/, 'evt_') as Id<'event'>;
}
export function entryIdOf(eventId: string): Id<'auditEntry'> {
  return eventId.replace(/^evt_/, 'aud_') as Id<'auditEntry'>;
}

export interface WebhookEvent {
  readonly id: Id<'event'>;
  readonly type: EventType;
  readonly createdAt: Instant;
  readonly apiVersion: 'v1';
  readonly test: boolean;
  readonly sequence: number;
  readonly data: {
    readonly object: { readonly id: string; readonly object: string; readonly status: string | null } & Readonly<
      Record<string, string | null>
    >;
    readonly previousAttributes: { readonly status?: string };
  };
}

/** The event of an entry (api.md 15). Ids and statuses only: what else the receiver may see it asks for, under its own right. */
export function eventOf(of: {
  readonly entry: EntryOfEvent & {
    readonly id: string;
    readonly objectId: string;
    readonly sequence: number;
    readonly at: Instant;
    readonly mode: string;
  };
  readonly type: EventType;
  readonly ids: Readonly<Record<string, string>>;
}): WebhookEvent {
  const { entry, type, ids } = of;
  const isShared = (sharedObjects as readonly string[]).includes(entry.objectType);
  return {
    id: eventIdOf(entry.id),
    type,
    createdAt: entry.at,
    apiVersion: 'v1',
    test: entry.mode === 'test' && !isShared,
    sequence: entry.sequence,
    data: {
      object: { id: entry.objectId, object: entry.objectType, status: entry.to, ...ids },
      previousAttributes: entry.from === null || entry.from === entry.to ? {} : { status: entry.from },
    },
  };
}

/** Which ids of others go with an object, as they are called on the wire. Columns of its table, never a person's data. */
export const idsOfObject = {
  affiliate: ['groupId', 'recruiterId'],
  link: ['affiliateId', 'programId'],
  lead: ['affiliateId', 'programId', 'linkId', 'referralId'],
  sale: ['affiliateId', 'programId', 'linkId', 'leadId', 'referralId', 'externalId'],
  referral: ['affiliateId', 'programId', 'linkId', 'mergedIntoId'],
  commission: ['affiliateId', 'programId', 'referralId', 'leadId', 'saleId', 'kind'],
  payout: ['affiliateId', 'runId'],
  attempt: ['payoutId'],
  payout_run: ['scheduleId'],
  operation: ['kind'],
  export: ['operationId'],
} as const satisfies Readonly<Record<EventObject, readonly string[]>>;

const tables: Readonly<Partial<Record<EventObject, Readonly<Record<string, Readonly<Record<string, string>>>>>>> = {
  affiliate: affiliateTransitions,
  link: linkTransitions,
  lead: leadTransitions,
  sale: saleTransitions,
  referral: referralTransitions,
  commission: commissionTransitions,
  payout: payoutTransitions,
  attempt: attemptTransitions,
  payout_run: payoutRunTransitions,
};

/** A move that the type stands for; of a birth the status that objects begin with. */
function sampleMove(kind: Kind): { readonly from: string | null; readonly to: string | null } {
  const table = tables[kind.objectType];
  if (table === undefined) return { from: null, to: kind.objectType === 'operation' ? 'done' : null };
  for (const [from, moves] of Object.entries(table))
    for (const [event, to] of Object.entries(moves))
      if (kind.isBirth !== true && kind.events.includes(event) && (kind.to ?? to) === to) return { from, to };
  return { from: null, to: kind.to ?? Object.keys(table)[0] ?? null };
}

const sampleSuffix = String(idOfUuid('event', '01919c3e-7d00-7000-8000-000000000001')).slice('evt_'.length);
const sampleId = (kind: keyof typeof idPrefixes): string => `${idPrefixes[kind]}_${sampleSuffix}`;
const ownKind = { attempt: 'payoutAttempt', payout_run: 'payoutRun' } as const;
const sampleValues: Readonly<Record<(typeof idsOfObject)[EventObject][number], string>> = {
  affiliateId: sampleId('affiliate'),
  externalId: 'order-1001',
  groupId: sampleId('group'),
  kind: 'earned',
  leadId: sampleId('lead'),
  linkId: sampleId('link'),
  mergedIntoId: sampleId('referral'),
  operationId: sampleId('operation'),
  payoutId: sampleId('payout'),
  programId: sampleId('program'),
  recruiterId: sampleId('affiliate'),
  referralId: sampleId('referral'),
  runId: sampleId('payoutRun'),
  saleId: sampleId('sale'),
  scheduleId: sampleId('payoutSchedule'),
};

/** The sample of a type: the envelope and the fields of a real one, of ids that are nobody's. `test` is true, as of all that is no fact. */
export function sampleEvent(type: EventType, of: { readonly at: Instant; readonly id?: Id<'event'> }): WebhookEvent {
  const kind = (catalogue as readonly Kind[]).find((one) => one.type === type);
  assertInvariant(kind !== undefined, 'every type is in the catalogue', { type });
  const { objectType } = kind;
  const own = objectType === 'attempt' || objectType === 'payout_run' ? ownKind[objectType] : objectType;
  const { from, to } = sampleMove(kind);
  const event = eventOf({
    entry: {
      id: of.id ?? sampleId('event'),
      objectType,
      objectId: sampleId(own),
      event: kind.events[0] ?? '',
      from,
      to,
      sequence: from === null ? 1 : 2,
      at: of.at,
      mode: 'test',
    },
    type,
    ids: Object.fromEntries(idsOfObject[objectType].map((name) => [name, sampleValues[name]])),
  });
  return { ...event, test: true };
}
