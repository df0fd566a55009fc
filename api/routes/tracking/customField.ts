import { listCustomFields } from '../../../db/reads/tracking/customFieldList.js';
import {
  type CustomField,
  customFieldUses,
  deleteCustomField,
  findCustomField,
  insertCustomField,
  lockCustomField,
  updateCustomField,
} from '../../../db/tracking/customField.js';
import { DomainError } from '../../../domain/errors.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  customFieldCreate,
  customFieldList,
  customFieldParams,
  customFieldPatch,
  customFieldQuery,
  customFieldWire,
  presentCustomField,
} from '../../schemas/tracking/customField.js';
import { noContent } from '../../schemas/wire.js';

async function present(found: Promise<CustomField | undefined>): Promise<CustomField> {
  const field = await found;
  if (field === undefined) throw new DomainError('resource.not_found');
  return field;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/custom-fields',
  permission: 'lead.read',
  query: customFieldQuery,
  reply: customFieldList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const fields = await ctx.read((tx) => listCustomFields(tx, ctx.query, page));
    return ctx.list(fields, page, presentCustomField, (field) => ({
      value: page.sort === 'order' ? field.order : page.sort === 'name' ? field.name : field.createdAt,
      id: field.id,
    }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/custom-fields/:fieldId',
  permission: 'lead.read',
  params: customFieldParams,
  reply: customFieldWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentCustomField(await present(findCustomField(tx, ctx.params.fieldId)))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/custom-fields',
  permission: 'settings.write',
  body: customFieldCreate,
  reply: customFieldWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { required = false, options = [], order = 0, ...body } = ctx.body;
      const field = await insertCustomField(tx, act, {
        ...body,
        id: act.newId('customField'),
        required,
        options,
        order,
      });
      return answer(presentCustomField(field), { location: `/v1/custom-fields/${field.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/custom-fields/:fieldId',
  permission: 'settings.write',
  params: customFieldParams,
  body: customFieldPatch,
  reply: customFieldWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const field = await present(lockCustomField(tx, ctx.params.fieldId));
      ctx.requireVersion(field.version);
      const { options } = ctx.body;
      if (options !== undefined && options.length > 0 !== (field.type === 'choice'))
        throw invalid({
          pointer: '#/options',
          code: field.type === 'choice' ? 'required' : 'not_allowed_here',
          detail: field.type === 'choice' ? 'Name the options.' : 'Only a choice has options.',
        });
      return presentCustomField(await updateCustomField(tx, act, field, ctx.body));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/custom-fields/:fieldId',
  permission: 'settings.write',
  params: customFieldParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const field = await present(lockCustomField(tx, ctx.params.fieldId));
      ctx.requireVersion(field.version);
      const usedBy = await customFieldUses(tx, field.key);
      if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
      await deleteCustomField(tx, act, field);
      return undefined;
    }),
});

export const customFieldRoutes: readonly Route[] = [list, get, create, edit, remove];
