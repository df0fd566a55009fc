import { approveAdjustment } from '../../../activities/earning/ledgerAdjustment.js';
import { findLedgerAccount, insertLedgerAdjustment } from '../../../db/earning/ledgerAdjustment.js';
import { isSecondPersonRequired, listHolders } from '../../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../../db/transaction.js';
import { clearingKinds, fitsAccount } from '../../../domain/earning/ledgerAdjustment.js';
import { DomainError } from '../../../domain/errors.js';
import { findUserName } from '../../../db/access/userName.js';
import { invalid } from '../../problems.js';
import { answer, defineRoute, type Route, type RouteContext } from '../../route.js';
import {
  ledgerAdjustmentCreate,
  ledgerAdjustmentParams,
  ledgerAdjustmentWire,
  presentLedgerAdjustment,
} from '../../schemas/earning/ledgerAdjustment.js';
import { decisionBody } from '../../schemas/wire.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'mode'>;

async function requireAccount(tx: Tx, ctx: Asking, id: string, pointer: string) {
  const found = await findLedgerAccount(tx, ctx.mode, id);
  if (found === undefined) throw invalid({ pointer, code: 'not_found', detail: 'No such account.' });
  return found;
}

/** Asked for by one person; nothing is posted until a second one approves it (BEY-04). */
const create = defineRoute({
  method: 'POST',
  path: '/v1/ledger-adjustments',
  permission: 'ledger.write',
  idempotency: 'required',
  stepUp: true,
  body: ledgerAdjustmentCreate,
  reply: ledgerAdjustmentWire,
  status: 201,
  refuses: ['sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { kind, accountId, counterAccountId, amount } = ctx.body;
      if (amount.minor <= 0n) throw invalid({ pointer: '/amount', code: 'out_of_range', detail: 'Above zero.' });
      const { account, currency } = await requireAccount(tx, ctx, accountId, '/accountId');
      if (!fitsAccount(kind, account))
        throw invalid({
          pointer: '/accountId',
          code: 'not_allowed_here',
          detail: kind === 'write_off' ? 'A debt: affiliate_receivable or reseller_receivable.' : 'A suspense account.',
        });
      if (currency !== amount.currency) throw new DomainError('sale.currency_mismatch', { expectedCurrency: currency });
      if (counterAccountId !== null) {
        const counter = await requireAccount(tx, ctx, counterAccountId, '/counterAccountId');
        const isPlace = (clearingKinds as readonly string[]).includes(counter.account.kind);
        if (kind === 'write_off' || !isPlace || counter.currency !== currency)
          throw invalid({
            pointer: '/counterAccountId',
            code: 'not_allowed_here',
            detail: `Of a clearing, in ${currency}: ${clearingKinds.join(', ')}.`,
          });
      }
      const made = await insertLedgerAdjustment(tx, act, ctx.body);
      return answer(presentLedgerAdjustment(made), { location: `/v1/ledger-adjustments/${made.id}` });
    }),
});

const approve = defineRoute({
  method: 'POST',
  path: '/v1/ledger-adjustments/:transferId/approve',
  permission: 'ledger.write',
  idempotency: 'required',
  stepUp: true,
  params: ledgerAdjustmentParams,
  body: decisionBody,
  reply: ledgerAdjustmentWire,
  refuses: [
    'resource.not_found',
    'ledger_adjustment.already_decided',
    'ledger.insufficient_balance',
    'access.own_work',
  ],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const me = act.actor.userId;
      const others = (await listHolders(tx, 'ledger.write')).filter((one) => one !== me);
      try {
        return presentLedgerAdjustment(
          await approveAdjustment(tx, act, ctx.params.transferId, {
            userId: me,
            isKey: ctx.caller.via === 'key',
            steppedUp: ctx.caller.isSteppedUp,
            others: others.length,
            isSecondRequired: await isSecondPersonRequired(tx),
            mode: ctx.mode,
          }),
        );
      } catch (error) {
        // Rows hold ids; whoever is told "already approved" reads a name (api.md 1.5).
        if (!(error instanceof DomainError) || error.code !== 'ledger_adjustment.already_decided') throw error;
        const { decidedById, ...rest } = error.params;
        const id = typeof decidedById === 'string' ? decidedById : null;
        const name = id === null ? null : ((await findUserName(tx, id)) ?? null);
        throw new DomainError(error.code, { ...rest, decidedBy: id === null ? null : { id, name } });
      }
    }),
});

export const ledgerAdjustmentRoutes: readonly Route[] = [create, approve];
