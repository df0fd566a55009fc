import { lockCommissionsOfSale } from '../../db/earning/commission.js';
import { findLastRefundOf } from '../../db/earning/refund.js';
import { lockSale, updateSale } from '../../db/earning/sale.js';
import { findProgram } from '../../db/program/program.js';
import { findLimitedSales } from '../../db/reads/earning/limitedSales.js';
import { findEarnedBefore, readZone } from '../../db/reads/earning/planInput.js';
import type { Tx } from '../../db/transaction.js';
import { disputeHold } from '../../domain/earning/dispute.js';
import { type Act, actFor } from '../../domain/act.js';
import { monthsBetween } from '../../domain/calendar.js';
import { lossesOf } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { Sale } from '../../domain/earning/sale.js';
import { assertInvariant } from '../../domain/errors.js';
import { setHold } from './dispute.js';
import { takeOff } from './ledger.js';
import { takenBackOf } from './refund.js';

// Events come in any order; what they leave must not depend on it (features.md, BEY-24).

/** What happened to a sale before anybody was credited for it, its lines lose or wait for now. The caller holds the locks of referral and sale. */
export async function applyWhatCameBefore(tx: Tx, act: Act, saleId: string): Promise<void> {
  const sale = await lockSale(tx, saleId);
  if (sale === undefined) return;
  const isLost = sale.status === 'charged_back';
  if (sale.refunded === 0n && !isLost && sale.status !== 'disputed') return;
  const lines = (await lockCommissionsOfSale(tx, sale.id)).filter((line) => line.amount > 0n);
  if (sale.status === 'disputed') await setHold(tx, act, lines, true, disputeHold);
  const refund = isLost ? undefined : await findLastRefundOf(tx, sale.id);
  const losses = lossesOf(lines, await takenBackOf(tx, sale), sale.captured);
  if (!isLost && refund === undefined) return;
  await takeOff(tx, act, lines, {
    wanted: (line) => losses.get(line.id) ?? 0n,
    reasonCode: isLost ? 'charged_back' : 'refunded',
    effectiveAt: refund?.occurredAt ?? null,
    ...(refund === undefined ? {} : { keyOf: (line) => `refund/${refund.id}/${line.id}` }),
  });
}

/**
 * An earlier payment of the same customer moves the ones after it: those that lie beyond the rule's limit of months or payments now lose
 * their lines, whatever their state (BEY-25). The caller holds the referral's lock.
 */
export async function endBeyondLimit(tx: Tx, act: Act, referral: Referral, sale: Sale): Promise<void> {
  const later = await findLimitedSales(tx, { referralId: referral.id, after: sale.occurredAt });
  if (later.length === 0) return;
  const program = await findProgram(tx, referral.programId);
  assertInvariant(program !== undefined, 'the program of a referral is there', { programId: referral.programId });
  const zone = await readZone(tx, program);
  for (const { saleId, occurredAt, maxMonths, maxPayments } of later) {
    const before = await findEarnedBefore(tx, { referralId: referral.id, occurredAt, saleId });
    const months = before.firstAt === null ? 0 : monthsBetween(zone, before.firstAt, occurredAt);
    const code =
      maxMonths !== null && months >= maxMonths
        ? 'limit_months'
        : maxPayments !== null && before.payments >= maxPayments
          ? 'limit_payments'
          : null;
    if (code === null) continue;
    const beyond = await lockSale(tx, saleId);
    if (beyond === undefined) continue;
    const lines = (await lockCommissionsOfSale(tx, saleId)).filter((line) => line.amount > 0n);
    const mine = actFor(act, { reasonCode: code });
    await takeOff(tx, mine, lines, { wanted: (line) => line.amount, reasonCode: code, effectiveAt: null });
    await updateSale(tx, mine, beyond, 'processed', { noCommissionCode: code });
  }
}
