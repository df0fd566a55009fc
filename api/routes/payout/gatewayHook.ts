import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type { z } from 'zod';
import { receiveGatewayEvent } from '../../../activities/payout/gatewayEvent.js';
import { findGatewayAccess } from '../../../db/payout/gateway.js';
import { inWorkspace, notify, readWorkspace } from '../../../db/transaction.js';
import { systemAct } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import {
  type ConnectableGateway,
  type GatewayAccess,
  gatewayAccessPurpose,
  type GatewayEnvironment,
  isConnectable,
  type ProviderEvent,
} from '../../../domain/payout/gateway.js';
import { epochSeconds } from '../../../platform/clock.js';
import type { Secrets } from '../../../platform/secrets.js';
import { checkMediaType, parseJsonBody, readBody } from '../../jsonGuard.js';
import type { RequestState } from '../../requestContext.js';
import type { ApiDeps } from '../../deps.js';
import type { Route } from '../../route.js';
import { gatewayEventBody, gatewayEventWire } from '../../schemas/payout/gatewayHook.js';
import { parseWith } from '../../validation.js';

/** How old or early a signed event may be, in seconds. */
const toleranceSeconds = 300;
/** What the simulated gateway calls its states; a look-up knows the same. */
const knownStates: ReadonlySet<string> = new Set(['processing', 'paid', 'refused', 'returned']);

/** Each workspace has its own address and its own key at a gateway: `{workspaceId}.{gateway}` (docs/decisions/0022). */
export function hookAddress(workspaceId: WorkspaceId, gateway: string): string {
  return `/hooks/gateways/${workspaceId}.${gateway}`;
}

/** What stands in `webhook-signature` behind `v1,`: HMAC-SHA256 over id, time and body, under the address's own key. */
export function signHook(
  secrets: Pick<Secrets, 'sign'>,
  of: { readonly address: string; readonly id: string; readonly timestamp: string; readonly body: string },
): string {
  return secrets.sign(purposeOf(of.address), `${of.id}.${of.timestamp}.${of.body}`);
}

function purposeOf(address: string): string {
  return `gateway hook ${address}`;
}

/**
 * `POST /hooks/gateways/{gatewayId}` (api.md 4.2). The signature is over the bytes as they came, so they are read before they are parsed.
 * The event is stored once and its payout woken, which asks the gateway itself: an event alone moves nothing. Codes: access.bad_signature,
 * resource.not_found, request.validation_failed.
 */
const receive: Route = {
  method: 'POST',
  path: '/hooks/gateways/:gatewayId',
  summary: 'Takes in an event of a payout gateway',
  permission: 'public',
  params: undefined,
  query: undefined,
  body: gatewayEventBody,
  reply: gatewayEventWire,
  status: 200,
  refuses: ['access.bad_signature', 'resource.not_found'],
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  async run(koa: Context, deps: ApiDeps): Promise<void> {
    deps.rateLimiter.take(koa, null, receive);
    const named = /^(ws_[a-z0-9]{1,40})\.([a-z]{1,20})$/.exec(
      String((koa['params'] as Record<string, unknown>)['gatewayId']),
    );
    const [, workspace, gateway] = named ?? [];
    if (workspace === undefined || gateway === undefined || (gateway !== 'sandbox' && !isConnectable(gateway)))
      throw new DomainError('resource.not_found');
    const workspaceId = workspace as WorkspaceId;
    checkMediaType(koa.req);
    const bytes = await readBody(koa.req);
    const event =
      gateway === 'sandbox'
        ? sandboxEvent(koa.req, bytes, workspaceId, deps.secrets)
        : await providerEvent(deps, workspaceId, gateway, koa.req, bytes);
    if (event !== 'ignored') await takeIn(koa, deps, { workspaceId, gateway, bytes }, event);
    koa.status = 200;
    koa.set('Cache-Control', 'no-store');
    koa.body = { object: 'gateway_event', received: true };
  },
};

async function takeIn(
  koa: Context,
  deps: ApiDeps,
  of: { readonly workspaceId: WorkspaceId; readonly gateway: string; readonly bytes: Buffer },
  event: ProviderEvent,
): Promise<void> {
  const { workspaceId, gateway } = of;
  const taken = await inWorkspace(deps.db, workspaceId, (tx, now) =>
    receiveGatewayEvent(
      tx,
      systemAct({ workspaceId, now, requestId: (koa.state as RequestState).requestId, newId: deps.newId }),
      { ...event, id: deps.newId('gatewayEvent'), gateway, bodyHash: createHash('sha256').update(of.bytes).digest() },
    ),
  );
  await notify(deps.db, 'outbox', '');
  const { externalId } = event;
  if (taken.isChanged)
    deps.logger.error({ workspaceId, gateway, externalId }, 'gateway event came again with other bytes');
  if (taken.isNew && taken.quarantineCode !== null)
    deps.logger.warn({ workspaceId, gateway, externalId, code: taken.quarantineCode }, 'gateway event in quarantine');
}

function sandboxEvent(
  request: IncomingMessage,
  bytes: Buffer,
  workspaceId: WorkspaceId,
  secrets: Secrets,
): ProviderEvent {
  const externalId = checkSignature(request, bytes, hookAddress(workspaceId, 'sandbox'), secrets);
  const event = parseWith(gatewayEventBody, parseJsonBody(bytes), 'body') as z.output<typeof gatewayEventBody>;
  return { ...event, externalId, isKnownState: knownStates.has(event.state) };
}

/** A provider's own signature, under what the workspace stored for it. Not connected, no key for events, another workspace: all look alike. */
async function providerEvent(
  deps: ApiDeps,
  workspaceId: WorkspaceId,
  gateway: ConnectableGateway,
  request: IncomingMessage,
  bytes: Buffer,
): Promise<ProviderEvent | 'ignored'> {
  const desk = deps.gatewayDesks.get(gateway);
  const stored = await readWorkspace(deps.db, workspaceId, (tx) => findGatewayAccess(tx, gateway));
  if (desk === undefined || stored === undefined) throw new DomainError('access.bad_signature');
  const header = (name: string): string | undefined => {
    const [value, ...more] = request.headersDistinct[name] ?? [];
    return value === undefined || more.length > 0 || value.length > 4_000 ? undefined : value;
  };
  const event = await desk.readHook(openSealedAccess(deps.secrets, stored), { header, body: bytes });
  if (event === 'bad_signature') throw new DomainError('access.bad_signature');
  return event;
}

/** Stored credentials in clear text, for one call. */
export function openSealedAccess(
  secrets: Pick<Secrets, 'unseal'>,
  stored: { readonly environment: GatewayEnvironment; readonly sealed: string },
): GatewayAccess {
  const fields = JSON.parse(secrets.unseal(gatewayAccessPurpose, stored.sealed)) as Record<string, string>;
  return { environment: stored.environment, fields };
}

/** Answers the event's id. One header each, a time within the tolerance, and one of the signatures fits. Code: access.bad_signature. */
function checkSignature(request: IncomingMessage, bytes: Buffer, address: string, secrets: Secrets): string {
  const only = (name: string): string => {
    const [value, ...more] = request.headersDistinct[name] ?? [];
    if (value === undefined || more.length > 0 || value.length > 1_000) throw new DomainError('access.bad_signature');
    return value;
  };
  const [id, timestamp, signatures] = [only('webhook-id'), only('webhook-timestamp'), only('webhook-signature')];
  const isInTime =
    /^[1-9]\d{0,11}$/.test(timestamp) && Math.abs(Number.parseInt(timestamp, 10) - epochSeconds()) <= toleranceSeconds;
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), bytes]).toString('utf8');
  const isSigned = signatures
    .split(' ')
    .some((one) => one.startsWith('v1,') && secrets.isSignedBy(purposeOf(address), content, one.slice(3)));
  // A point in the id could move bytes between the three parts that are signed as one (reliability.md W4).
  if (!isInTime || !isSigned || !/^[\x21-\x2d\x2f-\x7e]{1,200}$/.test(id))
    throw new DomainError('access.bad_signature');
  return id;
}

export const gatewayHookRoutes: readonly Route[] = [receive];
