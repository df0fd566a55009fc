import { findSegment } from '../../../db/affiliate/segment.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { countOptedOut, insertMessage, type Message, type MessageId } from '../../../db/messaging/message.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { lockTemplate, type Template } from '../../../db/messaging/template.js';
import { type AffiliateFilter, chooseAffiliates } from '../../../db/reads/affiliate/affiliateList.js';
import {
  findMessageView,
  listMessageRecipients,
  listMessages,
  listOpenAcknowledgements,
} from '../../../db/reads/messaging/messageList.js';
import { findVisibleIds } from '../../../db/reads/reporting/operation.js';
import { insertOperation } from '../../../db/reporting/bulkOperation.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import { emptyPlaces, isDeclinable, messageKind } from '../../../domain/messaging/message.js';
import { addDays, type Instant } from '../../../domain/time.js';
import { startMessage, workflowIds } from '../../../workflows/contract.js';
import { answer } from '../../answer.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  type MessageCreate,
  messageCreate,
  messageCreated,
  messageList,
  messageParams,
  messageQuery,
  messageWire,
  presentMessage,
  presentRecipient,
  recipientList,
  recipientQuery,
  remindBody,
} from '../../schemas/messaging/message.js';
import { affiliateFilterOf } from '../affiliate/affiliateFilter.js';
import { chosenIds } from '../reporting/report.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'scopeFor' | 'caller'>;

const mostRecipients = 10_000;
const latestDays = 366;
/** Who is terminated or was declined is no partner any more. */
const reachable = ['pending', 'approved', 'suspended'] as const;

async function show(tx: ReadTx | Tx, ctx: Asking, id: string) {
  const view = await findMessageView(tx, ctx.mode, id);
  if (view === undefined) throw new DomainError('resource.not_found');
  return presentMessage(view, ctx.can('message.send'));
}

/** Whom a body names, of those whom the caller may write to, with the name of a segment or group. */
async function recipientsOf(
  tx: ReadTx,
  ctx: Asking,
  { segmentId, groupId, affiliateIds, filter }: MessageCreate,
): Promise<{ readonly ids: readonly string[]; readonly name: string | null }> {
  const scope = ctx.scopeFor('message.send');
  const choose = (wanted: AffiliateFilter) =>
    chosenIds(tx, chooseAffiliates(tx, scope, { status: reachable, segment: wanted }));
  if (affiliateIds !== undefined) {
    const visible = await findVisibleIds(tx, 'affiliates', { scope, mode: ctx.mode }, affiliateIds);
    const unknown = affiliateIds.flatMap((id, index) => (visible.has(id) ? [] : [index]));
    if (unknown.length > 0)
      throw invalid(
        ...unknown.slice(0, 20).map((index) => ({
          pointer: `#/affiliateIds/${index}`,
          code: 'not_found' as const,
          detail: 'There is no affiliate with this id.',
        })),
      );
    const ids = new Set(await chosenIds(tx, chooseAffiliates(tx, scope, { status: reachable, id: affiliateIds })));
    return { ids: affiliateIds.filter((id) => ids.has(id)), name: null };
  }
  if (filter !== undefined) return { ids: await choose(await affiliateFilterOf(tx, filter)), name: null };
  if (groupId !== undefined) {
    const group = await findGroup(tx, groupId);
    if (group === undefined)
      throw invalid({ pointer: '#/groupId', code: 'not_found', detail: 'There is no group with this id.' });
    return { ids: await choose({ groupId: [groupId] }), name: group.name };
  }
  const segment = segmentId === undefined ? undefined : await findSegment(tx, segmentId);
  if (segment === undefined)
    throw invalid({ pointer: '#/segmentId', code: 'not_found', detail: 'There is no segment with this id.' });
  return { ids: await choose(segment.filter), name: segment.name };
}

/** The template under its lock, with nothing in it that a message to many could not fill in. */
async function usable(tx: Tx, id: string): Promise<Template> {
  const template = await lockTemplate(tx, id);
  if (template === undefined)
    throw invalid({ pointer: '#/templateId', code: 'not_found', detail: 'There is no template with this id.' });
  const [empty] = emptyPlaces(template.subject, template.body);
  if (empty !== undefined)
    throw invalid({
      pointer: '#/templateId',
      code: 'bad_format',
      detail: `A message to many has no value for {{${empty}}}: write words for it, such as {{${empty}|–}}.`,
    });
  return template;
}

/** Writes the message with its job, which starts at once or when it is to be sent. */
async function send(
  tx: Tx,
  act: Act,
  message: Omit<Message, 'id' | 'operationId'>,
  affiliateIds: readonly string[],
): Promise<MessageId> {
  const operationId = act.newId('operation');
  await insertOperation(tx, act, {
    id: operationId,
    kind: messageKind,
    request: { reasonCode: 'staff_decision', note: null, publicReason: null, steppedUp: false },
    objectIds: affiliateIds,
    reversible: false,
  });
  const id = act.newId('message');
  await insertMessage(tx, act, { ...message, id, operationId });
  const ref = { workspaceId: act.workspaceId, jobId: operationId };
  const workflowId = workflowIds.bulkOperation(ref);
  await enqueue(
    tx,
    startMessage({ workflowType: 'bulkOperation', workflowId, input: ref, startAt: message.sendAt }, 4),
  );
  return id;
}

function checkTime(sendAt: Instant | undefined, now: Instant): void {
  if (sendAt === undefined) return;
  if (sendAt < now || sendAt > addDays(now, latestDays))
    throw invalid({ pointer: '#/sendAt', code: 'out_of_range', detail: `In the next ${latestDays} days.` });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/messages',
  permission: 'message.read',
  query: messageQuery,
  reply: messageList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const views = await ctx.read((tx) => listMessages(tx, ctx.mode, ctx.query, page));
    return ctx.list(
      views,
      page,
      (view) => presentMessage(view, ctx.can('message.send')),
      ({ createdAt, id }) => ({ value: createdAt, id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/messages/:messageId',
  permission: 'message.read',
  params: messageParams,
  reply: messageWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx) => show(tx, ctx, ctx.params.messageId)),
});

const recipients = defineRoute({
  method: 'GET',
  path: '/v1/messages/:messageId/recipients',
  summary: 'What became of a message at each affiliate that the reader may see',
  permission: 'message.read',
  params: messageParams,
  query: recipientQuery,
  reply: recipientList,
  refuses: ['resource.not_found'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const message = await findMessageView(tx, ctx.mode, ctx.params.messageId);
      if (message === undefined) throw new DomainError('resource.not_found');
      const views = await listMessageRecipients(
        tx,
        { operationId: message.operationId, scope: ctx.scope, acknowledged: ctx.query.acknowledged },
        { after: Number(page.after?.value ?? -1), limit: page.limit },
      );
      return ctx.list(views, page, presentRecipient, ({ position, affiliateId }) => ({
        value: position,
        id: affiliateId,
      }));
    });
  },
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/messages',
  summary: 'Write to a segment, a group or chosen affiliates, at once or later; or see how many it would reach',
  permission: 'message.send',
  body: messageCreate,
  reply: messageCreated,
  status: 202,
  refuses: [],
  async handle(ctx) {
    const { body } = ctx;
    const { ids, name, optedOut } = await ctx.read(async (tx, now) => {
      checkTime(body.sendAt, now);
      const chosen = await recipientsOf(tx, ctx, body);
      const mayDecline = isDeclinable({ requiresAcknowledgement: body.requireAcknowledgement, remindsId: null });
      return { ...chosen, optedOut: mayDecline ? await countOptedOut(tx, chosen.ids) : 0 };
    });
    if (ids.length > mostRecipients)
      throw invalid({ pointer: '#/segmentId', code: 'out_of_range', detail: `At most ${mostRecipients} at once.` });
    if (body.dryRun)
      return answer({ object: 'message_dry_run' as const, recipients: ids.length, optedOut }, { status: 200 });
    if (ids.length === 0)
      throw invalid({ pointer: '#/segmentId', code: 'out_of_range', detail: 'Nobody would get it.' });
    return ctx.write(
      async (tx, act) => {
        const template = await usable(tx, body.templateId);
        const id = await send(
          tx,
          act,
          {
            templateId: template.id,
            templateName: template.name,
            segmentName: name,
            channels: body.channels,
            requiresAcknowledgement: body.requireAcknowledgement,
            remindsId: null,
            sendAt: body.sendAt ?? null,
          },
          ids,
        );
        return answer(await show(tx, ctx, id), { location: `/v1/messages/${id}` });
      },
      { wake: true },
    );
  },
});

/** A message of its own to all who have not confirmed: who confirmed, and who left, are not asked again (NTF-12). */
const remind = defineRoute({
  method: 'POST',
  path: '/v1/messages/:messageId/remind',
  summary: 'Remind those who have not confirmed, with the same text or another',
  permission: 'message.send',
  params: messageParams,
  body: remindBody,
  reply: messageWire,
  status: 202,
  refuses: ['resource.not_found', 'operation.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const message = await findMessageView(tx, ctx.mode, ctx.params.messageId);
        if (message === undefined) throw new DomainError('resource.not_found');
        const open = message.requiresAcknowledgement
          ? await listOpenAcknowledgements(tx, message.operationId, ctx.scopeFor('message.send'))
          : [];
        if (open.length === 0)
          throw new DomainError('operation.transition_not_allowed', {
            currentStatus: message.status,
            allowedActions: [],
            detail: 'Nobody is left who has to confirm it.',
          });
        const template = await usable(tx, ctx.body.templateId ?? message.templateId);
        const id = await send(
          tx,
          act,
          {
            templateId: template.id,
            templateName: template.name,
            segmentName: message.segmentName,
            channels: ctx.body.channels ?? message.channels,
            requiresAcknowledgement: false,
            remindsId: message.id,
            sendAt: null,
          },
          open,
        );
        return answer(await show(tx, ctx, id), { location: `/v1/messages/${id}` });
      },
      { wake: true },
    ),
});

export const messageRoutes: readonly Route[] = [list, get, recipients, create, remind];
