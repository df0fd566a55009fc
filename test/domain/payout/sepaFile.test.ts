import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBic, isIban, isSepaIban } from '../../../domain/payout/iban.js';
import { sepaMessage, sepaText } from '../../../domain/payout/sepaFile.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import { toXml } from '../../../platform/xml.js';
import { checkPain } from '../../support/painSchema.js';

const message = (change: Partial<Parameters<typeof sepaMessage>[0]> = {}) =>
  sepaMessage({
    messageId: 'TRB-0123456789abcdef0123456789ab',
    createdAt: '2026-11-26T04:00:00.000Z' as Instant,
    executeOn: '2026-11-26' as LocalDate,
    debtor: { name: 'Żółty Sklep & Söhne', iban: 'DE89370400440532013000', bic: null },
    payments: [
      {
        id: 'pay_01kaz0c3v7m2q8x4t6w9y1b5de',
        holder: 'Łukasz Brzęczyszczykiewicz',
        iban: 'PL61109010140000071219812874',
        amountMinor: 1_050n,
      },
      {
        id: 'pay_01kaz0c3v7m2q8x4t6w9y1b5df',
        holder: 'Жанна <Агузарова>',
        iban: 'FR1420041010050500013M02606',
        amountMinor: 333n,
      },
    ],
    ...change,
  });

describe('the message (pain.001.001.09)', () => {
  test('keeps to the structure of the schema, with and without a BIC', () => {
    expect(checkPain(toXml(message()))).toEqual([]);
    const debtor = { name: 'Shop', iban: 'DE89370400440532013000', bic: 'COBADEFFXXX' };
    expect(checkPain(toXml(message({ debtor })))).toEqual([]);
  });

  test('says twice how many payments there are and what they sum to', () => {
    const xml = toXml(message());
    expect(xml.match(/<NbOfTxs>2<\/NbOfTxs>/g)).toHaveLength(2);
    expect(xml.match(/<CtrlSum>13\.83<\/CtrlSum>/g)).toHaveLength(2);
    expect(xml).toContain('<InstdAmt Ccy="EUR">10.50</InstdAmt>');
    expect(xml).toContain('<EndToEndId>pay-01kaz0c3v7m2q8x4t6w9y1b5de</EndToEndId>');
    expect(xml).toContain('<Nm>Lukasz Brzeczyszczykiewicz</Nm>');
    expect(xml).toContain('<Nm>Zhanna .Aguzarova.</Nm>');
    expect(xml).toContain('<Nm>Zolty Sklep + Sohne</Nm>');
  });

  test.each([
    {
      damage: 'elements in another order',
      of: (xml: string) => xml.replace(/(<MsgId>.*<\/MsgId>)\s*(<CreDtTm>.*<\/CreDtTm>)/, '$2$1'),
    },
    { damage: 'a control sum that is none', of: (xml: string) => xml.replace('<CtrlSum>13.83', '<CtrlSum>13.84') },
    { damage: 'a wrong number of payments', of: (xml: string) => xml.replace('<NbOfTxs>2', '<NbOfTxs>3') },
    { damage: 'dollars', of: (xml: string) => xml.replace('Ccy="EUR"', 'Ccy="USD"') },
    { damage: 'an unknown element', of: (xml: string) => xml.replace('<PmtMtd>', '<Note>x</Note><PmtMtd>') },
    { damage: 'an IBAN with wrong check digits', of: (xml: string) => xml.replace('PL61', 'PL62') },
    { damage: 'a letter that banks do not take', of: (xml: string) => xml.replace('Lukasz', 'Łukasz') },
    { damage: 'a reference of 36 characters', of: (xml: string) => xml.replace('TRB-', 'TRB-00000') },
    { damage: 'no day', of: (xml: string) => xml.replace(/<ReqdExctnDt>[\s\S]*<\/ReqdExctnDt>/, '') },
  ])('the check finds $damage', ({ of }) => {
    const xml = toXml(message());
    expect(of(xml)).not.toBe(xml);
    expect(checkPain(of(xml))).not.toEqual([]);
  });
});

test('any text becomes letters that every bank takes, of the length asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      const plain = sepaText(text, 70);
      expect(plain).toMatch(/^[A-Za-z0-9/\-?:().,'+ ]{1,70}$/);
      expect(plain).not.toMatch(/^[/ ]|[/ ]$|\/\//);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['DE89 3704 0044 0532 0130 00', true, true],
  ['de89370400440532013000', true, true],
  ['GB82WEST12345698765432', true, true],
  ['TR330006100519786457841326', true, false],
  ['DE88370400440532013000', false, false],
  ['DE8937040044053201300', false, false],
  ['', false, false],
])('%s is an IBAN: %s, of SEPA: %s', (iban, is, isSepa) => {
  expect([isIban(iban), isSepaIban(iban)]).toEqual([is, isSepa]);
});

test.each([
  ['COBADEFF', true],
  ['COBADEFFXXX', true],
  ['COBADEFFX', false],
  ['COBA1EFF', false],
  ['cobadeff', false],
])('%s is a BIC: %s', (bic, is) => {
  expect(isBic(bic)).toBe(is);
});
