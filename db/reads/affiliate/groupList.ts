import { type Group, type GroupRow, toGroup } from '../../affiliate/group.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface GroupView extends Group {
  readonly memberCount: number;
}

const memberCount = `(select count(*)::int from affiliates as member
  where member.workspace_id = groups.workspace_id and member.group_id = groups.id) as member_count`;

/** Which groups are there, and how many affiliates are in each? Staff only: groups belong to nobody. */
export async function listGroups(
  tx: ReadTx,
  filter: { readonly q?: string | undefined },
  page: Page,
): Promise<readonly GroupView[]> {
  const query = tx('groups').select('groups.*', tx.raw(memberCount));
  if (filter.q !== undefined)
    query.whereRaw('(groups.id = :q or strpos(lower(groups.name), lower(:q)) > 0)', { q: filter.q });
  const rows = (await keyset(
    query,
    page,
    { createdAt: 'groups.created_at', name: 'groups.name' },
    'groups.id',
  )) as (GroupRow & {
    member_count: number;
  })[];
  return rows.map((row) => ({ ...toGroup(row), memberCount: row.member_count }));
}

export async function findGroupView(tx: ReadTx | Tx, id: string): Promise<GroupView | undefined> {
  const row = await tx('groups')
    .where({ id })
    .first<(GroupRow & { member_count: number }) | undefined>('groups.*', tx.raw(memberCount));
  return row === undefined ? undefined : { ...toGroup(row), memberCount: row.member_count };
}
