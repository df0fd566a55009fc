import type { Context } from 'koa';
import { z } from 'zod';
import { answerQuestion, findApplication, lockLatestApplication } from '../../../db/affiliate/application.js';
import { findAffiliate, lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { findApplicationEntry } from '../../../db/directory.js';
import { getApplicationForm } from '../../../db/program/applicationForm.js';
import { findProgram } from '../../../db/program/program.js';
import { type AskedDocument, listAskedDocuments } from '../../../db/reads/affiliate/documentList.js';
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
import { documentStandingWire, documentUpload, type DocumentUpload } from '../../schemas/affiliate/document.js';
import { readUpload, type UploadBody } from '../../upload.js';
import { parseWith } from '../../validation.js';
import { confirmAddress, visitorAct } from './apply.js';
import { noteOnAffiliate } from './application.js';
import { applyTexts } from './applyTexts.js';
import { takeInDocument } from './document.js';
import { judgedDocument } from './documentFile.js';

// `GET` and `POST /apply/status/{token}`: where an application stands, confirmed and answered on the page its mail named; documents are sent
// here too (api.md 4.2, AFF-24).

const statusParams = z.strictObject({ token: z.string() });

interface Found {
  readonly workspaceId: WorkspaceId;
  readonly application: Application;
  readonly affiliate: Affiliate;
  readonly programName: string;
  readonly language: 'en' | 'de';
  readonly asked: readonly AskedDocument[];
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
    const asked = affiliate.status === 'pending' ? await listAskedDocuments(tx, affiliate.id) : [];
    return { workspaceId: entry.workspaceId, application, affiliate, programName: program.name, language, asked };
  });
}

/** What the page says; a question shows until it is answered, or decided without. */
function statusOf({ application, affiliate, programName, asked }: Found) {
  const isOpen = affiliate.status === 'pending' && application.question !== null && application.repliedAt === null;
  return {
    object: 'application_status' as const,
    programName,
    status: affiliate.status,
    emailVerified: affiliate.emailVerifiedAt !== null,
    question: isOpen ? application.question : null,
    replied: application.repliedAt !== null,
    documents: asked.map(({ type, label, hint, required, expires, state }) => ({
      type,
      label,
      hint,
      required,
      expires,
      state,
    })),
  };
}

const statusWire = z.strictObject({
  object: z.literal('application_status'),
  programName: z.string(),
  status: z.enum(['pending', 'declined', 'approved', 'suspended', 'terminated']),
  emailVerified: z.boolean(),
  question: z.string().nullable(),
  replied: z.boolean(),
  /** What is asked to be seen, while the application is open. */
  documents: z.array(documentStandingWire),
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

/** What was wrong with what the page's own form sent: at the answer, or at a document. */
interface PageError {
  readonly text: string;
  readonly document: string | null;
}

function answerStatus(koa: Context, found: Found, isJson: boolean, error?: PageError): void {
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
            (error?.document === null ? `<p class="error" role="alert">${escapeHtml(error.text)}</p>` : ''),
          t.sendReply,
        )}`;
  koa.set('Referrer-Policy', 'no-referrer'); // the address is the key
  sendPublicPage(koa, {
    status: error === undefined ? 200 : 422,
    language: found.language,
    title: `${t.statusTitle}: ${found.programName}`,
    content: `<h1>${t.statusTitle}: ${escapeHtml(found.programName)}</h1><p>${t.status[seen.status]}</p>${confirm}${question}${documentForms(found, error)}`,
  });
}

/** A form for each document that is asked for and not accepted; one that was sent already may be sent again. */
function documentForms({ asked, language }: Found, error: PageError | undefined): string {
  const t = applyTexts[language];
  if (asked.length === 0) return '';
  const forms = asked.map(({ type, label, hint, required, expires, state }) => {
    const head = `<h3>${escapeHtml(label)}</h3><p>${t.documentState[state]}${required ? '' : ` (${t.optional})`}</p>`;
    if (state === 'accepted') return head;
    const hintText = hint === null ? '' : paragraphs(hint);
    const day = expires
      ? `<p><label for="f-day-${type}">${t.expiresOn}</label><input id="f-day-${type}" type="date" name="expiresOn" required></p>`
      : '';
    const wrong = error?.document === type ? `<p class="error" role="alert">${escapeHtml(error.text)}</p>` : '';
    return (
      `${head}${hintText}<form method="post" enctype="multipart/form-data"><input type="hidden" name="type" value="${type}">` +
      `<p><label for="f-file-${type}">${t.file}</label><input id="f-file-${type}" type="file" name="file" accept="application/pdf,image/png,image/jpeg,image/webp" required></p>` +
      `${day}${wrong}<p><button type="submit" aria-label="${escapeHtml(`${t.sendDocument}: ${label}`)}">${t.sendDocument}</button></p></form>`
    );
  });
  return `<h2>${t.documents}</h2>${forms.join('')}`;
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
  refuses: [
    'access.token_used_or_expired',
    'request.validation_failed',
    'request.body_too_large',
    'upload.file_rejected',
    'affiliate.transition_not_allowed',
  ],
  async run(koa, deps) {
    const media = mediaTypeOf(koa.req);
    const isUpload = media === 'multipart/form-data';
    // A page's own form gets a page; whatever else is sent gets JSON.
    const isJson = isUpload ? isJsonWanted(koa) : media !== 'application/x-www-form-urlencoded';
    let found: Found;
    try {
      deps.rateLimiter.take(koa, null, act);
      found = await find(deps, koa);
    } catch (error) {
      if (isJson || toDomainError(error).code !== 'access.token_used_or_expired') throw error;
      return overPage(koa);
    }
    const sent = isUpload ? await readUpload(koa.req) : await readFormOrJsonValue(koa.req);
    try {
      if (isUpload) await addDocument(koa, deps, found, sent as UploadBody);
      else {
        const body = (isJson ? parseWith(statusBody, sent, 'body') : formBodyOf(sent)) as StatusBody;
        await change(koa, deps, found, body);
      }
    } catch (error) {
      const { code } = toDomainError(error);
      const isOfFile = code === 'upload.file_rejected';
      if (isJson || !(isOfFile || code === 'request.validation_failed')) throw error;
      const t = applyTexts[found.language];
      const named = isUpload ? (sent as UploadBody)['type'] : null;
      const document = named === null || typeof named === 'string' ? named : '';
      return answerStatus(koa, found, false, { text: isOfFile ? t.badFile : t.bad, document });
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

/** A document of an applicant, whose only way in this page is (AFF-24). */
async function addDocument(koa: Context, deps: ApiDeps, found: Found, sent: UploadBody): Promise<void> {
  const { expiresOn, ...rest } = sent;
  const given = expiresOn === '' ? rest : sent; // a date field that was left empty
  const body = parseWith(documentUpload, given, 'body') as DocumentUpload;
  const file = await judgedDocument(body.file.bytes);
  await inWorkspace(deps.db, found.workspaceId, async (tx, now) => {
    const visitor = visitorAct(koa, deps, found.workspaceId, now);
    const affiliate = await lockAffiliate(tx, found.affiliate.id);
    if (affiliate?.status !== 'pending')
      throw new DomainError('affiliate.transition_not_allowed', {
        currentStatus: affiliate?.status ?? 'terminated',
        allowedActions: [],
        detail: 'The application is decided.',
      });
    await takeInDocument(tx, visitor, affiliate, { body: { ...body, fileName: body.file.name }, file });
  });
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
