import { DomainError } from '../../../domain/errors.js';
import { cleanImage } from '../../../platform/images/clean.js';
import { ImageError, type ImageFault } from '../../../platform/images/image.js';

/** What phones and scanners make of a sheet of paper fits; a book does not. */
export const maxDocumentBytes = 10 * 1_048_576;

/** Endings of the names that files leave under; the types that are taken. */
export const documentEndings: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
};

const details: Readonly<Record<ImageFault, string>> = {
  not_an_image: 'Only PDF, PNG, JPEG and WebP are taken, whatever the file is called.',
  broken: 'The picture is damaged or holds more than a picture.',
  too_many_pixels: 'The picture is too large: at most 8,000 pixels a side and 24 million in all.',
};

/**
 * A document of somebody's making: its type told by content alone (reliability.md I6). Pictures lose where and with what they were taken; a PDF
 * stays as it is and only ever leaves as an attachment. Refuses with `upload.file_rejected`.
 */
export async function judgedDocument(bytes: Buffer): Promise<{ readonly contentType: string; readonly bytes: Buffer }> {
  if (bytes.length > maxDocumentBytes)
    throw new DomainError('upload.file_rejected', { fault: 'too_large', detail: 'At most 10 MiB.' });
  if (bytes.toString('latin1', 0, 5) === '%PDF-') {
    // The last lines of every PDF (ISO 32000 7.5.5): without them half of it is missing.
    if (!bytes.subarray(-1_024).includes('%%EOF'))
      throw new DomainError('upload.file_rejected', { fault: 'broken', detail: 'The PDF is not complete.' });
    return { contentType: 'application/pdf', bytes };
  }
  try {
    const image = await cleanImage(bytes);
    if (documentEndings[image.type] === undefined) throw new ImageError('not_an_image', 'No GIF.');
    return { contentType: image.type, bytes: image.bytes };
  } catch (error) {
    if (error instanceof ImageError)
      throw new DomainError(
        'upload.file_rejected',
        { fault: error.fault, detail: details[error.fault] },
        { cause: error },
      );
    throw error;
  }
}
