import { join } from 'node:path';
import { fundGateway, setFreeze } from '../../../activities/payout/gateway.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { changeSchedule, findSchedule, insertSchedule, listSchedules } from '../../../db/payout/payoutSchedule.js';
import { listFreezes } from '../../../db/reads/payout/payoutControls.js';
import { findRequestKeys, listGatewayViews } from '../../../db/reads/payout/payoutView.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Mode } from '../../../domain/act.js';
import { isTimeZone } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { PayoutScheduleId } from '../../../domain/ids.js';
import { merchantOf } from '../../../domain/payout/gateway.js';
import { everybody } from '../../../domain/payout/payoutRun.js';
import { readSandboxJournal, sandboxKeyWindowMs } from '../../../domain/payout/sandboxJournal.js';
import { epochMs, type Instant } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import { createJournal, type Journal } from '../../../platform/journal.js';
import { invalid } from '../../problems.js';
import { answer, defineRoute, type Route } from '../../route.js';
import {
  freezeBody,
  freezeWire,
  fundingBody,
  fundingWire,
  gatewayList,
  gatewayParams,
  journalList,
  presentFreeze,
  presentGateway,
  presentJournalEntry,
  presentSchedule,
  scheduleCreate,
  scheduleList,
  scheduleParams,
  schedulePatch,
  scheduleWire,
  gatewayWire,
} from '../../schemas/payout/gateway.js';
import { decisionBody, noContent } from '../../schemas/wire.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/gateways',
  permission: 'payout.read',
  reply: gatewayList,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => ({
      data: (await listGatewayViews(tx, ctx.mode)).map(presentGateway),
      nextCursor: null,
    })),
});

async function requireGateway(tx: ReadTx | Tx, mode: Mode, id: string) {
  const gateway = (await listGatewayViews(tx, mode)).find((one) => one.id === id);
  if (gateway === undefined) throw new DomainError('resource.not_found');
  return gateway;
}

const get = defineRoute({
  method: 'GET',
  path: '/v1/gateways/:gatewayId',
  permission: 'payout.read',
  params: gatewayParams,
  reply: gatewayWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentGateway(await requireGateway(tx, ctx.mode, ctx.params.gatewayId))),
});

const sandboxJournal = (dataDir: string): Journal => createJournal(join(dataDir, 'gateways', 'sandbox.journal'));

/** What the simulated gateway really did, from its own journal and not from our books. */
const journal = defineRoute({
  method: 'GET',
  path: '/v1/gateways/:gatewayId/journal',
  permission: 'payout.read',
  params: gatewayParams,
  reply: journalList,
  refuses: ['resource.not_found'],
  async handle(ctx, deps) {
    if (ctx.params.gatewayId !== 'sandbox') throw new DomainError('resource.not_found');
    const entries = readSandboxJournal(await sandboxJournal(deps.config.dataDir).readAll(), sandboxKeyWindowMs, (at) =>
      epochMs(at as Instant),
    );
    const mine = await ctx.read((tx) =>
      findRequestKeys(
        tx,
        ctx.mode,
        entries.map((entry) => entry.requestKey),
      ),
    );
    return {
      data: entries.filter((entry) => mine.has(entry.requestKey)).map(presentJournalEntry),
      nextCursor: null,
    };
  },
});

const fund = defineRoute({
  method: 'POST',
  path: '/v1/gateways/:gatewayId/funding',
  permission: 'ledger.write',
  idempotency: 'required',
  params: gatewayParams,
  body: fundingBody,
  reply: fundingWire,
  status: 201,
  refuses: ['resource.not_found', 'resource.already_exists'],
  async handle(ctx, deps) {
    const { amount, reference } = ctx.body;
    if (amount.minor <= 0n)
      throw invalid({ pointer: '/amount/amount', code: 'out_of_range', detail: 'More than zero.' });
    // The money itself is moved outside: at the simulated gateway that happens here, first and once per reference. If the entry then fails,
    // its statement shows a deposit that the books miss, as a real one would.
    if (ctx.params.gatewayId === 'sandbox')
      await sandboxJournal(deps.config.dataDir).append({
        at: clockNow(),
        deposit: reference,
        merchant: merchantOf(ctx),
        amountMinor: amount.minor.toString(),
        currency: amount.currency,
      });
    return ctx.write(async (tx, act) => {
      const gateway = await requireGateway(tx, ctx.mode, ctx.params.gatewayId);
      const id = await fundGateway(tx, act, {
        gateway: gateway.id,
        currency: amount.currency,
        minor: amount.minor,
        reference,
      });
      return { id, object: 'gateway_funding' as const, gatewayId: gateway.id, amount, reference };
    });
  },
});

async function readFreeze(tx: ReadTx | Tx, mode: Mode) {
  return presentFreeze(await listFreezes(tx, null), await listGatewayViews(tx, mode));
}

const getFreeze = defineRoute({
  method: 'GET',
  path: '/v1/payout-freeze',
  permission: 'payout.read',
  reply: freezeWire,
  refuses: [],
  handle: (ctx) => ctx.read((tx) => readFreeze(tx, ctx.mode)),
});

const putFreeze = defineRoute({
  method: 'PUT',
  path: '/v1/payout-freeze',
  permission: 'payout.approve',
  stepUp: true,
  body: freezeBody,
  reply: freezeWire,
  refuses: ['resource.not_found', 'payout.payouts_frozen'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { frozen, gatewayId, reason } = ctx.body;
        if (gatewayId !== null) await requireGateway(tx, ctx.mode, gatewayId);
        await setFreeze(tx, act, { frozen, gatewayId, reason });
        return readFreeze(tx, ctx.mode);
      },
      { wake: true },
    ),
});

/** Temporal's schedule follows the row, through the outbox (temporal.md 6). */
async function tellTemporal(
  tx: Tx,
  scheduleId: PayoutScheduleId,
  wish: 'save' | 'pause' | 'resume' | 'trigger' | 'delete',
): Promise<void> {
  await enqueue(tx, {
    lane: 'workflow',
    topic: 'schedule',
    orderingKey: `schedule/${scheduleId}`,
    priority: 2,
    payload: { scheduleId, wish },
  });
}

function requireZone(timeZone: string): void {
  if (!isTimeZone(timeZone))
    throw invalid({
      pointer: '/timeZone',
      code: 'not_in_list',
      detail: 'A zone of the IANA list, such as Europe/Warsaw.',
    });
}

const schedules = defineRoute({
  method: 'GET',
  path: '/v1/payout-schedules',
  permission: 'payout.read',
  reply: scheduleList,
  refuses: [],
  handle: (ctx) => ctx.read(async (tx) => ({ data: (await listSchedules(tx)).map(presentSchedule), nextCursor: null })),
});

async function requireSchedule(tx: ReadTx | Tx, id: string) {
  const schedule = await findSchedule(tx, id);
  if (schedule === undefined) throw new DomainError('resource.not_found');
  return schedule;
}

const getSchedule = defineRoute({
  method: 'GET',
  path: '/v1/payout-schedules/:scheduleId',
  permission: 'payout.read',
  params: scheduleParams,
  reply: scheduleWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentSchedule(await requireSchedule(tx, ctx.params.scheduleId))),
});

const createSchedule = defineRoute({
  method: 'POST',
  path: '/v1/payout-schedules',
  permission: 'payout.prepare',
  body: scheduleCreate,
  reply: scheduleWire,
  status: 201,
  refuses: [],
  handle(ctx) {
    requireZone(ctx.body.timeZone);
    const { programIds, groupIds, methodTypes, ...rest } = ctx.body;
    return ctx.write(
      async (tx, act) => {
        const id = await insertSchedule(tx, act, {
          ...rest,
          filter: { ...everybody, programIds, groupIds, methodTypes },
        });
        await tellTemporal(tx, id, 'save');
        return answer(presentSchedule(await requireSchedule(tx, id)), { location: `/v1/payout-schedules/${id}` });
      },
      { wake: true },
    );
  },
});

const patchSchedule = defineRoute({
  method: 'PATCH',
  path: '/v1/payout-schedules/:scheduleId',
  permission: 'payout.prepare',
  params: scheduleParams,
  body: schedulePatch,
  reply: scheduleWire,
  refuses: ['resource.not_found', 'request.version_mismatch'],
  handle(ctx) {
    if (ctx.body.timeZone !== undefined) requireZone(ctx.body.timeZone);
    return ctx.write(
      async (tx, act) => {
        const before = await requireSchedule(tx, ctx.params.scheduleId);
        ctx.requireVersion(before.version);
        const { programIds, groupIds, methodTypes, ...rest } = ctx.body;
        const changed = await changeSchedule(tx, act, before.id, 'changed', {
          ...before,
          ...rest,
          filter: {
            ...before.filter,
            ...(programIds === undefined ? {} : { programIds }),
            ...(groupIds === undefined ? {} : { groupIds }),
            ...(methodTypes === undefined ? {} : { methodTypes }),
          },
        });
        await tellTemporal(tx, before.id, 'save');
        return presentSchedule(changed);
      },
      { wake: true },
    );
  },
});

const deleteSchedule = defineRoute({
  method: 'DELETE',
  path: '/v1/payout-schedules/:scheduleId',
  permission: 'payout.prepare',
  params: scheduleParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'request.version_mismatch'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const before = await requireSchedule(tx, ctx.params.scheduleId);
        ctx.requireVersion(before.version);
        await changeSchedule(tx, act, before.id, 'deleted');
        await tellTemporal(tx, before.id, 'delete');
        return undefined;
      },
      { wake: true },
    ),
});

function actOnSchedule(verb: 'pause' | 'resume' | 'trigger'): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/payout-schedules/:scheduleId/${verb}`,
    permission: 'payout.prepare',
    params: scheduleParams,
    body: decisionBody,
    reply: scheduleWire,
    refuses: ['resource.not_found'],
    handle: (ctx) =>
      ctx.write(
        async (tx, act) => {
          const event = verb === 'pause' ? 'paused' : verb === 'resume' ? 'resumed' : 'triggered';
          const changed = await changeSchedule(tx, act, ctx.params.scheduleId, event);
          await tellTemporal(tx, changed.id, verb);
          return presentSchedule(changed);
        },
        { wake: true },
      ),
  });
}

export const gatewayRoutes: readonly Route[] = [
  list,
  get,
  journal,
  fund,
  getFreeze,
  putFreeze,
  schedules,
  createSchedule,
  getSchedule,
  patchSchedule,
  deleteSchedule,
  actOnSchedule('pause'),
  actOnSchedule('resume'),
  actOnSchedule('trigger'),
];
