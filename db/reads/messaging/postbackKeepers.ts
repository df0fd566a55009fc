import type { AffiliateId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface Keeper {
  readonly name: string;
  readonly email: string;
  readonly language: string | null;
}

// Who is told that a postback is paused: its affiliate, and who runs or develops the workspace.
export async function findPostbackKeepers(tx: ReadTx | Tx, affiliateId: AffiliateId): Promise<readonly Keeper[]> {
  const affiliates = await tx('affiliates')
    .where({ id: affiliateId })
    .whereNot({ status: 'terminated' })
    .whereNotNull('email')
    .select<Keeper[]>('name', 'email', 'language');
  const staff = await tx('users')
    .where({ audience: 'staff', status: 'active' })
    .whereRaw(`role_ids && array['owner', 'admin', 'developer']::text[]`)
    .select<{ name: string; email: string }[]>('name', 'email');
  return [...affiliates, ...staff.map((person) => ({ ...person, language: null }))];
}
