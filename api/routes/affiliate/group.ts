import {
  deleteGroup,
  findGroup,
  findGroupByName,
  groupUses,
  insertGroup,
  listMemberIds,
  lockGroup,
  updateGroup,
} from '../../../db/affiliate/group.js';
import { lockAffiliate, updateAffiliate } from '../../../db/affiliate/affiliate.js';
import { findGroupView, listGroups } from '../../../db/reads/affiliate/groupList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { formatMoney } from '../../../domain/money.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  groupCreate,
  groupDeleteQuery,
  groupList,
  groupParams,
  groupPatch,
  groupQuery,
  groupWire,
  presentGroup,
} from '../../schemas/affiliate/group.js';
import { noContent } from '../../schemas/wire.js';
import { fieldRefusal } from '../program/directDecision.js';

async function show(tx: ReadTx | Tx, id: string) {
  const group = await findGroupView(tx, id);
  if (group === undefined) throw new DomainError('resource.not_found');
  return presentGroup(group);
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/groups',
  summary: 'Groups of affiliates with common terms',
  permission: 'group.read',
  query: groupQuery,
  reply: groupList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) =>
      ctx.list(await listGroups(tx, ctx.query, page), page, presentGroup, (group) => ({
        value: page.sort === 'name' ? group.name : group.createdAt,
        id: group.id,
      })),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/groups/:groupId',
  permission: 'group.read',
  params: groupParams,
  reply: groupWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx) => show(tx, ctx.params.groupId)),
});

async function refuseName(tx: Tx, name: string, own: string | null): Promise<void> {
  const known = await findGroupByName(tx, name);
  if (known !== undefined && known.id !== own)
    throw new DomainError('resource.already_exists', { field: 'name', existingId: known.id });
}

const create = defineRoute({
  method: 'POST',
  path: '/v1/groups',
  permission: 'group.write',
  body: groupCreate,
  reply: groupWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { body } = ctx;
      await refuseName(tx, body.name, null);
      const group = await insertGroup(tx, act, {
        id: act.newId('group'),
        name: body.name,
        isDefault: body.isDefault ?? false,
        minimumPayout: (body.minimumPayout ?? []).map(formatMoney),
        payoutFrequency: body.payoutFrequency ?? null,
        payoutMethodTypes: body.payoutMethodTypes ?? [],
        area: body.area ?? null,
        trafficKind: body.trafficKind ?? null,
        resultsClass: body.resultsClass ?? null,
      });
      return answer(await show(tx, group.id), { location: `/v1/groups/${group.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/groups/:groupId',
  permission: 'group.write',
  params: groupParams,
  body: groupPatch,
  reply: groupWire,
  refuses: ['resource.not_found', 'resource.already_exists', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const group = await lockGroup(tx, ctx.params.groupId);
      if (group === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(group.version);
      const { minimumPayout, ...fields } = ctx.body;
      if (fields.name !== undefined) await refuseName(tx, fields.name, group.id);
      await updateGroup(tx, act, group, {
        ...fields,
        ...(minimumPayout === undefined ? {} : { minimumPayout: minimumPayout.map(formatMoney) }),
      });
      return show(tx, group.id);
    }),
});

/** With members it needs `?moveTo=`: they go there, each with its own line of history; what they earned stays as it is (GRP-06). */
const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/groups/:groupId',
  permission: 'group.write',
  params: groupParams,
  query: groupDeleteQuery,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const group = await lockGroup(tx, ctx.params.groupId);
      if (group === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(group.version);
      const uses = await groupUses(tx, group.id);
      if (uses.length > 0) throw new DomainError('resource.in_use', { usedBy: uses });
      const members = await listMemberIds(tx, group.id);
      const { moveTo } = ctx.query;
      if (members.length > 0) {
        if (moveTo === undefined) throw new DomainError('resource.in_use', { usedBy: members.slice(0, 20) });
        if (moveTo === group.id || (await findGroup(tx, moveTo)) === undefined)
          throw fieldRefusal('moveTo', 'not_found', 'No such other group.');
        for (const id of members) {
          const affiliate = await lockAffiliate(tx, id);
          if (affiliate !== undefined) await updateAffiliate(tx, act, affiliate, { groupId: moveTo });
        }
      }
      await deleteGroup(tx, act, group);
      return undefined;
    }),
});

export const groupRoutes: readonly Route[] = [list, get, create, edit, remove];
