import { join } from 'node:path';
import { connectGateway, fundGateway, setFreeze } from '../../../activities/payout/gateway.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findGatewayAccess, noteGatewayTry } from '../../../db/payout/gateway.js';
import { changeSchedule, findSchedule, insertSchedule, listSchedules } from '../../../db/payout/payoutSchedule.js';
import { listFenceGaps, readRestoredAt } from '../../../db/payout/restoreFence.js';
import { listFreezes } from '../../../db/reads/payout/payoutControls.js';
import { findRequestKeys, listGatewayViews } from '../../../db/reads/payout/payoutView.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Mode } from '../../../domain/act.js';
import { isTimeZone } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { PayoutScheduleId, WorkspaceId } from '../../../domain/ids.js';
import {
  type ConnectableGateway,
  gatewayAccessPurpose,
  isConnectable,
  judgeCredentials,
  merchantOf,
} from '../../../domain/payout/gateway.js';
import { everybody } from '../../../domain/payout/payoutRun.js';
import { readSandboxJournal, sandboxKeyWindowMs } from '../../../domain/payout/sandboxJournal.js';
import { epochMs, type Instant } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import { createJournal, type Journal } from '../../../platform/journal.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import {
  credentialsBody,
  freezeBody,
  freezeWire,
  fundingBody,
  fundingWire,
  gatewayList,
  gatewayParams,
  gatewayTestWire,
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
import { hookAddress, openSealedAccess } from './gatewayHook.js';
import { gatewayPolicyOf } from './gatewayPolicy.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/gateways',
  permission: 'payout.read',
  reply: gatewayList,
  refuses: [],
  handle: (ctx, deps) =>
    ctx.read(async (tx) => ({
      data: (await listGatewayViews(tx, ctx.mode)).map((gateway) => presentGateway(gateway, shownFor(ctx, deps))),
      nextCursor: null,
    })),
});

function shownFor(ctx: { readonly workspaceId: WorkspaceId; readonly mode: Mode }, deps: Pick<ApiDeps, 'config'>) {
  return {
    hookUrl: (id: string) => `${deps.config.http.publicUrl}${hookAddress(ctx.workspaceId, id)}`,
    policy: gatewayPolicyOf(deps),
    mode: ctx.mode,
  };
}

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
  handle: (ctx, deps) =>
    ctx.read(async (tx) =>
      presentGateway(await requireGateway(tx, ctx.mode, ctx.params.gatewayId), shownFor(ctx, deps)),
    ),
});

function requireConnectable(id: string): ConnectableGateway {
  if (!isConnectable(id)) throw new DomainError('resource.not_found');
  return id;
}

/** Connects a provider, or disconnects it. What is pasted is sealed at once; neither history nor any answer holds it. */
const putCredentials = defineRoute({
  method: 'PUT',
  path: '/v1/gateways/:gatewayId/credentials',
  permission: 'settings.write',
  stepUp: true,
  params: gatewayParams,
  body: credentialsBody,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle(ctx, deps) {
    const gateway = requireConnectable(ctx.params.gatewayId);
    const { environment, credentials } = ctx.body;
    if (credentials !== null && environment === 'sandbox' && deps.config.nodeEnv === 'production')
      throw invalid({
        pointer: '#/environment',
        code: 'not_allowed_here',
        detail: 'Where nothing is really paid, production must not send payouts.',
      });
    const judged = credentials === null ? null : judgeCredentials(gateway, environment, credentials);
    if (judged !== null && !judged.ok)
      throw invalid(
        ...judged.problems.map(({ field, code }) => ({
          pointer: `#/credentials/${field}`,
          code,
          detail: credentialDetails[code] ?? 'Not a valid value of this field.',
        })),
      );
    return ctx.write(
      async (tx, act) => {
        await connectGateway(
          tx,
          act,
          gateway,
          judged === null
            ? null
            : {
                environment,
                account: judged.account,
                sealed: deps.secrets.seal(gatewayAccessPurpose, JSON.stringify(judged.fields)),
                fieldNames: Object.keys(judged.fields),
              },
        );
        return undefined;
      },
      { wake: true },
    );
  },
});

const credentialDetails: Readonly<Record<string, string>> = {
  required: 'This field is required.',
  unknown_field: 'This field is not known here.',
};

/** Signs in at the provider and reads what lies there. Moves nothing. */
const tryOut = defineRoute({
  method: 'POST',
  path: '/v1/gateways/:gatewayId/test',
  permission: 'settings.write',
  stepUp: true,
  params: gatewayParams,
  reply: gatewayTestWire,
  refuses: ['resource.not_found', 'access.not_enabled'],
  async handle(ctx, deps) {
    const gateway = requireConnectable(ctx.params.gatewayId);
    const desk = deps.gatewayDesks.get(gateway);
    const stored = await ctx.read((tx) => findGatewayAccess(tx, gateway));
    if (desk === undefined || stored === undefined)
      throw new DomainError('access.not_enabled', {
        capability: `gateway.${gateway}`,
        detail: 'No credentials are stored.',
      });
    const probe = await desk.probe(openSealedAccess(deps.secrets, stored));
    return ctx.write(async (tx, act) => {
      await noteGatewayTry(tx, act, gateway, { account: stored.account, code: probe.code });
      return {
        object: 'gateway_test' as const,
        gatewayId: gateway,
        ok: probe.ok,
        code: probe.code,
        balances: probe.balances.map((one) => ({ ...one })),
        at: act.now,
      };
    });
  },
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
      throw invalid({ pointer: '#/amount/amount', code: 'out_of_range', detail: 'More than zero.' });
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
  const restoredAt = await readRestoredAt(tx);
  return presentFreeze(
    await listFreezes(tx, null),
    await listGatewayViews(tx, mode),
    restoredAt === null ? null : { restoredAt, gaps: await listFenceGaps(tx, restoredAt) },
  );
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
      pointer: '#/timeZone',
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
  putCredentials,
  tryOut,
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
