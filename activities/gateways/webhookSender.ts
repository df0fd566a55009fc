import type { Db } from '../../db/connection.js';
import { insertEmailsOnce } from '../../db/messaging/email.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import {
  changeEndpoint,
  findEndpoint,
  findSealedSecrets,
  findWebhookDelivery,
  lockEndpoint,
  noteTry,
  recordWebhookDelivery,
} from '../../db/messaging/webhook.js';
import { findEvent } from '../../db/reads/messaging/eventList.js';
import { findWebhookKeepers } from '../../db/reads/messaging/webhookKeepers.js';
import { inWorkspace, readWorkspace, type Tx } from '../../db/transaction.js';
import { type Act, systemAct } from '../../domain/act.js';
import { type Id, type NewId, parseId, type WorkspaceId } from '../../domain/ids.js';
import { entryIdOf, type WebhookEvent } from '../../domain/messaging/event.js';
import { readAnswer } from '../../domain/messaging/postback.js';
import { countTry, type WebhookEndpoint } from '../../domain/messaging/webhook.js';
import { addMs } from '../../domain/time.js';
import type { OutboundAnswer } from '../../platform/outbound.js';
import type { WebhookCall } from '../../platform/webhookCall.js';
import type { PostbackAnswer } from './postbackSender.js';

export interface WebhookDeps {
  readonly db: Db;
  readonly newId: NewId;
  /** One signed call to somebody's address, judged anew (reliability.md G18); nothing is open meanwhile. */
  readonly call: (call: WebhookCall) => Promise<OutboundAnswer>;
  readonly unseal: (sealed: string) => string;
  /** Milliseconds to the next try after so many; undefined: there is none. */
  readonly delayAfterMs: (attempts: number) => number | undefined;
  /** A crash point of tests: the call is made, and nothing is written of it. */
  readonly reached?: (point: string) => void;
}

/** What stands in the log of a call that was not made. */
const nothingSaid = { code: 'endpoint_off', responseStatus: null, responseBody: null } as const;

/**
 * One outbox row of topic `webhook` (BEY-23): makes the event of its entry, or takes the bytes that were sent before, signs, calls, writes
 * the log and the count of failures. A relay function; safe to repeat: what was delivered is not sent again, unless a person asked for it.
 * A call that broke off before its log line is made twice under one id, as at least once means.
 */
export async function deliverWebhook(
  deps: WebhookDeps,
  row: { readonly workspaceId: string; readonly payload: unknown; readonly attempts: number },
): Promise<PostbackAnswer> {
  const told = readTold(row.payload);
  if (told === undefined) return { kind: 'refused', code: 'message.malformed' };
  const workspaceId = row.workspaceId as WorkspaceId;
  const read = await readWorkspace(deps.db, workspaceId, async (tx, now) => {
    const endpoint = await findEndpoint(tx, told.endpointId);
    if (endpoint === undefined) return undefined;
    const before = await findWebhookDelivery(tx, told);
    if (before?.status === 'delivered' && !told.isReplay) return undefined;
    const event = before === undefined ? await findEvent(tx, endpoint.mode, told.eventId) : undefined;
    return { endpoint, before, event, sealed: await findSealedSecrets(tx, endpoint.id, now) };
  });
  if (read === undefined) return { kind: 'delivered' }; // deleted, or told before the mark was lost
  const { endpoint, before, event } = read;
  const content = before ?? (event === undefined ? undefined : contentOf(event));
  if (content === undefined) return { kind: 'refused', code: 'event_not_found' };
  const startedAt = performance.now();
  // Switched off since it was written: nobody is called, and the log says what was left out.
  const answer = endpoint.active
    ? await deps.call({
        url: endpoint.url,
        eventId: told.eventId,
        body: content.body,
        secrets: read.sealed.map(deps.unseal),
      })
    : undefined;
  const durationMs = answer === undefined ? null : Math.round(performance.now() - startedAt);
  deps.reached?.('webhook.called');
  const said = answer === undefined ? nothingSaid : readAnswer(answer);
  const { code } = said;
  const delayMs = answer === undefined || code === null ? undefined : deps.delayAfterMs(row.attempts);
  await inWorkspace(deps.db, workspaceId, async (tx, now) => {
    const act = systemAct({ workspaceId, now, newId: deps.newId });
    const current = await lockEndpoint(tx, endpoint.id);
    if (current === undefined) return;
    await recordWebhookDelivery(tx, act, {
      endpointId: current.id,
      eventId: told.eventId,
      entryId: entryIdOf(told.eventId),
      eventType: content.eventType,
      objectId: content.objectId,
      body: content.body,
      url: endpoint.url,
      ...said,
      durationMs,
      isTry: answer !== undefined,
      status:
        answer === undefined ? 'dropped' : code === null ? 'delivered' : delayMs === undefined ? 'failed' : 'retrying',
      nextTryAt: delayMs === undefined ? null : addMs(now, delayMs),
    });
    if (answer !== undefined) await count(tx, act, current, { code, isFirst: before === undefined });
  });
  if (answer === undefined) return { kind: 'delivered' }; // there is nothing to send any more
  return code === null ? { kind: 'delivered' } : { kind: 'failed', code };
}

const contentOf = (event: WebhookEvent) => ({
  body: JSON.stringify(event),
  eventType: event.type,
  objectId: event.data.object.id,
});

async function count(
  tx: Tx,
  act: Act,
  endpoint: WebhookEndpoint,
  of: { readonly code: string | null; readonly isFirst: boolean },
): Promise<void> {
  const counted = countTry(endpoint, { hasSucceeded: of.code === null, isFirst: of.isFirst, now: act.now });
  await noteTry(tx, endpoint.id, { at: act.now, code: of.code, ...counted });
  if (!endpoint.active || counted.step === 'nothing') return;
  const isOff = counted.step === 'off';
  if (isOff) await changeEndpoint(tx, act, endpoint.id, 'disabled');
  const text = textOf({
    host: new URL(endpoint.url).host,
    code: of.code ?? '-',
    failedInRow: counted.failedInRow,
    isOff,
  });
  // The first failure names the row of failures: after a success the next row is news again.
  const row = `${String(counted.failingSince)}/${counted.failedInRow}`;
  const told = (await findWebhookKeepers(tx)).map((keeper) => ({
    onceKey: `webhook.${counted.step}/${endpoint.id}/${row}/${keeper.email}`,
    kind: isOff ? 'webhook_off' : 'webhook_failing',
    recipient: keeper.email,
    subject: text.subject,
    body: [`Hello ${keeper.name},`, ...text.paragraphs].join('\n\n'),
  }));
  await insertEmailsOnce(tx, act, told, 4);
  await insertNoticesOnce(
    tx,
    act,
    told.map(({ recipient, ...notice }) => ({ ...notice, to: { email: recipient } })),
  );
}

function textOf(of: {
  readonly host: string;
  readonly code: string;
  readonly failedInRow: number;
  readonly isOff: boolean;
}): { readonly subject: string; readonly paragraphs: readonly string[] } {
  const { host, code, failedInRow } = of;
  return of.isOff
    ? {
        subject: `The webhook to ${host} is switched off`,
        paragraphs: [
          `${failedInRow} events in a row could not be delivered to ${host}, or none for three days; the last try ended with: ${code}. Nothing more is sent.`,
          'Once the address answers again, switch it on under Developers, Webhooks, and replay the time it missed: every event still has its id.',
        ],
      }
    : {
        subject: `The webhook to ${host} fails`,
        paragraphs: [
          `${failedInRow} events in a row could not be delivered to ${host} at once; the last try ended with: ${code}. They are tried again for three days.`,
          'After 20 failed events in a row, or three days without a success, the webhook is switched off.',
        ],
      };
}

interface Told {
  readonly endpointId: Id<'webhook'>;
  readonly eventId: Id<'event'>;
  readonly isReplay: boolean;
}

function readTold(payload: unknown): Told | undefined {
  const { endpointId, eventId, isReplay } = (payload ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof endpointId !== 'string' || typeof eventId !== 'string') return undefined;
  const [endpoint, event] = [parseId('webhook', endpointId), parseId('event', eventId)];
  return endpoint === undefined || event === undefined
    ? undefined
    : { endpointId: endpoint, eventId: event, isReplay: isReplay === true };
}
