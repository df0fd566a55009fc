import type { Act } from '../../domain/act.js';
import type { Mode } from '../../domain/act.js';
import {
  type ConnectableGateway,
  connectableGateways,
  type GatewayEnvironment,
  isConnectable,
} from '../../domain/payout/gateway.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** What a workspace gave us for a provider, still sealed (purpose `gatewayAccessPurpose`). */
export interface SealedAccess {
  readonly environment: GatewayEnvironment;
  readonly account: string;
  readonly sealed: string;
}

const columns = ['environment', 'account', 'sealed'] as const;

export async function findGatewayAccess(tx: ReadTx | Tx, gateway: string): Promise<SealedAccess | undefined> {
  if (!isConnectable(gateway)) return undefined;
  return tx('gateway_credentials')
    .where({ gateway })
    .first<SealedAccess | undefined>(...columns);
}

/** Gateways that real money may go through now. In test mode none is: no test payout reaches a real gateway (BEY-31). */
export async function listConnected(tx: ReadTx | Tx, mode: Mode): Promise<ReadonlySet<ConnectableGateway>> {
  if (mode === 'test') return new Set();
  const rows = await tx('gateway_credentials').select<{ gateway: ConnectableGateway }[]>('gateway');
  return new Set(rows.map((row) => row.gateway));
}

/** Keeps the account that pays as it is until the claim is committed: whoever changes it sees the claimed attempt, or comes first. */
export async function holdGatewayAccess(tx: Tx, gateway: string): Promise<boolean> {
  if (!isConnectable(gateway)) return true;
  const row = await tx('gateway_credentials')
    .where({ gateway })
    .forShare()
    .first<{ gateway: string } | undefined>('gateway');
  return row !== undefined;
}

/** Locks the credentials for a change. */
export async function lockGatewayAccess(tx: Tx, gateway: ConnectableGateway): Promise<SealedAccess | undefined> {
  return tx('gateway_credentials')
    .where({ gateway })
    .forUpdate()
    .first<SealedAccess | undefined>(...columns);
}

/** Attempts whose outcome this account still owes us. */
export async function listOpenAttempts(tx: Tx, gateway: ConnectableGateway): Promise<readonly string[]> {
  const rows = await tx('payout_attempts')
    .where({ gateway })
    .whereIn('state', ['submitting', 'submitted', 'unknown'])
    .orderBy('id')
    .limit(20)
    .select<{ id: string }[]>('id');
  return rows.map((row) => row.id);
}

async function nextSeq(tx: Tx, objectId: string): Promise<number> {
  const [last] = await tx('audit_entries').where({ object_id: objectId }).max<{ max: number | null }[]>('seq');
  return (last?.max ?? 0) + 1;
}

/** Stores credentials, sealed. The history names the account and which fields were given, never what stands in them. */
export async function saveGatewayAccess(
  tx: Tx,
  act: Act,
  gateway: ConnectableGateway,
  access: SealedAccess & { readonly fieldNames: readonly string[] },
): Promise<void> {
  await tx('gateways')
    .insert({ id: gateway, adapter: gateway, created_at: act.now })
    .onConflict(['workspace_id', 'id'])
    .ignore();
  const row = {
    environment: access.environment,
    account: access.account,
    sealed: access.sealed,
    set_by: act.actor.userId,
    set_at: act.now,
    tried_at: null,
    tried_code: null,
  };
  await tx('gateway_credentials')
    .insert({ gateway, ...row, created_at: act.now })
    .onConflict(['workspace_id', 'gateway'])
    .merge(row);
  const objectId = objectIdOf(act, gateway);
  await recordAudit(tx, act, {
    objectType: 'gateway',
    objectId,
    seq: await nextSeq(tx, objectId),
    event: 'connected',
    changes: { environment: access.environment, account: access.account, fields: access.fieldNames.join(', ') },
  });
}

export async function removeGatewayAccess(tx: Tx, act: Act, gateway: ConnectableGateway): Promise<void> {
  await tx('gateway_credentials').where({ gateway }).delete();
  const objectId = objectIdOf(act, gateway);
  await recordAudit(tx, act, {
    objectType: 'gateway',
    objectId,
    seq: await nextSeq(tx, objectId),
    event: 'disconnected',
  });
}

/** What a try showed, for the list of gateways; null: it worked. */
export async function noteGatewayTry(
  tx: Tx,
  act: Act,
  gateway: ConnectableGateway,
  tried: { readonly account: string; readonly code: string | null },
): Promise<void> {
  await tx('gateway_credentials')
    .where({ gateway, account: tried.account })
    .update({ tried_at: act.now, tried_code: tried.code ?? 'ok' });
}

/** A gateway's id is the same word in every workspace. */
function objectIdOf(act: Pick<Act, 'workspaceId'>, gateway: ConnectableGateway): string {
  return `gateway/${act.workspaceId}/${gateway}`;
}

export interface Connection {
  readonly gateway: ConnectableGateway;
  readonly environment: GatewayEnvironment;
  readonly account: string;
  readonly setAt: Instant;
  readonly triedAt: Instant | null;
  readonly triedCode: string | null;
}

export async function listConnections(tx: ReadTx | Tx): Promise<readonly Connection[]> {
  const rows = await tx('gateway_credentials')
    .whereIn('gateway', [...connectableGateways])
    .select<
      {
        gateway: ConnectableGateway;
        environment: GatewayEnvironment;
        account: string;
        set_at: Instant;
        tried_at: Instant | null;
        tried_code: string | null;
      }[]
    >('gateway', 'environment', 'account', 'set_at', 'tried_at', 'tried_code');
  return rows.map((row) => ({
    gateway: row.gateway,
    environment: row.environment,
    account: row.account,
    setAt: row.set_at,
    triedAt: row.tried_at,
    triedCode: row.tried_code,
  }));
}
