import type { z } from 'zod';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { insertEmail } from '../../../db/messaging/email.js';
import {
  deleteTemplate,
  findTemplate,
  insertTemplate,
  listTemplates,
  lockTemplate,
  templateUses,
  updateTemplate,
} from '../../../db/messaging/template.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { listMailedCommissions } from '../../../db/reads/messaging/mailedCommissions.js';
import { listMailedPayouts } from '../../../db/reads/messaging/mailedPayouts.js';
import { readMailedLinks } from '../../../db/reads/messaging/mailedLinks.js';
import { readRecipients } from '../../../db/reads/messaging/recipients.js';
import { findPromoToolView } from '../../../db/reads/tracking/promoToolList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { commissionValues } from '../../../domain/messaging/commissionMail.js';
import { payoutValues } from '../../../domain/messaging/payoutMail.js';
import {
  exampleValues,
  mergeTemplate,
  type MergeValues,
  toolField,
  toolsNamed,
} from '../../../domain/messaging/template.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  presentTemplate,
  previewBody,
  previewWire,
  templateCreate,
  templateList,
  templateParams,
  templatePatch,
  templateQuery,
  templateWire,
  testSendWire,
} from '../../schemas/messaging/template.js';
import { noContent } from '../../schemas/wire.js';
import { fieldRefusal } from '../program/directDecision.js';

async function present<T>(found: Promise<T | undefined>): Promise<T> {
  const value = await found;
  if (value === undefined) throw new DomainError('resource.not_found');
  return value;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/message-templates',
  permission: 'message.read',
  query: templateQuery,
  reply: templateList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const templates = await ctx.read((tx) => listTemplates(tx, ctx.query, page));
    return ctx.list(templates, page, presentTemplate, (template) => ({
      value: page.sort === 'name' ? template.name : template.createdAt,
      id: template.id,
    }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/message-templates/:templateId',
  permission: 'message.read',
  params: templateParams,
  reply: templateWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentTemplate(await present(findTemplate(tx, ctx.params.templateId)))),
});

/** The promo tools whose links a text asks for are there (LNK-12); whether its other fields exist is seen without looking. */
async function requireTools(tx: Tx, texts: { readonly subject?: string; readonly body?: string }): Promise<void> {
  for (const [field, text] of Object.entries(texts))
    for (const id of toolsNamed(text ?? ''))
      if ((await findPromoToolView(tx, id)) === undefined)
        throw fieldRefusal(field, 'bad_format', `Not a merge field: {{${toolField(id)}}}.`);
}

const create = defineRoute({
  method: 'POST',
  path: '/v1/message-templates',
  permission: 'message.write',
  body: templateCreate,
  reply: templateWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await requireTools(tx, { subject: ctx.body.subject, body: ctx.body.body });
      const template = await insertTemplate(tx, act, { id: act.newId('template'), ...ctx.body });
      return answer(presentTemplate(template), { location: `/v1/message-templates/${template.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/message-templates/:templateId',
  permission: 'message.write',
  params: templateParams,
  body: templatePatch,
  reply: templateWire,
  refuses: ['resource.not_found', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const template = await present(lockTemplate(tx, ctx.params.templateId));
      ctx.requireVersion(template.version);
      const { subject = '', body = '' } = ctx.body;
      await requireTools(tx, { subject, body });
      return presentTemplate(await updateTemplate(tx, act, template, ctx.body));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/message-templates/:templateId',
  permission: 'message.write',
  params: templateParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const template = await present(lockTemplate(tx, ctx.params.templateId));
      ctx.requireVersion(template.version);
      const usedBy = await templateUses(tx, template.id);
      if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
      await deleteTemplate(tx, act, template);
      return undefined;
    }),
});

/** What the template would say to this affiliate of its commissions or payouts; nothing of what the caller may not see. */
async function valuesFor(
  tx: ReadTx,
  ctx: Pick<RouteContext<unknown, unknown, unknown, unknown>, 'caller' | 'can' | 'mode' | 'scopeFor'>,
  { affiliateId, commissionIds, payoutIds }: z.output<typeof previewBody>,
  texts: readonly string[],
): Promise<MergeValues> {
  if (affiliateId === null || affiliateId === undefined) {
    if (commissionIds === undefined && payoutIds === undefined) return exampleValues(...texts);
    throw invalid({ pointer: '#/affiliateId', code: 'required', detail: 'Whose are they?' });
  }
  const right = payoutIds === undefined ? 'commission.read' : 'payout.read';
  if (!ctx.can(right)) throw new DomainError('access.permission_missing', { missingPermission: right });
  const affiliate = await findAffiliate(tx, affiliateId);
  const recipient = (await readRecipients(tx, ctx.caller.workspaceId, [affiliateId])).get(affiliateId);
  if (recipient === undefined)
    throw invalid({ pointer: '#/affiliateId', code: 'not_found', detail: 'There is no affiliate with this id.' });
  await requireAffiliateInScope(tx, affiliate, ctx.scopeFor(right));
  if (payoutIds !== undefined) {
    const payouts = await listMailedPayouts(tx, ctx.mode, payoutIds);
    if (payouts.length < payoutIds.length || payouts.some((payout) => payout.affiliateId !== affiliateId))
      throw invalid({ pointer: '#/payoutIds', code: 'not_found', detail: 'Payouts that this affiliate sees.' });
    const ids = payouts.flatMap((payout) => payout.commissionIds);
    return payoutValues(recipient, payouts, await listMailedCommissions(tx, ctx.mode, { ids }));
  }
  const lines = await listMailedCommissions(
    tx,
    ctx.mode,
    commissionIds === undefined ? { affiliateId, newest: 5 } : { ids: commissionIds },
  );
  const isWhole = commissionIds === undefined || lines.length === commissionIds.length;
  if (!isWhole || lines.some((line) => line.affiliateId !== affiliateId))
    throw invalid({ pointer: '#/commissionIds', code: 'not_found', detail: 'Commissions of this affiliate.' });
  return commissionValues(recipient, lines);
}

const preview = defineRoute({
  method: 'POST',
  path: '/v1/message-templates/:templateId/preview',
  summary: 'The template with the real values of an affiliate, or with examples',
  permission: 'message.read',
  params: templateParams,
  body: previewBody,
  reply: previewWire,
  refuses: ['resource.not_found', 'access.permission_missing', 'access.not_in_scope'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx, now) => {
      const template = await present(findTemplate(tx, ctx.params.templateId));
      const texts = [template.subject, template.body];
      const { affiliateId } = ctx.body;
      const about = await valuesFor(tx, ctx, ctx.body, texts);
      const links =
        affiliateId == null
          ? {}
          : await readMailedLinks(tx, texts, { affiliateId, programId: null, now, publicUrl: config.http.publicUrl });
      const values = { ...about, ...links };
      return {
        object: 'message_preview' as const,
        subject: mergeTemplate(template.subject, values),
        body: mergeTemplate(template.body, values),
      };
    }),
});

const testSend = defineRoute({
  method: 'POST',
  path: '/v1/message-templates/:templateId/test-send',
  summary: 'The template with examples, to the caller and nobody else',
  permission: 'message.write',
  params: templateParams,
  reply: testSendWire,
  status: 202,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const template = await present(lockTemplate(tx, ctx.params.templateId));
        const self = await tx('users')
          .where({ id: ctx.caller.actor.userId })
          .first<{ email: string } | undefined>('email');
        if (self === undefined) throw new DomainError('resource.not_found');
        const examples = exampleValues(template.subject, template.body);
        const emailId = await insertEmail(tx, act, {
          kind: 'template_test',
          recipient: self.email,
          subject: mergeTemplate(template.subject, examples),
          body: mergeTemplate(template.body, examples),
          links: [],
        });
        return { object: 'message_test' as const, emailId, to: self.email };
      },
      { wake: true },
    ),
});

export const templateRoutes: readonly Route[] = [list, get, create, edit, remove, preview, testSend];
