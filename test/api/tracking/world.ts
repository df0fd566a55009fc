import { createSecretKey } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import knexFactory, { type Knex } from 'knex';
import Koa from 'koa';
import { type ClickEdge, clickEdge } from '../../../api/routes/tracking/click.js';
import { connect, connectEdge, connectRelay, type Db, type EdgeDb, type RelayDb } from '../../../db/connection.js';
import type { AffiliateId, LinkId, ProgramId, WorkspaceId } from '../../../domain/ids.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { createSecrets } from '../../../platform/secrets.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

/** A workspace with one program, as the set-up routes would leave it: for tests of the edge that need no set-up route. */
export interface World {
  readonly database: TestDatabase;
  readonly owner: Knex;
  readonly db: Db;
  readonly relayDb: RelayDb;
  readonly edgeDb: EdgeDb;
  readonly workspaceId: WorkspaceId;
  readonly programId: ProgramId;
  makeWorkspace(): Promise<WorkspaceId>;
  makeProgram(columns?: Readonly<Record<string, unknown>>, workspaceId?: WorkspaceId): Promise<ProgramId>;
  makeAffiliate(
    columns?: Readonly<Record<string, unknown>>,
    programId?: ProgramId,
    workspaceId?: WorkspaceId,
  ): Promise<AffiliateId>;
  makeLink(
    of: { readonly affiliateId: AffiliateId; readonly slug: string } & Readonly<Record<string, unknown>>,
    programId?: ProgramId,
    workspaceId?: WorkspaceId,
  ): Promise<LinkId>;
  setSettings(sections: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 2 } });
  const options = { url: database.appUrl, poolSize: 4, applicationName: 'test' };
  const db = connect(options);
  const relayDb = connectRelay(options);
  const edgeDb = connectEdge({ ...options, poolSize: 1 });

  const makeWorkspace = async (): Promise<WorkspaceId> => {
    const id = newId('workspace');
    await owner('workspaces').insert({ id, name: 'Shop' });
    await owner('settings').insert({ workspace_id: id, version: 1, sections: '{}' });
    await owner('audit_heads').insert({ workspace_id: id, sequence: 0, leaf_hash: Buffer.alloc(32) });
    return id;
  };
  const makeProgram: World['makeProgram'] = async (columns = {}, workspace = workspaceId) => {
    const id = newId('program');
    await owner('programs').insert({
      workspace_id: workspace,
      id,
      name: `Spring ${id}`,
      slug: id.slice(4),
      status: 'active',
      currency: 'USD',
      fallback_url: 'https://shop.example/',
      destination_hosts: ['shop.example'],
      ...columns,
    });
    return id;
  };
  const workspaceId = await makeWorkspace();
  const programId = await makeProgram();

  return {
    database,
    owner,
    db,
    relayDb,
    edgeDb,
    workspaceId,
    programId,
    makeWorkspace,
    makeProgram,
    async makeAffiliate(columns = {}, program = programId, workspace = workspaceId) {
      const id = newId('affiliate');
      const contact = newId('contact');
      const email = `${id}@blog.example`;
      await owner('contacts').insert({ workspace_id: workspace, id: contact, name: 'Ada', email, email_key: email });
      await owner('affiliates').insert({
        workspace_id: workspace,
        id,
        contact_id: contact,
        name: 'Ada',
        email,
        status: 'approved',
        ...columns,
      });
      await owner('enrolments').insert({
        workspace_id: workspace,
        id: newId('enrolment'),
        affiliate_id: id,
        program_id: program,
        status: 'active',
        joined_at: new Date(),
      });
      return id;
    },
    async makeLink({ affiliateId, slug, ...columns }, program = programId, workspace = workspaceId) {
      const id = newId('link');
      await owner('links').insert({
        workspace_id: workspace,
        id,
        affiliate_id: affiliateId,
        program_id: program,
        slug,
        destination_url: 'https://shop.example/pricing',
        status: 'active',
        ...columns,
      });
      return id;
    },
    async setSettings(sections) {
      await owner('settings')
        .where({ workspace_id: workspaceId })
        .update({ sections: JSON.stringify(sections) });
    },
    async close() {
      await edgeDb.end();
      await relayDb.destroy();
      await db.destroy();
      await owner.destroy();
      await database.drop();
    },
  };
}

export interface EdgeServer {
  readonly url: string;
  readonly edge: ClickEdge;
  close(): Promise<void>;
}

/** The click edge on a port of its own, in front of an application that answers 404 JSON to everything else. */
export async function startEdge(
  world: Pick<World, 'db' | 'edgeDb'>,
  publicUrl = 'http://localhost:3000',
): Promise<EdgeServer> {
  const edge = clickEdge({
    db: world.db,
    edgeDb: world.edgeDb,
    newId,
    logger: createLogger({ logLevel: 'fatal' }),
    publicUrl,
    clientAddress: (request) => request.socket.remoteAddress ?? '',
    secrets: createSecrets([{ id: 'test', key: createSecretKey(Buffer.alloc(32, 1)) }]),
  });
  const app = new Koa();
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = { code: 'not_found' };
  });
  const server: Server = createServer(edge.before(app.callback()) as RequestListener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    edge,
    close: async () => {
      await edge.drain();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0';

/** Follows a link as a browser would and answers without following the redirect. */
export function follow(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Response> {
  return fetch(url, { method, redirect: 'manual', headers: { 'user-agent': browser, ...headers } });
}

/** The click id in a Location. */
export function clickIdOf(response: Response): string {
  const location = response.headers.get('location') ?? '';
  const id = /click_id=(clk_[0-9a-z]{26})/.exec(location)?.[1];
  if (id === undefined) throw new Error(`no click id in ${location}`);
  return id;
}
