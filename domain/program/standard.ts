import type { Instant } from '../time.js';

// Performance thresholds of a program (PRG-18): what an affiliate has to reach in a period, judged once the period is over.

/** Columns of the report `quality`; shares in millionths. */
export const standardMetrics = ['leads', 'accepted', 'acceptRate', 'sales', 'refunds', 'refundShare'] as const;
export type StandardMetric = (typeof standardMetrics)[number];
export const standardPeriods = ['month', 'quarter', 'year'] as const;
export type StandardPeriod = (typeof standardPeriods)[number];

/** Exactly one of the two bounds, which itself is good enough. */
export interface Threshold {
  readonly metric: StandardMetric;
  readonly period: StandardPeriod;
  readonly minimum: number | null;
  readonly maximum: number | null;
}

/** What one affiliate did in one program and period. */
export interface Performance {
  readonly leads: number;
  readonly accepted: number;
  readonly sales: number;
  readonly refunds: number;
}

export interface Judgement {
  /** Null: a share of nothing. It is no failure. */
  readonly value: number | null;
  readonly outcome: 'met' | 'below';
}

const whole = 1_000_000;

/** Rounded down, so that a share is never shown better than it is. */
function share(part: number, of: number): number | null {
  return of === 0 ? null : Math.floor((part * whole) / of);
}

export function valueOf(metric: StandardMetric, done: Performance): number | null {
  switch (metric) {
    case 'acceptRate':
      return share(done.accepted, done.leads);
    case 'refundShare':
      return share(done.refunds, done.sales);
    case 'leads':
    case 'accepted':
    case 'sales':
    case 'refunds':
      return done[metric];
    default:
      return metric satisfies never;
  }
}

export function judgeStandard(threshold: Threshold, done: Performance): Judgement {
  const value = valueOf(threshold.metric, done);
  const isBelow =
    value !== null &&
    ((threshold.minimum !== null && value < threshold.minimum) ||
      (threshold.maximum !== null && value > threshold.maximum));
  return { value, outcome: isBelow ? 'below' : 'met' };
}

/** A threshold counts from the first period that ends after it was set: nobody is judged by what they could not know. */
export function isJudged(setAt: Instant, periodUntil: Instant): boolean {
  return setAt < periodUntil;
}
