import type { Act, Actor } from '../../domain/act.js';
import { defaultSettings } from '../../domain/access/settings.js';
import { genesis } from '../../domain/audit/encoding.js';
import { InvariantError } from '../../domain/errors.js';
import type { LoginId, NewId, UserId, WorkspaceId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { Db } from '../connection.js';
import { inWorkspace, type ReadTx, type Tx } from '../transaction.js';
import { mailOneTimeLink } from './inviteMail.js';
import { insertSettings } from './settings.js';
import { insertUser, type User } from './user.js';

export interface Workspace {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly features: Readonly<Record<string, unknown>>;
  readonly branding: Readonly<Record<string, unknown>>;
  readonly resellerLabel: string | null;
  readonly version: number;
  readonly updatedAt: Instant;
  readonly payoutsFrozenAt: Instant | null;
  /** Of the newest finished backup that holds it. */
  readonly backedUpAt: Instant | null;
  readonly createdAt: Instant;
}

interface WorkspaceRow {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly features: Record<string, unknown>;
  readonly branding: Record<string, unknown>;
  readonly reseller_label: string | null;
  readonly version: number;
  readonly updated_at: Instant;
  readonly payouts_frozen_at: Instant | null;
  readonly backed_up_at: Instant | null;
  readonly created_at: Instant;
}

export async function getWorkspace(tx: ReadTx | Tx): Promise<Workspace> {
  const row = await tx('workspaces').first<WorkspaceRow | undefined>('*');
  if (row === undefined) throw new InvariantError('an open transaction sees its workspace');
  return {
    id: row.id,
    name: row.name,
    features: row.features,
    branding: row.branding,
    resellerLabel: row.reseller_label,
    version: row.version,
    updatedAt: row.updated_at,
    payoutsFrozenAt: row.payouts_frozen_at,
    backedUpAt: row.backed_up_at,
    createdAt: row.created_at,
  };
}

/** The workspace's next version: its row, and with it everybody who writes an audit entry of the workspace, is locked meanwhile. */
export async function nextWorkspaceVersion(tx: Tx, now: Instant): Promise<number> {
  const [row] = await tx('workspaces')
    .update({ version: tx.raw('version + 1'), updated_at: now })
    .returning<{ version: number }[]>('version');
  if (row === undefined) throw new InvariantError('an open transaction sees its workspace');
  return row.version;
}

export interface WorkspaceChange {
  readonly name?: string;
  readonly resellerLabel?: string | null;
  readonly branding?: Readonly<Record<string, unknown>>;
  readonly features?: Readonly<Record<string, unknown>>;
}

export async function updateWorkspace(tx: Tx, act: Act, change: WorkspaceChange): Promise<void> {
  const seq = await nextWorkspaceVersion(tx, act.now);
  await tx('workspaces').update({
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.resellerLabel === undefined ? {} : { reseller_label: change.resellerLabel }),
    ...(change.branding === undefined ? {} : { branding: JSON.stringify(change.branding) }),
    ...(change.features === undefined ? {} : { features: JSON.stringify(change.features) }),
    updated_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'workspace',
    objectId: act.workspaceId,
    seq,
    event: 'changed',
    changes: { ...change },
  });
}

export interface NewWorkspace {
  readonly name: string;
  readonly owner: { readonly name: string; readonly email: string };
  /** The installation's first: its owner also administers the installation. */
  readonly isFirst: boolean;
  /** `invited`: the owner still has to accept. `active`: a sign-in link is made for them. */
  readonly ownerStatus: 'invited' | 'active';
  /** PUBLIC_URL: the invitation is mailed with the workspace's own transaction. Absent: nobody is mailed. */
  readonly invitedFrom?: string;
}

export interface MadeWorkspace {
  readonly workspaceId: WorkspaceId;
  readonly owner: User;
}

/** A merchant's account with all that every workspace has: settings of version 1, the simulated gateway, the head of its audit chain, an owner. */
export async function createWorkspace(
  db: Db,
  newId: NewId,
  workspace: NewWorkspace,
  by: { readonly actor: Actor; readonly requestId: string | null } = {
    actor: { type: 'system', id: null, userId: null },
    requestId: null,
  },
): Promise<MadeWorkspace> {
  const workspaceId = newId('workspace');
  return inWorkspace(db, workspaceId, async (tx, now) => {
    const act: Act = {
      workspaceId,
      mode: 'live',
      now,
      actor: by.actor,
      cause: null,
      reasonCode: null,
      origin: null,
      requestId: by.requestId,
      newId,
    };
    await tx.raw('select directory_create_workspace(?, ?)', [workspaceId, workspace.name]);
    await tx('audit_heads').insert({ sequence: 0, leaf_hash: Buffer.from(genesis, 'hex') });
    await insertSettings(tx, act, defaultSettings);
    await tx('gateways').insert([
      { id: 'sandbox', adapter: 'sandbox', created_at: now },
      { id: 'manual', adapter: 'manual', created_at: now },
    ]);
    await recordAudit(tx, act, { objectType: 'workspace', objectId: workspaceId, seq: 1, event: 'created' });
    const loginId = await ensureLogin(tx, newId, workspace.owner.email);
    const owner = await insertUser(tx, act, {
      id: newId('user') satisfies UserId,
      loginId,
      audience: 'staff',
      name: workspace.owner.name,
      email: workspace.owner.email,
      roleIds: ['owner'],
      status: workspace.ownerStatus,
      isInstanceAdmin: workspace.isFirst,
    });
    if (workspace.invitedFrom !== undefined)
      await mailOneTimeLink(tx, act, newId, {
        kind: 'invite',
        to: owner.email,
        loginId,
        userId: owner.id,
        workspaceName: workspace.name,
        publicUrl: workspace.invitedFrom,
      });
    return { workspaceId, owner };
  });
}

/** The login of an address, made when it is new: one person, however many workspaces. */
export async function ensureLogin(tx: Tx, newId: NewId, email: string): Promise<LoginId> {
  const { rows } = await tx.raw<{ rows: { id: LoginId }[] }>('select directory_ensure_login(?, ?) as id', [
    newId('login'),
    email,
  ]);
  const [row] = rows;
  if (row === undefined) throw new InvariantError('a login is found or made');
  return row.id;
}
