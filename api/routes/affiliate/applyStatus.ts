import type { Context } from 'koa';
import { z } from 'zod';
import { answerQuestion, findApplication, lockLatestApplication } from '../../../db/affiliate/application.js';
import { findAffiliate, lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { findApplicationEntry } from '../../../db/directory.js';
import { getApplicationForm } from '../../../db/program/applicationForm.js';
import { findProgram } from '../../../db/program/program.js';
import { inWorkspace, notify, readWorkspace } from '../../../db/transaction.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import type { Application } from '../../../domain/affiliate/application.js';
import { DomainError } from '../../../domain/errors.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import { hashToken } from '../../../platform/secrets.js';
import { mediaTypeOf, readFormOrJsonValue } from '../../formBody.js';
import { escapeHtml } from '../../html.js';
import { toDomainError } from '../../problems.js';
import { paragraphs, sendPublicPage } from '../../publicPage.js';
import type { ApiDeps } from '../../deps.js';
import type { Route } from '../../route.js';
import { type StatusBody, statusBody } from '../../schemas/affiliate/application.js';
import { parseWith } from '../../validation.js';
import { confirmAddress, visitorAct } from './apply.js';
import { noteOnAffiliate } from './application.js';
import { applyTexts } from './applyTexts.js';

// `GET` and `POST /apply/status/{token}`: where an application stands, confirmed and answered on the page its mail named (api.md 4.2).

const statusParams = z.strictObject({ token: z.string() });

interface Found {
  readonly workspaceId: WorkspaceId;
  readonly application: Application;
  readonly affiliate: Affiliate;
  readonly programName: string;
  readonly language: 'en' | 'de';
}

/** The application of the token. Refuses with `access.token_used_or_expired`, whether it was never there, was replaced, or is too old. */
async function find(deps: ApiDeps, koa: Context): Promise<Found> {
  const { token } = parseWith(statusParams, koa['params'], 'path') as z.output<typeof statusParams>;
  const entry = /^[\w-]{20,100}$/.test(token) ? await findApplicationEntry(deps.db, hashToken(token)) : undefined;
  if (entry?.isUsable !== true) throw new DomainError('access.token_used_or_expired');
  return readWorkspace(deps.db, entry.workspaceId, async (tx) => {
    const application = await findApplication(tx, entry.applicationId);
    const affiliate = application === undefined ? undefined : await findAffiliate(tx, application.affiliateId);
    const program = application === undefined ? undefined : await findProgram(tx, application.programId);
    if (application === undefined || affiliate === undefined || program === undefined)
      throw new DomainError('access.token_used_or_expired');
    const { language } = await getApplicationForm(tx, program);
    return { workspaceId: entry.workspaceId, application, affiliate, programName: program.name, language };
  });
}

/** What the page says; a question shows until it is answered, or decided without. */
function statusOf({ application, affiliate, programName }: Found) {
  const isOpen = affiliate.status === 'pending' && application.question !== null && application.repliedAt === null;
  return {
    object: 'application_status' as const,
    programName,
    status: affiliate.status,
    emailVerified: affiliate.emailVerifiedAt !== null,
    question: isOpen ? application.question : null,
    replied: application.repliedAt !== null,
  };
}

const statusWire = z.strictObject({
  object: z.literal('application_status'),
  programName: z.string(),
  status: z.enum(['pending', 'declined', 'approved', 'suspended', 'terminated']),
  emailVerified: z.boolean(),
  question: z.string().nullable(),
  replied: z.boolean(),
});

const publicRoute = {
  path: '/apply/status/:token',
  permission: 'public',
  params: statusParams,
  query: undefined,
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  reply: statusWire,
  status: 200,
} as const;

function isJsonWanted(koa: Context): boolean {
  return koa.accepts('html', 'json') === 'json';
}

function overPage(koa: Context): void {
  const t = applyTexts.en;
  sendPublicPage(koa, {
    status: 410,
    language: 'en',
    title: t.over,
    content: `<h1>${t.over}</h1><p>${t.overText}</p>`,
  });
}

function answerStatus(koa: Context, found: Found, isJson: boolean, error?: string): void {
  const seen = statusOf(found);
  if (isJson) {
    koa.status = 200;
    koa.set('Cache-Control', 'no-store');
    koa.body = seen;
    return;
  }
  const t = applyTexts[found.language];
  const form = (content: string, button: string): string =>
    `<form method="post" accept-charset="utf-8">${content}<p><button type="submit">${button}</button></p></form>`;
  const confirm =
    seen.status !== 'pending'
      ? ''
      : seen.emailVerified
        ? `<p>${t.confirmed}</p>`
        : `<p>${t.confirmText}</p>${form('<input type="hidden" name="confirm" value="true">', t.confirm)}`;
  const question =
    seen.question === null
      ? seen.replied
        ? `<p>${t.replied}</p>`
        : ''
      : `<h2>${t.question}</h2>${paragraphs(seen.question)}${form(
          `<p><label for="f-reply">${t.reply}</label><textarea id="f-reply" name="reply" rows="5" maxlength="2000" required></textarea></p>` +
            (error === undefined ? '' : `<p class="error" role="alert">${escapeHtml(error)}</p>`),
          t.sendReply,
        )}`;
  koa.set('Referrer-Policy', 'no-referrer'); // the address is the key
  sendPublicPage(koa, {
    status: error === undefined ? 200 : 422,
    language: found.language,
    title: `${t.statusTitle}: ${found.programName}`,
    content: `<h1>${t.statusTitle}: ${escapeHtml(found.programName)}</h1><p>${t.status[seen.status]}</p>${confirm}${question}`,
  });
}

const show: Route = {
  ...publicRoute,
  method: 'GET',
  summary: 'Where an application stands',
  body: undefined,
  refuses: ['access.token_used_or_expired'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, show);
    const isJson = isJsonWanted(koa);
    let found: Found;
    try {
      found = await find(deps, koa);
    } catch (error) {
      if (isJson || toDomainError(error).code !== 'access.token_used_or_expired') throw error;
      return overPage(koa);
    }
    answerStatus(koa, found, isJson);
  },
};

const act: Route = {
  ...publicRoute,
  method: 'POST',
  summary: 'Confirm the address, or answer the question',
  body: statusBody,
  refuses: ['access.token_used_or_expired', 'request.validation_failed', 'affiliate.transition_not_allowed'],
  async run(koa, deps) {
    // A page's own form gets a page; whatever else is sent gets JSON.
    const isJson = mediaTypeOf(koa.req) !== 'application/x-www-form-urlencoded';
    let found: Found;
    try {
      deps.rateLimiter.take(koa, null, act);
      found = await find(deps, koa);
    } catch (error) {
      if (isJson || toDomainError(error).code !== 'access.token_used_or_expired') throw error;
      return overPage(koa);
    }
    const sent = await readFormOrJsonValue(koa.req);
    try {
      const body = (isJson ? parseWith(statusBody, sent, 'body') : formBodyOf(sent)) as StatusBody;
      await change(koa, deps, found, body);
    } catch (error) {
      const problem = toDomainError(error);
      if (isJson || problem.code !== 'request.validation_failed') throw error;
      return answerStatus(koa, found, false, applyTexts[found.language].bad);
    }
    await notify(deps.db, 'outbox', '');
    const after = await find(deps, koa);
    if (isJson) return answerStatus(koa, after, true);
    koa.set('Location', koa.path);
    koa.set('Cache-Control', 'no-store');
    koa.body = null;
    koa.status = 303;
  },
};

/** A form posts texts. */
function formBodyOf(sent: unknown): StatusBody {
  const { confirm, ...rest } = sent as Readonly<Record<string, string>>;
  return parseWith(statusBody, { ...rest, ...(confirm === 'true' ? { confirm: true } : {}) }, 'body') as StatusBody;
}

async function change(koa: Context, deps: ApiDeps, found: Found, body: StatusBody): Promise<void> {
  await inWorkspace(deps.db, found.workspaceId, async (tx, now) => {
    const visitor = visitorAct(koa, deps, found.workspaceId, now);
    if (body.confirm === true) await confirmAddress(tx, visitor, deps.config, found.affiliate.id);
    if (body.reply === undefined) return;
    const affiliate = await lockAffiliate(tx, found.affiliate.id);
    const application = affiliate === undefined ? undefined : await lockLatestApplication(tx, affiliate.id);
    const isAsked = application !== undefined && application.question !== null && application.repliedAt === null;
    if (affiliate?.status !== 'pending' || !isAsked)
      throw new DomainError('affiliate.transition_not_allowed', {
        currentStatus: affiliate?.status ?? 'terminated',
        allowedActions: [],
        detail: 'There is no open question.',
      });
    await answerQuestion(tx, visitor, application, body.reply);
    await noteOnAffiliate(tx, visitor, affiliate, 'answered');
  });
}

export const applyStatusRoutes: readonly Route[] = [show, act];
