import type { Context } from 'koa';
import { z } from 'zod';
import { getSettings } from '../../../db/access/settings.js';
import { findLink, findProgramBySlug } from '../../../db/directory.js';
import { findCurrentAgreement, type Agreement } from '../../../db/program/agreement.js';
import { getApplicationForm } from '../../../db/program/applicationForm.js';
import { findProgram } from '../../../db/program/program.js';
import { inWorkspace, notify, readWorkspace } from '../../../db/transaction.js';
import type { ApplicationForm } from '../../../domain/affiliate/application.js';
import { DomainError } from '../../../domain/errors.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import type { Program } from '../../../domain/program/program.js';
import type { FormField } from '../../../db/tracking/leadForm.js';
import { noteCall } from '../../apiLog.js';
import { botCheckHtml, botCheckNames, botCheckScript, botFinding, isAskedAgain, noteBot } from '../../botCheck.js';
import { mediaTypeOf, readFormOrJsonValue } from '../../formBody.js';
import { escapeHtml } from '../../html.js';
import { type FieldError, invalid, toDomainError } from '../../problems.js';
import { paragraphs, sendPublicPage } from '../../publicPage.js';
import type { ApiDeps } from '../../deps.js';
import type { Route } from '../../route.js';
import { applyBody, type ApplyBody } from '../../schemas/affiliate/application.js';
import { parseWith } from '../../validation.js';
import { isBlockedSender } from '../tracking/blockedSender.js';
import { readCookie } from '../tracking/click.js';
import { fieldHtml } from '../tracking/leadFormEmbed.js';
import { takeInApplication, visitorAct } from './apply.js';
import { applyTexts } from './applyTexts.js';

// `GET` and `POST /apply/{programSlug}` and `GET /j/{recruitCode}` (api.md 4.2): pages that work without a script.

/** Remembers whose recruit link brought the visitor, for the application pages only. */
const recruitCookie = 'trb_recruit';
const recruitLifeSeconds = 30 * 86_400;

const publicRoute = {
  permission: 'public',
  query: undefined,
  body: undefined,
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
} as const;

const applyParams = z.strictObject({ programSlug: z.string() });
const slugPattern = /^[a-z0-9][a-z0-9-]{0,199}$/;

interface Found {
  readonly workspaceId: WorkspaceId;
  readonly program: Program;
  readonly form: ApplicationForm;
  readonly terms: Agreement | undefined;
  /** The workspace's master switch: off, there is no form to sign up by (PRG-22). */
  readonly isModuleOn: boolean;
  readonly isOpen: boolean;
}

/** The program of the address with its form and terms. Drafts and closed ones do not exist for the public. */
async function find(deps: ApiDeps, koa: Context): Promise<Found> {
  const { programSlug } = parseWith(applyParams, koa['params'], 'path') as z.output<typeof applyParams>;
  const entry = slugPattern.test(programSlug) ? await findProgramBySlug(deps.db, programSlug) : undefined;
  if (entry === undefined || entry.status === 'draft' || entry.status === 'closed')
    throw new DomainError('resource.not_found');
  return readWorkspace(deps.db, entry.workspaceId, async (tx, now) => {
    const program = await findProgram(tx, entry.programId);
    if (program === undefined) throw new DomainError('resource.not_found');
    const { settings } = await getSettings(tx);
    return {
      workspaceId: entry.workspaceId,
      program,
      form: await getApplicationForm(tx, program),
      terms: await findCurrentAgreement(tx, program.id, 'terms', now),
      isModuleOn: settings.general.moduleEnabled,
      isOpen: settings.general.moduleEnabled && program.status === 'active' && program.enrolment === 'open',
    };
  });
}

/** Who recruits with this code now: an approved affiliate, in a program of this workspace. */
async function recruiterOf(deps: ApiDeps, code: string | undefined) {
  const link = code === undefined || !slugPattern.test(code) ? undefined : await findLink(deps.db, code);
  const works =
    link?.kind === 'recruit' &&
    link.status === 'active' &&
    (link.expiresInMs === null || link.expiresInMs > 0) &&
    link.affiliateStatus === 'approved';
  return works ? link : undefined;
}

function wantsJson(koa: Context): boolean {
  return koa.accepts('html', 'json') === 'json';
}

const isRequired = (asking: string): boolean => asking === 'required';

/** The form's own questions and the known details it asks for, as fields of a page. */
function fieldsOf(form: ApplicationForm): readonly FormField[] {
  const t = applyTexts[form.language];
  const plain = (name: string, label: string, required: boolean, type: FormField['type'] = 'text'): FormField => ({
    name,
    label,
    type,
    required,
    options: [],
  });
  return [
    plain('name', t.name, true),
    plain('email', t.email, true, 'email'),
    ...(form.company === 'hidden' ? [] : [plain('company', t.company, isRequired(form.company))]),
    ...(form.website === 'hidden' ? [] : [plain('website', t.website, isRequired(form.website))]),
    ...form.questions.map((question) => ({ ...question, name: `answer.${question.name}` })),
  ];
}

const showRoute: Route = {
  ...publicRoute,
  method: 'GET',
  path: '/apply/:programSlug',
  summary: 'A program’s application page',
  params: applyParams,
  reply: z.unknown(),
  status: 200,
  refuses: ['resource.not_found'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, showRoute);
    const found = await find(deps, koa);
    const { form, program, terms } = found;
    if (wantsJson(koa)) {
      koa.status = 200;
      koa.set('Cache-Control', 'no-store');
      koa.body = {
        object: 'application_page',
        program: { name: program.name, slug: program.slug, currency: program.currency },
        open: found.isOpen,
        language: form.language,
        introduction: form.introduction,
        company: form.company,
        website: form.website,
        country: form.country,
        questions: form.questions,
        terms:
          terms === undefined ? null : { id: terms.id, title: terms.title, text: terms.text, number: terms.number },
      };
      return;
    }
    const t = applyTexts[form.language];
    if (koa.query['done'] === '1') return sendPage(koa, found, 200, `<h1>${t.received}</h1><p>${t.receivedText}</p>`);
    if (!found.isOpen) return sendPage(koa, found, 200, `<h1>${t.closed}</h1><p>${t.closedText}</p>`);
    const recruiter = await recruiterOf(deps, codeOf(koa));
    const code = recruiter?.workspaceId === found.workspaceId ? codeOf(koa) : undefined;
    sendPage(koa, found, 200, formHtml(deps, found, { values: {}, errors: {}, code }));
  },
};

function sendPage(koa: Context, { form, program }: Found, status: number, content: string): void {
  sendPublicPage(koa, {
    status,
    language: form.language,
    title: applyTexts[form.language].title(program.name),
    content,
    ...(content.includes('<form ') ? { script: botCheckScript } : {}),
  });
}

/** The code in the address, else the one that the recruit link left on this browser. */
function codeOf(koa: Context): string | undefined {
  const named = koa.query['recruit'];
  if (typeof named === 'string' && named !== '') return named;
  const cookies = koa.req.headers.cookie;
  return cookies === undefined ? undefined : readCookie(cookies, recruitCookie);
}

function formHtml(
  deps: ApiDeps,
  { form, program, terms }: Found,
  state: {
    readonly values: Readonly<Record<string, string>>;
    readonly errors: Readonly<Record<string, string>>;
    readonly code: string | undefined;
    readonly message?: string;
  },
): string {
  const t = applyTexts[form.language];
  const { values, errors } = state;
  const fields = fieldsOf(form).map((field) => {
    const [value, error] = [values[field.name], errors[field.name]];
    return fieldHtml(field, { ...(value === undefined ? {} : { value }), ...(error === undefined ? {} : { error }) });
  });
  const hidden = [
    ...(terms === undefined ? [] : [['agreementId', terms.id]]),
    ...(state.code === undefined ? [] : [['recruitCode', state.code]]),
  ].map(([name = '', value = '']) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`);
  const alert = state.message === undefined ? '' : `<p class="error" role="alert">${escapeHtml(state.message)}</p>`;
  return (
    `<h1>${escapeHtml(t.title(program.name))}</h1>${paragraphs(form.introduction ?? '')}` +
    (state.code === undefined ? '' : `<p>${t.recruited}</p>`) +
    `${alert}<form method="post" action="/apply/${program.slug}" accept-charset="utf-8">${hidden.join('')}${fields.join('')}` +
    (form.country === 'hidden' ? '' : countryHtml(form, values['country'] ?? '', errors['country'])) +
    (terms === undefined ? '' : termsHtml(form, terms, errors['acceptTerms'])) +
    botCheckHtml(deps, 'application form', values) +
    `<p><button type="submit">${t.send}</button></p></form>`
  );
}

function termsHtml(form: ApplicationForm, terms: Agreement, error: string | undefined): string {
  const t = applyTexts[form.language];
  const described = error === undefined ? '' : ' aria-invalid="true" aria-describedby="f-terms-error"';
  const tick = terms.mustAccept
    ? `<p class="tick"><input type="checkbox" id="f-terms" name="acceptTerms" value="true" required${described}>` +
      `<label for="f-terms">${escapeHtml(t.accept(terms.title))}</label></p>` +
      (error === undefined ? '' : `<p class="error" id="f-terms-error">${escapeHtml(error)}</p>`)
    : '';
  return `<h2 id="f-terms-title">${t.terms}</h2><div class="text" tabindex="0" role="region" aria-labelledby="f-terms-title">${escapeHtml(terms.text)}</div>${tick}`;
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Countries of ISO 3166 by name, as the runtime's own data has them. */
const countryNames = {
  en: countriesIn('en'),
  de: countriesIn('de'),
} as const;

function countriesIn(language: 'en' | 'de'): readonly (readonly [code: string, name: string])[] {
  const names = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' });
  // Private and withdrawn codes that the data still has a name for.
  const left = new Set(['EU', 'EZ', 'UN', 'QO', 'XA', 'XB', 'ZZ']);
  const found: (readonly [string, string])[] = [];
  for (const first of letters)
    for (const second of letters) {
      const code = first + second;
      const name = left.has(code) ? undefined : names.of(code);
      if (name !== undefined) found.push([code, name]);
    }
  return found.sort(([, a], [, b]) => a.localeCompare(b, language));
}

function countryHtml(form: ApplicationForm, value: string, error: string | undefined): string {
  const t = applyTexts[form.language];
  const isNeeded = isRequired(form.country);
  const options = countryNames[form.language].map(
    ([code, name]) => `<option value="${code}"${code === value ? ' selected' : ''}>${escapeHtml(name)}</option>`,
  );
  const described = error === undefined ? '' : ' aria-invalid="true" aria-describedby="f-country-error"';
  return (
    `<p><label for="f-country">${t.country}${isNeeded ? ' <span aria-hidden="true">*</span>' : ''}</label>` +
    `<select id="f-country" name="country" autocomplete="country"${isNeeded ? ' required' : ''}${described}><option value=""></option>${options.join('')}</select></p>` +
    (error === undefined ? '' : `<p class="error" id="f-country-error">${escapeHtml(error)}</p>`)
  );
}

const receivedWire = z.strictObject({ status: z.literal('received') });

/** The same answer for an address we know and one we do not: the mail says what there is to say (AFF-28). */
const applyRoute: Route = {
  ...publicRoute,
  method: 'POST',
  path: '/apply/:programSlug',
  summary: 'Apply to become an affiliate of a program',
  params: applyParams,
  reply: receivedWire,
  status: 202,
  refuses: [
    'resource.not_found',
    'request.validation_failed',
    'request.rate_limited',
    'link.url_not_allowed',
    'program.program_not_active',
    'access.not_enabled',
  ],
  async run(koa, deps) {
    const found = await find(deps, koa);
    const isJson = mediaTypeOf(koa.req) === 'application/json';
    const t = applyTexts[found.form.language];
    try {
      deps.rateLimiter.take(koa, null, applyRoute);
    } catch (error) {
      if (isJson) throw error;
      return sendPage(koa, found, 429, `<h1>${t.busy}</h1>`);
    }
    const sent = await readFormOrJsonValue(koa.req);
    const finding = isJson
      ? undefined
      : botFinding(deps, 'application form', koa.req, {
          sent: sent as Readonly<Record<string, string>>,
          isOpen: false,
        });
    // Whoever was turned away stands in the request log: nothing vanishes.
    if (finding !== undefined || (await isBlockedSender(deps, koa, found.workspaceId))) {
      noteCall(koa, { workspaceId: found.workspaceId, mode: 'live' });
      noteBot(koa, sent, finding);
      if (finding === undefined || !isAskedAgain(finding) || !found.isOpen) return thank(koa, found, isJson);
      const values = sent as Readonly<Record<string, string>>;
      const again = { values, errors: {}, code: values['recruitCode'], message: t.again };
      return sendPage(koa, found, 422, formHtml(deps, found, again));
    }
    try {
      if (!found.isModuleOn)
        throw new DomainError('access.not_enabled', {
          capability: 'module',
          detail: 'No applications are taken at the moment.',
        });
      if (!found.isOpen)
        throw new DomainError('program.program_not_active', {
          currentStatus: found.program.status,
          detail: 'This program takes no applications.',
        });
      const body = isJson ? (parseWith(applyBody, sent, 'body') as ApplyBody) : bodyOf(found.form, sent);
      const recruiter = await recruiterOf(deps, body.recruitCode ?? undefined);
      const isKnown = recruiter?.workspaceId === found.workspaceId;
      // A code in a form may have come from an old cookie: it is no reason to send a person away.
      if (isJson && body.recruitCode != null && !isKnown)
        throw invalid({ pointer: '#/recruitCode', code: 'not_found', detail: 'Nobody recruits with this code.' });
      await inWorkspace(deps.db, found.workspaceId, (tx, now) =>
        takeInApplication(tx, visitorAct(koa, deps, found.workspaceId, now), deps.config, {
          programId: found.program.id,
          body,
          recruiterId: isKnown ? recruiter.affiliateId : null,
        }),
      );
    } catch (error) {
      if (isJson) throw error;
      return refuseOnPage(koa, deps, found, sent as Readonly<Record<string, string>>, toDomainError(error));
    }
    await notify(deps.db, 'outbox', '');
    return thank(koa, found, isJson);
  },
};

function bodyOf(form: ApplicationForm, sent: unknown): ApplyBody {
  const given = sent as Readonly<Record<string, string>>;
  const own = new Set(['name', 'email', 'company', 'website', 'country', 'agreementId', 'recruitCode']);
  const body: Record<string, unknown> = {};
  const answers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value.trim() === '' || botCheckNames.includes(name)) continue;
    if (name.startsWith('answer.')) answers[name.slice('answer.'.length)] = value;
    else if (name === 'acceptTerms') body[name] = value === 'true';
    // People leave the scheme away.
    else if (name === 'website' && !/^[a-z]+:/i.test(value)) body[name] = `https://${value.trim()}`;
    else if (own.has(name)) body[name] = value;
    else body[name.slice(0, 40)] = value; // the schema names it as unknown
  }
  if (form.questions.length > 0) body['answers'] = answers;
  return parseWith(applyBody, body, 'body') as ApplyBody;
}

function refuseOnPage(
  koa: Context,
  deps: ApiDeps,
  found: Found,
  sent: Readonly<Record<string, string>>,
  error: DomainError,
): void {
  const t = applyTexts[found.form.language];
  if (error.code === 'program.program_not_active' || error.code === 'access.not_enabled')
    return sendPage(koa, found, 409, `<h1>${t.closed}</h1><p>${t.closedText}</p>`);
  const errors: Record<string, string> = {};
  if (error.code === 'link.url_not_allowed') errors['website'] = t.bad;
  else if (error.code === 'request.validation_failed')
    for (const { pointer = '', code } of (error.params['errors'] ?? []) as readonly FieldError[]) {
      const name = pointer.replace(/^#\//, '').replace(/^answers\//, 'answer.');
      errors[name === 'agreementId' ? 'acceptTerms' : name] =
        name === 'agreementId' ? t.newTerms : code === 'required' ? t.required : t.bad;
    }
  else throw error;
  sendPage(
    koa,
    found,
    422,
    formHtml(deps, found, { values: sent, errors, code: sent['recruitCode'], message: t.wrong }),
  );
}

function thank(koa: Context, { program }: Found, isJson: boolean): void {
  koa.set('Cache-Control', 'no-store');
  if (isJson) {
    koa.status = 202;
    koa.body = { status: 'received' };
    return;
  }
  koa.set('Location', `/apply/${program.slug}?done=1`);
  koa.body = null;
  koa.status = 303;
}

const recruitParams = z.strictObject({ recruitCode: z.string() });

/** `GET /j/{recruitCode}`: remembers the recruiter and opens the application page. It is no click: nobody is credited for a customer (LNK-23). */
const recruitRoute: Route = {
  ...publicRoute,
  method: 'GET',
  path: '/j/:recruitCode',
  summary: 'A recruit link',
  params: recruitParams,
  reply: z.unknown(),
  status: 200,
  refuses: ['resource.not_found'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, recruitRoute);
    const { recruitCode } = parseWith(recruitParams, koa['params'], 'path') as z.output<typeof recruitParams>;
    const link = await recruiterOf(deps, recruitCode);
    if (link === undefined || link.programStatus === 'draft' || link.programStatus === 'closed') {
      if (wantsJson(koa)) throw new DomainError('resource.not_found');
      const t = applyTexts.en;
      return sendPublicPage(koa, {
        status: 404,
        language: 'en',
        title: t.closed,
        content: `<h1>${t.closed}</h1><p>${t.closedText}</p>`,
      });
    }
    const isHttps = deps.config.http.publicUrl.startsWith('https:');
    koa.set(
      'Set-Cookie',
      `${recruitCookie}=${recruitCode}; Path=/apply; Max-Age=${recruitLifeSeconds}; HttpOnly; SameSite=Lax${isHttps ? '; Secure' : ''}`,
    );
    koa.set('Cache-Control', 'no-store');
    koa.set('X-Robots-Tag', 'noindex');
    koa.set('Location', `${deps.config.http.publicUrl}/apply/${link.programSlug}?recruit=${recruitCode}`);
    koa.body = null;
    koa.status = 302;
  },
};

export const applyPageRoutes: readonly Route[] = [showRoute, applyRoute, recruitRoute];
