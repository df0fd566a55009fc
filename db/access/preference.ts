import type { UserId } from '../../domain/ids.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A person's own choice for a screen: columns, page size, language. Not worth a history. */
export async function findPreference(tx: ReadTx | Tx, userId: UserId, key: string): Promise<unknown> {
  const row = await tx('preferences').where({ user_id: userId, key }).first<{ value: unknown } | undefined>('value');
  return row?.value;
}

export async function savePreference(tx: Tx, userId: UserId, key: string, value: unknown): Promise<void> {
  await tx('preferences')
    .insert({ user_id: userId, key, value: JSON.stringify(value) })
    .onConflict(['workspace_id', 'user_id', 'key'])
    .merge(['value']);
}
