import { lockSale, updateSale } from '../../db/earning/sale.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { Sale, SaleLine } from '../../domain/earning/sale.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Earnings } from '../../domain/program/planEvaluation.js';
import type { NoCommissionCode } from '../../domain/program/planEvent.js';

/** Marks the sale processed, with who was credited and why it earned nothing or less. */
export async function settleSale(
  tx: Tx,
  act: Act,
  sale: Sale,
  referral: Referral,
  result: {
    readonly code: NoCommissionCode | null;
    readonly attributionCode?: string;
    readonly earnings?: Earnings;
    readonly lines?: readonly SaleLine[];
  },
): Promise<void> {
  const isCredited =
    result.attributionCode === undefined && referral.affiliateId !== null && sale.status !== 'declined';
  const lineCodes = result.earnings?.lineCodes ?? [];
  const current = await lockSale(tx, sale.id); // converting its lead may have written it
  assertInvariant(current !== undefined, 'a locked sale is there', { saleId: sale.id });
  // Declined is no end: the same payment may succeed on retry, and is then processed once more.
  const cause = sale.status === 'declined' ? null : act.cause;
  await updateSale(tx, actFor(act, { cause }), current, 'processed', {
    processedAt: act.now,
    outcome: result.code ?? result.attributionCode ?? 'accrued',
    noCommissionCode: result.code,
    paymentNumber: sale.paymentNumber,
    programId: referral.programId,
    affiliateId: isCredited ? referral.affiliateId : null,
    linkId: isCredited ? referral.linkId : null,
    sub1: isCredited ? sale.sub1 : current.sub1,
    attributionStatus: isCredited ? 'attributed' : 'unattributed',
    attributionCode: result.attributionCode ?? null,
    lines: (result.lines ?? current.lines).map((line, index) => ({ ...line, code: lineCodes[index] ?? null })),
  });
}
