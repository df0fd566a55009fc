import type { Act } from '../../domain/act.js';
import type { AffiliateId, Id, OperationId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { insertSet } from '../setInsert.js';
import type { ReadTx, Tx } from '../transaction.js';
import type { TemplateId } from './template.js';

export type MessageId = Id<'message'>;
export const messageChannels = ['email', 'in_app'] as const;
export type MessageChannel = (typeof messageChannels)[number];

/** What many affiliates are written at once (NTF-11); its job has them as items, and how far it is. */
export interface Message {
  readonly id: MessageId;
  readonly operationId: OperationId;
  readonly templateId: TemplateId;
  readonly templateName: string;
  readonly segmentName: string | null;
  readonly channels: readonly MessageChannel[];
  readonly requiresAcknowledgement: boolean;
  /** The message whose readers are asked once more. */
  readonly remindsId: MessageId | null;
  /** Null: at once. */
  readonly sendAt: Instant | null;
}

export async function insertMessage(tx: Tx, act: Act, message: Message): Promise<void> {
  const { id, operationId, templateId, templateName, segmentName, channels, requiresAcknowledgement } = message;
  await tx('messages').insert({
    id,
    operation_id: operationId,
    template_id: templateId,
    template_name: templateName,
    segment_name: segmentName,
    channels: [...channels],
    requires_acknowledgement: requiresAcknowledgement,
    reminds_id: message.remindsId,
    send_at: message.sendAt,
    created_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'message',
    objectId: id,
    seq: 1,
    event: 'created',
    changes: { after: { operationId, templateId, segmentName, channels, requiresAcknowledgement } },
  });
}

/** The message that a job sends. */
export async function findMessageOf(tx: ReadTx | Tx, operationId: string): Promise<Message | undefined> {
  const row = await tx('messages')
    .where({ operation_id: operationId })
    .first<(MessageRow & { readonly id: MessageId }) | undefined>();
  return row === undefined ? undefined : toMessage(row);
}

export interface MessageRow {
  readonly id: MessageId;
  readonly operation_id: OperationId;
  readonly template_id: TemplateId;
  readonly template_name: string;
  readonly segment_name: string | null;
  readonly channels: readonly MessageChannel[];
  readonly requires_acknowledgement: boolean;
  readonly reminds_id: MessageId | null;
  readonly send_at: Instant | null;
}

export function toMessage(row: MessageRow): Message {
  return {
    id: row.id,
    operationId: row.operation_id,
    templateId: row.template_id,
    templateName: row.template_name,
    segmentName: row.segment_name,
    channels: row.channels,
    requiresAcknowledgement: row.requires_acknowledgement,
    remindsId: row.reminds_id,
    sendAt: row.send_at,
  };
}

/** What an affiliate says of messages that it may decline (NTF-16). */
export interface MessageChoice {
  readonly id: Id<'messageChoice'>;
  readonly affiliateId: AffiliateId;
  readonly token: string;
  readonly optedOutAt: Instant | null;
  readonly version: number;
}

interface ChoiceRow {
  readonly id: MessageChoice['id'];
  readonly affiliate_id: AffiliateId;
  readonly token: string;
  readonly opted_out_at: Instant | null;
  readonly version: number;
}

function toChoice(row: ChoiceRow): MessageChoice {
  return {
    id: row.id,
    affiliateId: row.affiliate_id,
    token: row.token,
    optedOutAt: row.opted_out_at,
    version: row.version,
  };
}

/** Of each of these affiliates what it chose; who was never asked gets a token with which it can. */
export async function takeChoices(
  tx: Tx,
  act: Act,
  affiliateIds: readonly AffiliateId[],
): Promise<ReadonlyMap<AffiliateId, MessageChoice>> {
  await insertSet(
    tx,
    'message_choices',
    { id: 'text', affiliate_id: 'text', created_at: 'timestamptz' },
    affiliateIds.map((affiliateId) => ({
      id: act.newId('messageChoice'),
      affiliate_id: affiliateId,
      created_at: act.now,
    })),
    { onConflict: 'on conflict (workspace_id, affiliate_id) do nothing' },
  );
  const rows = await tx('message_choices')
    .whereIn('affiliate_id', [...affiliateIds])
    .select<ChoiceRow[]>('id', 'affiliate_id', 'token', 'opted_out_at', 'version');
  return new Map(rows.map((row) => [row.affiliate_id, toChoice(row)]));
}

/** How many of these affiliates decline messages? */
export async function countOptedOut(tx: ReadTx | Tx, affiliateIds: readonly string[]): Promise<number> {
  const { rows } = await tx.raw<{ rows: { count: number }[] }>(
    `select count(*)::int as count from message_choices
     where affiliate_id = any(cast(:ids as text[])) and opted_out_at is not null`,
    { ids: [...affiliateIds] },
  );
  return rows[0]?.count ?? 0;
}

/** Does this affiliate decline messages? */
export async function hasOptedOut(tx: ReadTx | Tx, affiliateId: AffiliateId): Promise<boolean> {
  return (await countOptedOut(tx, [affiliateId])) > 0;
}

export async function findChoice(tx: ReadTx, token: string): Promise<MessageChoice | undefined> {
  const row = await tx('message_choices').where({ token }).first<ChoiceRow | undefined>();
  return row === undefined ? undefined : toChoice(row);
}

export async function lockChoice(tx: Tx, token: string): Promise<MessageChoice | undefined> {
  const row = await tx('message_choices').where({ token }).forUpdate().first<ChoiceRow | undefined>();
  return row === undefined ? undefined : toChoice(row);
}

/** Keeps the choice with its history. Choosing the same once more changes nothing. */
export async function keepChoice(tx: Tx, act: Act, choice: MessageChoice, isOut: boolean): Promise<void> {
  if ((choice.optedOutAt !== null) === isOut) return;
  const { id, affiliateId, version } = choice;
  await tx('message_choices')
    .where({ affiliate_id: affiliateId })
    .update({ opted_out_at: isOut ? act.now : null, version: version + 1 });
  await recordAudit(tx, act, {
    objectType: 'message_choice',
    objectId: id,
    seq: version,
    event: isOut ? 'opted_out' : 'opted_in',
  });
}
