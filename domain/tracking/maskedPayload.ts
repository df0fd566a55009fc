/** What a payload keeps in clear: what programs name things by, codes, amounts and times. Everything else may speak of a person. */
const clear: ReadonlySet<string> = new Set([
  'externalId',
  'customerExternalId',
  'saleExternalId',
  'clickId',
  'affiliateId',
  'programId',
  'productId',
  'sourceId',
  'formId',
  'linkId',
  'referralId',
  'event',
  'source',
  'coupon',
  'sub1',
  'sub2',
  'sub3',
  'sub4',
  'sub5',
  'country',
  'amount',
  'currency',
  'tax',
  'fees',
  'shipping',
  'deposit',
  'product',
  'quantity',
  'lines',
  'type',
  'transactionType',
  'status',
  'occurredAt',
  'subscription',
  'paymentNumber',
  'kind',
  'given',
  'txn_id',
  'refund_id',
  'click_id',
  'order_id',
  'ts',
  'botCheck',
]);

const deepest = 6;
const mostMembers = 60;
const longestText = 200;

/**
 * A call's body as logs may show it: names of all members, values only of those that cannot speak of a person; a text of another member
 * leaves its first letter. Bounded in depth, members and length, whatever was sent.
 */
export function maskedPayload(value: unknown, isClear = false, depth = 0): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return isClear ? value : '…';
  if (typeof value === 'string') return isClear ? value.slice(0, longestText) : maskedText(value);
  if (typeof value !== 'object' || depth >= deepest) return '…';
  if (Array.isArray(value))
    return value.slice(0, mostMembers).map((member: unknown) => maskedPayload(member, isClear, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, mostMembers)
      .map(([name, member]) => [name.slice(0, 64), maskedPayload(member, clear.has(name), depth + 1)]),
  );
}

function maskedText(text: string): string {
  return text === '' ? '' : `${String.fromCodePoint(text.codePointAt(0) ?? 0x2026)}…`;
}
