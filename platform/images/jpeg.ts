import { ByteReader, type Image, ImageError, requireSize } from './image.js';

// ITU-T T.81: markers, what a browser decodes and how its parts are shaped.
const [startOfImage, endOfImage, startOfScan] = [0xd8, 0xd9, 0xda];
const [huffmanTables, quantisation, restartInterval, exif, jfif, adobe] = [0xc4, 0xdb, 0xdd, 0xe1, 0xe0, 0xee];
/** Baseline, extended and progressive; arithmetic and lossless coding are shown by no browser. */
const frames: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
const otherFrames: ReadonlySet<number> = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);
const plainJfif = Buffer.from('4a46494600010100000100010000', 'hex');

/**
 * Tables, frame and scans, each looked at for its shape; of the rest only which way up a photo is. Where it was taken, with what, its
 * thumbnail, comments and whatever follows its end stay behind.
 */
export function cleanJpeg(file: Buffer): Image {
  const reader = new ByteReader(file, 2);
  const out: Buffer[] = [Buffer.from([0xff, startOfImage])];
  let size: { readonly width: number; readonly height: number } | undefined;
  let orientation = 1;
  let scans = 0;
  for (;;) {
    const marker = nextMarker(reader);
    if (marker === endOfImage) break;
    const body = reader.take(lengthOf(reader));
    if (frames.has(marker)) {
      if (size !== undefined) throw new ImageError('broken', 'Two frames in one picture.');
      size = frameSize(body);
    } else if (marker === huffmanTables) checkHuffman(body);
    else if (marker === quantisation) checkQuantisation(body);
    else if (marker === restartInterval && body.length !== 2) throw new ImageError('broken', 'A segment is too long.');
    else if (marker === exif) {
      orientation = orientationOf(body) ?? orientation;
      if (orientation > 1 && scans === 0) out.push(segment(exif, turned(orientation)));
      continue;
    } else if (marker === jfif) {
      // Without its densities and thumbnail. Only where it was: it tells decoders what the colours are.
      if (body.toString('latin1', 0, 5) === 'JFIF\0' && out.length === 1) out.push(segment(jfif, plainJfif));
      continue;
    } else if (marker === adobe) {
      // Says how colours were turned: without it CMYK pictures come out as negatives.
      if (body.length >= 12 && body.toString('latin1', 0, 5) === 'Adobe')
        out.push(segment(adobe, body.subarray(0, 12)));
      continue;
    } else if (otherFrames.has(marker)) throw new ImageError('broken', 'This coding is shown by no browser.');
    else if (marker !== startOfScan && marker !== restartInterval) continue;
    out.push(segment(marker, body));
    if (marker !== startOfScan) continue;
    if (size === undefined || body.length !== 4 + 2 * (body[0] ?? 0))
      throw new ImageError('broken', 'A scan is wrong.');
    out.push(codedData(reader));
    scans += 1;
  }
  if (size === undefined || scans === 0) throw new ImageError('broken', 'There is no picture in it.');
  out.push(Buffer.from([0xff, endOfImage]));
  const isOnItsSide = orientation >= 5;
  return {
    type: 'image/jpeg',
    width: isOnItsSide ? size.height : size.width,
    height: isOnItsSide ? size.width : size.height,
    bytes: Buffer.concat(out),
  };
}

function nextMarker(reader: ByteReader): number {
  if (reader.byte() !== 0xff) throw new ImageError('broken', 'A marker is missing.');
  let marker = reader.byte();
  while (marker === 0xff) marker = reader.byte(); // fill bytes
  if (marker === 0 || marker === startOfImage || (marker >= 0xd0 && marker <= 0xd7))
    throw new ImageError('broken', 'A marker is wrong.');
  return marker;
}

function lengthOf(reader: ByteReader): number {
  const length = reader.take(2).readUInt16BE();
  if (length < 2) throw new ImageError('broken', 'A segment has no length.');
  return length - 2;
}

function segment(marker: number, body: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Until the next marker: 0xff stands for itself only before 0x00 or a restart marker. */
function codedData(reader: ByteReader): Buffer {
  const from = reader.at;
  for (;;) {
    const next = reader.bytes.indexOf(0xff, reader.at);
    if (next === -1 || next + 1 >= reader.bytes.length) throw new ImageError('broken', 'The file ends too early.');
    const after = reader.bytes[next + 1] ?? 0;
    if (after === 0 || (after >= 0xd0 && after <= 0xd7)) reader.at = next + 2;
    else if (after === 0xff) reader.at = next + 1;
    else {
      reader.at = next;
      return reader.bytes.subarray(from, next);
    }
  }
}

function frameSize(body: Buffer): { readonly width: number; readonly height: number } {
  const components = body[5] ?? 0;
  if (body.length !== 6 + 3 * components || components < 1 || components > 4)
    throw new ImageError('broken', 'The frame is wrong.');
  const [height, width] = [body.readUInt16BE(1), body.readUInt16BE(3)];
  requireSize(width, height);
  return { width, height };
}

function checkHuffman(body: Buffer): void {
  const reader = new ByteReader(body);
  while (reader.left > 0) {
    const kind = reader.byte();
    if ((kind & 0xf0) > 0x10 || (kind & 0x0f) > 3) throw new ImageError('broken', 'A table is wrong.');
    const codes = reader.take(16).reduce((sum, count) => sum + count, 0);
    if (codes > 256) throw new ImageError('broken', 'A table is too long.');
    reader.take(codes);
  }
}

function checkQuantisation(body: Buffer): void {
  const reader = new ByteReader(body);
  while (reader.left > 0) {
    const kind = reader.byte();
    if ((kind & 0xf0) > 0x10 || (kind & 0x0f) > 3) throw new ImageError('broken', 'A table is wrong.');
    reader.take((kind & 0xf0) === 0 ? 64 : 128);
  }
}

const exifName = 'Exif\0\0';
const orientationTag = 0x0112;

/** 1 to 8 from the first directory of an Exif segment; undefined: it says nothing that can be read. */
function orientationOf(body: Buffer): number | undefined {
  if (body.toString('latin1', 0, 6) !== exifName) return undefined;
  const tiff = body.subarray(6);
  if (tiff.length < 8) return undefined;
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const short = (at: number): number => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return undefined;
  const entries = short(directory);
  for (let entry = 0; entry < entries; entry += 1) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > tiff.length) return undefined;
    if (short(at) !== orientationTag) continue;
    const value = short(at + 8);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** An Exif segment that says which way up the picture is, and nothing else. */
function turned(orientation: number): Buffer {
  const tiff = Buffer.from('49492a00080000000100120103000100000000000000' + '00000000', 'hex');
  tiff.writeUInt16LE(orientation, 18);
  return Buffer.concat([Buffer.from(exifName, 'latin1'), tiff]);
}
