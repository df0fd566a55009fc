import { isActiveStaff } from '../../../db/access/staff.js';
import { listLeadSources } from '../../../db/reads/tracking/leadSourceList.js';
import type { Tx } from '../../../db/transaction.js';
import {
  deleteLeadSource,
  findLeadSource,
  insertLeadSource,
  type LeadSource,
  leadSourceUses,
  lockLeadSource,
  updateLeadSource,
} from '../../../db/tracking/leadSource.js';
import { DomainError } from '../../../domain/errors.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  leadSourceCreate,
  leadSourceList,
  leadSourceParams,
  leadSourcePatch,
  leadSourceQuery,
  leadSourceWire,
  presentLeadSource,
} from '../../schemas/tracking/leadSource.js';
import { noContent } from '../../schemas/wire.js';

async function present(found: Promise<LeadSource | undefined>): Promise<LeadSource> {
  const source = await found;
  if (source === undefined) throw new DomainError('resource.not_found');
  return source;
}

/** Only somebody who handles leads now can be named; who leaves later sends them to the department's queue (LED-02). */
export async function requireAgent(tx: Tx, assigneeId: string | null | undefined): Promise<void> {
  if (typeof assigneeId === 'string' && !(await isActiveStaff(tx, assigneeId)))
    throw invalid({ pointer: '#/assigneeId', code: 'not_found', detail: 'There is no such active person.' });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/lead-sources',
  permission: 'lead.read',
  query: leadSourceQuery,
  reply: leadSourceList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const sources = await ctx.read((tx) => listLeadSources(tx, ctx.query, page));
    return ctx.list(sources, page, presentLeadSource, (source) => ({
      value: page.sort === 'name' ? source.name : source.createdAt,
      id: source.id,
    }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/lead-sources/:leadSourceId',
  permission: 'lead.read',
  params: leadSourceParams,
  reply: leadSourceWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => presentLeadSource(await present(findLeadSource(tx, ctx.params.leadSourceId)))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/lead-sources',
  permission: 'settings.write',
  body: leadSourceCreate,
  reply: leadSourceWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { name, department = null, assigneeId = null, leadAcceptance = null, active = true } = ctx.body;
      await requireAgent(tx, assigneeId);
      const source = await insertLeadSource(tx, act, {
        id: act.newId('leadSource'),
        name,
        department,
        assigneeId,
        leadAcceptance,
        active,
      });
      return answer(presentLeadSource(source), { location: `/v1/lead-sources/${source.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/lead-sources/:leadSourceId',
  permission: 'settings.write',
  params: leadSourceParams,
  body: leadSourcePatch,
  reply: leadSourceWire,
  refuses: ['resource.not_found', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const source = await present(lockLeadSource(tx, ctx.params.leadSourceId));
      ctx.requireVersion(source.version);
      if (ctx.body.assigneeId !== source.assigneeId) await requireAgent(tx, ctx.body.assigneeId);
      return presentLeadSource(await updateLeadSource(tx, act, source, ctx.body));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/lead-sources/:leadSourceId',
  permission: 'settings.write',
  params: leadSourceParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const source = await present(lockLeadSource(tx, ctx.params.leadSourceId));
      ctx.requireVersion(source.version);
      const usedBy = await leadSourceUses(tx, source.id);
      if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
      await deleteLeadSource(tx, act, source);
      return undefined;
    }),
});

export const leadSourceRoutes: readonly Route[] = [list, get, create, edit, remove];
