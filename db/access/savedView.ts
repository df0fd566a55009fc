import type { Act } from '../../domain/act.js';
import type { Id, UserId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A kept view of a list: its address after the question mark. Filters are no secrets; what they find obeys the reader's rights. */
export interface SavedView {
  readonly id: Id<'savedView'>;
  readonly userId: UserId;
  readonly screen: string;
  readonly name: string;
  readonly query: string;
  readonly shared: boolean;
  readonly isDefault: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface SavedViewRow {
  readonly id: Id<'savedView'>;
  readonly user_id: UserId;
  readonly screen: string;
  readonly name: string;
  readonly query: string;
  readonly shared: boolean;
  readonly is_default: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toView(row: SavedViewRow): SavedView {
  return {
    id: row.id,
    userId: row.user_id,
    screen: row.screen,
    name: row.name,
    query: row.query,
    shared: row.shared,
    isDefault: row.is_default,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Own views, and those that colleagues shared. */
export async function listSavedViews(
  tx: ReadTx,
  userId: UserId,
  page: Page,
  filter: { readonly screen?: readonly string[] },
): Promise<readonly SavedView[]> {
  const query = keyset(tx('saved_views'), page, { createdAt: 'created_at', name: 'name' });
  query.whereRaw('(user_id = ? or shared)', [userId]);
  if (filter.screen !== undefined) query.whereIn('screen', [...filter.screen]);
  return (await query.select<SavedViewRow[]>('*')).map(toView);
}

export async function findSavedView(tx: ReadTx | Tx, userId: UserId, id: string): Promise<SavedView | undefined> {
  const row = await tx('saved_views')
    .where({ id })
    .whereRaw('(user_id = ? or shared)', [userId])
    .first<SavedViewRow | undefined>('*');
  return row === undefined ? undefined : toView(row);
}

/** Only its owner changes a view; who merely sees it finds nothing to change. */
export async function lockOwnView(tx: Tx, userId: UserId, id: string): Promise<SavedView | undefined> {
  const row = await tx('saved_views').where({ id, user_id: userId }).forUpdate().first<SavedViewRow | undefined>('*');
  return row === undefined ? undefined : toView(row);
}

export interface SavedViewBody {
  readonly screen: string;
  readonly name: string;
  readonly query: string;
  readonly shared: boolean;
  readonly isDefault: boolean;
}

/** Another default of the same person and screen steps back. */
async function yieldDefault(tx: Tx, userId: UserId, body: SavedViewBody, except: string): Promise<void> {
  if (!body.isDefault) return;
  await tx('saved_views')
    .where({ user_id: userId, screen: body.screen, is_default: true })
    .whereNot({ id: except })
    .update({ is_default: false });
}

function columnsOf(body: SavedViewBody) {
  const { screen, name, query, shared, isDefault } = body;
  return { screen, name, query, shared, is_default: isDefault };
}

/** `resource.already_exists` (name) when the person has a view of that name on that screen. */
export async function insertSavedView(
  tx: Tx,
  act: Act,
  view: SavedViewBody & { readonly id: Id<'savedView'>; readonly userId: UserId },
): Promise<SavedView> {
  await yieldDefault(tx, view.userId, view, view.id);
  const [row] = await tx('saved_views')
    .insert({
      ...columnsOf(view),
      id: view.id,
      user_id: view.userId,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<SavedViewRow[]>('*');
  await recordAudit(tx, act, { objectType: 'saved_view', objectId: view.id, seq: 1, event: 'created' });
  return toView(row as SavedViewRow);
}

export async function updateSavedView(tx: Tx, act: Act, view: SavedView, next: SavedViewBody): Promise<SavedView> {
  await yieldDefault(tx, view.userId, next, view.id);
  const [row] = await tx('saved_views')
    .where({ id: view.id })
    .update({ ...columnsOf(next), version: view.version + 1, updated_at: act.now })
    .returning<SavedViewRow[]>('*');
  await recordAudit(tx, act, { objectType: 'saved_view', objectId: view.id, seq: view.version + 1, event: 'changed' });
  return toView(row as SavedViewRow);
}

export async function deleteSavedView(tx: Tx, act: Act, view: SavedView): Promise<void> {
  await tx('saved_views').where({ id: view.id }).delete();
  await recordAudit(tx, act, { objectType: 'saved_view', objectId: view.id, seq: view.version + 1, event: 'deleted' });
}
