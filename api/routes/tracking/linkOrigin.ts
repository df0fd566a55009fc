import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Config } from '../../../platform/config.js';

/** Where this workspace's links and pictures are printed from: PUBLIC_URL, never the host of a request. */
export function publicOrigin(_tx: ReadTx | Tx, config: Config): Promise<string> {
  return Promise.resolve(config.http.publicUrl);
}
