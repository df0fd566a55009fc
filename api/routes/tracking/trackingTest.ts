import { getSettings } from '../../../db/access/settings.js';
import { findProgram } from '../../../db/program/program.js';
import { findLastCall, findPageKey } from '../../../db/reads/tracking/lastCalls.js';
import { findLinkView } from '../../../db/reads/tracking/linkList.js';
import { listTestCalls, readTestProgress } from '../../../db/reads/tracking/testProgress.js';
import type { ReadTx } from '../../../db/transaction.js';
import {
  findTrackingTest,
  insertTrackingTest,
  listTrackingTests,
  type TrackingTest,
} from '../../../db/tracking/trackingTest.js';
import { effectiveTerms } from '../../../domain/access/settings.js';
import { DomainError } from '../../../domain/errors.js';
import { addDays, type Instant } from '../../../domain/time.js';
import { hashToken, randomToken } from '../../../platform/secrets.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  type PixelField,
  pixelFields,
  presentTrackingTest,
  snippetKinds,
  snippetQuery,
  snippetsWire,
  trackingTestCreate,
  trackingTestList,
  trackingTestParams,
  trackingTestQuery,
  trackingTestWire,
} from '../../schemas/tracking/trackingTest.js';
import { fieldRefusal } from '../program/directDecision.js';
import { testParameter } from './click.js';
import { requireLink } from './link.js';
import { publicOrigin } from './linkOrigin.js';

/** A test is tried at once; what lies about for longer is forgotten. */
const daysOpen = 1;

async function present(tx: ReadTx, test: TrackingTest, now: Instant) {
  const [{ settings }, view] = await Promise.all([getSettings(tx), findLinkView(tx, test.linkId)]);
  const program = view === undefined ? undefined : await findProgram(tx, view.link.programId);
  const progress = test.clickId === null ? undefined : await readTestProgress(tx, test.clickId);
  const calls =
    test.clickId === null || progress === undefined ? [] : await listTestCalls(tx, test.clickId, progress.click_at);
  const keepsCookie = effectiveTerms(settings, program ?? { ownTerms: {} }).cookie !== 'none';
  return presentTrackingTest(test, { progress, calls, keepsCookie, now });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/tracking-tests',
  summary: 'Tracking tests, with what of each has arrived',
  permission: 'link.read',
  query: trackingTestQuery,
  reply: trackingTestList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const tests = await listTrackingTests(tx, page);
      const shown = new Map<string, Awaited<ReturnType<typeof present>>>();
      for (const test of tests) shown.set(test.id, await present(tx, test, now));
      return ctx.list(
        tests,
        page,
        (test) => {
          const wire = shown.get(test.id);
          if (wire === undefined) throw new DomainError('resource.not_found');
          return wire;
        },
        (test) => ({ value: test.createdAt, id: test.id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/tracking-tests/:testId',
  summary: 'Which of click, cookie, visit, lead and sale arrived, and the repair for the missing',
  permission: 'link.read',
  params: trackingTestParams,
  reply: trackingTestWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const test = await findTrackingTest(tx, ctx.params.testId);
      if (test === undefined) throw new DomainError('resource.not_found');
      return present(tx, test, now);
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/tracking-tests',
  summary: 'A one-time address that makes a test click',
  permission: 'link.read',
  secretReply: true,
  body: trackingTestCreate,
  reply: trackingTestWire,
  status: 201,
  refuses: ['access.not_in_scope'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const { linkId } = ctx.body;
      const found = await requireLink(ctx, tx, linkId).catch((error: unknown) => {
        const isUnknown = error instanceof DomainError && error.code === 'resource.not_found';
        throw isUnknown ? fieldRefusal('linkId', 'not_found', 'No such link.') : error;
      });
      // A direct link has no redirect that could make the click, and a recruit link brings no customers.
      if (found.link.kind !== 'standard')
        throw fieldRefusal('linkId', 'not_allowed_here', 'Only a standard link has a redirect to test.');
      const token = randomToken(16);
      const test = await insertTrackingTest(tx, act, {
        id: act.newId('trackingTest'),
        linkId,
        tokenHash: hashToken(token),
        expiresAt: addDays(act.now, daysOpen),
      });
      const url = `${await publicOrigin(tx, config)}/r/${found.link.slug}?${testParameter}=${token}`;
      const shown = presentTrackingTest(test, { progress: undefined, calls: [], keepsCookie: true, now: act.now }, url);
      return answer(shown, { location: `/v1/tracking-tests/${test.id}` });
    }),
});

/** Paths of the API log under which a kind of call is kept. */
const pathsOf: Readonly<Record<(typeof snippetKinds)[number], string>> = {
  script: '/t/visit',
  pixel: '/t/sale.gif',
  postback: '/t/postback',
  form: '/f/%',
};

/** What pixel and postback tell of an order; a form's answers are no business of who sets up the tracking. */
const told: ReadonlySet<string> = new Set([
  'event',
  'txn_id',
  'order_id',
  'amount',
  'currency',
  'product',
  'email',
  'click_id',
]);

function receivedOf(kind: (typeof snippetKinds)[number], payload: Readonly<Record<string, unknown>>) {
  if (kind !== 'pixel' && kind !== 'postback') return {};
  return Object.fromEntries(
    Object.entries(payload).flatMap(([name, value]) =>
      told.has(name) && typeof value === 'string' ? [[name, value]] : [],
    ),
  );
}

const mustFields: ReadonlySet<PixelField> = new Set(['order_id', 'amount', 'currency']);
const usualFields: readonly PixelField[] = pixelFields.filter((field) => field !== 'click_id');

/** `order_id=ORDER_ID&amp;…`: the shop's page puts its own values in the place of the words in capitals. */
function pixelQuery(fields: readonly PixelField[]): string {
  return fields.map((field) => `${field}=${field.toUpperCase()}`).join('&amp;');
}

function codeOf(
  kind: (typeof snippetKinds)[number],
  publicUrl: string,
  of: { readonly key: string; readonly fields: readonly PixelField[]; readonly linkOrigin: string },
): string {
  const { key, fields, linkOrigin } = of;
  switch (kind) {
    case 'script':
      return `<script async src="${publicUrl}/t/v1.js" data-key="${key}"></script>`;
    case 'pixel':
      // Where links are printed from: the redirect set its cookie there, and a browser sends it to nobody else.
      return `<img src="${linkOrigin}/t/sale.gif?key=${key}&amp;${pixelQuery(fields)}" width="1" height="1" alt="">`;
    case 'postback':
      return `${publicUrl}/t/postback?key=${key}&event=sale&click_id={click_id}&txn_id={order_id}&amount={amount}&currency={currency}&ts={unix_seconds}&sig={hmac_sha256}`;
    case 'form':
      return `<iframe src="${publicUrl}/f/FORM_ID" title="Form" style="border:0;width:100%;height:40rem"></iframe>`;
    default:
      return kind satisfies never;
  }
}

const snippets = defineRoute({
  method: 'GET',
  path: '/v1/tracking-snippets',
  summary: 'Ready code for script, pixel, postback and form, and when each last called',
  permission: 'link.read',
  query: snippetQuery,
  reply: snippetsWire,
  refuses: [],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => {
      const publicKey = await findPageKey(tx, ctx.mode);
      const linkOrigin = await publicOrigin(tx, config);
      const kinds = ctx.query.kind === undefined ? snippetKinds : [ctx.query.kind];
      const wanted = new Set(ctx.query.fields ?? usualFields);
      const fields = pixelFields.filter((field) => mustFields.has(field) || wanted.has(field));
      const data = [];
      for (const kind of kinds) {
        const last = await findLastCall(tx, ctx.mode, pathsOf[kind]);
        data.push({
          object: 'tracking_snippet' as const,
          kind,
          code: codeOf(kind, config.http.publicUrl, { key: publicKey ?? `pk_${ctx.mode}_…`, fields, linkOrigin }),
          fields: kind === 'pixel' ? fields : [],
          publicKey: kind === 'form' ? null : publicKey,
          lastCall:
            last === undefined
              ? null
              : {
                  at: last.created_at,
                  path: last.path,
                  status: last.status,
                  code: last.code,
                  received: receivedOf(kind, last.payload),
                },
        });
      }
      return { data, nextCursor: null };
    }),
});

export const trackingTestRoutes: readonly Route[] = [list, get, create, snippets];
