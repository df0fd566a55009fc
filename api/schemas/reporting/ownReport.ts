import { z } from 'zod';
import { dateWire, signedMoneyWire } from '../wire.js';

// The reports of the portal (api.md 13, 17): own data only, by days of the workspace's zone.

export const ownReportNames = ['sub-ids', 'traffic', 'earnings'] as const;
export const ownReportParams = z.strictObject({ reportName: z.enum(ownReportNames) });
export const ownReportQuery = z.strictObject({ from: dateWire.exactOptional(), to: dateWire.exactOptional() });

function reportOf<const N extends string, R extends z.ZodType, T extends z.ZodType>(name: N, row: R, totals: T) {
  return z.strictObject({
    name: z.literal(name),
    from: dateWire,
    to: dateWire,
    timeZone: z.string(),
    rows: z.array(row),
    totals: z.array(totals),
    nextCursor: z.null(),
  });
}

/** The list query behind a row (screens.md 1.8). */
const detail = z.string();
const counts = { clicks: z.int(), visits: z.int(), leads: z.int(), sales: z.int() };

const subIdFigures = {
  ...counts,
  /** Sales per click; null without a click. */
  conversionRatePpm: z.int().nullable(),
  earned: z.array(signedMoneyWire),
};
const subIdReport = reportOf(
  'sub-ids',
  z.strictObject({
    /** Null: traffic without a label. */
    subId: z.string().nullable(),
    ...subIdFigures,
    /** What a click of it earned, rounded; empty without a click. */
    perClick: z.array(signedMoneyWire),
    detail,
  }),
  z.strictObject(subIdFigures),
).openapi('OwnSubIdReport');

const trafficReport = reportOf(
  'traffic',
  z.strictObject({ day: dateWire, ...counts, detail }),
  z.strictObject(counts),
).openapi('OwnTrafficReport');

const earningFigures = {
  lines: z.int(),
  earned: signedMoneyWire,
  takenBack: signedMoneyWire,
  net: signedMoneyWire,
  paid: signedMoneyWire,
};
const earningReport = reportOf(
  'earnings',
  z.strictObject({ month: dateWire, ...earningFigures, detail }),
  z.strictObject(earningFigures),
).openapi('OwnEarningReport');

export const ownReportWire = z.discriminatedUnion('name', [subIdReport, trafficReport, earningReport]);
