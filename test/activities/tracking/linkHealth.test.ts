import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookAtDestination } from '../../../platform/destination.js';
import { linkHealthActivities } from '../../../activities/tracking/linkHealth.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { createWorld, type World } from '../../api/tracking/world.js';

// The daily look at where links lead (LNK-09), against a real page and a real database.

let world: World;
let shop: Server;
let host: string;
let ada: AffiliateId;
let asked: string[] = [];
const answers: Record<string, number> = { '/fine': 200, '/gone': 404, '/flaky': 500, '/off': 200 };
/** From a link domain of the workspace (LNK-08): as good as from PUBLIC_URL. */
const script = '<script src="http://go.shop.example:3000/t/v1.js" data-key="pk"></script>';

beforeAll(async () => {
  shop = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(answers[request.url ?? ''] ?? 500).end(script);
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  world = await createWorld();
  ada = await world.makeAffiliate();
  for (const path of ['/fine', '/gone', '/flaky', '/off'])
    await world.makeLink({
      affiliateId: ada,
      slug: `health${path.replace('/', '-')}`,
      destination_url: `${host}${path}`,
      status: path === '/off' ? 'disabled' : 'active',
    });
  await world.owner('tracking_domains').insert({
    workspace_id: world.workspaceId,
    id: newId('trackingDomain'),
    domain: 'go.shop.example',
    token: 'x',
    verified_at: new Date(),
  });
  await world.makeLink({
    affiliateId: ada,
    slug: 'health-over',
    destination_url: `${host}/over`,
    expires_at: new Date(Date.now() - 1_000),
  });
  await world.owner('logins').insert({ id: newId('login'), email: 'olga@shop.example' });
  const login = await world.owner('logins').first<{ id: string }>('id');
  await world.owner('users').insert({
    workspace_id: world.workspaceId,
    id: newId('user'),
    login_id: login.id,
    audience: 'staff',
    status: 'active',
    name: 'Olga',
    email: 'olga@shop.example',
    role_ids: ['owner'],
  });
});
afterAll(async () => {
  await world.close();
  await new Promise((resolve) => shop.close(resolve));
});

async function pass(): Promise<number> {
  asked = [];
  const { checkDueLinks } = linkHealthActivities({
    db: world.db,
    newId,
    publicUrl: 'http://localhost:3000',
    lookAtDestination: (url, hosts) => lookAtDestination({ hosts, allow: ['127.0.0.1'] }, url),
  });
  const seen: { readonly found: number } = await new MockActivityEnvironment().run(() => checkDueLinks());
  return seen.found;
}
const health = async () =>
  Object.fromEntries(
    (await world.owner('links').select<{ slug: string; health: string }[]>('slug', 'health')).map((link) => [
      link.slug.replace('health-', ''),
      link.health,
    ]),
  );
const mails = () =>
  world
    .owner('emails')
    .where({ kind: 'link_unreachable' })
    .orderBy('recipient')
    .select<{ recipient: string; subject: string }[]>('recipient', 'subject');
const aDayPasses = () =>
  world
    .owner('links')
    .whereNotNull('health_checked_at')
    .update({ health_checked_at: new Date(Date.now() - 90_000_000) });

test('living links are looked at once a day; a broken one is told once, to its affiliate and to who runs the workspace', async () => {
  expect(await pass()).toBe(3);
  expect(asked.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['/fine', '/flaky', '/gone']);
  expect(await health()).toEqual({
    fine: 'ok',
    gone: 'unreachable',
    flaky: 'unreachable',
    off: 'unknown',
    over: 'unknown',
  });
  const first = await mails();
  expect(first.map(({ recipient }) => recipient)).toEqual([
    expect.stringContaining('@blog.example'),
    expect.stringContaining('@blog.example'),
    'olga@shop.example',
    'olga@shop.example',
  ]);
  expect(first.map(({ subject }) => subject).filter((subject) => subject.includes('health-gone'))).toHaveLength(2);

  expect(await pass()).toBe(0);
  expect(await mails()).toEqual(first);

  await aDayPasses();
  answers['/flaky'] = 200;
  expect(await pass()).toBe(3);
  expect(await health()).toMatchObject({ gone: 'unreachable', flaky: 'ok' });
  expect(await mails()).toHaveLength(first.length);

  await aDayPasses();
  answers['/flaky'] = 500;
  expect(await pass()).toBe(3);
  expect(await mails()).toHaveLength(first.length + 2);
  expect(await world.owner('links').where({ slug: 'health-flaky' }).first('status')).toEqual({ status: 'active' });
});
