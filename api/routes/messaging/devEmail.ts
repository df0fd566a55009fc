import { z } from 'zod';
import { listWholeEmails } from '../../../db/reads/messaging/devEmails.js';
import { DomainError } from '../../../domain/errors.js';
import { listQuery } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import { emailWire, idWire, instantWire, listOf } from '../../schemas/wire.js';

const wholeEmailWire = z
  .strictObject({
    id: idWire('email'),
    object: z.literal('email'),
    to: z.string(),
    subject: z.string(),
    text: z.string(),
    links: z.array(z.string()),
    createdAt: instantWire,
  })
  .openapi('DevEmail');

/** The local mailbox: whole mails while no mail server is set, so that a first run needs none (api.md 14). */
const list = defineRoute({
  method: 'GET',
  path: '/v1/dev/emails',
  summary: 'Mails of the local mailbox, whole',
  permission: 'system.write',
  query: listQuery({ to: emailWire.exactOptional() }),
  reply: listOf(wholeEmailWire),
  refuses: ['resource.not_found'],
  async handle(ctx, deps) {
    if (deps.config.smtpUrl !== undefined) throw new DomainError('resource.not_found');
    return ctx.read(async (tx) => {
      const page = ctx.page(ctx.query);
      const emails = await listWholeEmails(tx, page, ctx.query.to);
      return ctx.list(
        emails,
        page,
        (email) => ({ ...email, object: 'email' as const, links: [...email.links] }),
        (email) => ({ value: email.createdAt, id: email.id }),
      );
    });
  },
});

export const devEmailRoutes: readonly Route[] = [list];
