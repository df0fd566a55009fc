import { z } from 'zod';
import type { TestProgress } from '../../../db/reads/tracking/testProgress.js';
import type { TrackingTest } from '../../../db/tracking/trackingTest.js';
import type { Instant } from '../../../domain/time.js';
import { anyOf, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, objectFields, versionFields } from '../wire.js';

export const trackingTestParams = z.strictObject({ testId: idWire('trackingTest') });
export const trackingTestCreate = z.strictObject({ linkId: idWire('link') });
export const trackingTestQuery = listQuery({}, { sort: ['createdAt'] });

export const testSteps = ['click', 'cookie', 'visit', 'lead', 'sale'] as const;
const repair = z.strictObject({ code: z.string(), detail: z.string() });

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
        repair: repair.nullable(),
      }),
    ),
    ...versionFields,
  })
  .openapi('TrackingTest');
export const trackingTestList = listOf(trackingTestWire);

type Repair = z.output<typeof repair>;

/** What to do about a step that did not arrive: the exact thing, not a manual. */
const repairs: Readonly<Record<(typeof testSteps)[number], Repair>> = {
  click: { code: 'open_address', detail: 'Open the test address in a private window of a browser.' },
  cookie: {
    code: 'allow_cookie',
    detail:
      'The page does not report yet, or cookies are off in the settings: with cookie "none" only the address carries the click.',
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

export function presentTrackingTest(
  test: TrackingTest,
  seen: { readonly progress: TestProgress | undefined; readonly keepsCookie: boolean; readonly now: Instant },
  url: string | null = null,
): z.output<typeof trackingTestWire> {
  const { progress, keepsCookie, now } = seen;
  const isCredited = progress?.credit === 'credited';
  const at = {
    click: progress?.click_at ?? null,
    cookie: keepsCookie ? (progress?.visit_at ?? null) : null,
    visit: progress?.visit_at ?? null,
    lead: progress?.lead_at ?? null,
    sale: progress?.sale_at ?? null,
  };
  const isOver = test.clickId === null && test.expiresAt <= now;
  return {
    object: 'tracking_test',
    ...test,
    url,
    steps: testSteps.map((step) => ({
      step,
      arrived: at[step] !== null && (step !== 'click' || isCredited),
      at: at[step],
      repair:
        at[step] !== null && (step !== 'click' || isCredited)
          ? null
          : step === 'click' && isOver
            ? { code: 'test_over', detail: 'The address was not opened in time: begin a new test.' }
            : step === 'click' && progress !== undefined && !isCredited
              ? {
                  code: progress.credit_code ?? 'not_credited',
                  detail: 'The click came, but the link credits nobody just now.',
                }
              : repairs[step],
    })),
  };
}

export const snippetKinds = ['script', 'pixel', 'postback', 'form'] as const;
/** What a pixel may pass back; the first three it must (api.md 4.1). */
export const pixelFields = ['order_id', 'amount', 'currency', 'product', 'email'] as const;
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
