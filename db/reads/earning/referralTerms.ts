import {
  effectiveTerms,
  type EffectiveTerms,
  settingsOf,
  type StoredSections,
} from '../../../domain/access/settings.js';
import { assertInvariant } from '../../../domain/errors.js';
import type { CheckKind } from '../../../domain/earning/check.js';
import { type OwnTerms, type PlannedTerms, termsWithDue } from '../../../domain/program/program.js';
import { know, once, run } from '../../pipeline.js';
import type { ReadTx, Tx } from '../../transaction.js';

export type ReferralTerms = EffectiveTerms & { readonly requiredChecks: readonly CheckKind[] };

interface TermsRow {
  readonly own_terms: OwnTerms;
  readonly due_terms: readonly PlannedTerms[] | null;
  readonly due_checks: readonly CheckKind[] | null;
  readonly required_checks: readonly CheckKind[];
  readonly sections: StoredSections | null;
}

function toTerms(row: TermsRow): ReferralTerms {
  const terms = effectiveTerms(settingsOf(row.sections ?? {}), {
    ownTerms: termsWithDue(row.own_terms, row.due_terms ?? []),
  });
  return { ...terms, requiredChecks: row.due_checks ?? row.required_checks };
}

// What was planned for an instant holds from that instant, though the sweep writes it up to a minute later (PRG-17).
const termsSql = `select programs.id, programs.own_terms, programs.required_checks, settings.sections,
    (select jsonb_agg(due.terms order by due.effective_from) from program_changes as due
     where due.program_id = programs.id and due.effective_from <= now()) as due_terms,
    (select due.fields -> 'requiredChecks' from program_changes as due
     where due.program_id = programs.id and due.effective_from <= now() and due.fields -> 'requiredChecks' is not null
     order by due.effective_from desc limit 1) as due_checks
  from programs left join settings on settings.workspace_id = programs.workspace_id`;
const keyOf = (programId: string): string => `terms of ${programId}`;

/** The terms of a referral's program, asked for before its program is known: `readReferralTerms` then has them. */
export async function askReferralTerms(tx: Tx, referralId: string): Promise<void> {
  const [row] = await run<TermsRow & { readonly id: string }>(
    tx,
    `${termsSql} where programs.id = (select program_id from referrals where id = $1)`,
    [referralId],
  );
  if (row !== undefined) know(tx, ['programs', 'program_changes', 'settings'], keyOf(row.id), toTerms(row));
}

/** Which terms and checks does the program apply to a referral now? */
export function readReferralTerms(tx: ReadTx | Tx, programId: string): Promise<ReferralTerms> {
  return once(tx, ['programs', 'program_changes', 'settings'], keyOf(programId), async () => {
    const [row] = await run<TermsRow>(tx, `${termsSql} where programs.id = $1`, [programId]);
    assertInvariant(row !== undefined, 'the program of a referral is there', { programId });
    return toTerms(row);
  });
}
