import { z } from 'zod';
import { getWorkspace } from '../../../db/access/workspace.js';
import { askApplicant, lockLatestApplication } from '../../../db/affiliate/application.js';
import { lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { getApplicationForm, saveApplicationForm } from '../../../db/program/applicationForm.js';
import { findProgram, lockProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { countApplications, listApplications } from '../../../db/reads/affiliate/applicationList.js';
import type { Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { type Affiliate, affiliateActions } from '../../../domain/affiliate/affiliate.js';
import type { ApplicationForm } from '../../../domain/affiliate/application.js';
import { DomainError } from '../../../domain/errors.js';
import type { Program } from '../../../domain/program/program.js';
import { addMs } from '../../../domain/time.js';
import type { Config } from '../../../platform/config.js';
import { hashToken, randomToken } from '../../../platform/secrets.js';
import { defineRoute, type Route } from '../../route.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  applicationFormBody,
  applicationFormWire,
  applicationList,
  applicationQuery,
  askBody,
  presentApplication,
  presentApplicationForm,
} from '../../schemas/affiliate/application.js';
import { programParams } from '../../schemas/program/program.js';

/** How long a status page's address works after the mail that named it: longer than any review should take. Milliseconds. */
export const statusLifeMs = 60 * 86_400_000;

function presentForm(form: ApplicationForm, program: Program, config: Config) {
  return presentApplicationForm(form, `${config.http.publicUrl}/apply/${program.slug}`);
}

const getForm = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId/form',
  summary: 'What the program asks of applicants',
  permission: 'program.read',
  params: programParams,
  reply: applicationFormWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => {
      const program = await findProgram(tx, ctx.params.programId);
      if (program === undefined) throw new DomainError('resource.not_found');
      return presentForm(await getApplicationForm(tx, program), program, config);
    }),
});

const putForm = defineRoute({
  method: 'PUT',
  path: '/v1/programs/:programId/form',
  permission: 'program.write',
  params: programParams,
  body: applicationFormBody,
  reply: applicationFormWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const program = await lockProgram(tx, ctx.params.programId);
      if (program === undefined) throw new DomainError('resource.not_found');
      const form = await getApplicationForm(tx, program);
      ctx.requireVersion(form.version);
      return presentForm(await saveApplicationForm(tx, act, form, ctx.body), program, config);
    }),
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/applications',
  permission: 'affiliate.read',
  query: applicationQuery,
  reply: applicationList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const views = await listApplications(tx, ctx.scope, ctx.query, page);
      const counts =
        ctx.query.include?.includes('counts') === true
          ? { counts: await countApplications(tx, ctx.scope, ctx.query) }
          : {};
      const mayDecide = ctx.can('status.change');
      const data = ctx.list(
        views,
        page,
        (view) => presentApplication(view, mayDecide ? affiliateActions(view.affiliate.affiliate.status) : []),
        ({ application }) => ({ value: application.createdAt, id: application.id }),
      );
      return { ...data, ...counts };
    });
  },
});

const received = z.strictObject({ status: z.literal('received') });

const ask = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/ask',
  summary: 'Ask an applicant; the application waits for the answer',
  permission: 'affiliate.write',
  params: affiliateParams,
  body: askBody,
  reply: received,
  status: 202,
  refuses: ['resource.not_found', 'access.not_in_scope', 'affiliate.transition_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        if (affiliate.status !== 'pending')
          throw new DomainError('affiliate.transition_not_allowed', {
            currentStatus: affiliate.status,
            allowedActions: affiliateActions(affiliate.status),
          });
        const application = await lockLatestApplication(tx, affiliate.id);
        if (application === undefined)
          throw new DomainError('resource.not_found', { detail: 'Staff made this record: there is no application.' });
        const token = randomToken();
        await askApplicant(tx, act, application, {
          question: ctx.body.question,
          tokenHash: hashToken(token),
          tokenEndsAt: addMs(act.now, statusLifeMs),
        });
        await noteOnAffiliate(tx, act, affiliate, 'asked');
        await mailStatus(tx, act, config, affiliate, {
          token,
          kind: 'application_question',
          subject: 'A question about your application',
          lead: `we have a question about your application:\n\n${ctx.body.question}\n\nPlease answer on this page:`,
        });
        return { status: 'received' as const };
      },
      { wake: true },
    ),
});

/** An entry of the affiliate's history that names what happened, without its text: that may be personal. */
export async function noteOnAffiliate(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  event: 'asked' | 'answered',
): Promise<void> {
  const seq = affiliate.version + 1;
  await tx('affiliates').where({ id: affiliate.id }).update({ version: seq, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: affiliate.id,
    seq,
    event,
    from: affiliate.status,
    to: affiliate.status,
  });
}

/** The mail with the address of the applicant's status page, the only place where its token stands. */
export async function mailStatus(
  tx: Tx,
  act: Act,
  config: Config,
  affiliate: Affiliate,
  mail: { readonly token: string; readonly kind: string; readonly subject: string; readonly lead: string },
): Promise<void> {
  const link = `${config.http.publicUrl}/apply/status/${mail.token}`;
  await insertEmail(tx, act, {
    kind: mail.kind,
    recipient: affiliate.email,
    subject: `${mail.subject} (${(await getWorkspace(tx)).name})`,
    body: [`Hello ${affiliate.name},`, `${mail.lead}\n\n${link}`, 'The page stays there for 60 days.'].join('\n\n'),
    links: [link],
  });
}

export const applicationRoutes: readonly Route[] = [getForm, putForm, list, ask];
