import type { AffiliateId, LinkId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface DueLink {
  readonly id: LinkId;
  readonly destinationUrl: string;
}

// Which living links has nobody looked at since then? The longest unseen first.
export async function listDueLinks(
  tx: ReadTx,
  of: { readonly now: Instant; readonly before: Instant; readonly limit: number },
): Promise<readonly DueLink[]> {
  const rows = await tx('links')
    .where({ status: 'active' })
    .whereNot({ kind: 'recruit' }) // it leads to our own page
    .whereRaw('(expires_at is null or expires_at > ?)', [of.now])
    .whereRaw('(health_checked_at is null or health_checked_at < ?)', [of.before])
    .orderByRaw('health_checked_at nulls first, id')
    .limit(of.limit)
    .select<{ id: LinkId; destination_url: string }[]>('id', 'destination_url');
  return rows.map((row) => ({ id: row.id, destinationUrl: row.destination_url }));
}

export interface LinkKeeper {
  readonly name: string;
  readonly email: string;
  readonly language: string | null;
}

// Who is told of a broken link: its affiliate, and the owners and admins of the workspace.
export async function listLinkKeepers(tx: ReadTx | Tx, affiliateId: AffiliateId): Promise<readonly LinkKeeper[]> {
  const affiliates = await tx('affiliates')
    .where({ id: affiliateId, status: 'approved' })
    .whereNotNull('email')
    .select<LinkKeeper[]>('name', 'email', 'language');
  const staff = await tx('users')
    .where({ audience: 'staff', status: 'active' })
    .whereRaw(`role_ids && array['owner', 'admin']::text[]`)
    .select<{ name: string; email: string }[]>('name', 'email');
  return [...affiliates, ...staff.map((person) => ({ ...person, language: null }))];
}
