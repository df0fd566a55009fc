import {
  deleteMilestone,
  findMilestone,
  insertMilestone,
  listMilestones,
  lockMilestone,
  updateMilestone,
} from '../../../db/messaging/milestone.js';
import { lockTemplate } from '../../../db/messaging/template.js';
import { lockProgram } from '../../../db/program/program.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  isOf,
  markOf,
  milestoneCreate,
  milestoneList,
  milestoneParams,
  milestonePatch,
  milestoneQuery,
  milestoneWire,
  presentMilestone,
} from '../../schemas/messaging/milestone.js';
import { noContent } from '../../schemas/wire.js';
import { fieldRefusal } from '../program/directDecision.js';

async function presentOne(tx: ReadTx | Tx, id: string) {
  const milestone = await findMilestone(tx, id);
  if (milestone === undefined) throw new DomainError('resource.not_found');
  return presentMilestone(milestone);
}

async function locked(tx: Tx, id: string) {
  const milestone = await lockMilestone(tx, id);
  if (milestone === undefined) throw new DomainError('resource.not_found');
  return milestone;
}

/** Under its lock: a template that is deleted at the same moment is not named. */
async function requireTemplate(tx: Tx, id: string | undefined): Promise<void> {
  if (id !== undefined && (await lockTemplate(tx, id)) === undefined)
    throw fieldRefusal('templateId', 'not_found', 'There is no template with this id.');
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/milestones',
  permission: 'message.read',
  query: milestoneQuery,
  reply: milestoneList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const rows = await ctx.read((tx) => listMilestones(tx, ctx.query, page));
    return ctx.list(rows, page, presentMilestone, ({ createdAt, id }) => ({ value: createdAt, id }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/milestones/:milestoneId',
  permission: 'message.read',
  params: milestoneParams,
  reply: milestoneWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx) => presentOne(tx, ctx.params.milestoneId)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/milestones',
  summary: 'A mark of sales that congratulates whoever reaches it; switched off unless asked for',
  permission: 'message.write',
  body: milestoneCreate,
  reply: milestoneWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { programId, by, threshold, templateId, active } = ctx.body;
      const program = await lockProgram(tx, programId);
      if (program === undefined) throw fieldRefusal('programId', 'not_found', 'There is no program with this id.');
      await requireTemplate(tx, templateId);
      const id = act.newId('milestone');
      await insertMilestone(tx, act, { id, programId: program.id, by, ...markOf(threshold), templateId, active });
      return answer(await presentOne(tx, id), { location: `/v1/milestones/${id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/milestones/:milestoneId',
  permission: 'message.write',
  params: milestoneParams,
  body: milestonePatch,
  reply: milestoneWire,
  refuses: ['resource.not_found', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const milestone = await locked(tx, ctx.params.milestoneId);
      ctx.requireVersion(milestone.version);
      const { threshold, ...rest } = ctx.body;
      if (threshold !== undefined && !isOf(milestone.by, threshold))
        throw fieldRefusal('threshold', 'bad_format', 'Of sales_amount an amount, of sales_count a number.');
      await requireTemplate(tx, rest.templateId);
      await updateMilestone(tx, act, milestone, { ...rest, ...(threshold === undefined ? {} : markOf(threshold)) });
      return presentOne(tx, milestone.id);
    }),
});

/** One that somebody passed stays, switched off: without it they would be congratulated once more. */
const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/milestones/:milestoneId',
  permission: 'message.write',
  params: milestoneParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const milestone = await locked(tx, ctx.params.milestoneId);
      ctx.requireVersion(milestone.version);
      const passed = (await findMilestone(tx, milestone.id))?.passed ?? 0;
      if (passed > 0) throw new DomainError('resource.in_use', { usedBy: [`${passed} affiliates`] });
      await deleteMilestone(tx, act, milestone);
      return undefined;
    }),
});

export const milestoneRoutes: readonly Route[] = [list, get, create, edit, remove];
