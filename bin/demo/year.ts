import type { Actor } from '../../domain/act.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { addMs, type Instant } from '../../domain/time.js';
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
