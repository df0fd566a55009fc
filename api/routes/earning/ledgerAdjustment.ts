import { approveAdjustment, rejectAdjustment } from '../../../activities/earning/ledgerAdjustment.js';
import { findUserName, listUserNames } from '../../../db/access/userName.js';
import {
  findLedgerAccount,
  findLedgerAdjustment,
  insertLedgerAdjustment,
  type LedgerAdjustment,
  listLedgerAdjustments,
} from '../../../db/earning/ledgerAdjustment.js';
import { isSecondPersonRequired, listHolders } from '../../../db/reads/payout/payoutControls.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { clearingKinds, fitsAccount } from '../../../domain/earning/ledgerAdjustment.js';
import { DomainError, InvariantError } from '../../../domain/errors.js';
import { type Approver, judgeFourEyes } from '../../../domain/payout/payoutRun.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  ledgerAdjustmentCreate,
  ledgerAdjustmentList,
  ledgerAdjustmentParams,
  ledgerAdjustmentQuery,
  ledgerAdjustmentWire,
  presentLedgerAdjustment,
} from '../../schemas/earning/ledgerAdjustment.js';
import { decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'mode' | 'caller' | 'can'>;

/** The caller as the rule of two persons judges whoever approves. */
async function approverOf(tx: ReadTx | Tx, { caller, mode }: Asking): Promise<Approver> {
  const { userId } = caller.actor;
  const others = (await listHolders(tx, 'ledger.write')).filter((one) => one !== userId);
  return {
    userId,
    isKey: caller.via === 'key',
    steppedUp: caller.isSteppedUp,
    others: others.length,
    isSecondRequired: await isSecondPersonRequired(tx),
    mode,
  };
}

/** Each entry with the names of its people, and approvable for those who may: a session confirms who it is on the way. */
async function present(tx: ReadTx | Tx, ctx: Asking, adjustments: readonly LedgerAdjustment[]) {
  const names = await listUserNames(
    tx,
    adjustments.flatMap((one) => [one.createdBy, one.approvedBy, one.rejectedBy].flatMap((id) => id ?? [])),
  );
  const mayWrite = ctx.can('ledger.write');
  const approver = { ...(await approverOf(tx, ctx)), steppedUp: true };
  return adjustments.map((one) => {
    const isAllowed = judgeFourEyes({ createdByUser: one.createdBy, editors: [] }, approver).ok;
    return presentLedgerAdjustment(one, { names, mayWrite, mayApprove: mayWrite && isAllowed });
  });
}

async function presentOne(tx: ReadTx | Tx, ctx: Asking, adjustment: LedgerAdjustment) {
  const [shown] = await present(tx, ctx, [adjustment]);
  if (shown === undefined) throw new InvariantError('one entry is shown once', { id: adjustment.id });
  return shown;
}

/** A second person has to find what waits for one (docs/decisions/0320). */
const list = defineRoute({
  method: 'GET',
  path: '/v1/ledger-adjustments',
  summary: 'Entries into the books by hand, open ones among them',
  permission: 'ledger.read',
  query: ledgerAdjustmentQuery,
  reply: ledgerAdjustmentList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const of = { mode: ctx.mode, statuses: ctx.query.status, kinds: ctx.query.kind, q: ctx.query.q };
      const shown = await present(tx, ctx, await listLedgerAdjustments(tx, of, page));
      return ctx.list(
        shown,
        page,
        (row) => row,
        (row) => ({ value: row.createdAt, id: row.id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/ledger-adjustments/:transferId',
  permission: 'ledger.read',
  params: ledgerAdjustmentParams,
  reply: ledgerAdjustmentWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findLedgerAdjustment(tx, ctx.mode, ctx.params.transferId);
      if (found === undefined) throw new DomainError('resource.not_found');
      return presentOne(tx, ctx, found);
    }),
});

async function requireAccount(tx: Tx, ctx: Pick<Asking, 'mode'>, id: string, pointer: string) {
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
      if (amount.minor <= 0n) throw invalid({ pointer: '#/amount', code: 'out_of_range', detail: 'Above zero.' });
      const { account, currency } = await requireAccount(tx, ctx, accountId, '#/accountId');
      if (!fitsAccount(kind, account))
        throw invalid({
          pointer: '#/accountId',
          code: 'not_allowed_here',
          detail: kind === 'write_off' ? 'A debt: affiliate_receivable or reseller_receivable.' : 'A suspense account.',
        });
      if (currency !== amount.currency) throw new DomainError('sale.currency_mismatch', { expectedCurrency: currency });
      if (counterAccountId !== null) {
        const counter = await requireAccount(tx, ctx, counterAccountId, '#/counterAccountId');
        const isPlace = (clearingKinds as readonly string[]).includes(counter.account.kind);
        if (kind === 'write_off' || !isPlace || counter.currency !== currency)
          throw invalid({
            pointer: '#/counterAccountId',
            code: 'not_allowed_here',
            detail: `Of a clearing, in ${currency}: ${clearingKinds.join(', ')}.`,
          });
      }
      const made = await insertLedgerAdjustment(tx, act, ctx.body);
      return answer(await presentOne(tx, ctx, made), { location: `/v1/ledger-adjustments/${made.id}` });
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
      const approver = await approverOf(tx, ctx);
      const approved = await withNames(tx, () => approveAdjustment(tx, act, ctx.params.transferId, approver));
      return presentOne(tx, ctx, approved);
    }),
});

/** Who asked takes it back, the second person says no: either way nothing was posted (docs/decisions/0451). */
const reject = defineRoute({
  method: 'POST',
  path: '/v1/ledger-adjustments/:transferId/reject',
  summary: 'Withdraw or refuse an entry by hand that waits; nothing is posted',
  permission: 'ledger.write',
  idempotency: 'required',
  params: ledgerAdjustmentParams,
  body: negativeDecisionBody,
  reply: ledgerAdjustmentWire,
  refuses: ['resource.not_found', 'ledger_adjustment.already_decided'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const why = reasonOf(ctx.body);
      const rejected = await withNames(tx, () => rejectAdjustment(tx, act, ctx.params.transferId, why));
      return presentOne(tx, ctx, rejected);
    }),
});

/** Rows hold ids; whoever is told "already approved" reads a name (api.md 1.5). */
async function withNames<T>(tx: Tx, decide: () => Promise<T>): Promise<T> {
  try {
    return await decide();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'ledger_adjustment.already_decided') throw error;
    const { decidedById, ...rest } = error.params;
    const id = typeof decidedById === 'string' ? decidedById : null;
    const name = id === null ? null : ((await findUserName(tx, id)) ?? null);
    throw new DomainError(error.code, { ...rest, decidedBy: id === null ? null : { id, name } });
  }
}

export const ledgerAdjustmentRoutes: readonly Route[] = [list, get, create, approve, reject];
