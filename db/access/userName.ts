import type { ReadTx, Tx } from '../transaction.js';

/** The name of a person by user id, or of who made a key by the key's id. */
export async function findUserName(tx: ReadTx | Tx, id: string): Promise<string | undefined> {
  const names = await listUserNames(tx, [id]);
  return names.get(id);
}

/** The same for many: id of a user or key → name. Unknown ids are left out. */
export async function listUserNames(tx: ReadTx | Tx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: { id: string; name: string }[] }>(
    `select person.id, person.name from users as person where person.id = any(:wanted)
     union all
     select key.id, person.name
     from api_keys as key
     join users as person on person.workspace_id = key.workspace_id and person.id = key.created_by
     where key.id = any(:wanted)`,
    { wanted },
  );
  return new Map(rows.map((row) => [row.id, row.name]));
}
