import { createSecretKey, randomBytes } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detailsPurpose } from '../../domain/payout/payoutMethod.js';
import { newId } from '../../platform/newId.js';
import { rotateSecrets } from '../../platform/rotateSecrets.js';
import { sealedColumns } from '../../platform/sealedColumns.js';
import { createSecrets } from '../../platform/secrets.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let owner: Knex;
const key = (id: string) => ({ id, key: createSecretKey(randomBytes(32)) });
const [oldKey, newKey, lostKey] = [key('k1'), key('k2'), key('k0')];
const workspaceId = newId('workspace');
const methods = [newId('payoutMethod'), newId('payoutMethod'), newId('payoutMethod')] as const;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
  await owner('workspaces').insert({ id: workspaceId, name: 'Rotate' });
  const [contact, affiliate] = [newId('contact'), newId('affiliate')];
  await owner('contacts').insert({ workspace_id: workspaceId, id: contact });
  await owner('affiliates').insert({
    workspace_id: workspaceId,
    id: affiliate,
    contact_id: contact,
    name: 'Ada',
    email: 'ada@blog.example',
    status: 'approved',
  });
  const sealedWith = [oldKey, newKey, lostKey];
  for (const [index, id] of methods.entries()) {
    const secrets = createSecrets([sealedWith[index] ?? oldKey]);
    await owner('payout_methods').insert({
      workspace_id: workspaceId,
      id,
      affiliate_id: affiliate,
      type: 'sandbox',
      currency: 'USD',
      masked: 'ok',
      fingerprint: 'f',
      status: 'active',
      details: JSON.stringify({ sealed: secrets.seal(detailsPurpose, `{"account":"${index}"}`) }),
    });
  }
  const answer = {
    workspace_id: workspaceId,
    mode: 'live',
    caller_id: 'key_1',
    route: 'POST /v1/api-keys',
    request_hash: Buffer.alloc(1),
    request_id: 'r',
    keep_for_ever: false,
  };
  await owner('idempotency_keys').insert([
    { ...answer, key: 'sealed', body: Buffer.from(createSecrets([oldKey]).seal('answer', '{"secret":"sk"}')) },
    { ...answer, key: 'plain', body: Buffer.from('{"id":"prg_1"}') },
  ]);
});
afterAll(async () => {
  await owner.destroy();
  await database.drop();
});

test('a rotation seals anew what the old key sealed, leaves the rest, names what nobody can read, and is quiet when repeated', async () => {
  const secrets = createSecrets([newKey, oldKey]);

  const first = await rotateSecrets(database.ownerUrl, secrets, newKey.id);
  const second = await rotateSecrets(database.ownerUrl, secrets, newKey.id);

  // By name, and only what is there: most of the sealed columns are empty here.
  const counted = (done: typeof first) =>
    Object.fromEntries(
      done
        .filter(({ resealed, unreadable }) => resealed > 0 || unreadable > 0)
        .map(({ name, resealed, unreadable }) => [name, [resealed, unreadable]]),
    );
  expect(first.map(({ name }) => name)).toEqual(sealedColumns.map(({ name }) => name));
  expect(counted(first)).toEqual({ 'payout method details': [1, 1], 'stored answers that hold a secret': [1, 0] });
  expect(counted(second)).toEqual({ 'payout method details': [0, 1] });
  const newestOnly = createSecrets([newKey]);
  for (const [index, id] of methods.slice(0, 2).entries()) {
    const row = await owner('payout_methods').where({ id }).first<{ details: { sealed: string } }>('details');
    expect(newestOnly.unseal(detailsPurpose, row.details.sealed)).toBe(`{"account":"${index}"}`);
  }
  const stored = await owner('idempotency_keys').orderBy('key').select<{ key: string; body: Buffer }[]>('key', 'body');
  expect(stored[0]?.body.toString()).toBe('{"id":"prg_1"}');
  expect(newestOnly.unseal('answer', stored[1]?.body.toString() ?? '')).toBe('{"secret":"sk"}');
});
