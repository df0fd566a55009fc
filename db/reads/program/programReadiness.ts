import type { AgreementId, ProgramId } from '../../../domain/ids.js';
import type { Readiness } from '../../../domain/program/program.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

// What does this program have of what publishing needs: a product, terms, a rule of its own or one for all programs?
export async function getProgramReadiness(
  tx: ReadTx | Tx,
  programId: ProgramId,
  now: Instant,
  hasGlobalDefault: boolean,
): Promise<Readiness> {
  const { rows } = await tx.raw<{
    rows: { products: number; terms_id: string | null; has_rule: boolean }[];
  }>(
    `
    select
      (select count(*)::int
       from program_products as attached
       join products as product on product.workspace_id = attached.workspace_id and product.id = attached.product_id
       where attached.program_id = :programId and attached.active and product.active and product.deleted_at is null) as products,
      (select agreement.id
       from agreements as agreement
       where agreement.program_id = :programId and agreement.kind = 'terms' and agreement.effective_from <= :now
       order by agreement.number desc
       limit 1) as terms_id,
      exists (select from commission_rules as rule
              where (rule.program_id = :programId or rule.scope = 'global')
                and (rule.ended_at is null or rule.ended_at > :now)) as has_rule`,
    { programId, now },
  );
  const row = rows[0];
  return {
    activeProducts: row?.products ?? 0,
    currentTermsId: (row?.terms_id ?? null) as AgreementId | null,
    hasRule: hasGlobalDefault || row?.has_rule === true,
  };
}
