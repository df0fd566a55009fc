import type { PublicKeyEntry } from '../../../db/directory.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { findClick } from '../../../db/tracking/click.js';
import type { Mode } from '../../../domain/act.js';

/**
 * The mode of an edge call: its key's, but what a live page says of a test click is a test fact, so that one click of a tracking test flows
 * through all stages of the page that is there (TRK-29). The other way round nothing meets: a test key never makes a live fact.
 */
export async function modeOfCall(tx: ReadTx | Tx, key: PublicKeyEntry, clickId: string | null): Promise<Mode> {
  if (key.mode === 'test' || clickId === null) return key.mode;
  return (await findClick(tx, clickId))?.mode ?? key.mode;
}
