import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { LinkId, ReferralId, VisitId } from '../../domain/ids.js';
import type { LocalDate } from '../../domain/time.js';
import type { Tx } from '../transaction.js';

/** A unique landing: one per visitor, link and day of the workspace's zone. */
export interface NewVisit {
  readonly id: VisitId;
  readonly mode: Mode;
  readonly clickId: string;
  readonly linkId: LinkId;
  readonly visitorId: string;
  readonly referralId: ReferralId | null;
  readonly day: LocalDate;
  /** Origin and path: a query may name a person. */
  readonly url: string;
}

/** Writes the visit, or answers the one of the same visitor, link and day: a reload adds none (TRK-03). */
export async function recordVisit(
  tx: Tx,
  act: Act,
  visit: NewVisit,
): Promise<{ readonly id: VisitId; readonly isNew: boolean }> {
  // As its click is marked now; one that is marked later marks its visits, too (FRD-02).
  const click = await tx('clicks').where({ id: visit.clickId }).first<{ suspect: boolean } | undefined>('suspect');
  const suspect = click?.suspect ?? false;
  const [inserted] = await tx('visits')
    .insert({
      id: visit.id,
      mode: visit.mode,
      click_id: visit.clickId,
      link_id: visit.linkId,
      visitor_id: visit.visitorId,
      referral_id: visit.referralId,
      day: visit.day,
      suspect,
      url: visit.url,
      created_at: act.now,
    })
    .onConflict(['workspace_id', 'mode', 'visitor_id', 'link_id', 'day'])
    .ignore()
    .returning<{ id: VisitId }[]>('id');
  if (inserted !== undefined) return { id: inserted.id, isNew: true };
  const found = await tx('visits')
    .where({ mode: visit.mode, visitor_id: visit.visitorId, link_id: visit.linkId, day: visit.day })
    .first<{ id: VisitId; suspect: boolean } | undefined>('id', 'suspect');
  assertInvariant(found !== undefined, 'a visit in the way is a visit found', { clickId: visit.clickId });
  // Only a burst had brought this visitor that day; now it came by a click that counts.
  if (found.suspect && !suspect)
    await tx('visits').where({ id: found.id }).update({ suspect: false, click_id: visit.clickId });
  return { id: found.id, isNew: false };
}
