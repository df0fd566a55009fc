import { recordAudit } from '../../../db/audit/audit.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { findEmailView, listEmails } from '../../../db/reads/messaging/emailList.js';
import type { SentMessage } from '../../../db/reads/messaging/sentMessages.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  emailParams,
  emailQuery,
  loggedEmailList,
  loggedEmailWire,
  presentEmail,
} from '../../schemas/messaging/email.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can'>;

function show(ctx: Asking, message: SentMessage | undefined) {
  if (message === undefined) throw new DomainError('resource.not_found');
  return presentEmail(message, { seesPeople: ctx.can('pii.read'), maySend: ctx.can('message.send') });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/emails',
  summary: 'Every mail that was written, with what became of it; tokens in bodies are hidden',
  permission: 'message.read',
  query: emailQuery,
  reply: loggedEmailList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const { to, ...query } = ctx.query;
    // An address that one may not read is not found out by asking for it.
    if (to !== undefined && !ctx.can('pii.read'))
      throw new DomainError('access.permission_missing', { missingPermission: 'pii.read' });
    const filter = { ...query, to, createdAt: boundsOf(query, 'createdAt') };
    const messages = await ctx.read((tx) => listEmails(tx, ctx.scope, filter, page));
    return ctx.list(
      messages,
      page,
      (message) => show(ctx, message),
      ({ createdAt, id }) => ({ value: createdAt, id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/emails/:emailId',
  permission: 'message.read',
  params: emailParams,
  reply: loggedEmailWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => show(ctx, await findEmailView(tx, ctx.scope, ctx.params.emailId))),
});

/** The same text to the same address once more, as a mail of its own. One that still waits is not written twice. */
const resend = defineRoute({
  method: 'POST',
  path: '/v1/emails/:emailId/resend',
  summary: 'Send the mail again, to the address it was for',
  permission: 'message.send',
  params: emailParams,
  reply: loggedEmailWire,
  status: 202,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const scope = ctx.scopeFor('message.send');
        const message = await findEmailView(tx, scope, ctx.params.emailId);
        if (message === undefined || message.recipientAddress === null) throw new DomainError('resource.not_found');
        if (message.sentAt === null && message.failedCode === null) return answer(show(ctx, message));
        const id = await insertEmail(tx, act, {
          kind: message.kind,
          recipient: message.recipientAddress,
          subject: message.subject,
          body: message.body,
          links: message.links,
        });
        await recordAudit(tx, act, {
          objectType: 'email',
          objectId: id,
          seq: 1,
          event: 'resent',
          changes: { emailId: message.id },
        });
        return answer(show(ctx, await findEmailView(tx, scope, id)), { location: `/v1/emails/${id}` });
      },
      { wake: true },
    ),
});

export const emailRoutes: readonly Route[] = [list, get, resend];
