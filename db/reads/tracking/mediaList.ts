import { type Media, mediaColumns, type MediaRow, toMedia } from '../../tracking/media.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface MediaFilter {
  readonly contentType?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

// Which pictures are in the library?
export async function listMedia(tx: ReadTx, filter: MediaFilter, page: Page): Promise<readonly Media[]> {
  const query = tx('media')
    .whereNull('deleted_at')
    .select<MediaRow[]>(...mediaColumns);
  if (filter.contentType !== undefined) query.whereIn('content_type', [...filter.contentType]);
  if (filter.q !== undefined) query.whereRaw(`(strpos(lower(name), lower(:q)) > 0 or id = :q)`, { q: filter.q });
  const rows = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toMedia);
}
