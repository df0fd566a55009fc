import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { prepareForDocument } from './openapiZod.js';
import { exportQuery, listShapeOf } from './listExport.js';
import { problems } from './problems.js';
import type { Route } from './route.js';
import { eventWire } from './schemas/messaging/event.js';

const problemWire = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().exactOptional(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.strictObject({
          pointer: z.string().exactOptional(),
          parameter: z.string().exactOptional(),
          header: z.string().exactOptional(),
          code: z.string(),
          detail: z.string(),
        }),
      )
      .exactOptional(),
  })
  .openapi('Problem');

const problemContent = { 'application/problem+json': { schema: problemWire } };

/** OpenAPI 3.1, generated from the schemas that validate: it cannot say anything else than the code does. */
export function openApiDocument(routes: readonly Route[], publicUrl: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'session', { type: 'apiKey', in: 'cookie', name: '__Host-session' });
  prepareForDocument(problemWire);
  for (const route of routes) registry.registerPath(describe(route));
  prepareForDocument(eventWire);
  registry.registerWebhook(webhook);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: 'Tributary', version: 'v1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: publicUrl }],
  });
}

/** What an endpoint of the merchant's is sent (api.md 15); the catalogue of types is in the schema. */
const webhook: RouteConfig = {
  method: 'post',
  path: 'event',
  operationId: 'event',
  summary: 'An event, signed by Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature',
  request: { body: { required: true, content: { 'application/json': { schema: eventWire } } } },
  responses: { '2XX': { description: 'Taken. Any other answer, and none within 10 s, is tried again.' } },
};

function describe(route: Route): RouteConfig {
  const statuses = new Map<number, string[]>();
  for (const code of route.refuses) {
    const { status } = problems[code];
    statuses.set(status, [...(statuses.get(status) ?? []), code.slice(code.indexOf('.') + 1)]);
  }
  for (const [status, code] of commonRefusals(route)) statuses.set(status, [...(statuses.get(status) ?? []), code]);
  const hasBody = !(route.reply instanceof z.ZodUndefined);
  const headers = headersOf(route);
  const query = queryOf(route);
  for (const schema of [route.params, query, route.body, route.reply, headers])
    if (schema !== undefined) prepareForDocument(schema);
  return {
    operationId: operationIdOf(route),
    method: route.method.toLowerCase() as Lowercase<Route['method']>,
    path: route.path.replaceAll(/:([A-Za-z]+)/g, '{$1}'),
    ...(route.summary === undefined ? {} : { summary: route.summary }),
    description: descriptionOf(route),
    security:
      route.permission === 'public'
        ? []
        : route.permission === 'session'
          ? [{ session: [] }]
          : [{ key: [] }, { session: [] }],
    request: {
      ...(route.params instanceof z.ZodObject ? { params: route.params } : {}),
      ...(query instanceof z.ZodObject ? { query } : {}),
      ...(route.body === undefined
        ? {}
        : {
            body: {
              content: {
                ...(route.upload === true ? {} : { 'application/json': { schema: route.body } }),
                ...(route.upload === undefined || route.upload === false
                  ? {}
                  : { 'multipart/form-data': { schema: route.body } }),
              },
            },
          }),
      headers,
    },
    responses: {
      [String(hasBody ? route.status : 204)]: hasBody
        ? { description: 'Success', content: { 'application/json': { schema: route.reply } } }
        : { description: 'Success' },
      ...Object.fromEntries(
        [...statuses].map(([status, codes]) => [
          String(status),
          { description: [...new Set(codes)].join(', '), content: problemContent },
        ]),
      ),
    },
  };
}

/** `GET /v1/referrals/:referralId/story` → `getReferralsByReferralIdStory`: unique because method and path are. */
function operationIdOf(route: Pick<Route, 'method' | 'path'>): string {
  const words = route.path
    .replace(/^\/v1\//, '')
    .replaceAll(':', 'by-')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return route.method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** The route's own parameters, and those that every list has (api.md 1.6). */
function queryOf(route: Route): z.ZodType | undefined {
  if (!isList(route)) return route.query;
  return route.query instanceof z.ZodObject ? route.query.safeExtend(exportQuery.shape) : exportQuery;
}

function isList(route: Route): boolean {
  return route.method === 'GET' && route.permission !== 'public' && listShapeOf(route.reply) !== undefined;
}

function headersOf(route: Route) {
  return z.object({
    ...(route.idempotency === 'required' ? { 'Idempotency-Key': z.string() } : {}),
    ...(route.idempotency === 'accepted' ? { 'Idempotency-Key': z.string().exactOptional() } : {}),
    ...(route.ifMatch === 'required' ? { 'If-Match': z.string() } : {}),
    ...(route.ifMatch === 'honoured' ? { 'If-Match': z.string().exactOptional() } : {}),
  });
}

function descriptionOf(route: Route): string {
  return [
    route.permission === 'public' ? 'No credential.' : `Permission: ${route.permission}.`,
    ...(route.stepUp ? ['Sessions need a step-up in the last five minutes.'] : []),
    ...(isList(route) ? [csvDescription(route)] : []),
  ].join(' ');
}

/** Columns of the file, in its order (PAY-08): the document is where whoever books it looks them up. */
function csvDescription(route: Route): string {
  const columns = (listShapeOf(route.reply)?.columns ?? []).map(({ path, kind }) =>
    kind === 'money' ? `${path}, ${path}Currency` : path,
  );
  return `As a file with format=csv or format=pdf, columns by columns=: ${columns.join(', ')}, timeZone.`;
}

function commonRefusals(route: Route): readonly (readonly [number, string])[] {
  const all: [number, string][] = [
    [429, 'rate_limited'],
    [503, 'unavailable'],
    [422, 'validation_failed'],
  ];
  if (route.permission !== 'public') all.push([401, 'unauthenticated'], [403, 'permission_missing']);
  if (route.params !== undefined) all.push([404, 'not_found']);
  if (route.ifMatch !== 'none') all.push([412, 'version_mismatch']);
  if (isList(route)) all.push([409, 'export_too_large']);
  return all;
}
