import { domainOrigin } from '../../../domain/tracking/trackingDomain.js';
import { findLinkDomain, listProvedDomainNames } from '../../tracking/trackingDomain.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** Where this workspace's links and pictures are printed from: its own proved domain, else PUBLIC_URL; never the host of a request. */
export async function readLinkOrigin(tx: ReadTx | Tx, publicUrl: string): Promise<string> {
  const domain = await findLinkDomain(tx);
  return domain === undefined ? publicUrl : domainOrigin(domain, publicUrl);
}

/** Hosts that this workspace's tracking script and pages of ours are loaded from: PUBLIC_URL's, and those of its proved domains (LNK-08). */
export async function listScriptHosts(tx: ReadTx | Tx, publicUrl: string): Promise<readonly string[]> {
  const domains = await listProvedDomainNames(tx);
  return [publicUrl, ...domains.map((domain) => domainOrigin(domain, publicUrl))].map((origin) => new URL(origin).host);
}
