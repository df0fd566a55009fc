import type { GatewayPolicy } from '../../../domain/payout/gateway.js';
import type { ApiDeps } from '../../deps.js';

/** The simulated gateway pays live only outside production (api.md 1.3). */
export function gatewayPolicyOf(deps: Pick<ApiDeps, 'config'>): GatewayPolicy {
  return { sandboxPaysLive: deps.config.nodeEnv !== 'production' };
}
