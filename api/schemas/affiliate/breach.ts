import { z } from 'zod';
import type { Breach } from '../../../db/affiliate/breach.js';
import { breachActions } from '../../../domain/affiliate/breach.js';
import { listQuery } from '../../lists.js';
import { byWire, idWire, instantWire, listOf, nameText, noteText, objectFields } from '../wire.js';

export const breachParams = z.strictObject({ affiliateId: idWire('affiliate') });
/** `policy` is what the affiliate reads; `evidence` is for staff. */
export const breachBody = z.strictObject({
  policy: nameText,
  evidence: noteText.check(z.minLength(1)),
  action: z.enum(breachActions),
});
export const breachQuery = listQuery({});

export const breachWire = z
  .strictObject({
    ...objectFields('breach', 'affiliate_breach'),
    affiliateId: z.string(),
    policy: z.string(),
    evidence: z.string(),
    action: z.enum(breachActions),
    by: byWire,
    createdAt: instantWire,
  })
  .openapi('AffiliateBreach');
export const breachList = listOf(breachWire);

export function presentBreach(breach: Breach, names: ReadonlyMap<string, string>): z.output<typeof breachWire> {
  const { type, id } = breach.by;
  return {
    object: 'affiliate_breach',
    ...breach,
    by: { type, id, name: id === null ? null : (names.get(id) ?? null) },
  };
}
