import { promisify } from 'node:util';
import { crc32, deflate, inflate } from 'node:zlib';
import { ByteReader, type Image, ImageError, requireSize } from './image.js';

const unpack = promisify(inflate);
const pack = promisify(deflate);

export const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Bits of a pixel by colour type and depth (PNG 3rd edition, table 8). */
const channels: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
/** What changes the look of the pixels, with the most bytes it may have. All else (texts, times, profiles, animation) stays behind. */
const kept: Readonly<Record<string, number>> = { PLTE: 768, tRNS: 256, gAMA: 4, cHRM: 32, sRGB: 1 };

/** Unpacks the pixels, looks at every line and packs them again. */
export async function cleanPng(file: Buffer): Promise<Image> {
  const reader = new ByteReader(file, pngSignature.length);
  let header: Header | undefined;
  const extras = new Map<string, Buffer>();
  const data: Buffer[] = [];
  for (;;) {
    const { name, body } = chunk(reader);
    if (header === undefined) {
      if (name !== 'IHDR') throw new ImageError('broken', 'The header is missing.');
      header = readHeader(body);
    } else if (name === 'IDAT') data.push(body);
    else if (name === 'IEND') break;
    else if (Object.hasOwn(kept, name) && data.length === 0 && !extras.has(name)) {
      if (body.length > (kept[name] ?? 0)) throw new ImageError('broken', `${name} is too long.`);
      extras.set(name, body);
    } else if (/^[A-Z]/.test(name)) throw new ImageError('broken', `${name} does not belong there.`);
  }
  if (header.colourType === 3 && !extras.has('PLTE')) throw new ImageError('broken', 'The palette is missing.');
  const rows = rowsOf(header);
  const expected = rows.reduce((sum, row) => sum + row.count * (1 + row.bytes), 0);
  let pixels: Buffer;
  try {
    pixels = (await unpack(Buffer.concat(data), { maxOutputLength: expected })) as Buffer;
  } catch (error) {
    throw new ImageError('broken', error instanceof Error ? error.message : 'The pixels cannot be unpacked.');
  }
  if (pixels.length !== expected) throw new ImageError('broken', 'Pixels are missing.');
  checkFilters(pixels, rows);
  const order = ['sRGB', 'gAMA', 'cHRM', 'PLTE', 'tRNS'];
  const bytes = Buffer.concat([
    pngSignature,
    written('IHDR', header.body),
    ...order.flatMap((name) => {
      const body = extras.get(name);
      return body === undefined ? [] : [written(name, body)];
    }),
    written('IDAT', (await pack(pixels, { level: 9 })) as Buffer),
    written('IEND', Buffer.alloc(0)),
  ]);
  return { type: 'image/png', width: header.width, height: header.height, bytes };
}

function chunk(reader: ByteReader): { readonly name: string; readonly body: Buffer } {
  const length = reader.take(4).readUInt32BE();
  const whole = reader.take(4 + length);
  if (crc32(whole) !== reader.take(4).readUInt32BE()) throw new ImageError('broken', 'A check sum is wrong.');
  return { name: whole.toString('latin1', 0, 4), body: whole.subarray(4) };
}

function written(name: string, body: Buffer): Buffer {
  const whole = Buffer.concat([Buffer.from(name, 'latin1'), body]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(body.length, 0);
  ends.writeUInt32BE(crc32(whole), 4);
  return Buffer.concat([ends.subarray(0, 4), whole, ends.subarray(4)]);
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  readonly colourType: number;
  readonly isInterlaced: boolean;
  readonly body: Buffer;
}

function readHeader(body: Buffer): Header {
  if (body.length !== 13) throw new ImageError('broken', 'The header has a wrong length.');
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  requireSize(width, height);
  const [depth = 0, colourType = 0, compression, filter, interlace] = body.subarray(8);
  const isKnown = depths[colourType]?.includes(depth) === true && compression === 0 && filter === 0;
  if (!isKnown || (interlace !== 0 && interlace !== 1)) throw new ImageError('broken', 'The header is not valid.');
  return {
    width,
    height,
    bitsPerPixel: depth * (channels[colourType] ?? 1),
    colourType,
    isInterlaced: interlace === 1,
    body,
  };
}

interface Rows {
  readonly count: number;
  /** Of one line, without its filter's byte. */
  readonly bytes: number;
}

/** Lines as they lie in the data: one block, or the seven passes of Adam7. */
function rowsOf({ width, height, bitsPerPixel, isInterlaced }: Header): readonly Rows[] {
  const lines = (across: number, down: number): Rows[] =>
    across === 0 || down === 0 ? [] : [{ count: down, bytes: Math.ceil((across * bitsPerPixel) / 8) }];
  if (!isInterlaced) return lines(width, height);
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  return passes.flatMap(([x, y, stepX, stepY]) =>
    lines(Math.max(0, Math.ceil((width - x) / stepX)), Math.max(0, Math.ceil((height - y) / stepY))),
  );
}

function checkFilters(pixels: Buffer, rows: readonly Rows[]): void {
  let at = 0;
  for (const { count, bytes } of rows)
    for (let line = 0; line < count; line += 1) {
      if ((pixels[at] ?? 5) > 4) throw new ImageError('broken', 'A line has no such filter.');
      at += 1 + bytes;
    }
}
