import { expect, test } from 'vitest';
import { readStatementRows } from '../../../domain/payout/statementFile.js';
import { CsvError, parseCsv } from '../../../platform/csv.js';

const heading = ['date', 'id', 'kind', 'amount', 'currency', 'balance', 'reference', 'providerId'];
const row = (id: string, at: string, amount: string, balance: string, kind = 'payment'): readonly string[] => [
  at,
  id,
  kind,
  amount,
  'USD',
  balance,
  'att_1',
  '',
];
const paid = row('L2', '2026-11-02T00:00:00Z', '-10.00', '90.00');
const put = row('L1', '2026-11-01T00:00:00Z', '100.00', '100.00', 'deposit');

test('our own form: old to new or new to old, what lay there before and after', () => {
  for (const rows of [
    [heading, put, paid],
    [heading, paid, put],
  ])
    expect(readStatementRows(rows)).toMatchObject({
      ok: true,
      statements: [
        {
          currency: 'USD',
          openingMinor: 0n,
          closingMinor: 9_000n,
          lastAt: '2026-11-02T00:00:00.000Z',
          lines: [
            { id: 'L1', kind: 'deposit', minor: 10_000n },
            { id: 'L2', kind: 'payment', minor: -1_000n, reference: 'att_1', providerId: null },
          ],
        },
      ],
    });
});

test('several currencies are several statements', () => {
  const euro = ['2026-11-01T00:00:00Z', 'E1', 'deposit', '5.00', 'EUR', '7.00', '', ''];
  expect(readStatementRows([heading, put, euro, paid])).toMatchObject({
    ok: true,
    statements: [{ currency: 'EUR', openingMinor: 200n, closingMinor: 700n }, { currency: 'USD' }],
  });
});

test('lines of one instant follow their balances', () => {
  const at = '2026-11-01T00:00:00Z';
  const rows = [row('B', at, '-1.00', '8.00'), row('A', at, '-1.00', '9.00')];
  expect(readStatementRows([heading, ...rows])).toMatchObject({ ok: true, statements: [{ closingMinor: 800n }] });
});

test.each([
  ['nothing below the heading', [heading], 'empty', null],
  [
    'other columns',
    [
      ['when', 'what'],
      ['x', 'y'],
    ],
    'unknown_columns',
    1,
  ],
  ['a cell too many', [heading, [...put, 'x']], 'bad_row', 2],
  ['a line without an id', [heading, row('', '2026-11-01T00:00:00Z', '1.00', '1.00')], 'bad_row', 2],
  ['a day without a zone', [heading, row('L', '2026-11-01', '1.00', '1.00')], 'bad_date', 2],
  ['a comma for a point', [heading, row('L', '2026-11-01T00:00:00Z', '1,00', '1.00')], 'bad_amount', 2],
  ['three decimals', [heading, put, row('L', '2026-11-03T00:00:00Z', '1.000', '101.00')], 'bad_amount', 3],
  ['a kind of its own', [heading, row('L', '2026-11-01T00:00:00Z', '1.00', '1.00', 'gift')], 'bad_kind', 2],
  ['one id twice', [heading, put, row('L1', '2026-11-03T00:00:00Z', '1.00', '101.00')], 'same_id_twice', 3],
  [
    'a balance that does not follow',
    [heading, put, row('L2', '2026-11-02T00:00:00Z', '-10.00', '90.01')],
    'bad_balance',
    3,
  ],
  [
    'lines in no order',
    [heading, put, row('L3', '2026-11-04T00:00:00Z', '1.00', '101.00'), paid],
    'not_in_order',
    null,
  ],
])('%s is refused with its line', (_what, rows, fault, line) => {
  expect(readStatementRows(rows)).toEqual({ ok: false, fault, line });
});

test('Wise’s statement: its fee is a line of its own, what comes back another one', () => {
  const wise = ['TransferWise ID', 'Date', 'Date Time', 'Amount', 'Currency', 'Running Balance', 'Total fees'];
  const rows = [
    wise,
    ['TRANSFER-7', '03-11-2026', '03-11-2026 09:00:00.000', '20.00', 'EUR', '99.69', '0.00'],
    ['TRANSFER-7', '02-11-2026', '02-11-2026 09:00:00.000', '-20.31', 'EUR', '79.69', '0.31'],
    ['DEPOSIT-1', '01-11-2026', '01-11-2026 09:00:00.000', '100.00', 'EUR', '100.00', '0.00'],
  ];
  expect(readStatementRows(rows)).toMatchObject({
    ok: true,
    statements: [
      {
        openingMinor: 0n,
        closingMinor: 9_969n,
        lines: [
          { id: 'DEPOSIT-1', kind: 'deposit', minor: 10_000n },
          { id: 'TRANSFER-7', kind: 'payment', minor: -2_000n, providerId: '7' },
          { id: 'TRANSFER-7/fee', kind: 'fee', minor: -31n },
          { id: 'TRANSFER-7/return', kind: 'return', minor: 2_000n },
        ],
      },
    ],
  });
});

test('a CSV is read as RFC 4180 has it, and nothing else', () => {
  expect(parseCsv('\ufeffa,"b ""x"", y"\r\n1,\r\n\r\n"two\nlines",3')).toEqual([
    ['a', 'b "x", y'],
    ['1', ''],
    ['two\nlines', '3'],
  ]);
  expect(parseCsv('a,b,')).toEqual([['a', 'b', '']]);
  for (const [text, line] of [
    ['a\n"open', 2],
    ['a"b', 1],
    ['"a"b', 1],
    ['a\rb', 1],
  ] as const) {
    expect(() => parseCsv(text)).toThrow(CsvError);
    try {
      parseCsv(text);
    } catch (error) {
      expect(error).toMatchObject({ line });
    }
  }
});
