import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

export interface LastCall {
  readonly path: string;
  readonly status: number;
  readonly code: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly created_at: Instant;
}

// When did a page or cart last call under one of these paths, and what became of it?
export async function findLastCall(tx: ReadTx, mode: Mode, path: string): Promise<LastCall | undefined> {
  return tx('api_log')
    .where({ mode })
    .whereRaw('path like ?', [path])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .first<LastCall | undefined>('path', 'status', 'code', 'payload', 'created_at');
}

// The public key that a page of the shop would use: the oldest that still works.
export async function findPageKey(tx: ReadTx, mode: Mode): Promise<string | null> {
  const row = await tx('api_keys')
    .where({ kind: 'public', mode })
    .whereNull('revoked_at')
    .whereNull('affiliate_id')
    .orderBy('created_at')
    .first<{ public_key: string } | undefined>('public_key');
  return row?.public_key ?? null;
}
