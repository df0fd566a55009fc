import { readLinkOrigin } from '../../../db/reads/tracking/linkOrigin.js';
import { listTrackingDomainNames } from '../../../db/tracking/trackingDomain.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { domainOrigin } from '../../../domain/tracking/trackingDomain.js';
import type { Config } from '../../../platform/config.js';

/** Where this workspace's links and pictures are printed from. */
export function publicOrigin(tx: ReadTx | Tx, config: Config): Promise<string> {
  return readLinkOrigin(tx, config.http.publicUrl);
}

/** Hosts at which our own redirect answers for this workspace: a link to one of them would turn in a circle (reliability.md R5). */
export async function ownHosts(tx: ReadTx | Tx, config: Config): Promise<readonly string[]> {
  const { publicUrl } = config.http;
  const domains = await listTrackingDomainNames(tx);
  return [new URL(publicUrl).host, ...domains.map((domain) => new URL(domainOrigin(domain, publicUrl)).host)];
}
