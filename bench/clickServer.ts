// A server of the click bench, in a process of its own so that its CPU time is its own: `bare` or `ours`.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import Koa from 'koa';
import { clickEdge, type Listener } from '../api/routes/tracking/click.js';
import { connect, connectEdge } from '../db/connection.js';
import { createLogger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import { createSecrets } from '../platform/secrets.js';
import { createSecretKey } from 'node:crypto';

const [kind, databaseUrl = ''] = process.argv.slice(2);
const app = new Koa();
let listener = app.callback() as Listener;

if (kind === 'bare') {
  const router = new Router();
  router.get('/r/:slug', (ctx) => {
    ctx.redirect('https://shop.example/pricing');
  });
  app.use(router.routes());
  listener = app.callback() as Listener;
} else {
  const options = { url: databaseUrl, poolSize: 2, applicationName: 'bench' };
  const secrets = createSecrets([{ id: 'bench', key: createSecretKey(Buffer.alloc(32, 1)) }]);
  const counts = { credited: 0, not_credited: 0, filtered: 0 };
  const edge = clickEdge({
    db: connect(options),
    edgeDb: connectEdge({ ...options, poolSize: 1 }),
    newId,
    logger: createLogger({ logLevel: 'warn' }),
    publicUrl: 'https://go.example',
    clientAddress: (request) => request.socket.remoteAddress ?? '',
    hashAddress: (address) => Buffer.from(secrets.sign('address', address), 'base64url'),
    countClick: (credit) => {
      counts[credit] += 1;
    },
  });
  listener = edge.before(listener);
}

const server = createServer(listener as RequestListener);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
process.on('disconnect', () => process.exit(0));
