import type { ReadTx, Tx } from '../transaction.js';

/** Has this workspace booked anything yet? */
export async function hasMoney(tx: ReadTx | Tx): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { found: boolean }[] }>(
    'select exists (select from ledger_transfers) as found',
  );
  return rows[0]?.found === true;
}
