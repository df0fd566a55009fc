import type { RoleGroup } from '../../domain/access/signInProvider.js';
import type { Act } from '../../domain/act.js';
import type { SessionId, UserId, WorkspaceId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** The company's provider of a workspace. */
export interface SignInProvider {
  readonly issuer: string;
  readonly clientId: string;
  /** Sealed (purpose `signInProviderPurpose`). */
  readonly clientSecret: string;
  readonly label: string;
  readonly groupsClaim: string;
  readonly roleGroups: readonly RoleGroup[];
  readonly enabled: boolean;
  readonly version: number;
  readonly updatedAt: Instant;
}

interface ProviderRow {
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly label: string;
  readonly groups_claim: string;
  readonly role_groups: RoleGroup[];
  readonly enabled: boolean;
  readonly version: number;
  readonly updated_at: Instant;
}

function toProvider(row: ProviderRow): SignInProvider {
  return {
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecret: row.client_secret,
    label: row.label,
    groupsClaim: row.groups_claim,
    roleGroups: row.role_groups,
    enabled: row.enabled,
    version: row.version,
    updatedAt: row.updated_at,
  };
}

export async function findSignInProvider(tx: ReadTx | Tx): Promise<SignInProvider | undefined> {
  const row = await tx('sign_in_providers').first<ProviderRow | undefined>('*');
  return row === undefined ? undefined : toProvider(row);
}

export async function lockSignInProvider(tx: Tx): Promise<SignInProvider | undefined> {
  const row = await tx('sign_in_providers').forNoKeyUpdate().first<ProviderRow | undefined>('*');
  return row === undefined ? undefined : toProvider(row);
}

/** A workspace without a provider is at this version, so that the first one to save it is one. */
export const unsetProviderVersion = 1;

/** Saves under the lock of `lockSignInProvider`. The history has the old and the new, of the secret only that there is another. */
export async function saveSignInProvider(
  tx: Tx,
  act: Act,
  before: SignInProvider | undefined,
  next: Omit<SignInProvider, 'version' | 'updatedAt'>,
): Promise<SignInProvider> {
  const version = (before?.version ?? unsetProviderVersion) + 1;
  const values = {
    issuer: next.issuer,
    client_id: next.clientId,
    client_secret: next.clientSecret,
    label: next.label,
    groups_claim: next.groupsClaim,
    role_groups: JSON.stringify(next.roleGroups),
    enabled: next.enabled,
    version,
    updated_at: act.now,
  };
  const [row] = await (before === undefined
    ? tx('sign_in_providers').insert(values).returning<ProviderRow[]>('*')
    : tx('sign_in_providers').update(values).returning<ProviderRow[]>('*'));
  const fields = ['issuer', 'clientId', 'label', 'groupsClaim', 'roleGroups', 'enabled'] as const;
  await recordAudit(tx, act, {
    objectType: 'sign_in_provider',
    objectId: `sign_in_provider/${act.workspaceId}`,
    seq: version,
    event: before === undefined ? 'created' : 'changed',
    changes: {
      ...Object.fromEntries(
        fields
          .filter((field) => JSON.stringify(before?.[field]) !== JSON.stringify(next[field]))
          .map((field) => [field, before === undefined ? next[field] : { from: before[field], to: next[field] }]),
      ),
      ...(before !== undefined && before.clientSecret !== next.clientSecret ? { clientSecretChanged: true } : {}),
    },
  });
  return toProvider(row as ProviderRow);
}

/** Ends the workspace's sessions that came by its provider; one may be spared. */
export async function endProviderSessions(tx: Tx, workspaceId: WorkspaceId, except: SessionId | null): Promise<void> {
  await tx.raw('select directory_end_provider_sessions(?, ?)', [workspaceId, except] as never);
}

export interface BoundSubject {
  readonly issuer: string;
  readonly subject: string;
}

/** Who of the workspace is this subject of this issuer? */
export async function findUserIdOfSubject(tx: ReadTx | Tx, of: BoundSubject): Promise<UserId | undefined> {
  const row = await tx('sign_in_subjects')
    .where({ issuer: of.issuer, subject: of.subject })
    .first<{ user_id: UserId } | undefined>('user_id');
  return row?.user_id;
}

export async function findSubject(tx: ReadTx | Tx, userId: UserId): Promise<BoundSubject | undefined> {
  return tx('sign_in_subjects').where({ user_id: userId }).first<BoundSubject | undefined>('issuer', 'subject');
}

/** Binds a person to a subject; one of a former issuer is replaced. */
export async function bindSubject(tx: Tx, now: Instant, userId: UserId, of: BoundSubject): Promise<void> {
  await tx('sign_in_subjects')
    .insert({ user_id: userId, issuer: of.issuer, subject: of.subject, created_at: now })
    .onConflict(['workspace_id', 'user_id'])
    .merge({ issuer: of.issuer, subject: of.subject, created_at: now });
}

/** The person is nobody's subject any more: the next who comes with their address is bound anew. */
export async function releaseSubject(tx: Tx, userId: UserId): Promise<void> {
  await tx('sign_in_subjects').where({ user_id: userId }).delete();
}
