import {
  insertCommissions,
  listLinesOfBand,
  lockCommissions,
  lockSalesOfLines,
  type NewCommission,
} from '../../db/earning/commission.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { listRuleVersions } from '../../db/program/commissionPlan.js';
import { findProgram } from '../../db/program/program.js';
import { readZone } from '../../db/reads/earning/planInput.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { periodContaining } from '../../domain/calendar.js';
import { type Commission, lostInAll } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { Sale } from '../../domain/earning/sale.js';
import { decideTopUps, type TopUp } from '../../domain/earning/topUp.js';
import { assertInvariant } from '../../domain/errors.js';
import { bandsKey } from '../../domain/program/bands.js';
import type { Repricing } from '../../domain/program/planEvaluation.js';
import type { Instant } from '../../domain/time.js';
import { nudge, workflowIds } from '../../workflows/contract.js';
import { adjustmentLine } from './adjustment.js';
import { postAccruals, takeOff } from './ledger.js';

/**
 * A sale reached a row that counts for the whole period: every earlier line of the same rule with the same bands gets an `adjustment` that names it and brings it to
 * that row; none is edited (RUL-16). What a refund has taken of the line's sale is taken of its raise at once. The caller holds the locks of
 * referral and sale, and those events that count together wait (`lockVolumes`).
 */
export async function raiseToWholeBand(
  tx: Tx,
  act: Act,
  of: {
    readonly sale: Sale;
    readonly referral: Referral;
    readonly repricings: readonly Repricing[];
    readonly eligibleAt: Instant;
  },
): Promise<void> {
  for (const repricing of of.repricings) await raise(tx, act, { ...of, repricing });
}

async function raise(
  tx: Tx,
  act: Act,
  of: {
    readonly sale: Sale;
    readonly referral: Referral;
    readonly repricing: Repricing;
    readonly eligibleAt: Instant;
  },
): Promise<void> {
  const { sale, referral, repricing } = of;
  const { bands } = repricing.rule.terms;
  const program = await findProgram(tx, referral.programId);
  assertInvariant(bands !== null && program !== undefined, 'a band that was reached is in its rule', {
    ruleId: repricing.rule.id,
  });
  const range =
    bands.period === 'lifetime' ? null : periodContaining(await readZone(tx, program), bands.period, sale.occurredAt);
  const versions = (await listRuleVersions(tx, repricing.rule.id)).flatMap(({ version, terms }) =>
    terms.bands !== null && bandsKey(terms.bands) === bandsKey(bands) ? [version] : [],
  );
  const found = await listLinesOfBand(tx, {
    mode: sale.mode,
    programId: referral.programId,
    affiliateId: repricing.affiliateId,
    level: repricing.level,
    ruleId: repricing.rule.id,
    ruleVersions: versions,
    exceptSaleId: sale.id,
    range,
  });
  // Their sales first, so that a refund on its way waits and then sees the raise; then the lines, as everywhere.
  const sales = await lockSalesOfLines(tx, found);
  const lines = await lockCommissions(tx, found);
  const topUps = decideTopUps(lines, { rule: repricing.rule, row: repricing.row, versions });
  const raises = topUps.map((topUp) => raiseLine(act, topUp, of));
  const inserted = await insertCommissions(tx, act, raises);
  await postAccruals(tx, act, inserted, sale.occurredAt);
  await takeOff(
    tx,
    act,
    inserted.filter((line) => line.amount > 0n),
    {
      wanted: (line) => {
        const own = line.saleId === null ? undefined : sales.get(line.saleId);
        return own === undefined ? 0n : lostInAll(line, own.refunded, own.captured);
      },
      reasonCode: 'refunded',
      effectiveAt: null,
      keyOf: (line) => `commission/${line.id}/reduced/band`,
    },
  );
  const others = new Set(inserted.flatMap((line) => (line.referralId === referral.id ? [] : (line.referralId ?? []))));
  for (const referralId of others) {
    const ref = { workspaceId: act.workspaceId, referralId };
    await enqueue(tx, nudge('referral', workflowIds.referral(ref), ref));
  }
}

function raiseLine(
  act: Act,
  { line, amount, explanation }: TopUp,
  of: { readonly sale: Sale; readonly eligibleAt: Instant },
): NewCommission {
  const own: Commission = line;
  const eligibleAt = own.eligibleAt > of.eligibleAt ? own.eligibleAt : of.eligibleAt;
  return {
    ...adjustmentLine(act, own, amount, { reason: 'Volume band reached.', eligibleAt, saleId: own.saleId }),
    leadId: own.leadId,
    causeType: 'sale',
    causeId: of.sale.id,
    createdBy: null,
    onHold: own.onHold,
    explanation: { ...explanation },
    ruleId: own.ruleId,
    ruleVersion: own.ruleVersion,
  };
}
