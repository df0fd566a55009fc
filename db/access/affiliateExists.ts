import type { ReadTx, Tx } from '../transaction.js';

export async function hasAffiliate(tx: ReadTx | Tx, id: string): Promise<boolean> {
  return (await tx('affiliates').where({ id }).first<{ id: string } | undefined>('id')) !== undefined;
}
