/** The kinds of picture that every browser shows and that cannot hold a script (api.md 7.2). SVG is none of them. */
export type ImageType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';

/** A picture made anew from the essential parts of a file: nothing else of what came in is in its bytes. */
export interface Image {
  readonly type: ImageType;
  /** As it is shown: a photo that lies on its side has been turned in thought. Pixels. */
  readonly width: number;
  readonly height: number;
  readonly bytes: Buffer;
}

/** Why a file is not taken: not one of the four types, damaged or more than a picture, or too many pixels. */
export type ImageFault = 'not_an_image' | 'broken' | 'too_many_pixels';

export class ImageError extends Error {
  readonly fault: ImageFault;

  constructor(fault: ImageFault, detail: string) {
    super(detail);
    this.name = 'ImageError';
    this.fault = fault;
  }
}

/** No banner is wider, and 24 million pixels are 96 MB once a browser has unpacked them (reliability.md I6). */
const longestSide = 8_000;
const mostPixels = 24_000_000;

export function requireSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new ImageError('broken', 'The picture has no size.');
  if (width > longestSide || height > longestSide || width * height > mostPixels)
    throw new ImageError('too_many_pixels', `At most ${longestSide} pixels a side and ${mostPixels} in all.`);
}

/** Reads on in a file and never behind its end. */
export class ByteReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new ImageError('broken', 'The file ends too early.');
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }

  byte(): number {
    return this.take(1).readUInt8();
  }
}
