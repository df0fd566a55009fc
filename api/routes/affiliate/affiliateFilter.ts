import type { z } from 'zod';
import { findSegment } from '../../../db/affiliate/segment.js';
import type { AffiliateFilter } from '../../../db/reads/affiliate/affiliateList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { invalid } from '../../problems.js';
import type { affiliateFilter } from '../../schemas/affiliate/affiliate.js';
import { keptFilter } from '../../schemas/affiliate/segment.js';

/** What the parameters of the affiliate list ask for; a segment is the filter that it keeps, and both have to match (AFF-21). */
export async function affiliateFilterOf(
  tx: ReadTx | Tx,
  query: z.output<typeof affiliateFilter>,
): Promise<AffiliateFilter> {
  const { segmentId, ...rest } = query;
  const filter = keptFilter(rest);
  return segmentId === undefined ? filter : { ...filter, segment: await segmentFilterOf(tx, segmentId) };
}

export async function segmentFilterOf(tx: ReadTx | Tx, segmentId: string): Promise<AffiliateFilter> {
  const segment = await findSegment(tx, segmentId);
  if (segment === undefined)
    throw invalid({ parameter: 'segmentId', code: 'not_found', detail: 'There is no segment with this id.' });
  return segment.filter;
}
