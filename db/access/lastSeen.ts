import type { Knex } from 'knex';
import { addMs, type Instant, isBefore } from '../../domain/time.js';
import type { Db } from '../connection.js';
import type { ApiKeyEntry, SessionEntry } from '../directory.js';
import { inWorkspace } from '../transaction.js';

/** Once a minute is exact enough for "last used" and idle limits of hours, and spares a write per call. Milliseconds. */
const everyMs = 60_000;

export async function touchApiKey(db: Db, key: ApiKeyEntry, now: Instant): Promise<void> {
  if (key.lastUsedAt !== null && isBefore(now, addMs(key.lastUsedAt, everyMs))) return;
  await inWorkspace(db, key.workspaceId, async (tx) => {
    // Calls that come at once all find the key due: the first writes, no other waits for its commit (one of sixteen waited 0.4 s, at most 1.3).
    const due = tx('api_keys')
      .where({ id: key.keyId })
      .where((query) => void query.whereNull('last_used_at').orWhere('last_used_at', '<=', addMs(now, -everyMs)))
      .select('id')
      .forNoKeyUpdate()
      .skipLocked();
    await tx('api_keys').whereIn('id', due).update({ last_used_at: now });
  });
}

export async function touchSession(db: Db, session: SessionEntry, now: Instant): Promise<void> {
  if (isBefore(now, addMs(session.lastSeenAt, everyMs))) return;
  await (db as Knex).raw('select directory_touch_session(?)', [session.sessionId]);
}
