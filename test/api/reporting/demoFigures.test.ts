import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedHistory } from '../../../bin/demo.js';
import { connect } from '../../../db/connection.js';
import { inWorkspace } from '../../../db/transaction.js';
import { textOfPdf } from '../../support/pdfText.js';
import { itemsOf, type Json, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// For the fixed seed, every number on Home, a run and the portal's Home leads to rows that sum to it (screens.md 11).

let api: TestApi;
let ws: TestWorkspace;
let anaKey: string;

beforeAll(async () => {
  api = await startTestApi({ config: { nodeEnv: 'development' } });
  ws = await api.makeWorkspace({ saved: false });
  // A longer statement than the API's own 5 s: the year is one transaction.
  const db = connect({ url: api.database.appUrl, poolSize: 2, applicationName: 'demo', statementTimeoutMs: 120_000 });
  try {
    await seedHistory(db, {
      secrets: api.deps.secrets,
      shopOrigin: 'http://127.0.0.1:3000',
      seed: 11,
      workspaceId: ws.id,
    });
  } finally {
    await db.destroy();
  }
  const ana = await inWorkspace(api.db, ws.id, (tx) =>
    tx('affiliates').where({ email: 'ana@demo.test' }).first<{ id: string }>('id'),
  );
  const { key } = await api.makePerson(ws, ['owner'], { permissions: ['me.read'], affiliateId: ana.id });
  anaKey = key;
}, 240_000);
afterAll(() => api.close());

const as = (path: string, key = ws.key) => api.as(key, path);

/** Every row of a list, page by page. */
async function allRows(list: string, key = ws.key): Promise<readonly Json[]> {
  const rows: Json[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more = `limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const answer = await as(`${list}${list.includes('?') ? '&' : '?'}${more}`, key);
    expect(answer.status, `${list}: ${answer.text.slice(0, 300)}`).toBe(200);
    rows.push(...itemsOf(answer.body['data']));
    cursor = answer.body['nextCursor'] as string | null;
  }
  return rows;
}

interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** In hundredths: the three currencies have two decimals. */
function minor(money: Money): bigint {
  return BigInt(money.amount.replace('.', ''));
}

function sums(rows: readonly Json[], of: (row: Json) => readonly [Money, 1 | -1][]): Record<string, string> {
  const totals = new Map<string, bigint>();
  for (const row of rows)
    for (const [money, sign] of of(row))
      totals.set(money.currency, (totals.get(money.currency) ?? 0n) + (sign === 1 ? minor(money) : -minor(money)));
  return Object.fromEntries([...totals].map(([currency, total]) => [currency, total.toString()]));
}

function moneyOf(list: readonly Json[]): Record<string, string> {
  return Object.fromEntries(
    (list as unknown as readonly Money[]).map((money): [string, string] => [money.currency, minor(money).toString()]),
  );
}

describe('Home', () => {
  let home: Json;
  beforeAll(async () => {
    const answer = await as('/v1/console/home');
    expect(answer.status, answer.text).toBe(200);
    home = answer.body;
  });
  const figure = (name: string): Json => {
    const found = itemsOf(home['figures']).find((one) => one['name'] === name);
    if (found === undefined) throw new Error(`no figure ${name}`);
    return found;
  };

  test.each(['clicks', 'leads', 'referrals', 'sales'])('%s is the number of its rows', async (name) => {
    const { value, list } = figure(name);
    const rows = await allRows(String(list));
    expect(rows.length).toBe(value['count']);
    expect(rows.length).toBeGreaterThan(20);
    if (name !== 'referrals')
      expect(itemsOf(home['trend']).reduce((total, day) => total + Number(day[name]), 0)).toBe(rows.length);
  });

  test('commissions earned are the sum of their rows, per currency', async () => {
    const { value, list } = figure('commissions');
    const rows = await allRows(String(list));
    expect(moneyOf(itemsOf(value['money']))).toEqual(
      sums(rows, (row) => [
        [row['amount'] as unknown as Money, 1],
        ...(row['reversed'] === null || row['reversed'] === undefined
          ? []
          : ([[row['reversed'] as unknown as Money, -1]] as [Money, -1][])),
      ]),
    );
    expect(moneyOf(itemsOf(value['money']))).toEqual(
      sums(itemsOf(home['moneyTrend']), (row) => [[row['commissions'] as unknown as Money, 1]]),
    );
  });

  test('net revenue is what its sales kept, per currency', async () => {
    const { value, list } = figure('revenue');
    const rows = await allRows(String(list));
    expect(moneyOf(itemsOf(value['money']))).toEqual(
      sums(rows, (row) => [
        [row['amount'] as unknown as Money, 1],
        [row['refunded'] as unknown as Money, -1],
      ]),
    );
    expect(moneyOf(itemsOf(value['money']))).toEqual(
      sums(itemsOf(home['moneyTrend']), (row) => [[row['revenue'] as unknown as Money, 1]]),
    );
  });

  test('what needs a person is as many rows as it says', async () => {
    for (const need of itemsOf(home['needsYou'])) {
      const rows = await allRows(String(need['list']));
      expect(rows.length, String(need['kind'])).toBe(need['count']);
    }
    expect(itemsOf(home['needsYou']).map((need) => need['kind'])).toEqual(
      expect.arrayContaining(['application', 'referral', 'payout_method']),
    );
  });

  test('what the next payout owes is what is due', async () => {
    const next = home['nextPayout'] as Json;
    const due = await allRows(String(next['list']));
    const owed = itemsOf(next['owed']);
    expect(owed.length).toBe(3);
    expect(sums(due, (row) => [[row['amount'] as unknown as Money, 1]])).toEqual(
      moneyOf(owed.map((one) => one['amount'] as Json)),
    );
    const planned = itemsOf(next['planned']);
    const payable = due.filter((row) => row['payable'] === true);
    expect(sums(payable, (row) => [[row['amount'] as unknown as Money, 1]])).toEqual(
      moneyOf(
        planned.map((one) => (one['payable'] as Json)['amount'] as Json).filter((one) => one['amount'] !== '0.00'),
      ),
    );
    expect(planned.reduce((sum, one) => sum + Number(one['notPayable']), 0)).toBe(due.length - payable.length);
    expect(due.length - payable.length).toBeGreaterThan(0);
  });
});

test('a run: its payouts, its lines and its commissions sum to its head', async () => {
  const [run] = await allRows('/v1/payout-runs');
  if (run === undefined) throw new Error('the year has runs');
  const preview = await as(`/v1/payout-runs/${String(run['id'])}/preview`);
  expect(preview.status, preview.text).toBe(200);
  const paid = await allRows(`/v1/payout-runs/${String(run['id'])}/lines?outcome=paid`);
  const payouts = await allRows(`/v1/payouts?runId=${String(run['id'])}`);
  expect(payouts.length).toBe(paid.length);
  expect(payouts.length).toBeGreaterThan(3);
  const ofPayouts = sums(payouts, (row) => [[row['amount'] as unknown as Money, 1]]);
  expect(sums(paid, (row) => [[row['net'] as unknown as Money, 1]])).toEqual(ofPayouts);
  for (const payout of payouts.slice(0, 5)) {
    const lines = await as(`/v1/payouts/${String(payout['id'])}/lines`);
    const money = payout['amount'] as unknown as Money;
    expect(sums(itemsOf(lines.body['data']), (row) => [[row['amount'] as unknown as Money, 1]])).toEqual({
      [money.currency]: minor(money).toString(),
    });
  }
  const notPaid = await allRows(`/v1/payout-runs/${String(run['id'])}/lines?outcome=not_paid`);
  const keys = [...paid, ...notPaid].map((row) => JSON.stringify([row['affiliateId'], row['currency'] ?? row['net']]));
  expect(new Set(keys).size).toBe(keys.length);
});

test('the portal: the four words of the balance are the sums of their own rows', async () => {
  const home = await as('/v1/me/home', anaKey);
  expect(home.status, home.text).toBe(200);
  const [balance] = itemsOf(home.body['balances']);
  if (balance === undefined) throw new Error('Ana earns');
  const mine = await allRows('/v1/me/commissions', anaKey);
  const currency = String(balance['currency'] ?? (balance['pending'] as unknown as Money).currency);
  const sumOf = (list: string): string =>
    sums(
      mine.filter((row) => row['status'] === list),
      (row) => [[row['net'] as unknown as Money, 1]],
    )[currency] ?? '0';
  const pending = minor(balance['pending'] as unknown as Money);
  expect(BigInt(sumOf('pending'))).toBe(pending);
  expect(pending).toBeGreaterThan(0n);
  expect(home.body['totals']).toMatchObject({
    clicks: itemsOf(home.body['chart']).reduce((total, day) => total + Number(day['clicks']), 0),
    leads: itemsOf(home.body['chart']).reduce((total, day) => total + Number(day['leads']), 0),
    sales: itemsOf(home.body['chart']).reduce((total, day) => total + Number(day['sales']), 0),
  });
  const payouts = await allRows('/v1/me/payouts', anaKey);
  expect(
    sums(
      payouts.filter((row) => row['status'] === 'paid'),
      (row) => [[row['amount'] as unknown as Money, 1]],
    ),
  ).toEqual({ [currency]: minor(balance['paid'] as unknown as Money).toString() });

  // The years sum to the same, and each is the sum of the payouts that its link opens.
  const years = (await as('/v1/me/payouts?limit=1&include=years', anaKey)).body['years'] as readonly {
    year: number;
    payouts: number;
    paid: Money;
    returned: Money;
  }[];
  expect(years.length).toBeGreaterThan(0);
  for (const { year, payouts: count, paid } of years) {
    const rows = await allRows(
      `/v1/me/payouts?status=paid&currency=${paid.currency}&paidOn[gte]=${year}-01-01&paidOn[lt]=${year + 1}-01-01`,
      anaKey,
    );
    expect([rows.length, sums(rows, (row) => [[row['amount'] as unknown as Money, 1]])]).toEqual([
      count,
      { [currency]: minor(paid).toString() },
    ]);
  }
  expect(sums(years as unknown as Json[], (row) => [[row['paid'] as unknown as Money, 1]])).toEqual({
    [currency]: minor(balance['paid'] as unknown as Money).toString(),
  });
  expect(home.body['balanceDays']).toEqual([
    {
      currency,
      nextEligibleAt: expect.stringMatching(/Z$/) as string,
      expectedOn: null,
      lastPaidOn: payouts[0]?.['paidOn'],
    },
  ]);
});

test('the portal: a rule that shares nothing with recruiters is no line of what an affiliate earns', async () => {
  const [program] = itemsOf((await as('/v1/me/programs', anaKey)).body['data']);
  const rates = itemsOf(program?.['rates']);
  const ofRecruits = rates.filter((rate) => rate['level'] === 2);
  expect(ofRecruits.map((rate) => rate['ratePpm'])).toEqual([50_000]);
});

test('commissions that are pending sum to the same in the API, the CSV, the text of the PDF and the ledger, per currency', async () => {
  const query = '/v1/commissions?status=pending';
  const sumsOf = moneyOf(itemsOf((await as(`${query}&limit=1&include=sums`)).body['sums']));
  expect(Object.keys(sumsOf).length).toBeGreaterThan(1);
  expect(sums(await allRows(query), (row) => [[row['net'] as unknown as Money, 1]])).toEqual(sumsOf);

  const csv = (await as(`${query}&format=csv&columns=id,net`)).text.trim().split('\r\n').slice(1);
  const ofFile = csv.map((line) => line.split(',').slice(1));
  expect(
    sums(ofFile as unknown as Json[], (row) => [[{ amount: String(row[0]), currency: String(row[1]) }, 1]]),
  ).toEqual(sumsOf);

  const pdf = await fetch(`${api.url}${query}&format=pdf&columns=id,net`, {
    headers: { Authorization: `Bearer ${ws.key}` },
  });
  const text = textOfPdf(Buffer.from(await pdf.arrayBuffer())).join(' ');
  for (const [currency, total] of Object.entries(sumsOf))
    expect(text).toContain(`${total.slice(0, -2)}.${total.slice(-2)} ${currency}`);

  for (const [currency, total] of Object.entries(sumsOf)) {
    const { body } = await as(`/v1/ledger-trial-balance?currency=${currency}`);
    const row = itemsOf(body['rows']).find((one) => one['kind'] === 'commission_pending');
    expect(minor((row?.['credit'] ?? null) as unknown as Money).toString(), currency).toBe(total);
  }
});
