import { z } from 'zod';
import type { Segment } from '../../../db/affiliate/segment.js';
import type { AffiliateFilter } from '../../../db/reads/affiliate/affiliateList.js';
import { boundsOf, listQuery } from '../../lists.js';
import { idWire, listOf, nameText, objectFields, versionFields } from '../wire.js';
import { affiliateFilter } from './affiliate.js';

export const segmentParams = z.strictObject({ segmentId: idWire('segment') });

/** As the affiliate list takes it, but for another segment: none stands inside itself. */
const segmentFilter = affiliateFilter.omit({ segmentId: true });
type SegmentQuery = z.output<typeof segmentFilter>;

export const segmentCreate = z.strictObject({ name: nameText, filter: segmentFilter });
export const segmentPatch = z.strictObject({
  name: nameText.exactOptional(),
  filter: segmentFilter.exactOptional(),
});
export const segmentQuery = listQuery({}, { sort: ['createdAt', 'name'], q: true });

export const segmentWire = z
  .strictObject({
    ...objectFields('segment', 'segment'),
    name: z.string(),
    /** Parameters of `GET /v1/affiliates`. */
    filter: z.record(z.string(), z.string()),
    /** Of those whom the reader may see, now. */
    memberCount: z.int(),
    ...versionFields,
  })
  .openapi('Segment');
export const segmentList = listOf(segmentWire);

/** The parsed parameters → what is kept and asked with: whatever the list takes, so that no new field of it is left out here. */
export function keptFilter(query: SegmentQuery): AffiliateFilter {
  const createdAt = boundsOf(query, 'createdAt');
  const own = Object.entries(query).filter(([name, value]) => !name.startsWith('createdAt[') && value !== undefined);
  return { ...Object.fromEntries(own), ...(Object.keys(createdAt).length === 0 ? {} : { createdAt }) };
}

/** And back: the list's address shows the same rows. */
function parametersOf({ createdAt, segment: _none, ...filter }: AffiliateFilter): Record<string, string> {
  const own = Object.entries(filter).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : String(value)] as const],
  );
  const days = Object.entries(createdAt ?? {}).map(([bound, at]) => [`createdAt[${bound}]`, at] as const);
  return Object.fromEntries([...own, ...days]);
}

export function presentSegment(segment: Segment, memberCount: number): z.output<typeof segmentWire> {
  const { id, name, filter, version, createdAt, updatedAt } = segment;
  return {
    id,
    object: 'segment',
    name,
    filter: parametersOf(filter),
    memberCount,
    version,
    createdAt,
    updatedAt,
  };
}
