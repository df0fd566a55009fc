import { z } from 'zod';
import type { Media } from '../../../db/tracking/media.js';
import { anyOf, listQuery } from '../../lists.js';
import { uploadedFile } from '../../upload.js';
import { idWire, listOf, nameText, objectFields, versionFields } from '../wire.js';

export const mediaParams = z.strictObject({ mediaId: idWire('media') });

const contentTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;
export const mediaQuery = listQuery({ contentType: anyOf(contentTypes) }, { sort: ['createdAt', 'name'], q: true });
export const mediaUpload = z.strictObject({ file: uploadedFile, name: nameText.exactOptional() });

export const mediaWire = z
  .strictObject({
    ...objectFields('media', 'media'),
    name: z.string(),
    contentType: z.enum(contentTypes),
    width: z.int(),
    height: z.int(),
    sizeBytes: z.int(),
    sha256: z.string(),
    /** Where pages show it from; the same address is the same picture for ever. */
    url: z.string(),
    ...versionFields,
  })
  .openapi('Media');
export const mediaList = listOf(mediaWire);

/** Ends of the public addresses: what a browser saves a picture as. */
export const mediaEndings: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
};

/** A picture's public address, under PUBLIC_URL or a link domain of the workspace. */
export function mediaUrl(media: Pick<Media, 'sha256' | 'contentType'>, origin: string): string {
  return `${origin}/t/media/${media.sha256.toString('hex')}.${mediaEndings[media.contentType] ?? 'bin'}`;
}

export function presentMedia(media: Media, origin: string): z.output<typeof mediaWire> {
  return {
    object: 'media',
    ...media,
    contentType: media.contentType as z.output<typeof mediaWire>['contentType'],
    sha256: media.sha256.toString('hex'),
    url: mediaUrl(media, origin),
  };
}
