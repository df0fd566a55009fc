import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import busboy from 'busboy';
import { z } from 'zod';
import { DomainError } from '../domain/errors.js';
import { jsonPointer } from './jsonGuard.js';
import { invalid } from './problems.js';

/** api.md 1.1: an upload ends at 20 MiB. */
export const maxUploadBytes = 20 * 1_048_576;
/** Fields beside the file: names and values of a form, not documents. */
const maxFields = 20;
const maxFieldBytes = 65_536;

/** The one part `file` of an upload. Its name is what the sender says: shown, never used as a path or as proof of a type. */
export class UploadedFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Lower-case hex. */
  readonly sha256: string;

  constructor(name: string, bytes: Buffer) {
    this.name = name;
    this.bytes = bytes;
    this.sha256 = createHash('sha256').update(bytes).digest('hex');
  }
}

/** The part in a route's body schema: `body: z.strictObject({ file: uploadedFile, name: nameText.exactOptional() })`. */
export const uploadedFile = z
  .instanceof(UploadedFile)
  .openapi({ type: 'string', format: 'binary', description: 'One file.' });

/** The body of an upload as schemas see it: the fields as text, the file as an `UploadedFile`. */
export type UploadBody = Readonly<Record<string, string | UploadedFile>>;

/** What is compared and logged of an upload: the same fields, the file by its hash. */
export function hashedUpload(body: UploadBody): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, value instanceof UploadedFile ? value.sha256 : value]),
  );
}

/**
 * Reads a `multipart/form-data` body with at most one part `file` (api.md 1.1). Refuses with `request.unsupported_media_type`,
 * `request.body_too_large`, `request.validation_failed` (a part that is there twice, another file), `upload.file_rejected` (broken off).
 */
export async function readUpload(request: IncomingMessage): Promise<UploadBody> {
  const type = request.headers['content-type'] ?? '';
  const encoding = request.headers['content-encoding'];
  if (!/^multipart\/form-data\s*;/i.test(type) || (encoding !== undefined && encoding.toLowerCase() !== 'identity'))
    throw new DomainError('request.unsupported_media_type', {
      detail: 'Send Content-Type: multipart/form-data with one part named file.',
    });
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > maxUploadBytes + maxFields * maxFieldBytes)
    throw new DomainError('request.body_too_large', { limit: maxUploadBytes });
  let parser: busboy.Busboy;
  try {
    parser = busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: { files: 1, fileSize: maxUploadBytes, fields: maxFields, fieldSize: maxFieldBytes, fieldNameSize: 64 },
    });
  } catch (error) {
    throw new DomainError('request.unsupported_media_type', { detail: 'The boundary is missing.' }, { cause: error });
  }
  return new Promise<UploadBody>((resolve, reject) => {
    const parts: Record<string, string | UploadedFile> = {};
    let fault: DomainError | undefined;
    const refuse = (error: DomainError): void => {
      fault ??= error;
    };
    const end = (): void => {
      if (fault === undefined) resolve(parts);
      else reject(fault);
    };
    /** What still comes is not read: the answer closes the connection. */
    const stop = (error: DomainError): void => {
      refuse(error);
      request.unpipe(parser);
      end();
    };
    const brokenOff = (): void =>
      stop(new DomainError('upload.file_rejected', { detail: 'The upload broke off, or is no multipart body.' }));
    const add = (name: string, value: string | UploadedFile): void => {
      if (Object.hasOwn(parts, name))
        refuse(
          invalid({ pointer: jsonPointer([name]), code: 'not_allowed_here', detail: 'This part stands there twice.' }),
        );
      else Object.defineProperty(parts, name, { value, enumerable: true });
    };
    parser.on('file', (name, stream, { filename }) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('limit', () => stop(new DomainError('request.body_too_large', { limit: maxUploadBytes })));
      stream.on('end', () => {
        if (name === 'file') add(name, new UploadedFile(shownName(filename), Buffer.concat(chunks)));
        else
          refuse(
            invalid({ pointer: jsonPointer([name]), code: 'unknown_field', detail: 'The file is the part file.' }),
          );
      });
      stream.on('error', brokenOff);
    });
    parser.on('field', (name, value, { nameTruncated, valueTruncated }) => {
      if (nameTruncated || valueTruncated)
        refuse(invalid({ pointer: jsonPointer([name]), code: 'too_long', detail: 'This part is too long.' }));
      else add(name, value);
    });
    const tooMany = (): void =>
      refuse(invalid({ pointer: '#/file', code: 'not_allowed_here', detail: 'One file, and few fields beside it.' }));
    parser.on('filesLimit', tooMany);
    parser.on('fieldsLimit', tooMany);
    parser.on('error', brokenOff);
    parser.on('close', end);
    request.on('error', brokenOff);
    request.pipe(parser);
  });
}

/** The last part of a path, without what a screen would stumble over; never empty. */
function shownName(filename: string | undefined): string {
  const last = (filename ?? '').split(/[\\/]/).at(-1) ?? '';
  const plain = last.normalize('NFC').replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu, '');
  return Array.from(plain.trim()).slice(0, 200).join('') || 'file';
}
