import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant, DomainError } from '../../domain/errors.js';
import type { Id } from '../../domain/ids.js';
import type { EventType } from '../../domain/messaging/event.js';
import { secretOverlapMs, type WebhookEndpoint } from '../../domain/messaging/webhook.js';
import { addMs, type Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';
import { enqueue } from './outbox.js';
import type { DeliveryStatus } from './postback.js';

export type WebhookId = Id<'webhook'>;

export interface EndpointRow {
  readonly id: WebhookId;
  readonly mode: Mode;
  readonly url: string;
  readonly events: readonly EventType[];
  readonly active: boolean;
  readonly secret_set_at: Instant;
  readonly previous_until: Instant | null;
  readonly failed_in_row: number;
  readonly failing_since: Instant | null;
  readonly disabled_at: Instant | null;
  readonly last_code: string | null;
  readonly last_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

/** Everything but the secrets, which nobody reads back. */
export const endpointColumns = [
  'id',
  'mode',
  'url',
  'events',
  'active',
  'secret_set_at',
  'previous_until',
  'failed_in_row',
  'failing_since',
  'disabled_at',
  'last_code',
  'last_at',
  'version',
  'created_at',
  'updated_at',
] as const;

export function toEndpoint(row: EndpointRow): WebhookEndpoint {
  return {
    id: row.id,
    mode: row.mode,
    url: row.url,
    events: row.events,
    active: row.active,
    secretSetAt: row.secret_set_at,
    previousUntil: row.previous_until,
    failedInRow: row.failed_in_row,
    failingSince: row.failing_since,
    disabledAt: row.disabled_at,
    lastCode: row.last_code,
    lastAt: row.last_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Undefined for one that was deleted, too. */
export async function findEndpoint(tx: ReadTx | Tx, id: string): Promise<WebhookEndpoint | undefined> {
  const row = await tx('webhook_endpoints')
    .where({ id })
    .whereNull('deleted_at')
    .first<EndpointRow | undefined>(...endpointColumns);
  return row === undefined ? undefined : toEndpoint(row);
}

export async function lockEndpoint(tx: Tx, id: string): Promise<WebhookEndpoint | undefined> {
  const row = await tx('webhook_endpoints')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<EndpointRow | undefined>(...endpointColumns);
  return row === undefined ? undefined : toEndpoint(row);
}

/** The sealed secrets that sign at this moment, the newest first. */
export async function findSealedSecrets(tx: ReadTx | Tx, id: string, now: Instant): Promise<readonly string[]> {
  const row = await tx('webhook_endpoints')
    .where({ id })
    .first<{ secret: string; previous_secret: string | null; previous_until: Instant | null } | undefined>(
      'secret',
      'previous_secret',
      'previous_until',
    );
  if (row === undefined) return [];
  const { secret, previous_secret: previous, previous_until: until } = row;
  return previous !== null && until !== null && until > now ? [secret, previous] : [secret];
}

export async function countEndpoints(tx: ReadTx | Tx, mode: Mode): Promise<number> {
  const row = await tx('webhook_endpoints')
    .where({ mode })
    .whereNull('deleted_at')
    .first<{ count: bigint } | undefined>(tx.raw('count(*) as count'));
  return Number(row?.count ?? 0n);
}

export interface EndpointContent {
  readonly url?: string;
  readonly events?: readonly EventType[];
  readonly active?: boolean;
}

function columnsOf(content: EndpointContent): Readonly<Record<string, unknown>> {
  return {
    ...(content.url === undefined ? {} : { url: content.url }),
    ...(content.events === undefined ? {} : { events: [...content.events] }),
    ...(content.active === undefined ? {} : { active: content.active }),
  };
}

export async function insertEndpoint(
  tx: Tx,
  act: Act,
  of: Required<EndpointContent> & { readonly sealedSecret: string },
): Promise<WebhookEndpoint> {
  const [row] = await tx('webhook_endpoints')
    .insert({
      id: act.newId('webhook'),
      mode: act.mode,
      ...columnsOf(of),
      secret: of.sealedSecret,
      secret_set_at: act.now,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<EndpointRow[]>([...endpointColumns]);
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'webhook_endpoint',
    objectId: row.id,
    seq: 1,
    event: 'created',
    changes: { host: new URL(row.url).host, events: row.events },
  });
  return toEndpoint(row);
}

/** A person's change of `active` clears what switched it off, and the count. Code: resource.not_found. */
export async function changeEndpoint(
  tx: Tx,
  act: Act,
  id: string,
  event: 'changed' | 'deleted' | 'disabled' | 'secretRotated',
  content: EndpointContent & { readonly sealedSecret?: string } = {},
): Promise<WebhookEndpoint> {
  const { sealedSecret } = content;
  const isCleared = event === 'changed' && content.active !== undefined;
  const [row] = await tx('webhook_endpoints')
    .where({ id })
    .whereNull('deleted_at')
    .update({
      ...columnsOf(content),
      ...(isCleared ? { disabled_at: null, failed_in_row: 0, failing_since: null } : {}),
      ...(event === 'disabled' ? { active: false, disabled_at: act.now } : {}),
      ...(event === 'deleted' ? { active: false, deleted_at: act.now } : {}),
      ...(sealedSecret === undefined
        ? {}
        : {
            previous_secret: tx.ref('secret'),
            previous_until: addMs(act.now, secretOverlapMs),
            secret: sealedSecret,
            secret_set_at: act.now,
          }),
      version: tx.raw('version + 1'),
      updated_at: act.now,
    })
    .returning<EndpointRow[]>([...endpointColumns]);
  if (row === undefined) throw new DomainError('resource.not_found');
  await recordAudit(tx, act, {
    objectType: 'webhook_endpoint',
    objectId: id,
    seq: row.version,
    event,
    changes: { fields: Object.keys(content).map((name) => (name === 'sealedSecret' ? 'secret' : name)) },
  });
  return toEndpoint(row);
}

/** What a try left. Not an act of anybody's: no audit entry, no version. */
export async function noteTry(
  tx: Tx,
  id: string,
  of: {
    readonly at: Instant;
    readonly code: string | null;
    readonly failedInRow: number;
    readonly failingSince: Instant | null;
  },
): Promise<void> {
  await tx('webhook_endpoints').where({ id }).update({
    last_at: of.at,
    last_code: of.code,
    failed_in_row: of.failedInRow,
    failing_since: of.failingSince,
  });
}

export interface WebhookDelivery {
  readonly id: Id<'delivery'>;
  readonly endpointId: WebhookId;
  readonly eventId: Id<'event'>;
  readonly eventType: EventType;
  readonly objectId: string | null;
  readonly isTest: boolean;
  readonly url: string;
  readonly body: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly code: string | null;
  readonly durationMs: number | null;
  readonly nextTryAt: Instant | null;
  readonly lastTryAt: Instant;
  readonly createdAt: Instant;
}

export interface WebhookDeliveryRow {
  readonly id: Id<'delivery'>;
  readonly endpoint_id: WebhookId;
  readonly event_id: Id<'event'>;
  readonly entry_id: string | null;
  readonly event_type: EventType;
  readonly object_id: string | null;
  readonly url: string;
  readonly body: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly response_status: number | null;
  readonly response_body: string | null;
  readonly code: string | null;
  readonly duration_ms: number | null;
  readonly next_try_at: Instant | null;
  readonly last_try_at: Instant;
  readonly created_at: Instant;
}

export function toWebhookDelivery(row: WebhookDeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    eventId: row.event_id,
    eventType: row.event_type,
    objectId: row.object_id,
    isTest: row.entry_id === null,
    url: row.url,
    body: row.body,
    status: row.status,
    attempts: row.attempts,
    responseStatus: row.response_status,
    responseBody: row.response_body,
    code: row.code,
    durationMs: row.duration_ms,
    nextTryAt: row.next_try_at,
    lastTryAt: row.last_try_at,
    createdAt: row.created_at,
  };
}

export async function findWebhookDelivery(
  tx: ReadTx | Tx,
  of: { readonly endpointId: string; readonly eventId: string },
): Promise<WebhookDelivery | undefined> {
  const row = await tx('webhook_deliveries')
    .where({ endpoint_id: of.endpointId, event_id: of.eventId })
    .first<WebhookDeliveryRow | undefined>();
  return row === undefined ? undefined : toWebhookDelivery(row);
}

/** The log line of one event, written with its first try and brought up to date by each further one. What was sent stays as it was. */
export async function recordWebhookDelivery(
  tx: Tx,
  act: Act,
  of: Omit<WebhookDelivery, 'id' | 'isTest' | 'lastTryAt' | 'createdAt' | 'attempts'> & {
    readonly entryId: string | null;
    /** False: nobody was called, so it is no try. */
    readonly isTry: boolean;
  },
): Promise<WebhookDelivery> {
  const state = {
    url: of.url,
    status: of.status,
    response_status: of.responseStatus,
    response_body: of.responseBody,
    code: of.code,
    duration_ms: of.durationMs,
    next_try_at: of.nextTryAt,
    last_try_at: act.now,
  };
  const tries = of.isTry ? 1 : 0;
  const [row] = await tx('webhook_deliveries')
    .insert({
      id: act.newId('delivery'),
      endpoint_id: of.endpointId,
      event_id: of.eventId,
      entry_id: of.entryId,
      event_type: of.eventType,
      object_id: of.objectId,
      body: of.body,
      ...state,
      attempts: tries,
      created_at: act.now,
    })
    .onConflict(['workspace_id', 'endpoint_id', 'event_id'])
    .merge({ ...state, attempts: tx.raw('webhook_deliveries.attempts + ?', [tries]) })
    .returning<WebhookDeliveryRow[]>('*');
  assertInvariant(row !== undefined, 'a log line is written');
  return toWebhookDelivery(row);
}

/** A person wants these events sent again, under the ids they have. */
export async function enqueueReplays(
  tx: Tx,
  endpointId: string,
  eventIds: readonly string[],
  priority: 2 | 4,
): Promise<void> {
  await enqueue(
    tx,
    ...eventIds.map((eventId) => ({
      lane: 'http' as const,
      topic: 'webhook' as const,
      orderingKey: null,
      endpoint: endpointId,
      priority,
      payload: { endpointId, eventId, isReplay: true },
    })),
  );
}

/** From now on it waits for its next try. */
export async function markReplayed(tx: Tx, act: Act, id: string): Promise<WebhookDelivery> {
  const [row] = await tx('webhook_deliveries')
    .where({ id })
    .update({ status: 'retrying', next_try_at: act.now })
    .returning<WebhookDeliveryRow[]>('*');
  if (row === undefined) throw new DomainError('resource.not_found');
  return toWebhookDelivery(row);
}
