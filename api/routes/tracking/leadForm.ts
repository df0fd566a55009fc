import { findProgram } from '../../../db/program/program.js';
import { type FormFigures, listFormFigures, listLeadForms } from '../../../db/reads/tracking/leadFormList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { type CustomField, listFieldsInUse } from '../../../db/tracking/customField.js';
import {
  deleteLeadForm,
  findLeadForm,
  type FormField,
  insertLeadForm,
  type LeadForm,
  lockLeadForm,
  updateLeadForm,
} from '../../../db/tracking/leadForm.js';
import { findLeadSource } from '../../../db/tracking/leadSource.js';
import { DomainError } from '../../../domain/errors.js';
import { judgeDestination } from '../../../domain/tracking/destination.js';
import { isLeadFieldName, type LeadFieldName } from '../../../domain/tracking/leadField.js';
import type { Config } from '../../../platform/config.js';
import { type FieldError, invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  leadFormCreate,
  leadFormEmbedWire,
  leadFormList,
  leadFormParams,
  leadFormPatch,
  type LeadFormPatch,
  leadFormQuery,
  leadFormWire,
  presentLeadForm,
} from '../../schemas/tracking/leadForm.js';
import { noContent } from '../../schemas/wire.js';
import { formGoalRules } from './destinationRules.js';
import { embedCodes } from './leadFormEmbed.js';
import { requireAgent } from './leadSource.js';

const kindOf: Readonly<Record<LeadFieldName, FormField['type']>> = {
  email: 'email',
  phone: 'phone',
  name: 'text',
  company: 'text',
  country: 'text',
  message: 'longText',
};
const noFigures: FormFigures = { submissions: 0, lastSubmissionAt: null, acquisitionModel: null };

async function present(found: Promise<LeadForm | undefined>): Promise<LeadForm> {
  const form = await found;
  if (form === undefined) throw new DomainError('resource.not_found');
  return form;
}

async function show(tx: ReadTx | Tx, form: LeadForm, config: Config) {
  const figures = await listFormFigures(tx, [form]);
  return presentLeadForm(form, figures.get(form.id) ?? noFigures, config.http.publicUrl);
}

/** The fields with kind and options of what they name; every wrong one at once. A lead needs a way back to its person. */
function judgedFields(
  sent: NonNullable<LeadFormPatch['fields']>,
  custom: readonly CustomField[],
): readonly FormField[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const fields = sent.flatMap((field, place): readonly FormField[] => {
    const at = `#/fields/${place}`;
    const definition = custom.find((one) => one.key === field.name);
    const type = isLeadFieldName(field.name) ? kindOf[field.name] : definition?.type;
    const options = definition?.options ?? [];
    if (names.has(field.name))
      errors.push({ pointer: `${at}/name`, code: 'already_used', detail: 'Asked for already.' });
    names.add(field.name);
    if (type === undefined) {
      errors.push({ pointer: `${at}/name`, code: 'not_found', detail: 'Neither a field of leads nor a custom field.' });
      return [];
    }
    if (field.type !== undefined && field.type !== type)
      errors.push({ pointer: `${at}/type`, code: 'not_allowed_here', detail: `This field is of type ${type}.` });
    if (field.options !== undefined && JSON.stringify(field.options) !== JSON.stringify(options))
      errors.push({
        pointer: `${at}/options`,
        code: 'not_allowed_here',
        detail: 'The options are those of the field.',
      });
    const required = field.required ?? definition?.required ?? false;
    return [{ name: field.name, label: field.label, type, required, options }];
  });
  if (!names.has('email') && !names.has('phone'))
    errors.push({ pointer: '#/fields', code: 'required', detail: 'Ask for email or phone.' });
  for (const one of custom)
    if (one.required && !names.has(one.key))
      errors.push({ pointer: '#/fields', code: 'required', detail: `Every lead needs ${one.name}: ask for it.` });
  if (errors.length > 0) throw invalid(...errors);
  return fields;
}

/** What names something else is there, the address leads to a listed host, and the switches fit each other. */
async function judgeForm(tx: Tx, form: LeadFormPatch, before: LeadForm | undefined, config: Config) {
  const programId = form.programId ?? before?.programId;
  const program = programId === undefined ? undefined : await findProgram(tx, programId);
  if (program === undefined)
    throw invalid({ pointer: '#/programId', code: 'not_found', detail: 'There is no such program.' });
  if (typeof form.leadSourceId === 'string') {
    const source = await findLeadSource(tx, form.leadSourceId);
    if (source === undefined)
      throw invalid({ pointer: '#/leadSourceId', code: 'not_found', detail: 'There is no such lead source.' });
  }
  if (form.assigneeId !== before?.assigneeId) await requireAgent(tx, form.assigneeId);
  const thankYouUrl = form.thankYouUrl === undefined ? (before?.thankYouUrl ?? null) : form.thankYouUrl;
  let judgedUrl: string | null = thankYouUrl;
  if (typeof form.thankYouUrl === 'string') {
    const judged = judgeDestination(form.thankYouUrl, await formGoalRules(tx, program.id, config));
    if (!judged.ok) throw new DomainError('link.url_not_allowed', { field: 'thankYouUrl', problem: judged.problem });
    judgedUrl = judged.url;
  }
  const openAccount = form.openAccount ?? before?.openAccount ?? false;
  const signIn = form.signIn ?? before?.signIn ?? false;
  if (openAccount && program.acquisitionModel === 'cpl')
    throw invalid({
      pointer: '#/openAccount',
      code: 'not_allowed_here',
      detail: 'A lead that is paid by itself (CPL) never opens an account.',
    });
  if (signIn && (!openAccount || thankYouUrl === null))
    throw invalid({
      pointer: '#/signIn',
      code: 'not_allowed_here',
      detail: 'Signing in needs an account that is opened and an address to go to.',
    });
  return { thankYouUrl: judgedUrl, program };
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/lead-forms',
  permission: 'lead.read',
  query: leadFormQuery,
  reply: leadFormList,
  refuses: [],
  async handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    const { forms, figures } = await ctx.read(async (tx) => {
      const found = await listLeadForms(tx, ctx.query, page);
      return { forms: found, figures: await listFormFigures(tx, found) };
    });
    return ctx.list(
      forms,
      page,
      (form) => presentLeadForm(form, figures.get(form.id) ?? noFigures, config.http.publicUrl),
      (form) => ({ value: page.sort === 'name' ? form.name : form.createdAt, id: form.id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/lead-forms/:formId',
  permission: 'lead.read',
  params: leadFormParams,
  reply: leadFormWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => show(tx, await present(findLeadForm(tx, ctx.params.formId)), config)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/lead-forms',
  permission: 'settings.write',
  body: leadFormCreate,
  reply: leadFormWire,
  status: 201,
  refuses: ['link.url_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const { body } = ctx;
      const fields = judgedFields(body.fields, await listFieldsInUse(tx));
      const { thankYouUrl } = await judgeForm(tx, body, undefined, config);
      const form = await insertLeadForm(tx, act, {
        id: act.newId('leadForm'),
        name: body.name,
        programId: body.programId,
        leadSourceId: body.leadSourceId ?? null,
        assigneeId: body.assigneeId ?? null,
        language: body.language ?? 'en',
        event: body.event ?? 'enquiry',
        fields,
        consentText: body.consentText ?? null,
        thankYouText: body.thankYouText ?? null,
        thankYouUrl,
        openAccount: body.openAccount ?? false,
        signIn: body.signIn ?? false,
        frameDomains: [...new Set(body.frameDomains)],
        active: body.active ?? true,
      });
      return answer(await show(tx, form, config), { location: `/v1/lead-forms/${form.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/lead-forms/:formId',
  permission: 'settings.write',
  params: leadFormParams,
  body: leadFormPatch,
  reply: leadFormWire,
  refuses: ['resource.not_found', 'link.url_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const form = await present(lockLeadForm(tx, ctx.params.formId));
      ctx.requireVersion(form.version);
      const { fields, frameDomains, ...body } = ctx.body;
      const { thankYouUrl } = await judgeForm(tx, ctx.body, form, config);
      const changed = await updateLeadForm(tx, act, form, {
        ...body,
        thankYouUrl,
        ...(fields === undefined ? {} : { fields: judgedFields(fields, await listFieldsInUse(tx)) }),
        ...(frameDomains === undefined ? {} : { frameDomains: [...new Set(frameDomains)] }),
      });
      return show(tx, changed, config);
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/lead-forms/:formId',
  permission: 'settings.write',
  params: leadFormParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const form = await present(lockLeadForm(tx, ctx.params.formId));
      ctx.requireVersion(form.version);
      await deleteLeadForm(tx, act, form);
      return undefined;
    }),
});

const embed = defineRoute({
  method: 'GET',
  path: '/v1/lead-forms/:formId/embed',
  summary: 'Direct address, iframe, script and plain HTML of a form',
  permission: 'lead.read',
  params: leadFormParams,
  reply: leadFormEmbedWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => {
      const form = await present(findLeadForm(tx, ctx.params.formId));
      return {
        object: 'lead_form_embed' as const,
        ...embedCodes(form, config.http.publicUrl),
        frameDomains: [...form.frameDomains],
      };
    }),
});

export const leadFormRoutes: readonly Route[] = [list, get, create, edit, remove, embed];
