import { cleanGif } from './gif.js';
import { type Image, ImageError } from './image.js';
import { cleanJpeg } from './jpeg.js';
import { cleanPng, pngSignature } from './png.js';
import { cleanWebp } from './webp.js';

/**
 * A picture of somebody's making → the same picture and nothing else, its type told by content alone (reliability.md I6). PNG pixels are
 * unpacked and packed anew; of the others, whose pixels only a large library could unpack, every part is looked at and only what a decoder
 * needs is written again. Throws ImageError.
 */
export async function cleanImage(file: Buffer): Promise<Image> {
  try {
    if (file.subarray(0, 8).equals(pngSignature)) return await cleanPng(file);
    if (file.length > 4 && file[0] === 0xff && file[1] === 0xd8 && file[2] === 0xff) return cleanJpeg(file);
    if (/^GIF8[79]a$/.test(file.toString('latin1', 0, 6))) return cleanGif(file);
    if (file.length > 20 && /^RIFF.{4}WEBP$/s.test(file.toString('latin1', 0, 12))) return cleanWebp(file);
  } catch (error) {
    // A read behind the end of a part that lies about its length.
    if (error instanceof RangeError) throw new ImageError('broken', error.message);
    throw error;
  }
  throw new ImageError('not_an_image', 'PNG, JPEG, WebP or GIF.');
}
