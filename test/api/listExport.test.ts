import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BulkStep, bulkOperationActivities } from '../../activities/reporting/bulkOperation.js';
import type { ExportDesk } from '../../activities/reporting/listExport.js';
import { sweepActivities } from '../../activities/sweep.js';
import { createExportDesk } from '../../api/exportDesk.js';
import { refuseLongPdf } from '../../api/listExport.js';
import { routes } from '../../api/routes.js';
import { newId } from '../../platform/newId.js';
import { textOfPdf } from '../support/pdfText.js';
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

test('screens.md 1.1: a file has the figures that the list shows beside its rows', async () => {
  const list = await world.as('/v1/affiliates?include=figures');
  expect(itemsOf(list.body['data'])).toMatchObject([{ figures: { clicks: 3 } }]);
  const file = await world.as('/v1/affiliates?include=figures&format=csv&columns=id,figures.clicks');
  expect(cellsOf(file)).toEqual([
    ['id', 'figures.clicks', 'timeZone'],
    [ada.affiliateId, '3', 'UTC'],
  ]);

  const wanted = { resource: 'affiliates', format: 'csv', columns: ['id', 'figures.clicks'] };
  const made = await world.as('/v1/exports', { ...wanted, filter: { include: 'figures' } });
  expect(made.status, made.text).toBe(202);
  expect(await work(String(made.body['operationId']))).toBe('done');
  expect(cellsOf(await contentOf(made.body['id']))).toEqual(cellsOf(file));
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
    ['format=pdf', 'columns'],
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
  const file = await world.as('/v1/clicks?format=csv&sort=createdAt&limit=5');
  expect(file.status, file.text).toBe(409);
  // With what the job is to be asked for.
  const job = { resource: 'clicks', filter: { sort: 'createdAt' } };
  expect(file.body).toMatchObject({ code: 'export_too_large', limit: 5_000, ...job });
});

// The file of any size (RPT-13, api.md 16.2): the job's activity by hand, as its workflow runs it.

interface Working {
  readonly desk?: ExportDesk;
  readonly reached?: (point: string) => void;
}

const realDesk = (): ExportDesk => createExportDesk(routes, world.api.deps);

async function work(operationId: unknown, { desk = realDesk(), reached }: Working = {}): Promise<string> {
  const { db } = world.api;
  const activities = bulkOperationActivities({
    db,
    longDb: db,
    newId,
    gatewayPolicy: { sandboxPaysLive: true },
    exportDesk: desk,
    ...(reached === undefined ? {} : { reached }),
  });
  const ref = { workspaceId: world.ws.id, jobId: String(operationId) };
  const run = (one: typeof ref): Promise<BulkStep> => activities.decideBulkPage(one);
  const step: BulkStep = await new MockActivityEnvironment().run(run, ref);
  return step.status;
}

async function order(body: Readonly<Record<string, unknown>>, key = world.ws.key): Promise<TestAnswer['body']> {
  const made = await world.api.as(key, '/v1/exports', { body });
  expect(made.status, made.text).toBe(202);
  expect(made.headers.get('location')).toBe(`/v1/exports/${String(made.body['id'])}`);
  return made.body;
}

const clicks = { resource: 'clicks', filter: { sort: 'createdAt' }, columns: ['id', 'createdAt'], format: 'csv' };
const contentOf = (id: unknown, key = world.ws.key) => world.api.as(key, `/v1/exports/${String(id)}/content`);

/** One column of a file, without its head. */
function columnOf(answer: TestAnswer, at: number): readonly string[] {
  return cellsOf(answer)
    .slice(1)
    .map((cells) => cells[at] ?? '');
}

async function countClicks(): Promise<number> {
  const [row] = await world.owner('clicks').where({ workspace_id: world.ws.id }).count<{ count: string }[]>();
  return Number(row?.count);
}

test('RPT-13: more rows than an answer holds are made in the background, each once, for one person, with an audit entry', async () => {
  const made = await order(clicks);
  expect(made).toMatchObject({ object: 'export', status: 'queued', rows: 0, fileName: null, expiresAt: null });
  const early = await contentOf(made['id']);
  expect([early.status, early.body['code'], early.body['currentStatus']]).toEqual([
    409,
    'transition_not_allowed',
    'queued',
  ]);

  expect(await work(made['operationId'])).toBe('done');

  const rows = await countClicks();
  expect(rows).toBeGreaterThan(5_000);
  const state = await world.as(`/v1/exports/${String(made['id'])}`);
  expect(state.body).toMatchObject({ status: 'done', rows, fileName: 'clicks.csv', code: null });
  const lifetime = Date.parse(String(state.body['expiresAt'])) - Date.parse(String(state.body['finishedAt']));
  expect(lifetime).toBe(24 * 3_600_000);
  const file = await contentOf(made['id']);
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="clicks.csv"');
  expect(Number(file.headers.get('content-length'))).toBe(Buffer.byteLength(file.text));
  expect(state.body['size']).toBe(Buffer.byteLength(file.text));
  expect(cellsOf(file)[0]).toEqual(['id', 'createdAt', 'timeZone']);
  const ids = columnOf(file, 0);
  expect([ids.length, new Set(ids).size]).toEqual([rows, rows]);
  const times = columnOf(file, 1);
  expect(times).toEqual([...times].sort());

  // The file is nobody else's, whatever they may see.
  const other = await world.api.makePerson(world.ws, ['owner'], { name: 'Other' });
  for (const path of ['', '/content'])
    expect((await world.api.as(other.key, `/v1/exports/${String(made['id'])}${path}`)).status).toBe(404);
  const foreign = await world.api.makeWorkspace({ name: 'Foreign' });
  expect((await contentOf(made['id'], foreign.key)).status).toBe(404);
  expect((await contentOf(made['id'], world.ws.testKey)).status).toBe(404);

  const trail = itemsOf(
    (await world.as(`/v1/audit-entries?objectId=${String(made['id'])}&sort=createdAt`)).body['data'],
  );
  expect(trail.map((entry) => entry['event'])).toEqual(['requested', 'exported', 'downloaded']);
  expect(trail[1]).toMatchObject({
    actor: { type: 'api_key' },
    changes: { list: '/v1/clicks', format: 'csv', rows, filters: ['sort'] },
  });
  const job = await world.as(`/v1/operations/${String(made['operationId'])}`);
  expect(job.body).toMatchObject({ kind: 'lists.export', status: 'done', result: { exportId: made['id'], rows } });
  // Both ends are events, for whoever listens (api.md 15).
  const told = async (objectId: unknown) =>
    itemsOf((await world.as(`/v1/events?objectId=${String(objectId)}`)).body['data']).map((event) => event['type']);
  expect(await told(made['id'])).toEqual(['export.ready']);
  expect(await told(made['operationId'])).toEqual(['operation.finished']);

  // Its time ends with the link, and the sweep takes the file and what was asked.
  const owned = () => world.owner('exports').where({ id: String(made['id']) });
  await owned().update({ expires_at: new Date(Date.now() - 1_000), created_at: new Date(Date.now() - 90_000_000) });
  const late = await contentOf(made['id']);
  expect([late.status, late.body['code']]).toEqual([410, 'token_used_or_expired']);
  const { db, logger } = { db: world.api.db, logger: world.api.deps.logger };
  const closedRuns = { list: () => Promise.reject(new Error('not asked')), retentionMs: () => Promise.resolve(0) };
  const sweep = sweepActivities({ db, logger, closedRuns, newId });
  await new MockActivityEnvironment().run(sweep.deleteOutdated);
  expect(await world.owner('export_parts').where({ export_id: String(made['id']) })).toEqual([]);
  expect(await owned().first('query')).toEqual({ query: {} });
  expect((await contentOf(made['id'])).status).toBe(410);
}, 120_000);

test('K10: a worker that dies in the middle of a file leaves a whole one behind, and one that only seemed dead adds nothing', async () => {
  const made = await order(clicks);
  let pages = 0;
  const dies = work(made['operationId'], {
    reached: (point) => {
      pages += point === 'export.paged' ? 1 : 0;
      if (pages === 4) throw new Error('the worker died here');
    },
  });
  await expect(dies).rejects.toThrow('the worker died here');
  expect((await world.as(`/v1/exports/${String(made['id'])}`)).body).toMatchObject({ status: 'running', rows: 2_000 });

  // While the second try writes, the first one comes back to life, and a new click arrives: neither is in the file.
  let hasSeen = false;
  const second: ExportDesk = {
    make: (asked, sink) =>
      realDesk().make(asked, {
        begin: () => sink.begin(),
        async add(part) {
          await sink.add(part);
          if (hasSeen) return;
          hasSeen = true;
          await world.click({ programId, affiliateId: ada.affiliateId });
        },
      }),
  };
  const before = await countClicks();
  let overtaken: Promise<string> | undefined;
  const first: ExportDesk = {
    make: (asked, sink) =>
      realDesk().make(asked, {
        begin: () => sink.begin(),
        async add(part) {
          overtaken ??= work(made['operationId'], { desk: second });
          expect(await overtaken).toBe('done');
          await sink.add(part);
        },
      }),
  };
  expect(await work(made['operationId'], { desk: first })).toBe('cancelled');

  expect(await countClicks()).toBe(before + 1);
  const ids = columnOf(await contentOf(made['id']), 0);
  expect([ids.length, new Set(ids).size]).toEqual([before, before]);
  const stored = await world
    .owner('export_parts')
    .where({ export_id: String(made['id']) })
    .select('position');
  expect(stored).toHaveLength(Math.ceil(before / 500));
}, 120_000);

test('a file that nobody wants any more is stopped between two pages; what is left of it is nobody’s', async () => {
  const made = await order(clicks);
  const cancelling: ExportDesk = {
    make: (asked, sink) =>
      realDesk().make(asked, {
        begin: () => sink.begin(),
        async add(part) {
          await sink.add(part);
          await world.as(`/v1/operations/${String(made['operationId'])}/cancel`, {});
        },
      }),
  };
  expect(await work(made['operationId'], { desk: cancelling })).toBe('cancelled');
  expect((await world.as(`/v1/exports/${String(made['id'])}`)).body).toMatchObject({ status: 'cancelled', rows: 500 });
  expect((await contentOf(made['id'])).body).toMatchObject({
    code: 'transition_not_allowed',
    currentStatus: 'cancelled',
  });
  expect(await work(made['operationId'])).toBe('cancelled');
});

test('RPT-13: one person has three files in the making, however many are asked for at once; others and later ones are not held up', async () => {
  const { key } = await world.api.makePerson(world.ws, ['owner'], { name: 'Greedy' });
  const ask = (of = key) => world.api.as(of, '/v1/exports', { body: clicks });
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask()));
  const made = answers.filter((one) => one.status === 202);
  expect(made).toHaveLength(3);
  const refused = answers.filter((one) => one.status !== 202);
  for (const one of refused) {
    expect(one.body).toMatchObject({ status: 429, code: 'too_many_exports', limit: 3 });
    expect(Number(one.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await ask(world.ws.key)).status).toBe(202);
  const [first] = made;
  const cancelled = await world.api.as(key, `/v1/operations/${String(first?.body['operationId'])}/cancel`, {
    body: {},
  });
  expect(cancelled.status, cancelled.text).toBe(200);
  expect((await ask()).status).toBe(202);
  expect((await ask()).status).toBe(429);
});

test('PRT-03: an affiliate has its own rows made, masked as on screen; nobody gets more by a job than by the list', async () => {
  const portal = await ada.call('/v1/exports', {
    body: { resource: 'me/commissions', filter: { status: 'pending' }, format: 'csv' },
  });
  expect(portal.status, portal.text).toBe(202);
  expect(await work(portal.body['operationId'])).toBe('done');
  const file = await ada.call(`/v1/exports/${String(portal.body['id'])}/content`);
  expect(cellsOf(file)).toHaveLength(3);
  expect(file.text).not.toMatch(/buyer\.example/);
  const staffRows = await ada.call('/v1/exports', { body: { resource: 'commissions', format: 'csv' } });
  expect([staffRows.status, staffRows.body['code']]).toEqual([403, 'wrong_audience']);

  const person = await world.api.makePerson(world.ws, ['auditor'], { name: 'Auditor' });
  const made = await order({ resource: 'commissions', format: 'csv' }, person.key);
  expect(await work(made['operationId'])).toBe('done');
  expect((await contentOf(made['id'], person.key)).status).toBe(200);
  await world
    .owner('users')
    .where({ id: person.user.id })
    .update({ role_ids: ['reviewer'] });
  const gone = await contentOf(made['id'], person.key);
  expect([gone.status, gone.body['missingPermission']]).toEqual([403, 'export.create']);
});

test('an order that cannot be filled is refused at once, with the place of the fault, and makes nothing', async () => {
  const jobs = () => world.owner('operations').where({ workspace_id: world.ws.id }).count<{ count: string }[]>();
  const before = await jobs();
  for (const [body, status, pointer] of [
    [{ format: 'csv' }, 422, '#/resource'],
    [{ resource: 'workspace', format: 'csv' }, 422, '#/resource'],
    [{ resource: 'sessions', format: 'csv' }, 422, '#/resource'],
    [{ resource: 'clicks/../users', format: 'csv' }, 422, '#/resource'],
    [{ resource: 'clicks', format: 'xls' }, 422, '#/format'],
    [{ resource: 'clicks', format: 'csv', filter: { colour: 'red' } }, 422, '#/filter/colour'],
    [{ resource: 'clicks', format: 'csv', filter: { cursor: 'x' } }, 422, '#/filter/cursor'],
    [{ resource: 'clicks', format: 'csv', columns: ['secret'] }, 422, '#/columns'],
    [{ resource: 'commissions', format: 'pdf' }, 422, '#/columns'],
    [{ resource: `affiliates/${newId('affiliate')}/recruits`, format: 'csv' }, 404, undefined],
  ] as const) {
    const refused = await world.as('/v1/exports', body);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], JSON.stringify(body)).toEqual([status, pointer]);
  }
  expect(await jobs()).toEqual(before);
});

test('RPT-04: a list as PDF has a title, what was asked, its rows, sums per currency and pages', async () => {
  const query = 'status=pending&sort=createdAt&format=pdf&columns=id,status,net,createdAt';
  const file = await fetch(`${world.api.url}/v1/commissions?${query}`, {
    headers: { Authorization: `Bearer ${world.ws.key}` },
  });
  expect([file.status, file.headers.get('content-type')]).toEqual([200, 'application/pdf']);
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="commissions.pdf"');
  const text = textOfPdf(Buffer.from(await file.arrayBuffer())).join('\n');
  for (const part of ['Commissions', 'pending', '20.00 USD', '4.00 USD', 'Net, total', '24.00 USD', '1 / 1'])
    expect(text).toContain(part);
  const [entry] = itemsOf((await world.as('/v1/audit-entries?event=exported&limit=1')).body['data']);
  expect(entry).toMatchObject({ changes: { list: '/v1/commissions', format: 'pdf', rows: 2 } });
});

test('RPT-04: a PDF is made in the background too; more rows than it holds end the job with the code that offers CSV', async () => {
  expect(() => refuseLongPdf('pdf', 20_001)).toThrow('export_too_large');
  refuseLongPdf('pdf', 20_000);
  refuseLongPdf('csv', 1_000_000);
  const long = await order({ resource: 'clicks', columns: ['id', 'createdAt'], format: 'pdf' });
  const readsTooMany: ExportDesk = {
    async make(_order, sink) {
      await sink.begin();
      await sink.add({ content: Buffer.from('half a file'), rows: 20_001 });
      refuseLongPdf('pdf', 20_001);
      return { fileName: 'never' };
    },
  };
  expect(await work(long['operationId'], { desk: readsTooMany })).toBe('failed');
  const state = await world.as(`/v1/exports/${String(long['id'])}`);
  expect(state.body).toMatchObject({ status: 'failed', code: 'export_too_large', fileName: null });
  expect((await contentOf(long['id'])).body).toMatchObject({ currentStatus: 'failed' });
  expect(await world.owner('export_parts').where({ export_id: String(long['id']) })).toEqual([]);

  const made = await order({ resource: 'commissions', columns: ['id', 'net'], format: 'pdf' });
  expect(made['total']).toBe(3);
  expect(await work(made['operationId'])).toBe('done');
  const file = await fetch(`${world.api.url}/v1/exports/${String(made['id'])}/content`, {
    headers: { Authorization: `Bearer ${world.ws.key}` },
  });
  expect(file.headers.get('content-type')).toBe('application/pdf');
  const [page = ''] = textOfPdf(Buffer.from(await file.arrayBuffer()));
  const commissions = await world.owner('commissions').select<{ id: string }[]>('id');
  for (const { id } of commissions) expect(page).toContain(id);
  expect(page).toContain('24.00 USD');
}, 60_000);
