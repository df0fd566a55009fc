import type { Postback } from '../client/types.gen.js';

// The words of postbacks as the API knows them (BEY-21); a test compares.

export type PostbackEvent = Postback['events'][number];

export const macros = [
  'click_id',
  'event',
  'status',
  'amount',
  'currency',
  'commission',
  'order_id',
  'sub1',
  'sub2',
  'sub3',
  'sub4',
  'sub5',
] as const;
export const postbackEvents: readonly PostbackEvent[] = [
  'lead.accepted',
  'lead.invalid',
  'lead.converted',
  'sale.recorded',
  'sale.refunded',
  'sale.charged_back',
  'referral.approved',
  'referral.rejected',
  'commission.created',
  'commission.approved',
  'commission.rejected',
  'commission.reversed',
  'commission.paid',
];
