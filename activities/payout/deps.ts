import { findGatewayAccess } from '../../db/payout/gateway.js';
import type { ReadTx } from '../../db/transaction.js';
import { type GatewayAccess, gatewayAccessPurpose, type GatewayPolicy } from '../../domain/payout/gateway.js';
import { detailsPurpose } from '../../domain/payout/payoutMethod.js';
import type { ContentStore } from '../../platform/contentStore.js';
import type { ActivityDeps } from '../deps.js';

/** What the activities of payouts are given besides the usual. */
export interface PayoutDeps extends ActivityDeps {
  readonly gatewayPolicy: GatewayPolicy;
  /** Opens the sealed details of a payout method (SECRET_KEY); for the one call only. */
  readonly openMethodDetails: (sealed: unknown) => Readonly<Record<string, string>>;
  /** Opens the sealed credentials of a gateway (SECRET_KEY); for the one call only. */
  readonly openGatewayAccess: (sealed: string) => Readonly<Record<string, string>>;
  /** Gateway answers worth keeping, by hash. */
  readonly answers: ContentStore;
  /** Affiliates per planning page; 1,000 unless a test wants several pages. */
  readonly planPageSize?: number;
  /** Pages planned side by side; 2 unless a test or a measurement wants one. */
  readonly planLanes?: number;
}

/** The column `payout_methods.details` → clear text. Throws when altered, or when its key is no longer there. */
export function openMethodDetails(
  details: unknown,
  secrets: { readonly unseal: (purpose: string, sealed: string) => string },
): Readonly<Record<string, string>> {
  const { sealed } = details as { readonly sealed: string };
  return JSON.parse(secrets.unseal(detailsPurpose, sealed)) as Record<string, string>;
}

/** The column `gateway_credentials.sealed` → clear text. Throws when altered, or when its key is no longer there. */
export function openGatewayAccess(
  sealed: string,
  secrets: { readonly unseal: (purpose: string, sealed: string) => string },
): Readonly<Record<string, string>> {
  return JSON.parse(secrets.unseal(gatewayAccessPurpose, sealed)) as Record<string, string>;
}

/** What a call to this gateway is made with; null: it needs nothing, or nothing is there. */
export async function openAccess(
  deps: Pick<PayoutDeps, 'openGatewayAccess'>,
  tx: ReadTx,
  gateway: string,
): Promise<GatewayAccess | null> {
  const found = await findGatewayAccess(tx, gateway);
  return found === undefined ? null : { environment: found.environment, fields: deps.openGatewayAccess(found.sealed) };
}
