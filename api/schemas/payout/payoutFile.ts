import { z } from 'zod';
import type { PayoutFile } from '../../../db/payout/payoutFile.js';
import { payoutFileFormats } from '../../../domain/payout/payoutFile.js';
import { idWire, instantWire, listOf, moneyWire, objectFields } from '../wire.js';

export const payoutFileParams = z.strictObject({ fileId: idWire('payoutFile') });
export const payoutFileCreate = z.strictObject({ format: z.enum(payoutFileFormats) });

const skippedWire = z.array(
  z.strictObject({ payoutId: z.string(), affiliateId: z.string(), name: z.string(), code: z.string() }),
);

export const payoutFileWire = z.strictObject({
  ...objectFields('payoutFile', 'payout_file'),
  runId: z.string(),
  format: z.enum(payoutFileFormats),
  currency: z.string(),
  part: z.int(),
  parts: z.int(),
  rows: z.int(),
  amount: moneyWire,
  sha256: z.string().meta({ description: 'Of the bytes that its content answers, lower-case hex.' }),
  skipped: skippedWire,
  test: z.boolean(),
  createdBy: z.string().nullable(),
  createdAt: instantWire,
});
export const payoutFileList = listOf(payoutFileWire);
export const payoutFileMade = payoutFileList.extend({ skipped: skippedWire });
/** The bytes themselves. */
export const payoutFileContent = z.string();

export function presentPayoutFile(file: PayoutFile): z.output<typeof payoutFileWire> {
  return {
    id: file.id,
    object: 'payout_file',
    runId: file.runId,
    format: file.format,
    currency: file.currency,
    part: file.part,
    parts: file.parts,
    rows: file.rowCount,
    amount: { minor: file.amountMinor, currency: file.currency },
    sha256: file.sha256,
    skipped: file.skipped.map((skipped) => ({ ...skipped })),
    test: file.mode === 'test',
    createdBy: file.createdBy,
    createdAt: file.createdAt,
  };
}
