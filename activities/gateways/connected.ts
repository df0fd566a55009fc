import type { GatewayDesk } from '../../domain/payout/gateway.js';
import { createPaypalGateway } from './paypal.js';
import type { PayoutGateway } from './payoutGateway.js';
import type { ProviderOptions } from './providerCall.js';
import { createStripeGateway } from './stripe.js';
import { createWiseGateway } from './wise.js';

/** Every provider that a workspace can connect (`connectableGateways`). Those without credentials are never asked. */
export function connectedGateways(
  options: Omit<ProviderOptions, 'origins'> & {
    /** GATEWAY_ORIGINS: where a provider is reached instead, by gateway. */
    readonly instead?: Readonly<Record<string, string>>;
  },
): readonly (PayoutGateway & GatewayDesk)[] {
  const { ask, now, instead = {} } = options;
  const of = (gateway: string): ProviderOptions => {
    const origin = instead[gateway];
    return { ask, now, ...(origin === undefined ? {} : { origins: { production: origin, sandbox: origin } }) };
  };
  return [createPaypalGateway(of('paypal')), createWiseGateway(of('wise')), createStripeGateway(of('stripe'))];
}
