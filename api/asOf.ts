import { newestAsOf } from '../db/reads/earning/trialBalance.js';
import type { ReadTx } from '../db/transaction.js';
import type { Instant } from '../domain/time.js';
import { invalid } from './problems.js';
import { instantWire } from './schemas/wire.js';

/** The parameter of figures that can be read as they stood (api.md 1.6, BEY-12). */
export const asOfParameter = { asOf: instantWire.exactOptional() };

/**
 * The instant that was asked for; null: as it is now. Code: `request.validation_failed` (`out_of_range`, with the newest one allowed) for one
 * that a transaction still open may write before.
 */
export async function asOfOrNow(tx: ReadTx, wanted: Instant | undefined): Promise<Instant | null> {
  if (wanted === undefined) return null;
  const newest = await newestAsOf(tx);
  if (wanted > newest)
    throw invalid({ parameter: 'asOf', code: 'out_of_range', detail: `The newest instant allowed is ${newest}.` });
  return wanted;
}
