import type { GatewayDesk } from '../../domain/payout/gateway.js';
import { createPaypalGateway } from './paypal.js';
import type { PayoutGateway } from './payoutGateway.js';
import type { ProviderOptions } from './providerCall.js';
import { createStripeGateway } from './stripe.js';
import { createWiseGateway } from './wise.js';

/** Every provider that a workspace can connect (`connectableGateways`). Those without credentials are never asked. */
export function connectedGateways(options: ProviderOptions): readonly (PayoutGateway & GatewayDesk)[] {
  return [createPaypalGateway(options), createWiseGateway(options), createStripeGateway(options)];
}
