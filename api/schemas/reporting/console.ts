import { z } from 'zod';
import type { SearchHit, SearchKind } from '../../../db/reads/reporting/consoleFacts.js';
import { type QueueItem, queueKinds } from '../../../db/reads/reporting/queue.js';
import { adviseOn } from '../../../domain/earning/queueAdvice.js';
import { deviceKinds } from '../../../domain/tracking/deviceSummary.js';
import { masked } from '../../../domain/tracking/lead.js';
import { riskLevelOf, riskLevels } from '../../../domain/tracking/riskFlag.js';
import { anyOf, anyText, limitParameter, listQuery } from '../../lists.js';
import { dateWire, idWire, instantWire, signedMoneyWire, text } from '../wire.js';
import { activityDayWire } from '../affiliate/portal.js';

// What the console's first screens read (screens.md 3.2, 3.3, 3.24; api.md 13).

/** Days of the workspace's zone, both included; `compare=year` compares with the same days a year earlier, `none` with nothing. */
export const homeQuery = z.strictObject({
  from: dateWire.exactOptional(),
  to: dateWire.exactOptional(),
  compare: z.enum(['previous', 'year', 'none']).default('previous'),
  /** Figures, trend and the best of these programs; what waits and what is paid next is the workspace's. */
  programId: anyText(),
  /** Of the same: these affiliates only. */
  segmentId: idWire('segment').exactOptional(),
  format: z.enum(['json', 'csv', 'pdf']).exactOptional(),
});

const numberWire = z.strictObject({ count: z.int().nullable(), money: z.array(signedMoneyWire) });
export const figureNames = ['clicks', 'leads', 'referrals', 'sales', 'commissions', 'revenue'] as const;

/** What waits on lists of its own beside the queue. */
const needKinds = [
  ...queueKinds,
  'payout_overdue',
  'difference',
  'on_hold',
  'webhook_failing',
  'dead_message',
] as const;
export type NeedKind = (typeof needKinds)[number];

const needWire = z.strictObject({
  kind: z.enum(needKinds),
  count: z.int(),
  /** The list query that shows them. */
  list: z.string(),
});

export const homeWire = z
  .strictObject({
    object: z.literal('console_home'),
    from: dateWire,
    to: dateWire,
    timeZone: z.string(),
    /** The days that `previous` and `previousTrend` are of; null with `compare=none`. */
    comparedWith: z.strictObject({ from: dateWire, to: dateWire }).nullable(),
    /** Only what the caller may read. */
    figures: z.array(
      z.strictObject({
        name: z.enum(figureNames),
        value: numberWire,
        previous: numberWire.nullable(),
        /** Against `previous`, in millionths of it; null where there was nothing before. Null as a whole with `compare=none`. */
        change: z
          .strictObject({
            count: z.int().nullable(),
            money: z.array(z.strictObject({ currency: z.string(), ppm: z.int().nullable() })),
          })
          .nullable(),
        /** The list query behind the figure (ADM-03). */
        list: z.string(),
      }),
    ),
    trend: z.array(activityDayWire.extend({ unusual: z.array(z.enum(['clicks', 'leads', 'sales'])) })),
    /** The days compared with, in the same order; empty with `compare=none`. */
    previousTrend: z.array(activityDayWire),
    /** A row per day and currency on which there was any; only for those who see sales and commissions. */
    moneyTrend: z.array(z.strictObject({ day: dateWire, commissions: signedMoneyWire, revenue: signedMoneyWire })),
    needsYou: z.array(needWire),
    nextPayout: z
      .strictObject({
        at: instantWire.nullable(),
        /** Whole days of the workspace's zone until then. */
        daysLeft: z.int().nullable(),
        /** What a plan made now would say, per currency; null where it judges too many for a first screen. */
        planned: z
          .array(
            z.strictObject({
              payable: z.strictObject({ affiliates: z.int(), amount: signedMoneyWire }),
              notPayable: z.int(),
            }),
          )
          .nullable(),
        owed: z.array(z.strictObject({ affiliates: z.int(), amount: signedMoneyWire })),
        list: z.string(),
      })
      .nullable(),
    topAffiliates: z.array(
      z.strictObject({ id: z.string(), name: z.string(), clicks: z.int(), leads: z.int(), sales: z.int() }),
    ),
    topLinks: z.array(
      z.strictObject({
        id: z.string(),
        slug: z.string(),
        affiliateId: z.string(),
        affiliateName: z.string(),
        clicks: z.int(),
        sales: z.int(),
      }),
    ),
    topCountries: z.array(
      z.strictObject({
        country: z.string(),
        leads: z.int(),
        sales: z.int(),
        /** The list query behind each number; null where the caller may not read it. */
        lists: z.strictObject({ leads: z.string(), sales: z.string().nullable() }),
      }),
    ),
    /** As far as the browser's own word of itself is still kept; the rest of the clicks is of none. */
    devices: z.array(z.strictObject({ kind: z.enum(deviceKinds), clicks: z.int(), list: z.string() })),
  })
  .openapi('ConsoleHome');

export const queueQuery = listQuery(
  { kind: anyOf(queueKinds), assignee: anyText(), risk: anyOf(riskLevels) },
  { sort: ['age'] },
).omit({
  include: true,
  expand: true,
});

const queueItemWire = z
  .strictObject({
    kind: z.enum(queueKinds),
    id: z.string(),
    title: z.string(),
    status: z.string(),
    affiliate: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
    programId: z.string().nullable(),
    amount: signedMoneyWire.nullable(),
    assigneeId: z.string().nullable(),
    /** Of what a customer bought or asked for; masked without the right to see people. */
    customer: z
      .strictObject({ name: z.string().nullable(), email: z.string().nullable(), masked: z.boolean() })
      .nullable(),
    flags: z.array(z.string()),
    risk: z.enum(riskLevels),
    /** What the findings speak for, with the reasons; null where findings say nothing about the question. */
    suggestion: z
      .strictObject({ verdict: z.enum(['approve', 'look', 'reject']), reasons: z.array(z.string()) })
      .nullable(),
    waitingSince: instantWire,
    dueAt: instantWire.nullable(),
    /** The resource: its `allowedActions` are what can be done. */
    path: z.string(),
  })
  .openapi('QueueItem');
export const queueWire = z.strictObject({
  data: z.array(queueItemWire),
  nextCursor: z.string().nullable(),
  counts: z.strictObject({
    total: z.int(),
    byKind: z.record(z.string(), z.int()),
    /** What waits on lists of its own: open appeals, payouts that are not paid yet; only what the caller may settle. */
    beside: z.strictObject({ appeal: z.int().exactOptional(), payout: z.int().exactOptional() }),
  }),
});

const resourcePaths: Readonly<Record<QueueItem['kind'], string>> = {
  application: '/v1/affiliates',
  lead: '/v1/leads',
  referral: '/v1/referrals',
  sale: '/v1/sales',
  commission: '/v1/commissions',
  payout_run: '/v1/payout-runs',
  payout: '/v1/payouts',
  payout_method: '/v1/payout-methods',
  appeal: '/v1/appeals',
};

/** Kinds whose question is whether the affiliate or the customer is genuine. */
const advised: ReadonlySet<QueueItem['kind']> = new Set(['application', 'lead', 'referral', 'sale', 'commission']);

export function presentQueueItem(
  item: QueueItem,
  reader: { readonly seesPeople: boolean },
): z.output<typeof queueItemWire> {
  const { affiliateId, affiliateName, currency, amountMinor, customerName, customerEmail, openChecks, ...rest } = item;
  const advice = advised.has(item.kind) ? adviseOn({ flags: item.flags, openChecks }) : null;
  const seen = (kind: 'name' | 'email', value: string | null): string | null =>
    reader.seesPeople ? value : masked(kind, value);
  return {
    ...rest,
    flags: [...item.flags],
    risk: riskLevelOf(item.flags),
    suggestion: advice === null ? null : { verdict: advice.verdict, reasons: [...advice.reasons] },
    affiliate: affiliateId === null || affiliateName === null ? null : { id: affiliateId, name: affiliateName },
    customer:
      customerName === null && customerEmail === null
        ? null
        : { name: seen('name', customerName), email: seen('email', customerEmail), masked: !reader.seesPeople },
    amount: currency === null || amountMinor === null ? null : { minor: amountMinor, currency },
    path: `${resourcePaths[item.kind]}/${item.id}`,
  };
}

export const setupSteps = ['settings', 'program', 'tracking', 'affiliates', 'testReferral', 'payout'] as const;
export const setupWire = z
  .strictObject({
    object: z.literal('console_setup'),
    done: z.boolean(),
    steps: z.array(
      z.strictObject({
        id: z.enum(setupSteps),
        title: z.string(),
        detail: z.string(),
        doneAt: instantWire.nullable(),
        /** The person behind it; null: nobody's act, as a click, or not yet. */
        doneBy: z.string().nullable(),
        path: z.string(),
      }),
    ),
  })
  .openapi('ConsoleSetup');

export const setupTexts: Readonly<
  Record<(typeof setupSteps)[number], { readonly title: string; readonly detail: string; readonly path: string }>
> = {
  settings: { title: 'Settings', detail: 'Save them once; safe defaults are offered.', path: '/settings' },
  program: { title: 'Program', detail: 'Create one, set its first commission rule, publish it.', path: '/programs' },
  tracking: { title: 'Tracking', detail: 'Install it; the first click or sale ticks this.', path: '/developers' },
  affiliates: { title: 'Affiliates', detail: 'Invite or approve the first one.', path: '/affiliates' },
  testReferral: {
    title: 'Test referral',
    detail: 'Click, lead and sale in test mode, until a commission stands there.',
    path: '/developers/tracking-tester',
  },
  payout: { title: 'Payout', detail: 'A confirmed method, a schedule, and a dry run.', path: '/payouts' },
};

export const systemWire = z
  .strictObject({
    object: z.literal('console_system'),
    build: z.string(),
    /** The newest migration this build knows and serves. */
    migration: z.string().nullable(),
    embedded: z.boolean(),
    /** The newest finished backup; null: there is none. */
    backedUpAt: instantWire.nullable(),
    temporalUi: z.string().nullable(),
    outbox: z.array(
      z.strictObject({
        lane: z.enum(['workflow', 'http']),
        waiting: z.int(),
        oldestAt: instantWire.nullable(),
        dead: z.int(),
      }),
    ),
    /** Events on their way to webhooks, those that wait for their next try among them. */
    webhooks: z.strictObject({ waiting: z.int(), oldestAt: instantWire.nullable(), failing: z.int() }),
    workflows: z.array(z.strictObject({ workflowType: z.string(), running: z.int(), parked: z.int() })),
    /** What Temporal says of itself; null: it does not answer at this moment. Clicks, facts and decisions are kept meanwhile. */
    engine: z
      .strictObject({
        queues: z.array(z.strictObject({ queue: z.string(), pollers: z.int(), waiting: z.int() })),
        sweeps: z.array(
          z.strictObject({
            kind: z.string(),
            paused: z.boolean(),
            lastRunAt: instantWire.nullable(),
            nextRunAt: instantWire.nullable(),
          }),
        ),
      })
      .nullable(),
    /** Facts, decisions and deadlines that nobody took up for a minute; 100 means 100 or more. */
    unapplied: z.int(),
    schedules: z.array(
      z.strictObject({ id: z.string(), paused: z.boolean(), timeZone: z.string(), nextRuns: z.array(instantWire) }),
    ),
    gateways: z.array(
      z.strictObject({
        id: z.string(),
        adapter: z.string(),
        frozenAt: instantWire.nullable(),
        frozenReason: z.string().nullable(),
      }),
    ),
    audit: z
      .strictObject({
        sequence: z.string(),
        updatedAt: instantWire,
        histories: z.int(),
        newestHistoryAt: instantWire.nullable(),
      })
      .nullable(),
  })
  .openapi('ConsoleSystem');

export const failedRunsQuery = z.strictObject({ limit: limitParameter });
/** Runs that ended as none of ours should: failed, timed out, or stopped by hand. */
export const failedRunsWire = z.strictObject({
  data: z.array(
    z.strictObject({
      workflowId: z.string(),
      runId: z.string(),
      workflowType: z.string(),
      status: z.enum(['failed', 'timed_out', 'terminated']),
      startedAt: instantWire,
      closedAt: instantWire.nullable(),
    }),
  ),
  nextCursor: z.null(),
});
export const rehydrateWire = z.strictObject({
  object: z.literal('rehydration'),
  /** Outbox rows written, by type of workflow: each starts or wakes one. */
  written: z.array(z.strictObject({ workflowType: z.string(), count: z.int() })),
});

export const searchQuery = z.strictObject({ q: text(100) });
export const searchWire = z.strictObject({
  data: z.array(
    z.strictObject({
      kind: z.string(),
      id: z.string(),
      title: z.string(),
      detail: z.string().nullable(),
      path: z.string(),
    }),
  ),
  nextCursor: z.null(),
});

const searchPaths: Readonly<Record<SearchKind, string>> = {
  affiliate: '/v1/affiliates',
  contact: '/v1/contacts',
  program: '/v1/programs',
  link: '/v1/links',
  coupon: '/v1/coupons',
  referral: '/v1/referrals',
  sale: '/v1/sales',
  commission: '/v1/commissions',
  payout: '/v1/payouts',
  payout_run: '/v1/payout-runs',
  group: '/v1/groups',
  user: '/v1/users',
  api_key: '/v1/api-keys',
};

export function presentHit(
  hit: SearchHit,
  reader: { readonly seesPeople: boolean },
): z.output<typeof searchWire>['data'][number] {
  const { isPerson, title, ...rest } = hit;
  const isMasked = isPerson && !reader.seesPeople;
  return {
    ...rest,
    title: isMasked ? (masked(title.includes('@') ? 'email' : 'name', title) ?? hit.id) : title,
    path: `${searchPaths[hit.kind]}/${hit.id}`,
  };
}
