import QRCode from 'qrcode';

/** A QR code of an address, error correction M, with its quiet zone: an SVG document, or a PNG of 1,024 points. */
export async function qrPicture(text: string, format: 'svg' | 'png'): Promise<Buffer> {
  const options = { errorCorrectionLevel: 'M', margin: 4 } as const;
  return format === 'svg'
    ? Buffer.from(await QRCode.toString(text, { ...options, type: 'svg' }))
    : QRCode.toBuffer(text, { ...options, type: 'png', width: 1_024 });
}
