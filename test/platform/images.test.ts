import { deflateSync } from 'node:zlib';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { cleanImage } from '../../platform/images/clean.js';
import { ImageError } from '../../platform/images/image.js';
import * as pictures from '../support/pictures.js';

// reliability.md I6: type by content, only the picture is kept, everything else is refused.

const faultOf = async (file: Buffer): Promise<string> => {
  try {
    const { type } = await cleanImage(file);
    return `taken as ${type}`;
  } catch (error) {
    if (error instanceof ImageError) return error.fault;
    throw error;
  }
};

function chunk(name: string, body: Buffer): Buffer {
  const whole = Buffer.concat([Buffer.from(name), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(whole));
  return Buffer.concat([length, whole, sum]);
}
const signature = Buffer.from('89504e470d0a1a0a', 'hex');
function header(width: number, height: number, colourType = 0): Buffer {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body[8] = 8;
  body[9] = colourType;
  return chunk('IHDR', body);
}
const end = chunk('IEND', Buffer.alloc(0));

describe('what is kept', () => {
  test.each([
    { kind: 'PNG', file: pictures.png, type: 'image/png', width: 24, height: 16 },
    { kind: 'PNG with a palette', file: pictures.palettePng, type: 'image/png', width: 24, height: 16 },
    { kind: 'JPEG on its side', file: pictures.jpeg, type: 'image/jpeg', width: 16, height: 24 },
    { kind: 'progressive JPEG', file: pictures.progressiveJpeg, type: 'image/jpeg', width: 24, height: 16 },
    { kind: 'GIF', file: pictures.gif, type: 'image/gif', width: 24, height: 16 },
    { kind: 'WebP', file: pictures.webp, type: 'image/webp', width: 24, height: 16 },
    { kind: 'animated WebP', file: pictures.animatedWebp, type: 'image/webp', width: 24, height: 16 },
  ])('$kind: type and size by content, without what is hidden in it', async ({ file, type, width, height }) => {
    const image = await cleanImage(file);

    expect({ type: image.type, width: image.width, height: image.height }).toEqual({ type, width, height });
    expect(image.bytes.includes('secret')).toBe(false);
    // What is clean already stays as it is: the same bytes, so that the same picture is stored once.
    expect((await cleanImage(image.bytes)).bytes.equals(image.bytes)).toBe(true);
  });

  test('what follows the end of a picture is not in it', async () => {
    const tail = Buffer.from('<script>alert(1)</script>');
    for (const file of [pictures.png, pictures.jpeg, pictures.gif, pictures.webp]) {
      const image = await cleanImage(Buffer.concat([file, tail]));
      expect(image.bytes.includes('<script>')).toBe(false);
    }
  });

  test('a photo keeps which way up it is, and not where it was taken', async () => {
    const { bytes } = await cleanImage(pictures.jpeg);

    const at = bytes.indexOf('Exif');
    expect(at).toBeGreaterThan(0);
    expect(bytes.readUInt16BE(at - 2)).toBe(34); // one entry of a directory: no room for a position
    expect(bytes.readUInt16LE(at + 6 + 18)).toBe(6);
  });
});

describe('what is refused', () => {
  test.each([
    { what: 'nothing', file: Buffer.alloc(0), fault: 'not_an_image' },
    {
      what: 'SVG',
      file: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
      fault: 'not_an_image',
    },
    {
      what: 'HTML that calls itself a GIF',
      file: Buffer.from('GIF89a/*<script>alert(1)</script>'),
      fault: 'too_many_pixels',
    },
    { what: 'a PDF', file: Buffer.from('%PDF-1.7'), fault: 'not_an_image' },
    { what: 'the beginning of a PNG', file: pictures.png.subarray(0, 40), fault: 'broken' },
    { what: 'the beginning of a JPEG', file: pictures.jpeg.subarray(0, 300), fault: 'broken' },
    { what: 'the beginning of a GIF', file: pictures.gif.subarray(0, 60), fault: 'broken' },
    { what: 'the beginning of a WebP', file: pictures.webp.subarray(0, 60), fault: 'broken' },
    {
      what: 'a PNG of 60,000 by 60,000',
      file: Buffer.concat([signature, header(60_000, 60_000), chunk('IDAT', deflateSync(Buffer.alloc(10))), end]),
      fault: 'too_many_pixels',
    },
    {
      what: 'a PNG that unpacks to more than its size',
      file: Buffer.concat([signature, header(1, 1), chunk('IDAT', deflateSync(Buffer.alloc(50_000_000))), end]),
      fault: 'broken',
    },
    {
      what: 'a PNG without pixels',
      file: Buffer.concat([signature, header(10, 10), end]),
      fault: 'broken',
    },
    {
      what: 'a PNG with a palette’s colours and no palette',
      file: Buffer.concat([signature, header(1, 1, 3), chunk('IDAT', deflateSync(Buffer.alloc(2))), end]),
      fault: 'broken',
    },
  ])('$what', async ({ file, fault }) => {
    expect(await faultOf(file)).toBe(fault);
  });

  test('any file with one byte changed is refused or is still nothing but a picture, and nothing hangs', async () => {
    for (const file of [pictures.png, pictures.jpeg, pictures.gif, pictures.webp])
      for (let at = 0; at < file.length; at += 1) {
        const bent = Buffer.from(file);
        bent[at] = (bent[at] ?? 0) ^ 0xff;
        expect(await faultOf(bent)).toMatch(
          /^(not_an_image|broken|too_many_pixels|taken as image\/(png|jpeg|gif|webp))$/,
        );
      }
  });
});
