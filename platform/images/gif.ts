import { ByteReader, type Image, ImageError, requireSize } from './image.js';

const [imageBlock, extension, trailer] = [0x2c, 0x21, 0x3b];
const [graphicControl, application] = [0xf9, 0xff];

/** Screen, palettes, frames, their timing and the number of rounds. Comments, texts and what follows the end stay behind. */
export function cleanGif(file: Buffer): Image {
  const reader = new ByteReader(file);
  const head = reader.take(13);
  const [width, height] = [head.readUInt16LE(6), head.readUInt16LE(8)];
  requireSize(width, height);
  const out: Buffer[] = [Buffer.from('GIF89a', 'latin1'), head.subarray(6), reader.take(paletteBytes(head[10] ?? 0))];
  let frames = 0;
  for (;;) {
    const kind = reader.byte();
    if (kind === trailer) break;
    if (kind === imageBlock) {
      const place = reader.take(9);
      requireSize(place.readUInt16LE(4), place.readUInt16LE(6));
      const palette = reader.take(paletteBytes(place[8] ?? 0));
      const codeSize = reader.take(1);
      if ((codeSize[0] ?? 0) < 1 || (codeSize[0] ?? 0) > 8) throw new ImageError('broken', 'A frame is wrong.');
      out.push(Buffer.from([imageBlock]), place, palette, codeSize, ...blocks(reader));
      frames += 1;
    } else if (kind === extension) {
      const label = reader.byte();
      const body = blocks(reader);
      if (label === graphicControl && body.length === 2 && body[0]?.length === 5) {
        out.push(Buffer.from([extension, graphicControl]), ...body);
      } else if (label === application && isLoop(body)) out.push(Buffer.from([extension, application]), ...body);
    } else throw new ImageError('broken', 'A block is of no kind.');
  }
  if (frames === 0) throw new ImageError('broken', 'There is no picture in it.');
  out.push(Buffer.from([trailer]));
  return { type: 'image/gif', width, height, bytes: Buffer.concat(out) };
}

function paletteBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1);
}

/** Sub-blocks with their lengths, the empty one at the end included. */
function blocks(reader: ByteReader): readonly Buffer[] {
  const found: Buffer[] = [];
  for (;;) {
    const length = reader.bytes[reader.at] ?? 0;
    found.push(reader.take(1 + length));
    if (length === 0) return found;
  }
}

function isLoop(body: readonly Buffer[]): boolean {
  const [name, rounds] = body;
  return (
    body.length === 3 &&
    /^(NETSCAPE2\.0|ANIMEXTS1\.0)$/.test(name?.toString('latin1', 1) ?? '') &&
    rounds?.length === 4 &&
    rounds[1] === 1
  );
}
