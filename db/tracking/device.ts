import type { AffiliateId, LeadId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { Tx } from '../transaction.js';

/** What can point to a person's device, the address as a keyed hash. */
export interface Device {
  readonly addressHash: Buffer;
  readonly userAgent: string;
}

/** From where an affiliate signed in to its portal; once more is a later time. `visitorClickId`: the click that this browser remembers. */
export async function rememberDevice(
  tx: Tx,
  now: Instant,
  of: { readonly affiliateId: AffiliateId; readonly device: Device; readonly visitorClickId: string | null },
): Promise<void> {
  await tx('affiliate_devices')
    .insert({
      affiliate_id: of.affiliateId,
      address_hash: of.device.addressHash,
      user_agent: of.device.userAgent,
      visitor_click_id: of.visitorClickId,
      seen_at: now,
    })
    .onConflict(['workspace_id', 'affiliate_id', 'address_hash', 'user_agent'])
    .merge({
      seen_at: now,
      ...(of.visitorClickId === null ? {} : { visitor_click_id: of.visitorClickId }),
    });
}

/** From where a form was sent. */
export async function keepLeadDetails(tx: Tx, now: Instant, leadId: LeadId, device: Device): Promise<void> {
  await tx('lead_details').insert({
    lead_id: leadId,
    address_hash: device.addressHash,
    user_agent: device.userAgent,
    created_at: now,
  });
}
