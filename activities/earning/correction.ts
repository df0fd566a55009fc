import {
  findCutsByStaff,
  findHeldByDispute,
  findLastRejection,
  lockCommissions,
  lockCommissionsOfSale,
  lockRaisesCausedBy,
} from '../../db/earning/commission.js';
import type { Tx } from '../../db/transaction.js';
import { disputeHold } from '../../domain/earning/dispute.js';
import { type Act, actFor } from '../../domain/act.js';
import { type Commission, isRaiseByHand, leftOf } from '../../domain/earning/commission.js';
import { isSuperseded, type Sale } from '../../domain/earning/sale.js';
import { setHold } from './dispute.js';
import { takeOff } from './ledger.js';

// A sale in review was confirmed with another amount (TRK-19): what it had earned is taken off by counter-entries and accrued anew, never edited.

/** A line as it stood before the correction. */
export interface FormerLine {
  readonly level: number;
  readonly affiliateId: string;
  readonly onHold: boolean;
  /** A chargeback holds it, and nobody else. */
  readonly isHeldByDispute: boolean;
  /** Why it had been rejected; null where it stood, or was only given back. */
  readonly rejectedFor: string | null;
  /** The net that staff had set by a cut, in minor units; null where nobody had (COM-08). */
  readonly cutTo: bigint | null;
}

/**
 * Takes off all that a corrected sale had earned: its lines, what was added to them, and what it had raised of others (RUL-16). None of it was
 * approved, because the sale was in review. Answers the lines as they stood, none for a sale that had not been judged. Safe to repeat. The caller
 * holds the locks of referral and sale.
 */
export async function takeOffFormer(tx: Tx, act: Act, sale: Sale): Promise<readonly FormerLine[]> {
  if (sale.correctionId === null) return [];
  // What staff added stays: it was theirs to set, and no rule would bring it back.
  const all = (await lockCommissionsOfSale(tx, sale.id)).filter((line) => !isRaiseByHand(line));
  const former = all.filter((line) => isSuperseded(line, sale));
  if (former.length === 0) return [];
  const cuts = await findCutsByStaff(
    tx,
    former.map((line) => line.id),
  );
  const disputed = await findHeldByDispute(
    tx,
    former.map((line) => line.id),
  );
  const stood: FormerLine[] = [];
  for (const { id, level, affiliateId, onHold, status } of former) {
    const reason = status === 'rejected' ? await findLastRejection(tx, id) : null;
    const isGivenBack = reason === 'refunded' || reason === 'charged_back';
    const cutTo = cuts.get(id) ?? null;
    stood.push({
      level,
      affiliateId,
      onHold,
      isHeldByDispute: disputed.has(id),
      rejectedFor: isGivenBack ? null : reason,
      cutTo,
    });
  }
  const added = all.filter((line) => line.kind === 'adjustment');
  const raises = await lockRaisesCausedBy(tx, {
    saleId: sale.id,
    affiliateIds: former.map((line) => line.affiliateId),
  });
  await takeOff(tx, actFor(act, { reasonCode: 'sale_corrected' }), [...former, ...added, ...raises], {
    wanted: (line) => (line.amount > 0n ? line.amount : 0n),
    reasonCode: 'sale_corrected',
    effectiveAt: null,
    includesCharges: true,
  });
  return stood;
}

/**
 * What a person or the referral's rejection had said of a line is true of the one in its place: held, rejected, cut. Staff set a net (COM-08): the
 * new line is worth no more than that, and refunds come off afterwards, so that their order with the cut changes nothing. Answers the lines that stand.
 */
export async function treatLikeFormer(
  tx: Tx,
  act: Act,
  lines: readonly Commission[],
  former: readonly FormerLine[],
): Promise<readonly Commission[]> {
  const formerOf = (line: Commission): FormerLine | undefined =>
    former.find((one) => one.level === line.level && one.affiliateId === line.affiliateId);
  const held = lines.filter((line) => formerOf(line)?.onHold === true);
  await setHold(
    tx,
    act,
    held.filter((line) => formerOf(line)?.isHeldByDispute !== true),
    true,
  );
  await setHold(
    tx,
    act,
    held.filter((line) => formerOf(line)?.isHeldByDispute === true),
    true,
    disputeHold,
  );
  const standing: Commission[] = [];
  for (const line of await lockCommissions(
    tx,
    lines.map((one) => one.id),
  )) {
    const reasonCode = formerOf(line)?.rejectedFor ?? null;
    if (reasonCode === null) standing.push(await cutLikeFormer(tx, act, line, formerOf(line)?.cutTo ?? null));
    else
      await takeOff(tx, actFor(act, { reasonCode }), [line], {
        wanted: (one) => one.amount,
        reasonCode,
        effectiveAt: null,
      });
  }
  return standing;
}

async function cutLikeFormer(tx: Tx, act: Act, line: Commission, cutTo: bigint | null): Promise<Commission> {
  if (cutTo === null || leftOf(line) <= cutTo) return line;
  const [cut] = await takeOff(tx, actFor(act, { reasonCode: 'staff_decision' }), [line], {
    wanted: (one) => leftOf(one) - cutTo,
    reasonCode: 'staff_decision',
    effectiveAt: null,
  });
  return cut ?? line;
}
