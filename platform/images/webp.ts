import { ByteReader, type Image, ImageError, requireSize } from './image.js';

/** Of the extended header's flags: animation and transparency. Profile, Exif and XMP go (RFC 9649, 2.7). */
const keptFlags = 0x02 | 0x10;

interface Chunk {
  readonly name: string;
  readonly body: Buffer;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Frames with their transparency and timing; profiles, Exif, XMP and unknown chunks stay behind. */
export function cleanWebp(file: Buffer): Image {
  const [first, ...rest] = chunks(file.subarray(12, 8 + file.readUInt32LE(4)));
  if (first === undefined) throw new ImageError('broken', 'There is no picture in it.');
  const isExtended = first.name === 'VP8X';
  const canvas = isExtended ? canvasSize(first.body) : pictureSize(first);
  requireSize(canvas.width, canvas.height);
  const kept: Buffer[] = isExtended ? [written('VP8X', withFlags(first.body))] : [written(first.name, first.body)];
  let pictures = isExtended ? 0 : 1;
  for (const chunk of isExtended ? rest : []) {
    if (chunk.name === 'ANIM' && chunk.body.length === 6) kept.push(written('ANIM', chunk.body));
    else if (chunk.name === 'ALPH') kept.push(written('ALPH', chunk.body));
    else if (chunk.name === 'VP8 ' || chunk.name === 'VP8L') {
      requireFit(pictureSize(chunk), canvas);
      kept.push(written(chunk.name, chunk.body));
      pictures += 1;
    } else if (chunk.name === 'ANMF') {
      kept.push(written('ANMF', cleanFrame(chunk.body, canvas)));
      pictures += 1;
    }
  }
  if (pictures === 0) throw new ImageError('broken', 'There is no picture in it.');
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...kept]);
  const head = Buffer.from('RIFF\0\0\0\0', 'latin1');
  head.writeUInt32LE(body.length, 4);
  return { type: 'image/webp', ...canvas, bytes: Buffer.concat([head, body]) };
}

function chunks(bytes: Buffer): readonly Chunk[] {
  const reader = new ByteReader(bytes);
  const found: Chunk[] = [];
  while (reader.left > 0) {
    const name = reader.take(4).toString('latin1');
    const length = reader.take(4).readUInt32LE();
    found.push({ name, body: reader.take(length) });
    if (length % 2 === 1 && reader.left > 0) reader.take(1);
  }
  return found;
}

function written(name: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

function canvasSize(body: Buffer): Size {
  if (body.length !== 10) throw new ImageError('broken', 'The header is wrong.');
  return { width: 1 + body.readUIntLE(4, 3), height: 1 + body.readUIntLE(7, 3) };
}

function withFlags(body: Buffer): Buffer {
  const kept = Buffer.from(body);
  kept[0] = (body[0] ?? 0) & keptFlags;
  kept.fill(0, 1, 4);
  return kept;
}

/** From the key frame's own header (RFC 6386, 9.1; RFC 9649, 3.4). */
function pictureSize({ name, body }: Chunk): Size {
  if (name === 'VP8 ' && body.length > 10 && ((body[0] ?? 1) & 1) === 0 && body.readUIntBE(3, 3) === 0x9d012a)
    return { width: body.readUInt16LE(6) & 0x3fff, height: body.readUInt16LE(8) & 0x3fff };
  if (name === 'VP8L' && body.length > 5 && body[0] === 0x2f) {
    const bits = body.readUInt32LE(1);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  throw new ImageError('broken', 'There is no picture in it.');
}

function requireFit(picture: Size, canvas: Size): void {
  if (picture.width > canvas.width || picture.height > canvas.height)
    throw new ImageError('broken', 'A frame is larger than the picture.');
}

function cleanFrame(body: Buffer, canvas: Size): Buffer {
  if (body.length < 16) throw new ImageError('broken', 'A frame is wrong.');
  const inner = chunks(body.subarray(16)).filter(({ name }) => name === 'ALPH' || name === 'VP8 ' || name === 'VP8L');
  const picture = inner.find(({ name }) => name !== 'ALPH');
  if (picture === undefined) throw new ImageError('broken', 'A frame is empty.');
  requireFit(pictureSize(picture), canvas);
  return Buffer.concat([body.subarray(0, 16), ...inner.map(({ name, body: data }) => written(name, data))]);
}
