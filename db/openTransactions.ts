import { assertInvariant } from '../domain/errors.js';
import type { Instant } from '../domain/time.js';
import type { ReadTx } from './transaction.js';

/**
 * Postgres's time now, and before which instant every transaction of our processes has ended (money.md 9): what they write is dated by their
 * start and appears when they commit. Asked as the login role, because the role that a process acts as may not see when other sessions
 * began, and gets null for each of them instead of an error; sessions of other logins (migrations, a person with psql) stay unseen.
 */
export async function readOpenTransactions(
  tx: ReadTx,
): Promise<{ readonly now: Instant; readonly oldestStart: Instant | null }> {
  await tx.raw('set local role none');
  const { rows } = await tx.raw<{ rows: { now: Instant; oldestStart: Instant | null }[] }>(
    `select date_trunc('milliseconds', now()) as now, date_trunc('milliseconds', min(xact_start)) as "oldestStart"
     from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid() and datname = current_database()`,
  );
  await tx.raw('reset role');
  const [row] = rows;
  assertInvariant(row !== undefined, 'Postgres answers its clock', {});
  return row;
}
