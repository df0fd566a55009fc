import type { Actor } from '../../domain/act.js';
import { periodContaining } from '../../domain/calendar.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { addDays, addMs, type Instant } from '../../domain/time.js';
import type { Agenda } from './agenda.js';
import type { Chance } from './chance.js';
import type { Rows } from './rows.js';
import type { Ground } from './setUp.js';

/** What every part of the demo's year works with. Nothing in it reads a clock: `until` is handed in. */
export interface Year {
  readonly workspaceId: WorkspaceId;
  readonly rows: Rows;
  readonly chance: Chance;
  readonly agenda: Agenda;
  readonly ground: Ground;
  readonly startsAt: Instant;
  /** What would happen later has not happened yet. */
  readonly until: Instant;
  /** Called once at the end, when every object stands as it will be stored. */
  readonly atTheEnd: (() => void)[];
}

export const system: Actor = { type: 'system', id: null, userId: null };
export const visitor: Actor = { type: 'visitor', id: null, userId: null };

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/** Some time after `at`, evenly between two distances. */
export function soon(chance: Chance, at: Instant, fromMs: number, toMs: number): Instant {
  return addMs(at, chance.whole(fromMs, toMs));
}

/** The same, most often early: what people do at all they mostly do the same day. */
export function sooner(chance: Chance, at: Instant, fromMs: number, toMs: number): Instant {
  return addMs(at, Math.round(fromMs + (toMs - fromMs) * chance.next() ** 3));
}

/** When the year's runs are planned: the 3rd of each month at six. One that would not be paid by the end is left to the product. */
export function payoutDays(year: Year): readonly Instant[] {
  const days: Instant[] = [];
  for (let month = monthAfter(year.startsAt); month < year.until; month = monthAfter(month)) {
    const nominalAt = addMs(addDays(month, 2), 6 * hourMs);
    if (addMs(nominalAt, 2 * dayMs) > year.until) break;
    days.push(nominalAt);
  }
  return days;
}

function monthAfter(at: Instant): Instant {
  return periodContaining('UTC', 'month', at).until;
}
