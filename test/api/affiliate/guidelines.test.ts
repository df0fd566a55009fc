import { afterAll, beforeAll, expect, test } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { inWorkspace } from '../../../db/transaction.js';
import { dataOf, makeAffiliate, makeProgram } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { browser, clickIdOf } from '../tracking/world.js';

// What an affiliate gets who never opens the portal: links and guidelines by mail (LNK-19, LNK-20), over HTTP.

let api: TestApi;
let ws: TestWorkspace;
let programId: string;

beforeAll(async () => {
  api = await startTestApi({
    edge: (deps) => clickEdge({ ...deps, publicUrl: deps.config.http.publicUrl }),
  });
  ws = await api.makeWorkspace();
  programId = await makeProgram(api, ws, { destinationHosts: ['shop.example'] });
});
afterAll(() => api.close());

const publish = (text: string) =>
  api.as(ws.key, `/v1/programs/${programId}/agreements`, {
    body: { kind: 'guidelines', title: 'Brand', text, mustAccept: false },
  });

test('LNK-19: the guidelines in force stand in the approval mail and in the portal; each version stays readable', async () => {
  const first = await publish('Use blue.');
  const second = await publish('Use green.');
  const affiliateId = await makeAffiliate(api, ws, [programId], { name: 'Ada', email: 'ada@blog.example' });
  const [mail] = await inWorkspace(api.db, ws.id, (tx) =>
    tx('emails')
      .where({ recipient: 'ada@blog.example', kind: 'affiliate_approved' })
      .select<{ body: string }[]>('body'),
  );
  expect(mail?.body).toContain('Use green.');
  expect(mail?.body).not.toContain('Use blue.');

  const { key } = await api.makePerson(ws, [], { affiliateId, permissions: ['me.read', 'me.write'] });
  const own = dataOf(await api.as(key, '/v1/me/agreements'));
  expect(own.filter((one) => one['kind'] === 'guidelines')).toMatchObject([{ number: 2, text: 'Use green.' }]);
  expect(await api.as(ws.key, `/v1/agreements/${String(first.body['id'])}`)).toMatchObject({
    body: { number: 1, text: 'Use blue.' },
  });
  expect(second.body).toMatchObject({ number: 2 });
});

test('LNK-20: the mailed link alone credits its affiliate, who has never signed in', async () => {
  const affiliateId = await makeAffiliate(api, ws, [programId], { name: 'Ben', email: 'ben@blog.example' });
  const [mail] = await inWorkspace(api.db, ws.id, (tx) =>
    tx('emails')
      .where({ recipient: 'ben@blog.example', kind: 'affiliate_approved' })
      .select<{ links: string[] }[]>('links'),
  );
  const link = mail?.links.find((one) => one.includes('/r/')) ?? '';
  const followed = await fetch(link.replace('http://localhost:3000', api.url), {
    redirect: 'manual',
    headers: { 'user-agent': browser },
  });
  expect(followed.status).toBe(302);
  expect((await api.as(ws.key, `/v1/clicks/${clickIdOf(followed)}`)).body).toMatchObject({
    affiliateId,
    credit: 'credited',
  });
  const people = await inWorkspace(api.db, ws.id, (tx) =>
    tx('users').where({ affiliate_id: affiliateId }).select<{ status: string }[]>('status'),
  );
  expect(people).toEqual([{ status: 'invited' }]);
});
