import { createHash } from 'node:crypto';
import { z } from 'zod';
import { findMediaFile } from '../../../db/directory.js';
import { listMedia } from '../../../db/reads/tracking/mediaList.js';
import { deleteMedia, ensureMedia, findMedia, lockMedia, mediaUses } from '../../../db/tracking/media.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { judgedImage, requireUploadSize } from '../../judgedImage.js';
import { defineRoute, type Route } from '../../route.js';
import {
  mediaEndings,
  mediaList,
  mediaParams,
  mediaQuery,
  mediaUpload,
  mediaWire,
  presentMedia,
} from '../../schemas/tracking/media.js';
import { noContent } from '../../schemas/wire.js';
import { parseWith } from '../../validation.js';
import { publicOrigin } from './linkOrigin.js';

/** api.md 7.2: images to 5 MiB. */
const maxImageBytes = 5 * 1_048_576;
const taken = {
  types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif'],
  taken: 'PNG, JPEG, WebP and GIF',
} as const;

const list = defineRoute({
  method: 'GET',
  path: '/v1/media',
  permission: 'link.read',
  query: mediaQuery,
  reply: mediaList,
  refuses: [],
  handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const origin = await publicOrigin(tx, config);
      return ctx.list(
        await listMedia(tx, ctx.query, page),
        page,
        (media) => presentMedia(media, origin),
        (media) => ({ value: page.sort === 'name' ? media.name : media.createdAt, id: media.id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/media/:mediaId',
  permission: 'link.read',
  params: mediaParams,
  reply: mediaWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => {
      const media = await findMedia(tx, ctx.params.mediaId);
      if (media === undefined) throw new DomainError('resource.not_found');
      return presentMedia(media, await publicOrigin(tx, config));
    }),
});

const upload = defineRoute({
  method: 'POST',
  path: '/v1/media',
  summary: 'Put an image into the library: PNG, JPEG, WebP or GIF, to 5 MiB',
  permission: 'link.write',
  upload: true,
  body: mediaUpload,
  reply: mediaWire,
  status: 201,
  refuses: ['upload.file_rejected', 'request.body_too_large', 'request.unsupported_media_type'],
  async handle(ctx, { config }) {
    const { file } = ctx.body;
    // Before the transaction: unpacking a large picture takes longer than a connection should be held.
    requireUploadSize(file.bytes, maxImageBytes);
    const image = await judgedImage(file.bytes, taken);
    return ctx.write(async (tx, act) => {
      const { media, isNew } = await ensureMedia(tx, act, {
        id: act.newId('media'),
        name: ctx.body.name ?? file.name,
        contentType: image.type,
        width: image.width,
        height: image.height,
        sha256: createHash('sha256').update(image.bytes).digest(),
        bytes: image.bytes,
      });
      return answer(presentMedia(media, await publicOrigin(tx, config)), {
        status: isNew ? 201 : 200,
        location: `/v1/media/${media.id}`,
      });
    });
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/media/:mediaId',
  permission: 'link.write',
  params: mediaParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'resource.in_use'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const media = await lockMedia(tx, ctx.params.mediaId);
      if (media === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(media.version);
      const uses = await mediaUses(tx, media.id);
      if (uses.length > 0) throw new DomainError('resource.in_use', { usedBy: uses });
      await deleteMedia(tx, act, media);
      return undefined;
    }),
});

const fileParams = z.strictObject({ file: z.string() });
const fileName = /^([0-9a-f]{64})\.(png|jpg|gif|webp)$/;

/** `GET /t/media/{sha256}.{ending}`: a picture for any page, kept by browsers for a year, because its address is its content. */
const file: Route = {
  method: 'GET',
  path: '/t/media/:file',
  summary: 'A picture of a promo tool, for any page',
  permission: 'public',
  params: fileParams,
  query: undefined,
  body: undefined,
  reply: z.string(),
  status: 200,
  refuses: ['resource.not_found'],
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, file);
    const [, sha256 = '', ending] =
      fileName.exec((parseWith(fileParams, koa['params'], 'path') as { file: string }).file) ?? [];
    const found = sha256 === '' ? undefined : await findMediaFile(deps.db, Buffer.from(sha256, 'hex'));
    if (found === undefined || mediaEndings[found.contentType] !== ending) throw new DomainError('resource.not_found');
    koa.set('Content-Type', found.contentType);
    koa.set('Cache-Control', 'public, max-age=31536000, immutable');
    koa.set('ETag', `"${sha256}"`);
    koa.set('Cross-Origin-Resource-Policy', 'cross-origin');
    koa.set('Access-Control-Allow-Origin', '*');
    // Opened by itself it is a picture in an empty room: nothing in it could run, whatever a browser takes it for.
    koa.set('Content-Security-Policy', "default-src 'none'; sandbox; frame-ancestors 'none'");
    koa.status = 200;
    if (koa.fresh) koa.status = 304;
    else koa.body = found.bytes;
  },
};

export const mediaRoutes: readonly Route[] = [list, get, upload, remove, file];
