import type { Scope } from '../../../domain/access/permission.js';
import type { AffiliateId, AgreementId, ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { type Agreement, type AgreementRow, toAgreement } from '../../program/agreement.js';
import type { ReadTx } from '../../transaction.js';
import { scopeToAffiliates } from '../earning/affiliateRows.js';
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
  scope: Scope,
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
  scopeToAffiliates(query, scope, 'enrolment');
  const rows = await keyset(query, page, { createdAt: 'enrolment.created_at' }, 'enrolment.affiliate_id');
  return rows.map((row) => ({
    affiliateId: row.affiliate_id,
    affiliateName: row.name,
    enrolledAt: row.created_at,
    acceptedAt: row.accepted_at,
    via: row.via,
  }));
}

export interface AcceptanceOf {
  readonly agreementId: AgreementId;
  readonly programId: ProgramId;
  readonly kind: Agreement['kind'];
  readonly number: number;
  readonly title: string;
  readonly via: 'paper' | 'portal' | 'application';
  readonly address: string | null;
  readonly acceptedAt: Instant;
}

// Which versions did this affiliate accept, newest first?
export async function listAcceptancesOf(tx: ReadTx, affiliateId: AffiliateId): Promise<readonly AcceptanceOf[]> {
  const { rows } = await tx.raw<{ rows: AcceptanceOf[] }>(
    `select acceptance.agreement_id as "agreementId", agreement.program_id as "programId", agreement.kind, agreement.number,
            agreement.title, acceptance.via, acceptance.address, acceptance.accepted_at as "acceptedAt"
     from agreement_acceptances as acceptance
     join agreements as agreement
       on agreement.workspace_id = acceptance.workspace_id and agreement.id = acceptance.agreement_id
     where acceptance.affiliate_id = :affiliateId
     order by acceptance.accepted_at desc, acceptance.agreement_id desc`,
    { affiliateId },
  );
  return rows;
}
