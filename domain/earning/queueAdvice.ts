import type { RiskCode } from '../tracking/riskFlag.js';
import { riskLevelOf } from '../tracking/riskFlag.js';

/** What a person is advised, with the reason codes for it. */
export interface Advice {
  readonly verdict: 'approve' | 'look' | 'reject';
  readonly reasons: readonly (RiskCode | 'check_open' | 'no_findings')[];
}

/**
 * What a reviewer is advised to do with an item of the queue (screens.md 3.3): never more than advice. Findings that stop a decision by itself
 * speak for a refusal; the others, and checks that nobody has settled, for a look; nothing found, for an approval. A guess about money that is
 * already planned or about words against a rejection is no finding: those kinds have no advice.
 */
export function adviseOn(of: { readonly flags: readonly RiskCode[]; readonly openChecks: number }): Advice {
  const open = of.openChecks > 0 ? (['check_open'] as const) : [];
  switch (riskLevelOf(of.flags)) {
    case 'high':
      return { verdict: 'reject', reasons: [...of.flags, ...open] };
    case 'low':
      return { verdict: 'look', reasons: [...of.flags, ...open] };
    case 'none':
      return open.length > 0 ? { verdict: 'look', reasons: open } : { verdict: 'approve', reasons: ['no_findings'] };
  }
}
