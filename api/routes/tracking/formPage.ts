import type { Context } from 'koa';
import { z } from 'zod';
import { issueSignIn } from '../../../activities/reseller/customerAccount.js';
import { findLeadFormEntry, findLink } from '../../../db/directory.js';
import { inWorkspace, notify, type ReadTx, readWorkspace, type Tx } from '../../../db/transaction.js';
import { findClick } from '../../../db/tracking/click.js';
import type { Lead } from '../../../db/tracking/lead.js';
import { findLeadForm, type LeadForm } from '../../../db/tracking/leadForm.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import { type LeadFormId, parseId, type WorkspaceId } from '../../../domain/ids.js';
import { parseLocalDate } from '../../../domain/time.js';
import { subAliases, subIdOf, viaNames } from '../../../domain/tracking/click.js';
import { judgeDestination } from '../../../domain/tracking/destination.js';
import { fieldProblem, isLeadFieldName } from '../../../domain/tracking/leadField.js';
import { randomToken } from '../../../platform/secrets.js';
import { noteCall } from '../../apiLog.js';
import {
  botCheckedPayload,
  botCheckHtml,
  botCheckNames,
  botCheckScript,
  botFinding,
  isAskedAgain,
  noteBot,
} from '../../botCheck.js';
import { deviceOf } from '../../device.js';
import { escapeHtml } from '../../html.js';
import { readFormOrJson } from '../../formBody.js';
import { type FieldError, invalid, toDomainError } from '../../problems.js';
import { paragraphs, sendPublicPage } from '../../publicPage.js';
import type { RequestState } from '../../requestContext.js';
import type { ApiDeps } from '../../deps.js';
import type { Route } from '../../route.js';
import { type LeadCreate, leadCreate } from '../../schemas/tracking/lead.js';
import { parseWith } from '../../validation.js';
import { isBlockedSender } from './blockedSender.js';
import { clickCookie, consentOf, purposeOf, readCookie } from './click.js';
import { formGoalRules } from './destinationRules.js';
import { consentName, fieldHtml } from './leadFormEmbed.js';
import { takeInLead } from './leadIntake.js';
import { insertDirectClick, takeInView } from './visit.js';

// `GET` and `POST /f/{formId}`: the hosted form, which works without scripts (api.md 4.2, screens.md 8).

/** What carries the journey beside the form's own fields. */
const carried = ['click_id', ...viaNames, ...subAliases.keys()] as const;

const texts = {
  en: {
    send: 'Send',
    thanks: 'Thank you',
    received: 'We have received your message and will get back to you.',
    closed: 'This form is closed',
    closedText: 'It takes no more messages. Thank you for your interest.',
    wrong: 'Please check what is marked.',
    again: 'Please look at your entries once more, then send them again.',
    busy: 'Please wait a minute and try again.',
    required: 'Please fill this in.',
    bad: 'Please check this.',
    contact: 'We need an e-mail address or a phone number with its country code.',
  },
  de: {
    send: 'Absenden',
    thanks: 'Vielen Dank',
    received: 'Wir haben Ihre Nachricht erhalten und melden uns.',
    closed: 'Dieses Formular ist geschlossen',
    closedText: 'Es nimmt keine Nachrichten mehr an. Danke für Ihr Interesse.',
    wrong: 'Bitte prüfen Sie die markierten Felder.',
    again: 'Bitte sehen Sie Ihre Angaben noch einmal an und senden Sie sie dann erneut.',
    busy: 'Bitte warten Sie eine Minute und versuchen Sie es noch einmal.',
    required: 'Bitte ausfüllen.',
    bad: 'Bitte prüfen.',
    contact: 'Wir brauchen eine E-Mail-Adresse oder eine Telefonnummer mit Ländervorwahl.',
  },
} as const;

const formParams = z.strictObject({ formId: z.string() });
const submitAnswer = z.strictObject({ id: z.string(), verdict: z.string() });

interface Found {
  readonly workspaceId: WorkspaceId;
  readonly form: LeadForm;
}

async function find(deps: ApiDeps, koa: Context): Promise<Found> {
  const id = parseId('leadForm', (parseWith(formParams, koa['params'], 'path') as { formId: string }).formId);
  const entry = id === undefined ? undefined : await findLeadFormEntry(deps.db, id);
  if (id === undefined || entry === undefined) throw new DomainError('resource.not_found');
  const form = await readWorkspace(deps.db, entry.workspaceId, async (tx) => {
    const found = await findLeadForm(tx, id);
    return found === undefined ? undefined : withListedGoal(tx, deps, found);
  });
  if (form === undefined) throw new DomainError('resource.not_found');
  return { workspaceId: entry.workspaceId, form };
}

/** A host that was taken off the lists after the form was saved is sent nobody any more, and no token: the thank-you text stands in. */
async function withListedGoal(tx: ReadTx, deps: ApiDeps, form: LeadForm): Promise<LeadForm> {
  if (form.thankYouUrl === null) return form;
  const judged = judgeDestination(form.thankYouUrl, await formGoalRules(tx, form.programId, deps.config));
  return judged.ok ? form : { ...form, thankYouUrl: null, signIn: false };
}

function wantsJson(koa: Context): boolean {
  return koa.accepts('html', 'json') === 'json';
}

const publicRoute = {
  path: '/f/:formId',
  permission: 'public',
  params: undefined,
  query: undefined,
  body: undefined,
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
} as const;

/** The form as a page, or with `Accept: application/json` its fields. A form that is off is 410. */
export const showFormRoute: Route = {
  ...publicRoute,
  method: 'GET',
  summary: 'A hosted lead form',
  reply: z.unknown(),
  status: 200,
  refuses: ['resource.not_found'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, showFormRoute);
    const { workspaceId, form } = await find(deps, koa);
    if (wantsJson(koa)) {
      koa.status = form.active ? 200 : 410;
      koa.set('Cache-Control', 'no-store');
      koa.body = {
        id: form.id,
        object: 'lead_form',
        language: form.language,
        event: form.event,
        active: form.active,
        fields: form.active ? form.fields : [],
        consentText: form.consentText,
      };
      return;
    }
    const t = texts[form.language];
    if (!form.active) sendPage(koa, form, 410, t.closed, `<h1>${t.closed}</h1><p>${t.closedText}</p>`);
    else if (koa.query['done'] === '1') sendPage(koa, form, 200, t.thanks, thanksHtml(form));
    else
      sendPage(koa, form, 200, form.name, formHtml(deps, form, await viewOf(koa, deps, { workspaceId, form }), {}, {}));
  },
};

function thanksHtml(form: LeadForm): string {
  const t = texts[form.language];
  return `<h1>${t.thanks}</h1>${paragraphs(form.thankYouText ?? t.received)}`;
}

/** Click and sub-ids: from the address, the click else from the cookie that the redirect set on this host. */
function carriedOf(koa: Context): Readonly<Record<string, string>> {
  const query = new URLSearchParams(koa.querystring);
  const values = Object.fromEntries(
    carried.flatMap((name) => (query.get(name) ? [[name, query.get(name) ?? '']] : [])),
  );
  const cookie = koa.req.headers.cookie;
  const kept = cookie === undefined ? undefined : readCookie(cookie, clickCookie);
  return { ...(kept === undefined ? {} : { click_id: kept }), ...values };
}

/**
 * What the shown form carries. Our own page needs no script to tell of its visitor (TRK-12): the view of a click, or of an affiliate's
 * identifier in the address, is a visit, and the form carries the click that came of it. A visitor is shown the form whatever comes of that.
 */
async function viewOf(
  koa: Context,
  deps: ApiDeps,
  { workspaceId, form }: Found,
): Promise<Readonly<Record<string, string>>> {
  const carriedOn = carriedOf(koa);
  const clickId = carriedOn['click_id'] ?? null;
  const slug = slugIn(carriedOn);
  const isLooked = koa.method === 'GET' && !/prefetch|prerender|preview/i.test(purposeOf(koa.req.headers));
  if (!isLooked || (clickId === null && slug === undefined)) return carriedOn;
  try {
    const direct = slug === undefined ? undefined : await findLink(deps.db, slug);
    const link = direct?.workspaceId === workspaceId && direct.kind !== 'recruit' ? direct : undefined;
    const seen = await inWorkspace(deps.db, workspaceId, async (tx, now) => {
      const known = clickId === null ? undefined : await findClick(tx, clickId);
      const act = visitorAct(koa, deps, { workspaceId, now, mode: known?.mode ?? 'live' });
      const url = `${deps.config.http.publicUrl}/f/${form.id}?${koa.querystring}`;
      const consent = consentOf(koa.req.headers, koa.req.headers.cookie);
      return takeInView(tx, act, deps, { koa, link, report: { url, clickId, referrer: koa.get('referer'), consent } });
    });
    return seen.clickId === null ? carriedOn : { ...carriedOn, click_id: seen.clickId };
  } catch (error) {
    deps.logger.error({ err: error, workspaceId, formId: form.id }, 'view of a form not taken in');
    return carriedOn;
  }
}

/** The first affiliate's identifier that was sent, by any of its names. */
function slugIn(sent: Readonly<Record<string, string>>): string | undefined {
  return viaNames.map((name) => sent[name] ?? '').find((value) => /^[\w-]{1,200}$/.test(value));
}

/** What a visitor does on our own pages. A test click's journey is a test to its end (TRK-29). */
function visitorAct(koa: Context, deps: ApiDeps, of: Pick<Act, 'workspaceId' | 'now' | 'mode'>): Act {
  return {
    ...of,
    actor: { type: 'visitor', id: null, userId: null },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: (koa.state as RequestState).requestId,
    newId: deps.newId,
  };
}

function formHtml(
  deps: ApiDeps,
  form: LeadForm,
  hidden: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string>>,
  errors: Readonly<Record<string, string>>,
  message = '',
): string {
  const t = texts[form.language];
  const inputs = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value.slice(0, 300))}">`,
  );
  const fields = form.fields.map((field) => {
    const [value, error] = [values[field.name], errors[field.name]];
    return fieldHtml(field, { ...(value === undefined ? {} : { value }), ...(error === undefined ? {} : { error }) });
  });
  const consent =
    form.consentText === null
      ? ''
      : `<p class="tick"><input type="checkbox" id="f-consent" name="${consentName}" value="true"${values[consentName] === 'true' ? ' checked' : ''}>` +
        `<label for="f-consent">${escapeHtml(form.consentText)}</label></p>`;
  const alert = message === '' ? '' : `<p class="error" role="alert">${escapeHtml(message)}</p>`;
  return (
    `<h1>${escapeHtml(form.name)}</h1>${alert}<form method="post" action="/f/${form.id}" accept-charset="utf-8">${inputs.join('')}${fields.join('')}${consent}` +
    botCheckHtml(deps, 'lead form', values) +
    `<p><button type="submit">${t.send}</button></p></form>`
  );
}

/** A page that only its own domains may frame (LED-24). */
function sendPage(koa: Context, form: LeadForm, status: number, title: string, content: string): void {
  sendPublicPage(koa, {
    status,
    language: form.language,
    title,
    content,
    frameDomains: form.frameDomains,
    formGoals: form.thankYouUrl === null ? [] : [new URL(form.thankYouUrl).origin],
    ...(content.includes('<form ') ? { script: botCheckScript } : {}),
  });
}

/** A submission: form-encoded (also from a foreign page's plain HTML) or JSON. 303 to what comes after; JSON: 202 with id and verdict. */
export const submitFormRoute: Route = {
  ...publicRoute,
  method: 'POST',
  summary: 'Submit a lead form',
  reply: submitAnswer,
  status: 202,
  refuses: ['resource.not_found', 'request.validation_failed', 'request.rate_limited'],
  async run(koa, deps) {
    const { workspaceId, form } = await find(deps, koa);
    noteCall(koa, { workspaceId, mode: 'live', formId: form.id, leadChannel: 'form' });
    try {
      deps.rateLimiter.take(koa, null, submitFormRoute);
    } catch (error) {
      noteCall(koa, { code: 'spam' }); // a flood, whoever sends it
      if (isJson(koa)) throw error;
      return sendPage(koa, form, 429, form.name, formHtml(deps, form, {}, {}, {}, texts[form.language].busy));
    }
    if (!form.active) {
      if (isJson(koa)) throw new DomainError('access.not_enabled', { capability: 'lead_form' });
      const t = texts[form.language];
      noteCall(koa, { code: 'not_enabled' });
      return sendPage(koa, form, 410, t.closed, `<h1>${t.closed}</h1><p>${t.closedText}</p>`);
    }
    const sent = await readFormOrJson(koa.req);
    noteCall(koa, { payload: botCheckedPayload(sent) });
    // A program's JSON carries no time of ours, and is free to: the trap, the rate limit and blocked senders hold for it too.
    const finding = botFinding(deps, 'lead form', koa.req, { sent, isOpen: true });
    if (finding !== undefined || (await isBlockedSender(deps, koa, workspaceId))) {
      noteBot(koa, sent, finding);
      if (finding !== undefined && isAskedAgain(finding) && !isJson(koa))
        return sendPage(
          koa,
          form,
          422,
          form.name,
          formHtml(deps, form, carriedIn(sent), sent, {}, texts[form.language].again),
        );
      return thank(koa, form, { id: deps.newId('lead'), verdict: 'received', goal: afterUrl(form, null) });
    }
    let taken: { readonly lead: Lead; readonly token: string | null };
    try {
      taken = await takeIn(koa, deps, workspaceId, form, sent);
    } catch (error) {
      if (isJson(koa)) throw error;
      return refuseOnPage(koa, deps, form, { sent, error: toDomainError(error) });
    }
    await notify(deps.db, 'outbox', '');
    noteCall(koa, { leadId: taken.lead.id });
    return thank(koa, form, { id: taken.lead.id, verdict: taken.lead.verdict, goal: afterUrl(form, taken.token) });
  },
};

function isJson(koa: Context): boolean {
  return (koa.req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === 'application/json';
}

async function takeIn(
  koa: Context,
  deps: ApiDeps,
  workspaceId: WorkspaceId,
  form: LeadForm,
  sent: Readonly<Record<string, string>>,
): Promise<{ readonly lead: Lead; readonly token: string | null }> {
  const body = bodyOf(form, sent, isJson(koa));
  const slug = slugIn(sent);
  // Before the transaction: the directory looks over all workspaces, through a connection of its own.
  const direct = slug === undefined || body.clickId !== undefined ? undefined : await findLink(deps.db, slug);
  const link = direct?.workspaceId === workspaceId && direct.kind !== 'recruit' ? direct : undefined;
  return inWorkspace(deps.db, workspaceId, async (tx, now) => {
    const known = body.clickId == null ? undefined : await findClick(tx, body.clickId);
    const act = visitorAct(koa, deps, { workspaceId, now, mode: known?.mode ?? 'live' });
    const clickId = link === undefined ? body.clickId : await clickOf(tx, act, deps, { koa, link, sent });
    const { lead, ownAccountId } = await takeInLead(
      tx,
      act,
      { ...body, ...(clickId == null ? {} : { clickId }) },
      { affiliateId: null, channel: 'form', form, device: deviceOf(deps, koa), publicUrl: deps.config.http.publicUrl },
    );
    // An address that is typed proves nothing: an account that was there before, or a known customer's, is entered by its own password.
    if (!form.signIn || ownAccountId === null) return { lead, token: null };
    const token = randomToken();
    await issueSignIn(tx, act, { token, customerAccountId: ownAccountId, leadId: lead.id });
    return { lead, token };
  });
}

/** The affiliate's identifier in the form's own address: the submission is click and lead together (LED-25). */
function clickOf(
  tx: Tx,
  act: Act,
  deps: ApiDeps,
  of: {
    readonly koa: Context;
    readonly link: Parameters<typeof insertDirectClick>[3]['link'];
    readonly sent: Readonly<Record<string, string>>;
  },
) {
  const { koa, link, sent } = of;
  const query = new URLSearchParams(
    Object.fromEntries(carried.flatMap((name) => (sent[name] === undefined ? [] : [[name, sent[name]]]))),
  );
  const report = { key: '', url: `${koa.path}?${query.toString()}`, referrer: koa.get('referer') };
  return insertDirectClick(tx, act, deps, { koa, link, report, userAgent: koa.get('user-agent') });
}

/** The lead that was submitted. All field errors at once, each by its name; unknown ones only where a program sent them. */
function bodyOf(form: LeadForm, sent: Readonly<Record<string, string>>, isStrict: boolean): LeadCreate {
  const errors: FieldError[] = [];
  const own: Record<string, string> = {};
  const custom: Record<string, string> = {};
  for (const field of form.fields) {
    const value = (sent[field.name] ?? '').trim();
    const definition = {
      ...field,
      key: field.name,
      type: isLeadFieldName(field.name) ? ('text' as const) : (field.type as 'text'),
    };
    const isLong = field.type === 'longText';
    const isNoDay = field.type === 'date' && value !== '' && parseLocalDate(value) === undefined;
    const problem =
      isLong && value.length <= 2_000 && value !== ''
        ? undefined
        : isNoDay
          ? 'bad_format'
          : fieldProblem(definition, value);
    if (problem !== undefined)
      errors.push({ pointer: `#/${field.name}`, code: problem, detail: `${field.label}: not valid.` });
    else if (value !== '') (isLeadFieldName(field.name) && field.name !== 'message' ? own : custom)[field.name] = value;
  }
  if (isStrict) {
    const known = new Set<string>([
      ...form.fields.map((field) => field.name),
      ...carried,
      ...botCheckNames,
      consentName,
    ]);
    for (const name of Object.keys(sent))
      if (!known.has(name))
        errors.push({ pointer: `#/${name}`, code: 'unknown_field', detail: 'The form has no such field.' });
  }
  if (errors.length > 0) throw invalid(...errors);
  const clickId = parseId('click', sent['click_id'] ?? '');
  const sub1 = [...subAliases].find(([name, place]) => place === 1 && (sent[name] ?? '') !== '')?.[0];
  const cut = sub1 === undefined ? null : subIdOf(sent[sub1] ?? '');
  const { message, ...fields } = custom;
  const parsed = parseWith(
    leadCreate,
    {
      ...own,
      event: form.event,
      programId: form.programId,
      ...(clickId === undefined ? {} : { clickId }),
      ...(cut === null ? {} : { sub1: cut }),
      customFields: fields,
      ...(form.consentText === null
        ? {}
        : { consent: { text: form.consentText, given: sent[consentName] === 'true' } }),
    },
    'body',
  ) as LeadCreate;
  return message === undefined ? parsed : { ...parsed, customFields: { ...parsed.customFields, message } };
}

/** The form again, with what was sent and what is wrong with it. */
function refuseOnPage(
  koa: Context,
  deps: ApiDeps,
  form: LeadForm,
  { sent, error }: { readonly sent: Readonly<Record<string, string>>; readonly error: DomainError },
): void {
  if (error.code !== 'request.validation_failed') throw error;
  const t = texts[form.language];
  const found = (error.params['errors'] ?? []) as readonly FieldError[];
  const errors = Object.fromEntries(
    found.map(({ pointer = '', code }) => {
      const name = pointer.replace(/^#\//, '');
      const isContact = (name === 'email' || name === 'phone') && (sent['email'] ?? '') === '';
      return [name, code === 'required' && isContact ? t.contact : code === 'required' ? t.required : t.bad];
    }),
  );
  const isContact = found.every(({ pointer }) => pointer === '#/email' || pointer === '#/phone');
  noteCall(koa, { code: isContact ? 'invalid_contact' : 'validation_failed' });
  sendPage(koa, form, 422, form.name, formHtml(deps, form, carriedIn(sent), sent, errors, t.wrong));
}

/** What was sent of the journey, for the form that comes again. */
function carriedIn(sent: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(carried.flatMap((name) => (sent[name] === undefined ? [] : [[name, sent[name]]])));
}

/** Where the visitor goes next: the form's own address with the sign-in token, or the thank-you text. */
function afterUrl(form: LeadForm, token: string | null): string {
  if (form.thankYouUrl === null) return `/f/${form.id}?done=1`;
  const url = new URL(form.thankYouUrl);
  if (token !== null) url.searchParams.set('sign_in_token', token);
  return url.href;
}

function thank(
  koa: Context,
  form: { readonly id: LeadFormId },
  done: { readonly id: string; readonly verdict: string; readonly goal: string },
): void {
  koa.set('Cache-Control', 'no-store');
  if (isJson(koa)) {
    koa.status = 202;
    koa.body = { id: done.id, verdict: done.verdict };
    return;
  }
  koa.status = 303;
  koa.set('Location', done.goal);
  koa.set('Referrer-Policy', 'no-referrer'); // the address may hold the token
  koa.body = null;
  koa.status = 303;
}

export const formPageRoutes: readonly Route[] = [showFormRoute, submitFormRoute];
