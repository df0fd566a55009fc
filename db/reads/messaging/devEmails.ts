import type { Id } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Which mails would have been sent, with their links? For the development mailbox only: bodies hold one-time tokens.

export interface WholeEmail {
  readonly id: Id<'email'>;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly links: readonly string[];
  readonly createdAt: Instant;
}

export async function listWholeEmails(tx: ReadTx, page: Page, to?: string): Promise<readonly WholeEmail[]> {
  const query = keyset(tx('emails'), page, { createdAt: 'created_at' });
  if (to !== undefined) query.where({ recipient: to });
  const rows = await query.select<
    { id: Id<'email'>; recipient: string; subject: string; body: string; links: string[]; created_at: Instant }[]
  >('id', 'recipient', 'subject', 'body', 'links', 'created_at');
  return rows.map((row) => ({
    id: row.id,
    to: row.recipient,
    subject: row.subject,
    text: row.body,
    links: row.links,
    createdAt: row.created_at,
  }));
}
