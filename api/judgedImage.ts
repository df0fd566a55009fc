import { DomainError } from '../domain/errors.js';
import { cleanImage } from '../platform/images/clean.js';
import { type Image, ImageError, type ImageFault, type ImageType } from '../platform/images/image.js';

const mebibyte = 1_048_576;

/** Refuses with `upload.file_rejected`. */
export function requireUploadSize(bytes: Buffer, maxBytes: number): void {
  if (bytes.length > maxBytes)
    throw new DomainError('upload.file_rejected', {
      fault: 'too_large',
      detail: `At most ${maxBytes / mebibyte} MiB.`,
    });
}

/**
 * An uploaded picture, told by content alone and without what says where and with what it was taken (reliability.md I6). `taken` names the
 * formats for people. Refuses with `upload.file_rejected`.
 */
export async function judgedImage(
  bytes: Buffer,
  { types, taken }: { readonly types: readonly ImageType[]; readonly taken: string },
): Promise<Image> {
  const details: Readonly<Record<ImageFault, string>> = {
    not_an_image: `Only ${taken} are taken, whatever the file is called.`,
    broken: 'The picture is damaged or holds more than a picture.',
    too_many_pixels: 'The picture is too large: at most 8,000 pixels a side and 24 million in all.',
  };
  try {
    const image = await cleanImage(bytes);
    if (!types.includes(image.type)) throw new ImageError('not_an_image', `Not taken: ${image.type}`);
    return image;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new DomainError(
      'upload.file_rejected',
      { fault: error.fault, detail: details[error.fault] },
      { cause: error },
    );
  }
}
