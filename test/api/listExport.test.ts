import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptAll, type Portal, signInToPortal } from './affiliate/portalWorld.js';
import { createEarningWorld, type EarningWorld } from './earning/earningWorld.js';
import { saveSettings } from './program/support.js';
import { itemsOf, type TestAnswer } from './support.js';

// Every list as a file (api.md 1.6): the same rows, filters, rights and masks as the list; an entry of the history for each.

let world: EarningWorld;
let programId: string;
let ada: Portal;

beforeAll(async () => {
  world = await createEarningWorld();
  await saveSettings(world.api, world.ws, { affiliates: { customerVisibility: 'anonymous' } });
  programId = await world.program({ name: '=Spring, "blue"' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  ada = await signInToPortal(world, await world.affiliate(programId, { name: '=HYPERLINK("http://evil.example")' }));
  await acceptAll(ada);
  for (const [index, amount] of ['49.99', '100.00', '20.00'].entries()) await sell(`order-${index}`, amount);
  // One is refused: it is not among the pending ones.
  const [first] = await world.commissions('');
  const rejected = await world.settled(world.as(`/v1/commissions/${first?.['id']}/reject`, { reason: 'No' }));
  expect(rejected.status, rejected.text).toBe(200);
});
afterAll(() => world.close());

async function sell(externalId: string, amount: string): Promise<void> {
  const clickId = await world.click({ programId, affiliateId: ada.affiliateId });
  await world.sale({
    externalId,
    customer: { externalId, email: `${externalId}@buyer.example` },
    clickId,
    amount: { amount, currency: 'USD' },
  });
}

/** Cells of a file whose texts hold neither quotes nor line breaks. */
function cellsOf(answer: TestAnswer): readonly (readonly string[])[] {
  expect(answer.status, answer.text).toBe(200);
  return answer.text
    .trim()
    .split('\r\n')
    .map((line) => line.split(','));
}

test('COM-12: the file of pending commissions holds exactly the filtered rows, and their sum', async () => {
  const list = await world.as('/v1/commissions?status=pending&include=sums&sort=createdAt');
  expect(itemsOf(list.body['data'])).toHaveLength(2);
  const file = await world.as('/v1/commissions?status=pending&sort=createdAt&format=csv&columns=id,status,net');
  expect(file.headers.get('content-type')).toContain('text/csv');
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="commissions.csv"');
  const ids = itemsOf(list.body['data']).map((row) => String(row['id']));
  expect(cellsOf(file)).toEqual([
    ['id', 'status', 'net', 'netCurrency', 'timeZone'],
    [ids[0], 'pending', '20.00', 'USD', 'UTC'],
    [ids[1], 'pending', '4.00', 'USD', 'UTC'],
  ]);
  expect(list.body['sums']).toEqual([{ amount: '24.00', currency: 'USD' }]);
});

test('RPT-03: text that a spreadsheet would run is neutralised, numbers stay numbers, quotes are doubled', async () => {
  const file = await world.as('/v1/affiliates?format=csv&columns=name,version,createdAt');
  expect(file.text).toMatch(/"'=HYPERLINK\(""http:\/\/evil\.example""\)",\d+,20/);
  const programs = await world.as('/v1/programs?format=csv&columns=name,status');
  expect(programs.text).toContain(`"'=Spring, ""blue""",active,UTC`);
});

test('PAY-08: without a choice a file has every field of a row, which the API document names', async () => {
  const file = await world.as('/v1/sales?format=csv');
  const [head = []] = cellsOf(file);
  expect(head).toEqual(expect.arrayContaining(['id', 'externalId', 'amount', 'amountCurrency', 'occurredAt']));
  expect(head).not.toContain('allowedActions');
  const document = await world.as('/openapi.json');
  const described = String(document.body['paths']['/v1/sales']?.['get']?.['description']);
  for (const column of head) expect(described).toContain(column);
});

test('PRT-03: an affiliate takes its own rows along without a staff right, with customers masked as on screen', async () => {
  const file = await ada.call('/v1/me/commissions?format=csv&sort=createdAt');
  const lines = cellsOf(file);
  expect(lines).toHaveLength(4);
  expect(file.text).not.toMatch(/buyer\.example/);
  expect(lines[0]).toEqual(expect.arrayContaining(['net', 'netCurrency', 'customer.reference']));
  const pending = await ada.call('/v1/me/commissions?status=pending&format=csv&columns=net');
  expect(cellsOf(pending)).toHaveLength(3);
});

test('without export.create there is no file; with a wrong format, column or a cursor neither', async () => {
  const { key } = await world.api.makePerson(world.ws, ['reviewer']);
  expect((await world.api.as(key, '/v1/commissions')).status).toBe(200);
  const refused = await world.api.as(key, '/v1/commissions?format=csv');
  expect([refused.status, refused.body['code'], refused.body['missingPermission']]).toEqual([
    403,
    'permission_missing',
    'export.create',
  ]);
  for (const [query, parameter] of [
    ['format=exe', 'format'],
    ['format=csv&columns=secret', 'columns'],
    ['columns=id', 'columns'],
    ['format=csv&cursor=x', 'cursor'],
  ] as const) {
    const wrong = await world.as(`/v1/commissions?${query}`);
    expect([wrong.status, wrong.body['errors'][0]?.['parameter']], query).toEqual([422, parameter]);
  }
  expect((await world.as('/v1/settings?format=csv')).status).toBe(422);
});

test('Accept asks for a file as well, and each one is an entry of the history', async () => {
  const file = await world.api.as(world.ws.key, '/v1/sales?status=succeeded', { headers: { Accept: 'text/csv' } });
  expect(file.headers.get('content-type')).toContain('text/csv');
  const [entry] = itemsOf((await world.as('/v1/audit-entries?event=exported&limit=1')).body['data']);
  expect(entry).toMatchObject({
    objectType: 'export',
    changes: { list: '/v1/sales', format: 'csv', filters: ['status'] },
  });
});

test('a route without rows has no file: 406', async () => {
  const refused = await world.api.as(world.ws.key, '/v1/workspace', { headers: { Accept: 'text/csv' } });
  expect([refused.status, refused.body['code']]).toEqual([406, 'not_acceptable']);
});

test('more rows than a request may answer: 409, and nothing is sent', async () => {
  await world.owner.raw(
    `insert into clicks (id, workspace_id, mode, link_id, affiliate_id, program_id, credit)
     select 'clk_' || lpad(replace(lower(to_hex(n)), '', ''), 26, '0'), ?, 'live', link.id, link.affiliate_id, link.program_id, 'credited'
     from generate_series(1, 5001) as n, (select * from links where affiliate_id = ? limit 1) as link`,
    [world.ws.id, ada.affiliateId],
  );
  const file = await world.as('/v1/clicks?format=csv');
  expect([file.status, file.body['code'], file.body['limit']]).toEqual([409, 'export_too_large', 5_000]);
});
