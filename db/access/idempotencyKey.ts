import type { Mode } from '../../domain/act.js';
import { DomainError } from '../../domain/errors.js';
import type { Tx } from '../transaction.js';

/** Workspace (the transaction's), mode, person or key, route with its ids: another path is another key (api.md 1.4). */
export interface KeyScope {
  readonly mode: Mode;
  readonly callerId: string;
  readonly route: string;
  readonly key: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const columns = (scope: KeyScope) => ({
  mode: scope.mode,
  caller_id: scope.callerId,
  route: scope.route,
  key: scope.key,
});

/**
 * Takes the key in the transaction of the work, before the work: check-then-insert would commit the write it later refuses. Answers what
 * is stored when the same request succeeded before. `request.idempotency_in_progress` while the first runs, without waiting (an insert
 * would wait: hence the advisory lock); `request.idempotency_mismatch` for another body. Rolled back with the work: a refusal frees it.
 */
export async function reserveKey(
  tx: Tx,
  scope: KeyScope,
  request: { readonly hash: string; readonly requestId: string; readonly keepForEver: boolean },
): Promise<StoredAnswer | undefined> {
  const { rows } = await tx.raw<{ rows: { free: boolean }[] }>(
    `select pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', current_setting('tributary.workspace_id'), ?::text, ?::text, ?::text, ?::text), 0)) as free`,
    [scope.mode, scope.callerId, scope.route, scope.key],
  );
  if (rows[0]?.free !== true) throw new DomainError('request.idempotency_in_progress');
  const inserted = await tx('idempotency_keys')
    .insert({
      ...columns(scope),
      request_hash: Buffer.from(request.hash, 'hex'),
      request_id: request.requestId,
      keep_for_ever: request.keepForEver,
    })
    .onConflict()
    .ignore()
    .returning('key');
  if (inserted.length === 1) return undefined;
  const row = await tx('idempotency_keys').where(columns(scope)).first<
    | {
        request_hash: Buffer;
        request_id: string;
        status: number | null;
        body: Buffer | null;
        headers: Record<string, string> | null;
      }
    | undefined
  >('request_hash', 'request_id', 'status', 'body', 'headers');
  if (row === undefined || row.status === null) throw new DomainError('request.idempotency_in_progress');
  if (row.request_hash.toString('hex') !== request.hash)
    throw new DomainError('request.idempotency_mismatch', { firstRequestId: row.request_id });
  return { status: row.status, body: row.body ?? Buffer.alloc(0), headers: row.headers ?? {} };
}

/** Stores the answer's bytes with the work. */
export async function storeAnswer(tx: Tx, scope: KeyScope, answer: StoredAnswer): Promise<void> {
  await tx('idempotency_keys')
    .where(columns(scope))
    .update({ status: answer.status, body: answer.body, headers: JSON.stringify(answer.headers) });
}
