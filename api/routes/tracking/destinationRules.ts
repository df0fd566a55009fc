import type { DestinationRules } from '../../../domain/tracking/destination.js';
import type { Config } from '../../../platform/config.js';

/** What an address is measured against in this installation, but for the hosts it may name. */
export function addressRules(config: Config): Omit<DestinationRules, 'allowedHosts'> {
  return {
    ownHosts: [new URL(config.http.publicUrl).host],
    isDevelopment: config.nodeEnv !== 'production',
  };
}
