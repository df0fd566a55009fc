import { describe, expect, test } from 'vitest';
import type { Instant } from '../../../domain/time.js';
import {
  decideRemoval,
  decideVerification,
  judgeDetails,
  methodStatusAt,
  payoutMethodTransitions,
} from '../../../domain/payout/payoutMethod.js';
import { csvLines, parseCsv } from '../../../platform/csv.js';
import { nextStatus, statusesOf } from '../../../domain/transitions.js';

describe('details of a payout method (api.md 10.1, reliability.md C9)', () => {
  test('an IBAN is compared without spaces, and shown by its ends', () => {
    const judged = judgeDetails('bank', { holder: 'Ada Kowal', iban: 'pl61 1090 1014 0000 0712 1981 2874' });
    expect(judged).toEqual({
      ok: true,
      details: { holder: 'Ada Kowal', iban: 'PL61109010140000071219812874' },
      masked: 'PL61 …2874',
      identity: '["bank","pl61109010140000071219812874"]',
    });
  });

  test('the same account under another holder is the same destination', () => {
    const [a, b] = ['Ada', 'Bob'].map((holder) => judgeDetails('bank', { holder, iban: 'DE89370400440532013000' }));
    expect(a?.ok === true && b?.ok === true && a.identity === b.identity).toBe(true);
  });

  test.each([
    [
      'a wrong check digit',
      'bank',
      { holder: 'A', iban: 'DE88370400440532013000' },
      [{ field: 'iban', code: 'bad_format' }],
    ],
    ['too short', 'bank', { holder: 'A', iban: 'DE89' }, [{ field: 'iban', code: 'bad_format' }]],
    [
      'no fields',
      'bank',
      {},
      [
        { field: 'holder', code: 'required' },
        { field: 'iban', code: 'required' },
      ],
    ],
    [
      'half an account',
      'bank',
      { holder: 'A', accountNumber: '12345678' },
      [
        { field: 'country', code: 'required' },
        { field: 'bankCode', code: 'required' },
      ],
    ],
    ['a stranger among the fields', 'sandbox', { account: 'ok', pin: '1' }, [{ field: 'pin', code: 'unknown_field' }]],
    ['an account the sandbox has not', 'sandbox', { account: 'often' }, [{ field: 'account', code: 'not_in_list' }]],
    [
      'an address that is a formula',
      'paypal',
      { email: '=1+1@blog.example' },
      [{ field: 'email', code: 'bad_format' }],
    ],
    [
      'an address with a sign in front',
      'paypal',
      { email: '+ada@blog.example' },
      [{ field: 'email', code: 'bad_format' }],
    ],
    ['no address', 'paypal', { email: 'ada' }, [{ field: 'email', code: 'bad_format' }]],
    ['a type without adapter', 'tipalti', {}, [{ field: 'type', code: 'not_allowed_here' }]],
    [
      'a key of Object itself',
      'sandbox',
      { account: 'ok', toString: 'x' },
      [{ field: 'toString', code: 'unknown_field' }],
    ],
  ] as const)('%s', (_rule, type, details, problems) => {
    expect(judgeDetails(type, details)).toEqual({ ok: false, problems });
  });

  test('PAY-07: an address goes into the file that pays as it is: one that a spreadsheet would run, and the file would write otherwise, is none', () => {
    for (const first of '=+-@＝＋－＠') {
      const email = `${first}ada@blog.example`;
      expect(csvLines([[email]]), first).toBe(`'${email}\r\n`);
      expect(judgeDetails('paypal', { email }), first).toEqual({
        ok: false,
        problems: [{ field: 'email', code: 'bad_format' }],
      });
    }
    for (const first of ["'", '"', ',', ';', 'ä', '_', '!']) {
      const email = `${first}ada@blog.example`;
      const judged = judgeDetails('paypal', { email });
      expect(judged.ok && parseCsv(csvLines([[judged.details['email'] ?? '']])), first).toEqual([[email]]);
    }
  });

  test('nothing of a masked value gives the destination away', () => {
    const paypal = judgeDetails('paypal', { email: 'Ada.Kowal@blog.example' });
    expect(paypal.ok && paypal.masked).toBe('a…@blog.example');
    const cheque = judgeDetails('cheque', { payee: 'Ada Kowal', address: 'Polna 1\n00-001 Warszawa' });
    expect(cheque.ok && cheque.masked).toBe('A…');
  });
});

test('a cooling method is active from its instant on', () => {
  const noon = '2026-11-20T12:00:00.000Z' as Instant;
  const cooling = { status: 'cooling', activeAt: noon } as const;
  expect(methodStatusAt(cooling, '2026-11-20T11:59:59.999Z' as Instant)).toBe('cooling');
  expect(methodStatusAt(cooling, noon)).toBe('active');
  expect(methodStatusAt({ status: 'removed', activeAt: noon }, noon)).toBe('removed');
});

test('a verification takes effect at once, or after the cooling time where it replaces another', () => {
  expect(decideVerification({ status: 'unverified' }, false)).toEqual({ kind: 'accepted', event: 'verified' });
  expect(decideVerification({ status: 'unverified' }, true)).toEqual({ kind: 'accepted', event: 'cooled' });
  expect(decideVerification({ status: 'active' }, false).kind).toBe('refused');
  expect(decideRemoval({ status: 'removed' }).kind).toBe('refused');
});

test('money that came back makes a method unconfirmed, wherever it could have been used (PAY-27)', () => {
  const from = statusesOf(payoutMethodTransitions).filter(
    (status) => nextStatus(payoutMethodTransitions, status, 'bounced') === 'unverified',
  );
  expect(from).toEqual(['cooling', 'active']);
});
