import type { Referral } from '../../../client/types.gen.js';

/** Who a referral is about, as far as the reader may see it. */
export function customerOf(referral: Pick<Referral, 'customer' | 'id'>): string {
  return referral.customer?.name ?? referral.customer?.reference ?? referral.id;
}
