import { listUserNames } from '../../../db/access/userName.js';
import { closeLedgerPeriod, type LedgerPeriod, listLedgerPeriods } from '../../../db/earning/ledgerPeriod.js';
import { newestAsOf } from '../../../db/reads/earning/trialBalance.js';
import { readWorkspaceZone } from '../../../db/reads/payout/payoutStep.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { lastInstantOf } from '../../asOf.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import {
  ledgerPeriodClose,
  ledgerPeriodList,
  ledgerPeriodQuery,
  ledgerPeriodWire,
  presentLedgerPeriod,
} from '../../schemas/earning/ledgerPeriod.js';

async function present(tx: ReadTx | Tx, periods: readonly LedgerPeriod[]) {
  const zone = await readWorkspaceZone(tx);
  const names = await listUserNames(
    tx,
    periods.flatMap((one) => one.closedBy ?? []),
  );
  return periods.map((one) => presentLedgerPeriod(one, { zone, names }));
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/ledger-periods',
  summary: 'Up to which day the books are closed, and who closed them',
  permission: 'ledger.read',
  query: ledgerPeriodQuery,
  reply: ledgerPeriodList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) =>
      ctx.list(
        await present(tx, await listLedgerPeriods(tx, ctx.mode, page)),
        page,
        (row) => row,
        (row) => ({ value: row.throughAt, id: row.id }),
      ),
    );
  },
});

/** Nothing is dated into a closed period any more: what happened in it and is told later is booked on the day it is told (money.md I17). */
const close = defineRoute({
  method: 'POST',
  path: '/v1/ledger-periods',
  summary: 'Close the books up to a day, for good',
  permission: 'ledger.write',
  idempotency: 'required',
  stepUp: true,
  body: ledgerPeriodClose,
  reply: ledgerPeriodWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { through: day, note } = ctx.body;
      const through = await lastInstantOf(tx, day);
      // A transaction that began before the day was over may still date something into it.
      const newest = await newestAsOf(tx);
      if (through > newest)
        throw invalid({ pointer: '#/through', code: 'out_of_range', detail: `A day that was over at ${newest}.` });
      const [closed] = await present(tx, [await closeLedgerPeriod(tx, act, { day, through, note })]);
      return closed as NonNullable<typeof closed>;
    }),
});

export const ledgerPeriodRoutes: readonly Route[] = [list, close];
