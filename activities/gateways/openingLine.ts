import { addMs, type Instant, isBefore } from '../../domain/time.js';
import type { GatewayStatement } from './payoutGateway.js';

export type StatementLine = GatewayStatement['lines'][number];

/** How far back the first statement of a provider goes. */
export const firstReadMs = 30 * 86_400_000;

/**
 * What lay there before the first statement begins, as a line of its own per currency: whoever books it as money put in under the reference
 * `opening` has explained it; until then it is a difference, and nothing is guessed (money.md 10).
 */
export function openingLines(
  closings: GatewayStatement['closings'],
  lines: readonly StatementLine[],
  from: Instant,
): readonly StatementLine[] {
  const currencies = new Set([...closings, ...lines].map(({ currency }) => currency));
  return [...currencies].sort().flatMap((currency) => {
    const moved = lines.filter((line) => line.currency === currency).reduce((sum, line) => sum + line.minor, 0n);
    const minor = (closings.find((one) => one.currency === currency)?.minor ?? 0n) - moved;
    return minor === 0n
      ? []
      : [
          {
            id: `opening/${currency}`,
            kind: 'deposit' as const,
            at: from,
            currency,
            minor,
            reference: 'opening',
            providerId: null,
          },
        ];
  });
}

/** A span in pieces that a provider searches at once. */
export function windows(
  from: Instant,
  until: Instant,
  longestMs: number,
): readonly { readonly from: Instant; readonly to: Instant }[] {
  const pieces: { readonly from: Instant; readonly to: Instant }[] = [];
  for (let start = from; isBefore(start, until); ) {
    const end = addMs(start, longestMs);
    const to = isBefore(end, until) ? end : until;
    pieces.push({ from: start, to });
    start = to;
  }
  return pieces;
}
