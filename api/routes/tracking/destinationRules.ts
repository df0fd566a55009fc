import { getSettings } from '../../../db/access/settings.js';
import { findProgram } from '../../../db/program/program.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { DestinationRules } from '../../../domain/tracking/destination.js';
import type { Config } from '../../../platform/config.js';

/** What an address is measured against in this installation, but for the hosts it may name. */
export function addressRules(config: Config): Omit<DestinationRules, 'allowedHosts'> {
  return {
    ownHosts: [new URL(config.http.publicUrl).host],
    isDevelopment: config.nodeEnv !== 'production',
  };
}

/** Where visitors of this program's forms may be sent, as the lists stand now. */
export async function formGoalRules(tx: ReadTx | Tx, programId: string, config: Config): Promise<DestinationRules> {
  const { domains } = (await getSettings(tx)).settings;
  const hosts = (await findProgram(tx, programId))?.destinationHosts ?? [];
  return { ...addressRules(config), allowedHosts: [...hosts, ...domains.destinationHosts, ...domains.formDomains] };
}
