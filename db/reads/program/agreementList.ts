import type { AffiliateId, AgreementId, ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { type Agreement, type AgreementRow, toAgreement } from '../../program/agreement.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

// Which versions of terms and guidelines has this program published?
export async function listAgreements(
  tx: ReadTx,
  programId: ProgramId,
  filter: { readonly kind?: readonly string[] | undefined },
  page: Page,
): Promise<readonly Agreement[]> {
  const query = tx('agreements')
    .where({ program_id: programId })
    .where((where) => {
      if (filter.kind !== undefined) where.whereIn('kind', [...filter.kind]);
    })
    .select<AgreementRow[]>('*');
  const rows = await keyset(query, page, { createdAt: 'created_at' });
  return rows.map(toAgreement);
}

export interface Acceptance {
  readonly affiliateId: AffiliateId;
  readonly affiliateName: string;
  readonly enrolledAt: Instant;
  readonly acceptedAt: Instant | null;
  readonly via: 'paper' | 'portal' | 'application' | null;
}

// Who of the program's affiliates accepted this version, when and how, and who did not?
export async function listAcceptances(
  tx: ReadTx,
  agreement: { readonly id: AgreementId; readonly programId: ProgramId },
  page: Page,
): Promise<readonly Acceptance[]> {
  const query = tx('enrolments as enrolment')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'enrolment.workspace_id').andOn('affiliate.id', 'enrolment.affiliate_id'),
    )
    .leftJoin('agreement_acceptances as acceptance', (on) =>
      on
        .on('acceptance.workspace_id', 'enrolment.workspace_id')
        .andOn('acceptance.affiliate_id', 'enrolment.affiliate_id')
        .andOnVal('acceptance.agreement_id', agreement.id),
    )
    .where({ 'enrolment.program_id': agreement.programId })
    .whereNot({ 'enrolment.status': 'ended' })
    .select<
      {
        affiliate_id: AffiliateId;
        name: string;
        created_at: Instant;
        accepted_at: Instant | null;
        via: Acceptance['via'];
      }[]
    >('enrolment.affiliate_id', 'affiliate.name', 'enrolment.created_at', 'acceptance.accepted_at', 'acceptance.via');
  const rows = await keyset(query, page, { createdAt: 'enrolment.created_at' }, 'enrolment.affiliate_id');
  return rows.map((row) => ({
    affiliateId: row.affiliate_id,
    affiliateName: row.name,
    enrolledAt: row.created_at,
    acceptedAt: row.accepted_at,
    via: row.via,
  }));
}
