import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { MediaId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A picture of the library, without its bytes (LNK-18). */
export interface Media {
  readonly id: MediaId;
  readonly name: string;
  readonly contentType: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly sizeBytes: number;
  readonly sha256: Buffer;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface MediaRow {
  readonly id: MediaId;
  readonly name: string;
  readonly content_type: string;
  readonly width: number;
  readonly height: number;
  readonly size_bytes: number;
  readonly sha256: Buffer;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

/** All but the bytes, which no list needs. */
export const mediaColumns = [
  'id',
  'name',
  'content_type',
  'width',
  'height',
  'size_bytes',
  'sha256',
  'version',
  'created_at',
  'updated_at',
] as const;

export function toMedia(row: MediaRow): Media {
  return {
    id: row.id,
    name: row.name,
    contentType: row.content_type,
    width: row.width,
    height: row.height,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findMedia(tx: ReadTx | Tx, id: string): Promise<Media | undefined> {
  const row = await tx('media')
    .where({ id })
    .whereNull('deleted_at')
    .first<MediaRow | undefined>(...mediaColumns);
  return row === undefined ? undefined : toMedia(row);
}

export async function lockMedia(tx: Tx, id: string): Promise<Media | undefined> {
  const row = await tx('media')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<MediaRow | undefined>(...mediaColumns);
  return row === undefined ? undefined : toMedia(row);
}

export interface NewMedia {
  readonly id: MediaId;
  readonly name: string;
  readonly contentType: string;
  readonly width: number;
  readonly height: number;
  readonly sha256: Buffer;
  readonly bytes: Buffer;
}

/** Stores the picture, unless the workspace has the same bytes already: then that one, `isNew` false. Safe to repeat. */
export async function ensureMedia(
  tx: Tx,
  act: Act,
  media: NewMedia,
): Promise<{ readonly media: Media; readonly isNew: boolean }> {
  const [row] = await tx('media')
    .insert({
      id: media.id,
      name: media.name,
      content_type: media.contentType,
      width: media.width,
      height: media.height,
      size_bytes: media.bytes.length,
      sha256: media.sha256,
      bytes: media.bytes,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(tx.raw('(workspace_id, sha256) where deleted_at is null'))
    .ignore()
    .returning<MediaRow[]>([...mediaColumns]);
  if (row === undefined) {
    const there = await tx('media')
      .where({ sha256: media.sha256 })
      .whereNull('deleted_at')
      .first<MediaRow | undefined>(...mediaColumns);
    assertInvariant(there !== undefined, 'what conflicts is there', { sha256: media.sha256.toString('hex') });
    return { media: toMedia(there), isNew: false };
  }
  await recordAudit(tx, act, {
    objectType: 'media',
    objectId: media.id,
    seq: 1,
    event: 'created',
    changes: { after: { name: media.name, contentType: media.contentType, sha256: media.sha256.toString('hex') } },
  });
  return { media: toMedia(row), isNew: true };
}

/** Takes the picture out of the library and its bytes out of the database. The caller has seen that nothing uses it. */
export async function deleteMedia(tx: Tx, act: Act, media: Media): Promise<void> {
  await tx('media')
    .where({ id: media.id })
    .update({ deleted_at: act.now, bytes: Buffer.alloc(0), version: media.version + 1, updated_at: act.now });
  await recordAudit(tx, act, { objectType: 'media', objectId: media.id, seq: media.version + 1, event: 'deleted' });
}

/** Is a picture with this content in the library? */
export async function hasPicture(tx: ReadTx | Tx, sha256: string): Promise<boolean> {
  const row = await tx('media')
    .where({ sha256: Buffer.from(sha256, 'hex') })
    .whereNull('deleted_at')
    .first<{ id: string } | undefined>('id');
  return row !== undefined;
}

/** Promo tools that show the picture, and the workspace whose logo it is: as long as there are any, it stays. */
export async function mediaUses(tx: ReadTx | Tx, mediaId: string): Promise<readonly string[]> {
  const { rows: brands } = await tx.raw<{ rows: { id: string }[] }>(
    `select workspaces.id from workspaces join media on media.workspace_id = workspaces.id and media.id = :mediaId
     where strpos(workspaces.branding ->> 'logoUrl', '/t/media/' || encode(media.sha256, 'hex')) > 0`,
    { mediaId },
  );
  const rows = await tx('promo_tools')
    .where({ media_id: mediaId })
    .whereNull('deleted_at')
    .orderBy('id')
    .limit(20)
    .select<{ id: string }[]>('id');
  return [...brands, ...rows].map((row) => row.id);
}
