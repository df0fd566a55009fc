import { judgePage, type LinkCheck } from '../domain/tracking/linkCheck.js';
import { fetchOutside } from './outbound.js';

/** What the shop's logs call us. */
const agent = 'Mozilla/5.0 (compatible; TributaryLinkCheck/1.0)';

export interface DestinationOptions {
  /** Where this workspace's script and our own pages come from: PUBLIC_URL and its proved link domains. */
  readonly hosts: readonly string[];
  /** OUTBOUND_ALLOW. */
  readonly allow: readonly string[];
}

/** Asks a link's destination once, from outside any transaction. Inner addresses are not called (LNK-09, reliability.md G18). */
export async function lookAtDestination({ hosts, allow }: DestinationOptions, url: string): Promise<LinkCheck> {
  const seen = await fetchOutside(url, { allow }, { headers: { 'user-agent': agent, accept: 'text/html,*/*;q=0.5' } });
  return judgePage(seen, { url, ownHosts: hosts, scriptHosts: hosts });
}
