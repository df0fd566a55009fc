// A server of the click bench, in a process of its own so that its CPU time is its own: `bare` Koa, `insert` (Koa with one prepared INSERT
// before the redirect: the obvious way), `peer` (the same as link shorteners do it: the statement goes out unprepared, as Knex sends it,
// through Knex's usual pool of 10) or `ours`.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import Koa from 'koa';
import pg from 'pg';
import { clickEdge, type Listener } from '../api/routes/tracking/click.js';
import { connect, connectEdge } from '../db/connection.js';
import { createLogger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import { benchHost } from './httpLoad.js';
import { createSecrets } from '../platform/secrets.js';
import { createSecretKey } from 'node:crypto';

const obviousInsert = {
  name: 'click',
  text: `insert into clicks (id, workspace_id, mode, link_id, affiliate_id, program_id, credit, window_seconds)
         values ($1, $2, 'live', $3, $4, $5, 'credited', 2592000)`,
};
const obviousTarget = [newId('workspace'), newId('link'), newId('affiliate'), newId('program')];

const [kind, databaseUrl = ''] = process.argv.slice(2);
const app = new Koa();
let listener = app.callback() as Listener;

if (kind !== 'ours') {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: kind === 'peer' ? 10 : 2 });
  const router = new Router();
  router.get('/r/:slug', async (ctx) => {
    if (kind === 'bare') {
      ctx.redirect('https://shop.example/pricing');
      return;
    }
    const values = [newId('click'), ...obviousTarget];
    if (kind === 'insert') await pool.query({ ...obviousInsert, values });
    if (kind === 'peer') await pool.query(obviousInsert.text, values);
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
    publicUrl: `https://${benchHost}`,
    clientAddress: (request) => request.socket.remoteAddress ?? '',
    secrets,
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
