import type { ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { couponProblem } from '../../../domain/tracking/coupon.js';
import { findCouponByCode } from '../../tracking/coupon.js';
import type { ReadTx, Tx } from '../../transaction.js';

// In which program does a code pay (ruling 44)? Null: it gives no credit at this instant.
export async function findCouponProgram(tx: ReadTx | Tx, code: string, at: Instant): Promise<ProgramId | null> {
  const found = await findCouponByCode(tx, code);
  return found === undefined || couponProblem(found, at) !== null ? null : found.coupon.programId;
}
