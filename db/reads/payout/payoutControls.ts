import type { Mode } from '../../../domain/act.js';
import type { Permission } from '../../../domain/access/permission.js';
import { connectableGateways } from '../../../domain/payout/gateway.js';
import type { PayoutMethodStatus } from '../../../domain/payout/payoutMethod.js';
import type { Instant } from '../../../domain/time.js';
import { rolesHolding } from '../../access/role.js';
import type { ReadTx, Tx } from '../../transaction.js';

// May anything be sent, who else may approve, is what was approved still true? What is read right before money moves.

export interface Freeze {
  readonly scope: 'installation' | 'workspace' | 'gateway';
  readonly at: Instant;
  readonly reason: string | null;
}

/**
 * Every freeze flag that holds for a gateway (null: only those above gateways), and a provider's missing credentials. Empty: payouts may go
 * out.
 */
export async function listFreezes(tx: ReadTx | Tx, gateway: string | null): Promise<readonly Freeze[]> {
  const { rows } = await tx.raw<{ rows: Freeze[] }>(
    `select 'installation' as scope, payouts_frozen_at as at, payouts_frozen_reason as reason from installation where payouts_frozen_at is not null
     union all
     select 'workspace', payouts_frozen_at, payouts_frozen_reason from workspaces where payouts_frozen_at is not null
     union all
     select 'gateway', frozen_at, frozen_reason from gateways where frozen_at is not null and id = :gateway
     union all
     select 'gateway', now(), 'not_connected'
     where :gateway = any (:connectable::text[]) and not exists (select from gateway_credentials where gateway = :gateway)`,
    { gateway: gateway ?? '', connectable: [...connectableGateways] },
  );
  return rows;
}

export async function readEpoch(tx: ReadTx | Tx): Promise<number> {
  const row = await tx('workspaces').first<{ restore_epoch: number } | undefined>('restore_epoch');
  return row?.restore_epoch ?? 0;
}

/** Active people who hold a right, by whatever role (api.md 2). */
export async function listHolders(tx: ReadTx | Tx, permission: Permission): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select id from users
     where audience = 'staff' and status = 'active' and (role_ids && :roles::text[] or :permission = any(rights))
     order by id`,
    { roles: [...(await rolesHolding(tx, permission))], permission },
  );
  return rows.map((row) => row.id);
}

/** Setting `payouts.secondPerson` = `required`: alone is never enough. */
export async function isSecondPersonRequired(tx: ReadTx | Tx): Promise<boolean> {
  const row = await tx('settings').first<{ sections: Readonly<Record<string, unknown>> } | undefined>('sections');
  const payouts = row?.sections['payouts'] as { secondPerson?: unknown } | undefined;
  return payouts?.secondPerson === 'required';
}

export interface PayeeState {
  readonly affiliateStatus: string;
  /** Terminated, and what was approved is not paid (AFF-09). */
  readonly isForfeited: boolean;
  readonly methodStatus: PayoutMethodStatus | null;
  readonly methodActiveAt: Instant | null;
  readonly methodVersion: number | null;
  readonly methodFingerprint: string | null;
  readonly receivableMinor: bigint;
}

/** The payee as it is now, to be compared with what was approved (money.md 7.1). */
export async function readPayee(
  tx: ReadTx | Tx,
  of: {
    readonly affiliateId: string;
    readonly methodId: string | null;
    readonly currency: string;
    readonly mode: Mode;
  },
): Promise<PayeeState | undefined> {
  const { rows } = await tx.raw<{
    rows: {
      affiliate_status: string;
      approved_money: string | null;
      method_status: PayoutMethodStatus | null;
      method_active_at: Instant | null;
      method_version: number | null;
      method_fingerprint: string | null;
      receivable_minor: bigint;
    }[];
  }>(
    `select affiliate.status as affiliate_status, affiliate.approved_money, method.status as method_status, method.active_at as method_active_at,
            method.version as method_version, method.fingerprint as method_fingerprint,
            coalesce((
              select balance.balance_minor
              from ledger_accounts as account
              join account_balances as balance on balance.account_id = account.id
              where account.kind = 'affiliate_receivable' and account.owner_id = affiliate.id and account.mode = :mode
                and account.currency = :currency), 0)::bigint as receivable_minor
     from affiliates as affiliate
     left join payout_methods as method on method.id = :methodId
     where affiliate.id = :affiliateId`,
    { ...of, methodId: of.methodId ?? '' },
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        affiliateStatus: row.affiliate_status,
        isForfeited: row.approved_money === 'forfeit',
        methodStatus: row.method_status,
        methodActiveAt: row.method_active_at,
        methodVersion: row.method_version,
        methodFingerprint: row.method_fingerprint,
        receivableMinor: row.receivable_minor,
      };
}

/** Sealed details of the method an attempt was claimed for, and the amount it was frozen with. Read for the one call. */
export interface FrozenInstruction {
  /** Null: sent under a key that a restore lost. */
  readonly requestKey: string | null;
  readonly reference: string;
  readonly mode: Mode;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly gateway: string;
  readonly state: string;
  readonly fence: number;
  readonly epoch: number;
  readonly currentEpoch: number;
  readonly sealedDetails: unknown;
  readonly methodFits: boolean;
  /** The provider's own id of it, once it has told one. */
  readonly providerId: string | null;
  readonly claimedAt: Instant;
}

export async function findFrozenInstruction(
  tx: ReadTx | Tx,
  attemptId: string,
): Promise<FrozenInstruction | undefined> {
  const { rows } = await tx.raw<{
    rows: {
      request_key: string | null;
      id: string;
      mode: Mode;
      currency: string;
      amount_minor: bigint;
      gateway: string;
      state: string;
      fence: number;
      epoch: number;
      provider_id: string | null;
      created_at: Instant;
      restore_epoch: number;
      details: unknown;
      fits: boolean | null;
    }[];
  }>(
    `select case when attempt.recovered_at is null then attempt.request_key end as request_key, attempt.id, payout.mode, attempt.currency, attempt.amount_minor, attempt.gateway, attempt.state, attempt.fence, attempt.epoch, attempt.provider_id, attempt.created_at,
            workspace.restore_epoch, method.details,
            method.fingerprint = attempt.method_fingerprint as fits
     from payout_attempts as attempt
     join payouts as payout on payout.id = attempt.payout_id
     cross join workspaces as workspace
     left join payout_methods as method on method.id = payout.method_id
     where attempt.id = :attemptId`,
    { attemptId },
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        requestKey: row.request_key,
        reference: row.id,
        mode: row.mode,
        currency: row.currency,
        amountMinor: row.amount_minor,
        gateway: row.gateway,
        state: row.state,
        fence: row.fence,
        epoch: row.epoch,
        currentEpoch: row.restore_epoch,
        sealedDetails: row.details,
        methodFits: row.fits ?? false,
        providerId: row.provider_id,
        claimedAt: row.created_at,
      };
}
