import type { AffiliateId, AgreementId, ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** A version in force in a program of the affiliate, and whether it was accepted. */
export interface OwnAgreement {
  readonly id: AgreementId;
  readonly programId: ProgramId;
  readonly programName: string;
  readonly kind: 'terms' | 'guidelines';
  readonly number: number;
  readonly title: string;
  readonly text: string;
  readonly mustAccept: boolean;
  readonly effectiveFrom: Instant;
  readonly graceUntil: Instant | null;
  readonly acceptedAt: Instant | null;
}

// Which terms and guidelines count for this affiliate now, newest version of each, and which of them did it accept?
export async function listOwnAgreements(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  now: Instant,
): Promise<readonly OwnAgreement[]> {
  const { rows } = await tx.raw<{ rows: OwnAgreement[] }>(
    `select current.id, current.program_id as "programId", program.name as "programName", current.kind, current.number, current.title,
            current.body as text, current.must_accept as "mustAccept", current.effective_from as "effectiveFrom",
            current.grace_until as "graceUntil", acceptance.accepted_at as "acceptedAt"
     from (
       select distinct on (agreement.program_id, agreement.kind) agreement.*
       from agreements as agreement
       where agreement.effective_from <= cast(:now as timestamptz)
         and agreement.program_id in (
           select enrolment.program_id from enrolments as enrolment
           where enrolment.affiliate_id = :affiliateId and enrolment.status <> 'ended')
       order by agreement.program_id, agreement.kind, agreement.number desc) as current
     join programs as program on program.id = current.program_id
     left join agreement_acceptances as acceptance
       on acceptance.agreement_id = current.id and acceptance.affiliate_id = :affiliateId
     order by program.name, current.kind`,
    { affiliateId, now },
  );
  return rows;
}

/** Those that have to be accepted before anything else: their grace is over (PRT-13). */
export async function listDueAgreements(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  now: Instant,
): Promise<readonly OwnAgreement[]> {
  const current = await listOwnAgreements(tx, affiliateId, now);
  return current.filter(
    ({ mustAccept, acceptedAt, graceUntil }) =>
      mustAccept && acceptedAt === null && (graceUntil === null || graceUntil <= now),
  );
}
