import type { Act, Actor } from '../../domain/act.js';
import {
  type AffiliateDocument,
  type DocumentEvent,
  type DocumentFact,
  type DocumentStatus,
  documentTransitions,
} from '../../domain/affiliate/document.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, Id } from '../../domain/ids.js';
import type { Instant, LocalDate } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface DocumentRow {
  readonly id: Id<'document'>;
  readonly affiliate_id: AffiliateId;
  readonly type: string;
  readonly label: string;
  readonly file_name: string;
  readonly content_type: string;
  readonly size_bytes: number;
  readonly status: DocumentStatus;
  readonly expires_on: LocalDate | null;
  readonly public_reason: string | null;
  readonly uploaded_by_type: Actor['type'];
  readonly uploaded_by: string | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

/** All but the bytes, which no list needs. */
export const documentColumns = [
  'id',
  'affiliate_id',
  'type',
  'label',
  'file_name',
  'content_type',
  'size_bytes',
  'status',
  'expires_on',
  'public_reason',
  'uploaded_by_type',
  'uploaded_by',
  'version',
  'created_at',
  'updated_at',
] as const;

export function toDocument(row: DocumentRow): AffiliateDocument {
  return {
    id: row.id,
    affiliateId: row.affiliate_id,
    type: row.type,
    label: row.label,
    fileName: row.file_name,
    contentType: row.content_type,
    sizeBytes: row.size_bytes,
    status: row.status,
    expiresOn: row.expires_on,
    publicReason: row.public_reason,
    uploadedBy: { type: row.uploaded_by_type, id: row.uploaded_by },
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findDocument(tx: ReadTx | Tx, id: string): Promise<AffiliateDocument | undefined> {
  const row = await tx('affiliate_documents')
    .where({ id })
    .first<DocumentRow | undefined>(...documentColumns);
  return row === undefined ? undefined : toDocument(row);
}

/** The file itself; undefined where a newer copy took its place, or the person was forgotten. */
export async function readDocumentBytes(tx: ReadTx | Tx, id: string): Promise<Buffer | undefined> {
  const row = await tx('affiliate_documents').where({ id }).first<{ bytes: Buffer } | undefined>('bytes');
  return row === undefined || row.bytes.length === 0 ? undefined : row.bytes;
}

/** What an affiliate has sent, newest first, as far as its state counts. */
export async function listDocumentFacts(tx: ReadTx | Tx, affiliateId: string): Promise<readonly DocumentFact[]> {
  return tx('affiliate_documents')
    .where({ affiliate_id: affiliateId })
    .whereNot({ status: 'replaced' })
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .select<DocumentFact[]>('type', 'status');
}

/**
 * Keeps a document; one of the same type that still waits is replaced by it and loses its bytes, so that an affiliate has at most one of a type
 * in review. Its name and content stay out of the history. The affiliate is locked by the caller.
 */
export async function insertDocument(
  tx: Tx,
  act: Act,
  document: Pick<
    AffiliateDocument,
    'id' | 'affiliateId' | 'type' | 'label' | 'fileName' | 'contentType' | 'expiresOn'
  > & { readonly sha256: Buffer; readonly bytes: Buffer },
): Promise<AffiliateDocument> {
  const waiting = await tx('affiliate_documents')
    .where({ affiliate_id: document.affiliateId, type: document.type, status: 'waiting' })
    .select<DocumentRow[]>(...documentColumns);
  for (const one of waiting) await moveDocument(tx, act, toDocument(one), 'replaced', null);
  const [row] = await tx('affiliate_documents')
    .insert({
      id: document.id,
      affiliate_id: document.affiliateId,
      type: document.type,
      label: document.label,
      file_name: document.fileName,
      content_type: document.contentType,
      size_bytes: document.bytes.length,
      sha256: document.sha256,
      bytes: document.bytes,
      status: 'waiting',
      expires_on: document.expiresOn,
      uploaded_by_type: act.actor.type,
      uploaded_by: act.actor.userId ?? act.actor.id,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<DocumentRow[]>([...documentColumns]);
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'affiliate_document',
    objectId: document.id,
    seq: 1,
    event: 'uploaded',
    to: 'waiting',
    changes: {
      affiliateId: document.affiliateId,
      type: document.type,
      contentType: document.contentType,
      sha256: document.sha256.toString('hex'),
      expiresOn: document.expiresOn,
    },
  });
  return toDocument(row);
}

/** Moves the document to the status that the event leads to. The caller has judged it, under the affiliate's lock. */
export async function moveDocument(
  tx: Tx,
  act: Act,
  document: AffiliateDocument,
  event: DocumentEvent,
  publicReason: string | null,
): Promise<AffiliateDocument> {
  const to = nextStatus(documentTransitions, document.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: document.status, event });
  const [row] = await tx('affiliate_documents')
    .where({ id: document.id })
    .update({
      status: to,
      public_reason: publicReason,
      ...(event === 'replaced' ? { bytes: Buffer.alloc(0) } : {}),
      version: document.version + 1,
      updated_at: act.now,
    })
    .returning<DocumentRow[]>([...documentColumns]);
  assertInvariant(row !== undefined, 'a document that was read is there', { documentId: document.id });
  await recordAudit(tx, act, {
    objectType: 'affiliate_document',
    objectId: document.id,
    seq: document.version + 1,
    event,
    from: document.status,
    to,
    changes: { affiliateId: document.affiliateId, type: document.type },
  });
  return toDocument(row);
}

/** Accepted documents whose last day lies before `before`, oldest first, locked; at most `limit`. */
export async function lockEndingDocuments(
  tx: Tx,
  of: { readonly before: LocalDate; readonly notReminded: boolean; readonly limit: number },
): Promise<readonly AffiliateDocument[]> {
  const query = tx('affiliate_documents')
    .where({ status: 'accepted' })
    .whereNotNull('expires_on')
    .where('expires_on', '<', of.before)
    .orderBy('expires_on')
    .orderBy('id')
    .limit(of.limit)
    .forUpdate()
    .skipLocked();
  if (of.notReminded) query.whereNull('reminded_at');
  return (await query.select<DocumentRow[]>(...documentColumns)).map(toDocument);
}

/** The reminder went out. It is no change of the document. */
export async function stampReminded(tx: Tx, act: Act, documentId: string): Promise<void> {
  await tx('affiliate_documents').where({ id: documentId }).update({ reminded_at: act.now });
}
