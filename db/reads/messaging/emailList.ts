import type { Scope } from '../../../domain/access/permission.js';
import type { Instant } from '../../../domain/time.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import type { SentMessage } from './sentMessages.js';

export const emailStatuses = ['waiting', 'sent', 'failed'] as const;
export type EmailStatus = (typeof emailStatuses)[number];

export interface EmailFilter {
  readonly status?: readonly EmailStatus[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly to?: string | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
  /** Literal, in the subject, and the id. */
  readonly q?: string | undefined;
}

interface EmailRow {
  readonly id: string;
  readonly kind: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  readonly links: readonly string[];
  readonly sent_at: Instant | null;
  readonly failed_code: string | null;
  readonly created_at: Instant;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
const statusIs: Readonly<Record<EmailStatus, string>> = {
  waiting: '(email.sent_at is null and email.failed_code is null)',
  sent: 'email.sent_at is not null',
  failed: '(email.sent_at is null and email.failed_code is not null)',
};

function base(tx: ReadTx | Tx, scope: Scope) {
  const query = tx('emails as email').select<EmailRow[]>('email.*');
  // Who looks after some affiliates reads what those were written, and nobody else's mail.
  if (scope.kind !== 'workspace') {
    const own = tx('affiliates').whereRaw('affiliates.email_key = email.recipient_key');
    scopeAffiliates(own, scope);
    query.whereExists(own);
  }
  return query;
}

// Which mails were written, whatever became of them, newest first?
export async function listEmails(
  tx: ReadTx,
  scope: Scope,
  filter: EmailFilter,
  page: Page,
): Promise<readonly SentMessage[]> {
  const query = base(tx, scope);
  if (filter.status !== undefined) query.whereRaw(`(${filter.status.map((status) => statusIs[status]).join(' or ')})`);
  if (filter.kind !== undefined) query.whereIn('email.kind', [...filter.kind]);
  if (filter.to !== undefined) query.whereRaw('email.recipient_key = lower(?)', [filter.to]);
  if (filter.q !== undefined)
    query.whereRaw('(email.id = :q or strpos(lower(email.subject), lower(:q)) > 0)', { q: filter.q });
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('email.created_at', comparison[bound as keyof typeof comparison], at);
  return (await keyset(query, page, { createdAt: 'email.created_at' }, 'email.id')).map(toMessage);
}

/** The mail, when this reader may see it. */
export async function findEmailView(tx: ReadTx | Tx, scope: Scope, id: string): Promise<SentMessage | undefined> {
  const [row] = await base(tx, scope).where('email.id', id);
  return row === undefined ? undefined : toMessage(row);
}

function toMessage(row: EmailRow): SentMessage {
  return {
    id: row.id,
    channel: 'mail',
    kind: row.kind,
    subject: row.subject,
    body: row.body,
    links: row.links,
    recipientName: null,
    recipientAddress: row.recipient,
    sentAt: row.sent_at,
    failedCode: row.failed_code,
    readAt: null,
    acknowledgedAt: null,
    createdAt: row.created_at,
  };
}
