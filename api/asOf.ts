import { z } from 'zod';
import { newestAsOf } from '../db/reads/earning/trialBalance.js';
import { readWorkspaceZone } from '../db/reads/payout/payoutStep.js';
import type { ReadTx } from '../db/transaction.js';
import { daysRange } from '../domain/calendar.js';
import { addMs, type Instant, type LocalDate, parseInstant, parseLocalDate } from '../domain/time.js';
import { invalid } from './problems.js';
import { fieldIssue } from './schemas/wire.js';

const asOfWire = z
  .codec(z.string(), z.custom<Instant | LocalDate>(), {
    decode: (text, context) => {
      const at = parseLocalDate(text) ?? parseInstant(text);
      if (at !== undefined) return at;
      context.issues.push(fieldIssue('bad_format', 'An instant with a zone, or a day, such as 2026-06-30.'));
      return z.NEVER;
    },
    encode: (at) => at as string,
  })
  .openapi({
    type: 'string',
    description: 'An instant, or a day of the workspace: as it stood at 24:00 of that day.',
    examples: ['2026-11-20T09:30:00.000Z', '2026-06-30'],
  });

/** The parameter of figures that can be read as they stood (api.md 1.6, BEY-12). */
export const asOfParameter = { asOf: asOfWire.exactOptional() };

/**
 * The instant that was asked for, of a day its last one in the workspace's zone; null: as it is now. Code: `request.validation_failed` (`out_of_range`, with the newest one allowed) for one
 * that a transaction still open may write before.
 */
export async function asOfOrNow(tx: ReadTx, asked: Instant | LocalDate | undefined): Promise<Instant | null> {
  if (asked === undefined) return null;
  const day = parseLocalDate(asked);
  const wanted = day === undefined ? (asked as Instant) : await lastInstantOf(tx, day);
  const newest = await newestAsOf(tx);
  if (wanted > newest)
    throw invalid({ parameter: 'asOf', code: 'out_of_range', detail: `The newest instant allowed is ${newest}.` });
  return wanted;
}

/** The last instant of a day of the workspace. */
export async function lastInstantOf(tx: ReadTx, day: LocalDate): Promise<Instant> {
  return addMs(daysRange(await readWorkspaceZone(tx), day, day).until, -1);
}
