import { z } from 'zod';
import type { TestCall, TestProgress } from '../../../db/reads/tracking/testProgress.js';
import type { TrackingTest } from '../../../db/tracking/trackingTest.js';
import type { Instant } from '../../../domain/time.js';
import { anyOf, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, objectFields, versionFields } from '../wire.js';

export const trackingTestParams = z.strictObject({ testId: idWire('trackingTest') });
export const trackingTestCreate = z.strictObject({ linkId: idWire('link') });
export const trackingTestQuery = listQuery({}, { sort: ['createdAt'] });

export const testSteps = ['click', 'cookie', 'visit', 'lead', 'sale'] as const;
const told = z.strictObject({ code: z.string(), detail: z.string() });

export const trackingTestWire = z
  .strictObject({
    ...objectFields('trackingTest', 'tracking_test'),
    linkId: z.string(),
    /** The one-time address; only in the answer that made the test. */
    url: z.string().nullable(),
    clickId: z.string().nullable(),
    expiresAt: instantWire,
    steps: z.array(
      z.strictObject({
        step: z.enum(testSteps),
        arrived: z.boolean(),
        at: instantWire.nullable(),
        /** Why it is missing, as far as we were told of it. */
        cause: told.nullable(),
        repair: told.nullable(),
      }),
    ),
    ...versionFields,
  })
  .openapi('TrackingTest');
export const trackingTestList = listOf(trackingTestWire);

type Step = (typeof testSteps)[number];
type Told = z.output<typeof told>;

/** What to do about a step that did not arrive: the exact thing, not a manual. */
const repairs: Readonly<Record<Step, Told>> = {
  click: { code: 'open_address', detail: 'Open the test address in a private window of a browser.' },
  cookie: {
    code: 'allow_cookie',
    detail: 'The page keeps the click once it reports the visit: put the tracking script on it.',
  },
  visit: {
    code: 'add_script',
    detail:
      'Put the tracking script on the page that the link leads to, and list its host in settings, domains, formDomains.',
  },
  lead: {
    code: 'report_lead',
    detail:
      "Submit the form once. It reports by tributary('lead', …), or the server by POST /v1/leads with the click id and a test key.",
  },
  sale: {
    code: 'report_sale',
    detail:
      'Place one order. It reports by the pixel, a signed postback, or POST /v1/sales with the click id and a test key.',
  },
};

/** What to do about a call that came and was refused. */
const repairsOfRefused: Readonly<Record<string, Told>> = {
  csrf_failed: { code: 'list_page', detail: 'List the host of the page in settings, domains, formDomains.' },
  bad_signature: {
    code: 'sign_call',
    detail:
      'Sign with the secret of this public key, with the present time as ts; or let the program take unsigned sales.',
  },
  already_exists: { code: 'use_new_number', detail: 'Report it under a number that was not used before.' },
};
const readLog: Told = {
  code: 'read_log',
  detail: 'The request log of the developers section shows what was sent and what is wrong.',
};

const nothingCame: Told = { code: 'no_call', detail: 'No call that names this click came.' };

/** Which step a call speaks of. */
function stepOf({ path, event }: TestCall): Step | undefined {
  if (path === '/t/visit') return 'visit';
  if (path === '/t/sale.gif' || path === '/v1/sales') return 'sale';
  if (path === '/v1/leads' || path.startsWith('/f/')) return 'lead';
  if (path !== '/t/postback') return undefined;
  return event === 'lead' ? 'lead' : 'sale';
}

interface Seen {
  readonly progress: TestProgress | undefined;
  /** What pages and servers said of the click, newest first. */
  readonly calls: readonly TestCall[];
  /** Whether the link's program lets a page keep the click at all. */
  readonly keepsCookie: boolean;
  readonly now: Instant;
}

interface Missing {
  readonly cause: Told;
  readonly repair: Told;
}

function missingClick(test: TrackingTest, { progress, now }: Seen): Missing {
  if (progress !== undefined)
    return {
      cause: {
        code: progress.credit_code ?? 'not_credited',
        detail: 'The click came, but the link credits nobody just now.',
      },
      repair: { code: 'repair_link', detail: 'Remove the reason, then begin a new test.' },
    };
  if (test.expiresAt <= now)
    return {
      cause: { code: 'not_opened', detail: 'The address was not opened.' },
      repair: { code: 'test_over', detail: 'The address was not opened in time: begin a new test.' },
    };
  return { cause: { code: 'not_opened', detail: 'The address was not opened.' }, repair: repairs.click };
}

function missingCookie({ progress, keepsCookie }: Seen): Missing {
  if (progress?.visit_at == null)
    return { cause: { code: 'no_visit', detail: 'No visit was reported yet.' }, repair: repairs.cookie };
  return keepsCookie
    ? {
        cause: { code: 'consent_refused', detail: 'The visitor did not consent to a cookie.' },
        repair: { code: 'give_consent', detail: "Consent on the page: tributary('consent', 'granted')." },
      }
    : {
        cause: { code: 'cookie_off', detail: 'The settings or the program say cookie "none".' },
        repair: {
          code: 'switch_cookie_on',
          detail: 'Only the address carries the click; else choose another cookie setting.',
        },
      };
}

function missing(step: Step, test: TrackingTest, seen: Seen): Missing {
  if (step === 'click') return missingClick(test, seen);
  if (step === 'cookie') return missingCookie(seen);
  const refused = seen.calls.find((call) => stepOf(call) === step && call.code !== null);
  if (refused?.code == null) return { cause: nothingCame, repair: repairs[step] };
  return {
    cause: { code: refused.code, detail: `${refused.path} was called at ${refused.created_at} and refused.` },
    repair: repairsOfRefused[refused.code] ?? readLog,
  };
}

export function presentTrackingTest(
  test: TrackingTest,
  seen: Seen,
  url: string | null = null,
): z.output<typeof trackingTestWire> {
  const { progress, calls, keepsCookie } = seen;
  // The log is a moment behind: until it tells, the setting does.
  const wasKept = calls.find((call) => call.path === '/t/visit' && call.keptCookie !== null)?.keptCookie ?? keepsCookie;
  const at: Readonly<Record<Step, Instant | null>> = {
    click: progress?.credit === 'credited' ? progress.click_at : null,
    cookie: wasKept ? (progress?.visit_at ?? null) : null,
    visit: progress?.visit_at ?? null,
    lead: progress?.lead_at ?? null,
    sale: progress?.sale_at ?? null,
  };
  return {
    object: 'tracking_test',
    ...test,
    url,
    steps: testSteps.map((step) => ({
      step,
      arrived: at[step] !== null,
      at: at[step] ?? (step === 'click' ? (progress?.click_at ?? null) : null),
      ...(at[step] === null ? missing(step, test, seen) : { cause: null, repair: null }),
    })),
  };
}

export const snippetKinds = ['script', 'pixel', 'postback', 'form'] as const;
/**
 * What a pixel may pass back; the first three it must (api.md 4.1). `click_id` is for pages of another site than the links: a browser sends
 * them no cookie of ours, and they know the id from `tributary('ready', …)`.
 */
export const pixelFields = ['order_id', 'amount', 'currency', 'product', 'email', 'click_id'] as const;
export type PixelField = (typeof pixelFields)[number];
/** `fields`: which of them the pixel's code passes back; those that it must are in it anyway. */
export const snippetQuery = z.strictObject({ kind: z.enum(snippetKinds).exactOptional(), fields: anyOf(pixelFields) });
export const snippetsWire = z
  .strictObject({
    data: z.array(
      z.strictObject({
        object: z.literal('tracking_snippet'),
        kind: z.enum(snippetKinds),
        /** Ready to paste, with the workspace's own public key where it has one. */
        code: z.string(),
        publicKey: z.string().nullable(),
        /** Of the pixel: the parameters in its code. */
        fields: z.array(z.enum(pixelFields)),
        lastCall: z
          .strictObject({
            at: instantWire,
            path: z.string(),
            status: z.int(),
            code: z.string().nullable(),
            /** Of a pixel or postback: what it passed back, by parameter; what is personal is masked. */
            received: z.record(z.string(), z.string()),
          })
          .nullable(),
      }),
    ),
    nextCursor: z.null(),
  })
  .openapi('TrackingSnippets');
