import type { LoginId, UserId, WorkspaceId } from '../../domain/ids.js';
import type { Db } from '../connection.js';
import { listWorkspaces } from '../directory.js';
import { run, transact } from '../pipeline.js';
import { readWorkspace, type Tx } from '../transaction.js';
import { findLoginById, listSessions } from './login.js';

/** Who a fresh installation waits for: the owner of its first workspace, until a first session. */
export interface WaitingOwner {
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  readonly loginId: LoginId;
}

/** `none`: there is no workspace yet. `signed_in`: somebody has used the installation. */
export async function findWaitingOwner(db: Db): Promise<WaitingOwner | 'none' | 'signed_in'> {
  const workspaces = await listWorkspaces(db);
  const [first] = workspaces; // ids rise with time
  if (first === undefined) return 'none';
  const owner = await readWorkspace(db, first.id, async (tx) => {
    const user = await tx('users')
      .where({ audience: 'staff', is_instance_admin: true })
      .orderBy('created_at')
      .first<{ id: UserId; login_id: LoginId } | undefined>('id', 'login_id');
    if (user === undefined) return undefined;
    const { rows } = await tx.raw<{ rows: { has_acted: boolean }[] }>(
      `select exists (select from audit_entries where audit_entries.actor_user_id = :id) as has_acted`,
      { id: user.id },
    );
    return rows[0]?.has_acted === true ? undefined : { workspaceId: first.id, userId: user.id, loginId: user.login_id };
  });
  if (owner === undefined) return 'signed_in';
  const hasPassword = (await findLoginById(db, owner.loginId))?.passwordHash;
  const hasSession = (await listSessions(db, owner.loginId)).length > 0;
  return hasPassword != null || hasSession ? 'signed_in' : owner;
}

/** The person who administers the installation, signed in before or not: for a printed sign-in link. */
export async function findFirstAdministrator(db: Db): Promise<WaitingOwner | undefined> {
  for (const workspace of await listWorkspaces(db)) {
    const user = await readWorkspace(db, workspace.id, (tx) =>
      tx('users')
        .where({ audience: 'staff', is_instance_admin: true, status: 'active' })
        .orderBy('created_at')
        .first<{ id: UserId; login_id: LoginId } | undefined>('id', 'login_id'),
    );
    if (user !== undefined) return { workspaceId: workspace.id, userId: user.id, loginId: user.login_id };
  }
  return undefined;
}

// Workspaces are made one after the other. The number is "trio" in ASCII.
const lockStatement = `select pg_advisory_xact_lock(${0x7472696f})`;

/** Two starts at once make one first workspace: the second waits here, then finds it. */
export function underInstallationLock<T>(db: Db, work: () => Promise<T>): Promise<T> {
  return transact(db, 'write', async (tx) => {
    await run(tx, lockStatement, []);
    return work();
  });
}

/** The same for a transaction that is open: two workspaces of one name are not made at once. Held until its end. */
export async function lockInstallation(tx: Tx): Promise<void> {
  await tx.raw(lockStatement);
}
