import type { Mode } from '../act.js';
import type { PayoutMethodType } from './payoutMethod.js';

/** How a method type is paid: through which gateway, by itself or by a person (api.md 10.1). Files are the next release's. */
export interface Route {
  readonly gateway: string;
  readonly execution: 'gateway' | 'manual';
}

export function routeOf(type: PayoutMethodType): Route {
  return type === 'sandbox' ? { gateway: 'sandbox', execution: 'gateway' } : { gateway: 'manual', execution: 'manual' };
}

/** What planning has to know about gateways; the adapters live in `activities/gateways` (api.md 1.3: the simulated one never pays live in production). */
export interface GatewayPolicy {
  readonly sandboxPaysLive: boolean;
}

/** May this method type be used in this mode at all? */
export function isUsable(type: PayoutMethodType, mode: Mode, policy: GatewayPolicy): boolean {
  return type !== 'sandbox' || mode === 'test' || policy.sandboxPaysLive;
}

/** The account of one workspace and mode at a provider that holds several, as the simulated one does. */
export function merchantOf(of: { readonly workspaceId: string; readonly mode: Mode }): string {
  return `${of.workspaceId}/${of.mode}`;
}
