import { z } from 'zod';
import type { LeadSource } from '../../../db/tracking/leadSource.js';
import { flag, listQuery } from '../../lists.js';
import { idWire, listOf, nameText, objectFields, text, versionFields } from '../wire.js';

export const leadSourceParams = z.strictObject({ leadSourceId: idWire('leadSource') });

const acceptance = z.enum(['automatic', 'manual']).nullable();

export const leadSourceCreate = z.strictObject({
  name: nameText,
  department: text(100).nullable().exactOptional(),
  assigneeId: idWire('user').nullable().exactOptional(),
  leadAcceptance: acceptance.exactOptional(),
  active: z.boolean().exactOptional(),
});
export const leadSourcePatch = z.strictObject({ ...leadSourceCreate.shape, name: nameText.exactOptional() });
export const leadSourceQuery = listQuery({ active: flag() }, { sort: ['createdAt', 'name'], q: true });

export const leadSourceWire = z
  .strictObject({
    ...objectFields('leadSource', 'lead_source'),
    name: z.string(),
    department: z.string().nullable(),
    assigneeId: z.string().nullable(),
    /** Who accepts its leads; null: as the program says. */
    leadAcceptance: acceptance,
    active: z.boolean(),
    ...versionFields,
  })
  .openapi('LeadSource');
export const leadSourceList = listOf(leadSourceWire);

export function presentLeadSource(source: LeadSource): z.output<typeof leadSourceWire> {
  return { object: 'lead_source', ...source };
}
