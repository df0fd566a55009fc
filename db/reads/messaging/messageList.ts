import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { type Message, type MessageRow, toMessage } from '../../messaging/message.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';

/** How a job's message is found again among mails and notices. */
export function messageKey(operationId: string, affiliateId: string): string {
  return `messages.send/${operationId}/${affiliateId}`;
}

export interface MessageView extends Message {
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly createdAt: Instant;
  readonly finishedAt: Instant | null;
  readonly createdByName: string | null;
  readonly recipients: number;
  readonly told: number;
  readonly skipped: number;
  readonly acknowledged: number;
}

type ViewRow = MessageRow & {
  readonly status: MessageView['status'];
  readonly created_at: Instant;
  readonly finished_at: Instant | null;
  readonly created_by_name: string | null;
  readonly recipients: number;
  readonly told: number;
  readonly skipped: number;
  readonly acknowledged: number;
};

function views(tx: ReadTx | Tx, mode: Mode) {
  return tx('messages as message')
    .join('operations as operation', (on) =>
      on.on('operation.workspace_id', 'message.workspace_id').andOn('operation.id', 'message.operation_id'),
    )
    .leftJoin('users as person', (on) =>
      on.on('person.workspace_id', 'operation.workspace_id').andOn('person.id', 'operation.requested_by_user'),
    )
    .where('operation.mode', mode)
    .select<ViewRow[]>(
      'message.*',
      'operation.status',
      'operation.finished_at',
      'person.name as created_by_name',
      'operation.total as recipients',
      ...(['succeeded', 'skipped'] as const).map((outcome) =>
        tx.raw(
          `(select count(*)::int from operation_items as item
            where item.workspace_id = message.workspace_id and item.operation_id = message.operation_id
              and item.outcome = ?) as ${outcome === 'succeeded' ? 'told' : 'skipped'}`,
          [outcome],
        ),
      ),
      tx.raw(
        `(select count(*)::int from operation_items as item
          join notices as notice on notice.workspace_id = item.workspace_id and coalesce(notice.affiliate_id, notice.user_id) = item.object_id
            and notice.once_key = 'messages.send/' || item.operation_id || '/' || item.object_id
          where item.workspace_id = message.workspace_id and item.operation_id = message.operation_id
            and notice.acknowledged_at is not null) as acknowledged`,
      ),
    );
}

function toView(row: ViewRow): MessageView {
  const { status, recipients, told, skipped, acknowledged } = row;
  const { created_at: createdAt, finished_at: finishedAt, created_by_name: createdByName } = row;
  const counts = { recipients, told, skipped, acknowledged };
  return { ...toMessage(row), status, createdAt, finishedAt, createdByName, ...counts };
}

export async function findMessageView(tx: ReadTx | Tx, mode: Mode, id: string): Promise<MessageView | undefined> {
  const row: ViewRow | undefined = (await views(tx, mode).where('message.id', id))[0];
  return row === undefined ? undefined : toView(row);
}

// What was written to many affiliates, newest first?
export async function listMessages(
  tx: ReadTx,
  mode: Mode,
  filter: { readonly q?: string | undefined },
  page: Page,
): Promise<readonly MessageView[]> {
  const query = views(tx, mode);
  if (filter.q !== undefined)
    query.whereRaw(
      `(message.id = :q or strpos(lower(message.template_name), lower(:q)) > 0
        or strpos(lower(coalesce(message.segment_name, '')), lower(:q)) > 0)`,
      { q: filter.q },
    );
  const rows = (await keyset(query, page, { createdAt: 'message.created_at' }, 'message.id')) as ViewRow[];
  return rows.map(toView);
}

/** One affiliate of a message: what became of it there. */
export interface RecipientView {
  readonly position: number;
  readonly affiliateId: AffiliateId;
  readonly affiliateName: string | null;
  readonly outcome: 'succeeded' | 'skipped' | 'failed' | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly emailId: string | null;
  readonly sentAt: Instant | null;
  readonly failedCode: string | null;
  readonly noticeId: string | null;
  readonly readAt: Instant | null;
  readonly acknowledgedAt: Instant | null;
}

// Whom is a message for, of those this reader may see, and what became of it there?
export async function listMessageRecipients(
  tx: ReadTx | Tx,
  of: { readonly operationId: string; readonly scope: Scope; readonly acknowledged?: boolean | undefined },
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly RecipientView[]> {
  const query = tx('operation_items as item')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'item.workspace_id').andOn('affiliate.id', 'item.object_id'),
    )
    .joinRaw(
      `left join emails as mail on mail.workspace_id = item.workspace_id
         and mail.once_key = 'messages.send/' || item.operation_id || '/' || item.object_id`,
    )
    .joinRaw(
      `left join notices as notice on notice.workspace_id = item.workspace_id and coalesce(notice.affiliate_id, notice.user_id) = item.object_id
         and notice.once_key = 'messages.send/' || item.operation_id || '/' || item.object_id`,
    )
    .where('item.operation_id', of.operationId)
    .where('item.position', '>', after)
    .orderBy('item.position')
    .limit(limit + 1);
  scopeAffiliates(query, of.scope, 'affiliate');
  if (of.acknowledged !== undefined) query.whereRaw(`(notice.acknowledged_at is not null) = ?`, [of.acknowledged]);
  return query.select<RecipientView[]>(
    'item.position',
    'item.object_id as affiliateId',
    'affiliate.name as affiliateName',
    'item.outcome',
    'item.code',
    'item.detail',
    'mail.id as emailId',
    'mail.sent_at as sentAt',
    'mail.failed_code as failedCode',
    'notice.id as noticeId',
    'notice.read_at as readAt',
    'notice.acknowledged_at as acknowledgedAt',
  );
}

/** Affiliates that were told and have not confirmed it. */
export async function listOpenAcknowledgements(
  tx: ReadTx | Tx,
  operationId: string,
  scope: Scope,
): Promise<readonly string[]> {
  const query = tx('operation_items as item')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'item.workspace_id').andOn('affiliate.id', 'item.object_id'),
    )
    .joinRaw(
      `join notices as notice on notice.workspace_id = item.workspace_id and coalesce(notice.affiliate_id, notice.user_id) = item.object_id
         and notice.once_key = 'messages.send/' || item.operation_id || '/' || item.object_id`,
    )
    .where('item.operation_id', operationId)
    .where('affiliate.status', '<>', 'terminated')
    .whereNull('notice.acknowledged_at')
    .orderBy('item.position');
  scopeAffiliates(query, scope, 'affiliate');
  return (await query.select<{ id: string }[]>('item.object_id as id')).map((row) => row.id);
}
