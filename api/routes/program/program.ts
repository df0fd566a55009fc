import { getSettings } from '../../../db/access/settings.js';
import {
  deleteProgram,
  findProgram,
  insertProgram,
  isProgramSlugTaken,
  lockProgram,
  moveProgram,
  moneyBoundTo,
  type NewProgram,
  programUses,
  updateProgram,
} from '../../../db/program/program.js';
import { planChange } from '../../../db/program/programChange.js';
import { countPrograms, listPrograms, type ProgramView, viewProgram } from '../../../db/reads/program/programList.js';
import { getProgramReadiness } from '../../../db/reads/program/programReadiness.js';
import { listProgramVersions } from '../../../db/reads/program/programVersions.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Settings } from '../../../domain/access/settings.js';
import type { Act } from '../../../domain/act.js';
import { isTimeZone } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { type CurrencyCode, formatMoney } from '../../../domain/money.js';
import {
  decideProgramMove,
  type OwnTermName,
  type OwnTerms,
  ownTermNames,
  type Program,
  type ProgramEvent,
  programActions,
  withTerms,
} from '../../../domain/program/program.js';
import { durationMs, type Instant } from '../../../domain/time.js';
import { judgeAddress, parseHost } from '../../../domain/tracking/destination.js';
import { slugOf, slugProblem } from '../../../domain/tracking/link.js';
import type { Config } from '../../../platform/config.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  closeBody,
  presentProgram,
  presentProgramVersion,
  programCreate,
  type ProgramCreate,
  programList,
  programParams,
  programPatch,
  type ProgramPatch,
  programQuery,
  type ProgramReply,
  programVersionList,
  programVersionQuery,
  programWire,
} from '../../schemas/program/program.js';
import { decisionBody, noContent, reasonOf } from '../../schemas/wire.js';
import { addressRules } from '../tracking/destinationRules.js';
import { decideHere, fieldRefusal } from './directDecision.js';
import { checkDepth } from './ruleMeeting.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller'>;

function actionsFor(ctx: Asking, program: Program): readonly string[] {
  return ctx.can('program.write') ? programActions(program.status) : [];
}

async function present(ctx: Asking, tx: ReadTx | Tx, act: Pick<Act, 'now'>, program: Program): Promise<ProgramReply> {
  const { settings } = await getSettings(tx);
  return presentView(ctx, await viewProgram(tx, program, act.now), settings);
}

function presentView(ctx: Asking, view: ProgramView, settings: Settings): ProgramReply {
  return presentProgram(view, settings, actionsFor(ctx, view.program));
}

async function requireProgram(program: Promise<Program | undefined>): Promise<Program> {
  const found = await program;
  if (found === undefined) throw new DomainError('resource.not_found');
  return found;
}

export const listProgramsRoute = defineRoute({
  method: 'GET',
  path: '/v1/programs',
  permission: 'program.read',
  query: programQuery,
  reply: programList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const { settings } = await getSettings(tx);
      const views = await listPrograms(tx, ctx.query, page, now);
      const counts =
        ctx.query.include?.includes('counts') === true ? { counts: await countPrograms(tx, ctx.query) } : {};
      const list = ctx.list(
        views,
        page,
        (view) => presentView(ctx, view, settings),
        ({ program }) => ({ value: page.sort === 'name' ? program.name : program.createdAt, id: program.id }),
      );
      return { ...list, ...counts };
    });
  },
});

export const getProgramRoute = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId',
  permission: 'program.read',
  params: programParams,
  reply: programWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => present(ctx, tx, { now }, await requireProgram(findProgram(tx, ctx.params.programId)))),
});

export const createProgramRoute = defineRoute({
  method: 'POST',
  path: '/v1/programs',
  permission: 'program.write',
  body: programCreate,
  reply: programWire,
  status: 201,
  refuses: ['settings.settings_missing', 'resource.already_exists', 'link.url_not_allowed', 'rule.rule_conflict'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const { savedAt } = await getSettings(tx);
      if (savedAt === null)
        throw new DomainError('settings.settings_missing', {
          detail: 'Save the settings once (PATCH /v1/settings); {} saves the offered defaults.',
        });
      const { body } = ctx;
      checkFields(body, body.currency, deps.config);
      const pages = judgePages(body, deps.config);
      const program = await insertProgram(tx, act, {
        id: act.newId('program'),
        name: body.name,
        slug: body.slug ?? (await freeSlug(tx, act, body.name)),
        currency: body.currency,
        timeZone: body.timeZone ?? null,
        levels: body.levels ?? 1,
        enrolment: body.enrolment ?? 'open',
        acquisitionModel: body.acquisitionModel ?? null,
        requirements: body.requirements ?? ['email_verified'],
        requiredChecks: body.requiredChecks ?? [],
        ownTerms: withTerms({}, termsOf(body)),
        landingUrl: pages.landingUrl ?? null,
        fallbackUrl: pages.fallbackUrl ?? null,
        destinationHosts: pages.destinationHosts ?? hostsOf(pages),
        metadata: body.metadata ?? {},
      });
      await checkDepth(tx, act.now, { id: program.id, levels: 1 }, program.levels);
      return answer(await present(ctx, tx, act, program), { location: `/v1/programs/${program.id}` });
    }),
});

export const editProgramRoute = defineRoute({
  method: 'PATCH',
  path: '/v1/programs/:programId',
  permission: 'program.write',
  params: programParams,
  body: programPatch,
  reply: programWire,
  ifMatch: 'required',
  refuses: [
    'resource.not_found',
    'resource.already_exists',
    'program.currency_locked',
    'program.transition_not_allowed',
    'link.url_not_allowed',
    'rule.rule_conflict',
  ],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const program = await requireProgram(lockProgram(tx, ctx.params.programId));
      ctx.requireVersion(program.version);
      const { body } = ctx;
      if (program.status === 'closed')
        throw new DomainError('program.transition_not_allowed', {
          currentStatus: program.status,
          allowedActions: actionsFor(ctx, program),
        });
      checkFields(body, body.currency ?? program.currency, deps.config);
      if (body.currency !== undefined && body.currency !== program.currency) {
        const bound = await moneyBoundTo(tx, { programId: program.id, currency: body.currency });
        const usedBy = bound.filter((kind) => kind !== 'terms' || body.reviewAbove === undefined);
        if (usedBy.length > 0) throw new DomainError('program.currency_locked', { usedBy });
      }
      const pages = judgePages(body, deps.config);
      if (body.levels !== undefined) await checkDepth(tx, act.now, program, body.levels);
      if (body.effectiveFrom !== undefined) {
        if (body.effectiveFrom <= act.now)
          throw fieldRefusal('effectiveFrom', 'out_of_range', 'In the future; without it the change holds at once.');
        return present(ctx, tx, act, await planEdit(tx, act, program, body, pages, body.effectiveFrom));
      }
      const edited = await updateProgram(tx, act, program, {
        ...plainFields(body),
        ...pages,
        ownTerms: withTerms(program.ownTerms, termsOf(body)),
      });
      return present(ctx, tx, act, edited);
    }),
});

export const deleteProgramRoute = defineRoute({
  method: 'DELETE',
  path: '/v1/programs/:programId',
  permission: 'program.write',
  params: programParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use', 'program.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const program = await requireProgram(lockProgram(tx, ctx.params.programId));
      ctx.requireVersion(program.version);
      if (program.status !== 'draft')
        throw new DomainError('program.transition_not_allowed', {
          currentStatus: program.status,
          allowedActions: actionsFor(ctx, program),
        });
      const usedBy = await programUses(tx, program.id);
      if (usedBy.length > 0) throw new DomainError('resource.in_use', { usedBy });
      await deleteProgram(tx, act, program);
      return undefined;
    }),
});

export const listVersionsRoute = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId/versions',
  permission: 'program.read',
  params: programParams,
  query: programVersionQuery,
  reply: programVersionList,
  refuses: ['resource.not_found'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const program = await requireProgram(findProgram(tx, ctx.params.programId));
      const versions = await listProgramVersions(tx, program.id, page);
      return ctx.list(versions, page, presentProgramVersion, (version) => ({ value: version.version, id: version.id }));
    });
  },
});

/** One move of features.md 2.8, decided and written under the program's lock. */
async function move(
  ctx: RouteContext<{ programId: string }, unknown, Parameters<typeof reasonOf>[0], ProgramReply>,
  tx: Tx,
  act: Act,
  event: ProgramEvent,
  options: { readonly verb: string; readonly renewals?: 'stop' | 'run_out' },
): Promise<ProgramReply> {
  const program = await requireProgram(lockProgram(tx, ctx.params.programId));
  const { settings } = await getSettings(tx);
  const readiness =
    event === 'published'
      ? await getProgramReadiness(tx, program.id, act.now, settings.commissions.defaultRule !== null)
      : undefined;
  const decided = decideProgramMove(program, event, readiness);
  const effect = await decideHere(ctx, tx, act, {
    verb: options.verb,
    objectType: 'program',
    objectId: program.id,
    decided,
    allowedActions: actionsFor(ctx, program),
    reason: reasonOf(ctx.body),
    ...(options.renewals === undefined ? {} : { params: { renewals: options.renewals } }),
  });
  return present(ctx, tx, act, await moveProgram(tx, effect, program, event, options.renewals ?? null));
}

function moveRoute(verb: 'publish' | 'pause' | 'resume', event: ProgramEvent): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/programs/:programId/${verb}`,
    permission: 'program.write',
    params: programParams,
    body: decisionBody,
    reply: programWire,
    refuses: [
      'resource.not_found',
      'program.already_decided',
      'program.transition_not_allowed',
      ...(event === 'published' ? (['program.requirements_open'] as const) : []),
    ],
    handle: (ctx) => ctx.write((tx, act) => move(ctx, tx, act, event, { verb })),
  });
}

export const closeProgramRoute = defineRoute({
  method: 'POST',
  path: '/v1/programs/:programId/close',
  permission: 'program.write',
  params: programParams,
  body: closeBody,
  reply: programWire,
  refuses: ['resource.not_found', 'program.already_decided', 'program.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write((tx, act) => move(ctx, tx, act, 'closed', { verb: 'close', renewals: ctx.body.renewals ?? 'stop' })),
});

/** The name's slug; where it is taken, by whichever workspace, or says nothing, with something of the id behind it. */
async function freeSlug(tx: Tx, act: Act, name: string): Promise<string> {
  const plain = slugOf(name);
  if (plain !== undefined && !(await isProgramSlugTaken(tx, plain))) return plain;
  return `${plain ?? 'program'}-${act.newId('program').slice(-8)}`;
}

/** Rules that a schema cannot see, because they are of the calendar, the slugs or the environment. */
function checkFields(body: ProgramPatch | ProgramCreate, currency: CurrencyCode, config: Config): void {
  if (body.slug !== undefined) {
    const problem = slugProblem(body.slug);
    if (problem !== undefined)
      throw fieldRefusal('slug', problem, problem === 'bad_format' ? slugRule : 'This slug is reserved.');
  }
  if (body.timeZone !== undefined && body.timeZone !== null && !isTimeZone(body.timeZone))
    throw fieldRefusal('timeZone', 'not_in_list', 'A zone of the IANA list, such as Europe/Warsaw.');
  const window = body.attributionWindow;
  const shortestMs = config.nodeEnv === 'production' ? 86_400_000 : 1_000;
  if (window !== undefined && window !== null && durationMs(window) < shortestMs)
    throw fieldRefusal('attributionWindow', 'out_of_range', `At least ${shortestMs === 1_000 ? 'PT1S' : 'P1D'}.`);
  const { reviewAbove } = body;
  if (reviewAbove !== undefined && reviewAbove !== null && reviewAbove.currency !== currency)
    throw fieldRefusal('reviewAbove/currency', 'not_allowed_here', "The program's own currency.");
}

const slugRule = '3 to 64 lower-case letters, digits and hyphens, no hyphen at an end.';

type Pages = Partial<Pick<NewProgram, 'landingUrl' | 'fallbackUrl' | 'destinationHosts'>>;

/** Landing page, fallback page and hosts of a body, each judged; what the body leaves out stays out. */
function judgePages(body: ProgramPatch | ProgramCreate, config: Config): Pages {
  const rules = addressRules(config);
  const pages: { -readonly [K in keyof Pages]: Pages[K] } = {};
  for (const field of ['landingUrl', 'fallbackUrl'] as const) {
    const value = body[field];
    if (value === undefined) continue;
    if (value === null) {
      pages[field] = null;
      continue;
    }
    const judged = judgeAddress(value, rules);
    if (!judged.ok) throw new DomainError('link.url_not_allowed', { field, problem: judged.problem });
    pages[field] = judged.url;
  }
  if (body.destinationHosts !== undefined) {
    pages.destinationHosts = body.destinationHosts.map((text, index) => {
      const host = parseHost(text);
      if (host === undefined)
        throw fieldRefusal(
          `destinationHosts/${index}`,
          'bad_format',
          'A host such as shop.example, without scheme or path.',
        );
      if (rules.ownHosts.includes(host))
        throw fieldRefusal(`destinationHosts/${index}`, 'not_allowed_here', 'Links cannot lead to this installation.');
      return host;
    });
  }
  return pages;
}

function hostsOf(pages: Pages): readonly string[] {
  const urls = [pages.landingUrl, pages.fallbackUrl].filter((url) => url !== null && url !== undefined);
  return [...new Set(urls.map((url) => new URL(url).host))];
}

/** The fields of a body that are columns as they stand. */
function plainFields(body: ProgramPatch) {
  const {
    name,
    slug,
    currency,
    timeZone,
    levels,
    enrolment,
    acquisitionModel,
    requirements,
    requiredChecks,
    metadata,
  } = body;
  const fields = {
    name,
    slug,
    currency,
    timeZone,
    levels,
    enrolment,
    acquisitionModel,
    requirements,
    requiredChecks,
    metadata,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof typeof fields]?: Exclude<(typeof fields)[K], undefined>;
  };
}

/** The terms that a body names, in wire form; null inherits again. */
function termsOf(body: ProgramPatch | ProgramCreate): OwnTerms {
  const terms: { [Name in OwnTermName]?: unknown } = {};
  for (const name of ownTermNames) {
    const value = body[name];
    if (value === undefined) continue;
    terms[name] =
      name === 'reviewAbove' && value !== null && typeof value === 'object' && 'minor' in value
        ? formatMoney(value)
        : value;
  }
  return terms;
}

/** What cannot wait for a day: what addresses, books and people know a program by, and a template, which may be gone by then. */
const atOnceOnly = ['name', 'slug', 'currency', 'metadata', 'commissionEmail'] as const;

/** A change for later (PRG-17): judged now as if it were made now, kept until its instant. */
async function planEdit(tx: Tx, act: Act, program: Program, body: ProgramPatch, pages: Pages, from: Instant) {
  for (const field of atOnceOnly)
    if (body[field] !== undefined)
      throw fieldRefusal(field, 'not_allowed_here', 'Changes at once only: leave effectiveFrom out.');
  return planChange(tx, act, program, {
    programId: program.id,
    effectiveFrom: from,
    fields: { ...plainFields(body), ...pages },
    terms: termsOf(body),
  });
}

export const programRoutes: readonly Route[] = [
  listProgramsRoute,
  getProgramRoute,
  createProgramRoute,
  editProgramRoute,
  deleteProgramRoute,
  listVersionsRoute,
  moveRoute('publish', 'published'),
  moveRoute('pause', 'paused'),
  moveRoute('resume', 'resumed'),
  closeProgramRoute,
];
