import { type Notice, type NoticeRow, ownNotices, toNotice } from '../../messaging/notice.js';
import type { NoticeReader } from '../../messaging/notificationChoice.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface NoticeFilter {
  readonly unread?: boolean | undefined;
}

function filtered(tx: ReadTx, reader: NoticeReader, filter: NoticeFilter) {
  const query = tx('notices').where(ownNotices(reader));
  if (filter.unread === true) query.whereNull('read_at');
  if (filter.unread === false) query.whereNotNull('read_at');
  return query;
}

// What was this reader told, newest first?
export async function listNotices(
  tx: ReadTx,
  reader: NoticeReader,
  filter: NoticeFilter,
  page: Page,
): Promise<readonly Notice[]> {
  const rows = (await keyset(filtered(tx, reader, filter), page, { createdAt: 'created_at' }).select(
    '*',
  )) as NoticeRow[];
  return rows.map(toNotice);
}

/** How many are unread, read, and wait for an acknowledgement. */
export async function countNotices(tx: ReadTx, reader: NoticeReader, filter: NoticeFilter) {
  const row = await filtered(tx, reader, filter).first<{ total: number; unread: number; to_acknowledge: number }>(
    tx.raw(`count(*)::int as total, (count(*) filter (where read_at is null))::int as unread,
            (count(*) filter (where requires_acknowledgement and acknowledged_at is null))::int as to_acknowledge`),
  );
  return { total: row.total, byStatus: { unread: row.unread, to_acknowledge: row.to_acknowledge } };
}
