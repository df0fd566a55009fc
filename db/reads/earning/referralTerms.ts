import {
  effectiveTerms,
  type EffectiveTerms,
  settingsOf,
  type StoredSections,
} from '../../../domain/access/settings.js';
import { assertInvariant } from '../../../domain/errors.js';
import type { CheckKind } from '../../../domain/earning/check.js';
import type { OwnTerms } from '../../../domain/program/program.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** Which terms and checks does the program apply to a referral now? */
export async function readReferralTerms(
  tx: ReadTx | Tx,
  programId: string,
): Promise<EffectiveTerms & { readonly requiredChecks: readonly CheckKind[] }> {
  const { rows } = await tx.raw<{
    rows: { own_terms: OwnTerms; required_checks: readonly CheckKind[]; sections: StoredSections | null }[];
  }>(
    `select programs.own_terms, programs.required_checks, settings.sections
     from programs left join settings on settings.workspace_id = programs.workspace_id
     where programs.id = :programId`,
    { programId },
  );
  const [row] = rows;
  assertInvariant(row !== undefined, 'the program of a referral is there', { programId });
  const terms = effectiveTerms(settingsOf(row.sections ?? {}), { ownTerms: row.own_terms });
  return { ...terms, requiredChecks: row.required_checks };
}
