import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PayoutId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { chooseForFile, type FilePayout, payeeChange, splitFiles } from '../../../domain/payout/payoutFile.js';

const payout = (change: Partial<FilePayout> = {}): FilePayout => ({
  id: 'pay_1' as PayoutId,
  affiliateId: 'aff_1',
  name: 'Ada',
  currency: 'USD' as CurrencyCode,
  amountMinor: 1_000n,
  status: 'pending',
  onHold: false,
  methodType: 'paypal',
  methodMasked: 'a…@b.example',
  execution: 'manual',
  iban: null,
  dueOn: null,
  paidOn: null,
  reference: null,
  changed: null,
  isInFile: false,
  ...change,
});

describe('who is in which file (PAY-07, PAY-08)', () => {
  test.each<[string, Partial<FilePayout>, string | null, boolean]>([
    ['approved, to PayPal', {}, null, true],
    ['held', { onHold: true }, 'on_hold', true],
    ['a draft', { status: 'draft' }, 'draft', true],
    ['paid', { status: 'paid' }, 'already_paid', true],
    ['to a bank', { methodType: 'bank' }, 'no_paypal_method', true],
    ['to an account that was changed since', { changed: 'method_changed_recently' }, 'method_changed_recently', true],
    ['to somebody suspended since', { changed: 'suspended' }, 'suspended', true],
    ['a currency that PayPal has not', { currency: 'KWD' as CurrencyCode }, 'unsupported_currency', true],
    ['forints in whole units', { currency: 'HUF' as CurrencyCode, amountMinor: 1_000n }, null, true],
    ['forints with a part', { currency: 'HUF' as CurrencyCode, amountMinor: 1_050n }, 'unsupported_currency', true],
    ['in a file that somebody may have uploaded', { isInFile: true }, 'in_earlier_file', true],
    ['what we send ourselves', { execution: 'gateway' }, 'sent_by_gateway', true],
    ['cancelled', { status: 'cancelled' }, null, false],
  ])('%s', (_name, change, code, isGeneric) => {
    const one = payout(change);
    const paypal = chooseForFile([one], 'paypal_mass_pay');
    expect(paypal.chosen).toEqual(code === null && isGeneric ? [one] : []);
    expect(paypal.skipped.map((skipped) => skipped.code)).toEqual(code === null ? [] : [code]);
    expect(chooseForFile([one], 'generic_csv')).toEqual({ chosen: isGeneric ? [one] : [], skipped: [] });
  });
});

describe('PAY-17: what was approved is paid only while it is true of its payee, by a file as by a gateway (money.md 7.1)', () => {
  const payee = {
    affiliateStatus: 'approved',
    isForfeited: false,
    methodStatus: 'active',
    methodFits: true,
    owesMinor: 0n,
  } as const;
  test.each<[string, Partial<Parameters<typeof payeeChange>[0]>, string | null]>([
    ['nothing changed', {}, null],
    ['suspended', { affiliateStatus: 'suspended', owesMinor: 1n }, 'suspended'],
    ['terminated, and paid', { affiliateStatus: 'terminated' }, null],
    ['terminated for fraud', { affiliateStatus: 'terminated', isForfeited: true }, 'suspended'],
    ['its method gone', { methodStatus: null, methodFits: false }, 'no_method'],
    ['its method taken away', { methodStatus: 'removed' }, 'no_method'],
    ['another method in its place', { methodStatus: 'replaced' }, 'no_method'],
    ['money came back from it', { methodStatus: 'unverified' }, 'method_unverified'],
    ['another version', { methodFits: false }, 'method_changed_recently'],
    ['in debt', { owesMinor: 1n }, 'negative_balance'],
  ])('%s', (_what, change, code) => {
    expect(payeeChange({ ...payee, ...change })).toBe(code);
  });
});

describe('who is in a file for a bank', () => {
  const iban = 'DE89370400440532013000';
  const bank = { methodType: 'bank', iban, currency: 'EUR' as CurrencyCode };
  test.each<[string, Partial<FilePayout>, string | null]>([
    ['euros to an IBAN', bank, null],
    ['to PayPal', { ...bank, methodType: 'paypal', iban: null }, 'no_sepa_account'],
    ['to an account without an IBAN', { ...bank, iban: null }, 'no_sepa_account'],
    ['to an IBAN outside SEPA', { ...bank, iban: 'TR330006100519786457841326' }, 'no_sepa_account'],
    ['an IBAN whose check digits are wrong', { ...bank, iban: 'DE88370400440532013000' }, 'no_sepa_account'],
    ['dollars', { ...bank, currency: 'USD' as CurrencyCode }, 'unsupported_currency'],
    ['999,999,999.99', { ...bank, amountMinor: 99_999_999_999n }, null],
    ['1,000,000,000.00', { ...bank, amountMinor: 100_000_000_000n }, 'above_limit'],
    ['a draft', { ...bank, status: 'draft' }, 'draft'],
    ['in a file before', { ...bank, isInFile: true }, 'in_earlier_file'],
  ])('%s', (_name, change, code) => {
    const { chosen, skipped } = chooseForFile([payout(change)], 'sepa_pain_001');
    expect(chosen).toHaveLength(code === null ? 1 : 0);
    expect(skipped.map((one) => one.code)).toEqual(code === null ? [] : [code]);
  });
});

test('every payout is in exactly one part, one currency each, and the parts sum to the whole', () => {
  const money = fc.record({
    currency: fc.constantFrom('USD', 'EUR', 'JPY'),
    amountMinor: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  });
  fc.assert(
    fc.property(fc.array(money, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (rows, limit) => {
      const payouts = rows.map((row, index) => ({
        id: `pay_${String(index).padStart(3, '0')}` as PayoutId,
        currency: row.currency as CurrencyCode,
        amountMinor: row.amountMinor,
      }));
      const parts = splitFiles(payouts, limit);
      expect(new Set(parts.flatMap((part) => part.payouts.map(({ id }) => id))).size).toBe(payouts.length);
      for (const part of parts) {
        expect(part.payouts.length).toBeLessThanOrEqual(limit);
        expect(part.payouts.every((row) => row.currency === part.currency)).toBe(true);
        expect(part.amountMinor).toBe(part.payouts.reduce((sum, row) => sum + row.amountMinor, 0n));
      }
      expect(splitFiles([...payouts].reverse(), limit)).toEqual(parts);
    }),
  );
});
