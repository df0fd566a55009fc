import type { Act } from '../../domain/act.js';
import { type Settings, settingChanges, settingsOf, type StoredSections } from '../../domain/access/settings.js';
import { InvariantError } from '../../domain/errors.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keepDefaultRule } from '../program/defaultRule.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface SettingsRecord {
  readonly version: number;
  readonly settings: Settings;
  /** Null until somebody saved them once: programs wait for it (PRG-09). */
  readonly savedAt: Instant | null;
  readonly updatedAt: Instant;
}

interface SettingsRow {
  readonly version: number;
  readonly sections: StoredSections;
  readonly saved_at: Instant | null;
  readonly updated_at: Instant;
}

function toRecord(row: SettingsRow | undefined): SettingsRecord {
  if (row === undefined) throw new InvariantError('a workspace has settings');
  return { version: row.version, settings: settingsOf(row.sections), savedAt: row.saved_at, updatedAt: row.updated_at };
}

/** The workspace's settings over the defaults. Every workspace has a row from its birth. */
export async function getSettings(tx: ReadTx | Tx): Promise<SettingsRecord> {
  return toRecord(await tx('settings').first<SettingsRow | undefined>('version', 'sections', 'saved_at', 'updated_at'));
}

/** The same for a page of rows that need nothing else of them: asked for once, beside the page, and not with each of its rows. */
export async function readSettings(tx: ReadTx | Tx): Promise<Settings> {
  const row = await tx('settings').first<Pick<SettingsRow, 'sections'> | undefined>('sections');
  return settingsOf(row?.sections ?? {});
}

export async function lockSettings(tx: Tx): Promise<SettingsRecord> {
  const row = await tx('settings')
    .forNoKeyUpdate()
    .first<SettingsRow | undefined>('version', 'sections', 'saved_at', 'updated_at');
  return toRecord(row);
}

/** The row of a new workspace: version 1, not saved yet. */
export async function insertSettings(tx: Tx, act: Act, settings: Settings): Promise<void> {
  await tx('settings').insert({ version: 1, sections: JSON.stringify(settings), updated_at: act.now });
  await tx('settings_versions').insert({
    version: 1,
    sections: JSON.stringify(settings),
    changed_by: act.actor.userId,
    created_at: act.now,
  });
}

/** Stores the next version, stamps `savedAt`, and writes old and new of each field into the history (SET-12). */
export async function updateSettings(
  tx: Tx,
  act: Act,
  before: SettingsRecord,
  after: Settings,
): Promise<SettingsRecord> {
  const version = before.version + 1;
  await tx('settings').update({
    version,
    sections: JSON.stringify(after),
    saved_at: before.savedAt ?? act.now,
    updated_at: act.now,
  });
  await tx('settings_versions').insert({
    version,
    sections: JSON.stringify(after),
    changed_by: act.actor.userId,
    created_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'settings',
    objectId: `settings:${act.workspaceId}`,
    seq: version,
    event: 'changed',
    changes: { fields: settingChanges(before.settings, after) },
  });
  const [old, now] = [before.settings.commissions.defaultRule, after.commissions.defaultRule];
  const isFirst = before.savedAt === null;
  if (isFirst || JSON.stringify(old) !== JSON.stringify(now)) await keepDefaultRule(tx, act, isFirst ? null : old, now);
  return { version, settings: after, savedAt: before.savedAt ?? act.now, updatedAt: act.now };
}

/** The settings as they stood in a version, if there was one. */
export async function findSettingsVersion(tx: ReadTx | Tx, version: number): Promise<Settings | undefined> {
  const row = await tx('settings_versions')
    .where({ version })
    .first<{ sections: StoredSections } | undefined>('sections');
  return row === undefined ? undefined : settingsOf(row.sections);
}

export interface SettingsVersion {
  readonly version: number;
  readonly settings: Settings;
  readonly previous: Settings | null;
  readonly changedBy: string | null;
  readonly at: Instant;
}

/** Each version with the one before it, newest first, before a version; one more than `limit` tells of a next page. */
export async function listSettingsVersions(
  tx: ReadTx,
  before: number | null,
  limit: number,
): Promise<readonly SettingsVersion[]> {
  const query = tx('settings_versions')
    .orderBy('version', 'desc')
    .limit(limit + 2);
  if (before !== null) query.where('version', '<', before);
  const rows = await query.select<
    { version: number; sections: StoredSections; changed_by: string | null; created_at: Instant }[]
  >('version', 'sections', 'changed_by', 'created_at');
  return rows.slice(0, limit + 1).map((row, index) => {
    const previous = rows[index + 1];
    return {
      version: row.version,
      settings: settingsOf(row.sections),
      previous: previous === undefined ? null : settingsOf(previous.sections),
      changedBy: row.changed_by,
      at: row.created_at,
    };
  });
}
