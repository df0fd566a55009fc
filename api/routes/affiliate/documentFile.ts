import { DomainError } from '../../../domain/errors.js';
import { judgedImage, requireUploadSize } from '../../judgedImage.js';

/** What phones and scanners make of a sheet of paper fits; a book does not. */
const maxDocumentBytes = 10 * 1_048_576;

/** Endings of the names that files leave under; the types that are taken. */
export const documentEndings: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
};

const taken = { types: ['image/png', 'image/jpeg', 'image/webp'], taken: 'PDF, PNG, JPEG and WebP' } as const;

/**
 * A document of somebody's making: its type told by content alone (reliability.md I6). Pictures lose where and with what they were taken; a PDF
 * stays as it is and only ever leaves as an attachment. Refuses with `upload.file_rejected`.
 */
export async function judgedDocument(bytes: Buffer): Promise<{ readonly contentType: string; readonly bytes: Buffer }> {
  requireUploadSize(bytes, maxDocumentBytes);
  if (bytes.toString('latin1', 0, 5) === '%PDF-') {
    // The last lines of every PDF (ISO 32000 7.5.5): without them half of it is missing.
    if (!bytes.subarray(-1_024).includes('%%EOF'))
      throw new DomainError('upload.file_rejected', { fault: 'broken', detail: 'The PDF is not complete.' });
    return { contentType: 'application/pdf', bytes };
  }
  const image = await judgedImage(bytes, taken);
  return { contentType: image.type, bytes: image.bytes };
}
