import { domainOrigin } from '../../../domain/tracking/trackingDomain.js';
import { findLinkDomain } from '../../tracking/trackingDomain.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** Where this workspace's links and pictures are printed from: its own proved domain, else PUBLIC_URL; never the host of a request. */
export async function readLinkOrigin(tx: ReadTx | Tx, publicUrl: string): Promise<string> {
  const domain = await findLinkDomain(tx);
  return domain === undefined ? publicUrl : domainOrigin(domain, publicUrl);
}
