import { Group, Text, Tooltip } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { locale } from './i18n.js';

/** Money as the API sends it. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/**
 * The wire's decimal string as the reader writes it, with exactly the digits that came: `Intl`'s own number of decimals is wrong for HUF and
 * others, and `Number` rounds large amounts, so the string itself is handed over (screens.md 1.3).
 */
export function formatMoney(money: Money): string {
  const digits = money.amount.split('.')[1]?.length ?? 0;
  const format = new Intl.NumberFormat(locale(), {
    style: 'currency',
    currency: money.currency,
    currencyDisplay: 'code',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return (format.format as (value: string) => string)(money.amount);
}

/** A rate in parts per million as percent, with as many decimals as it needs: 29,000 is 2.9 %. */
export function formatRate(ratePpm: number): string {
  // Shifted as text: percent is ppm with four decimals.
  const text = String(ratePpm).padStart(5, '0');
  const decimals = text.slice(-4).replace(/0+$/, '');
  const percent = `${text.slice(0, -4)}${decimals === '' ? '' : `.${decimals}`}`;
  const format = new Intl.NumberFormat(locale(), { maximumFractionDigits: 4 });
  return `${(format.format as (value: string) => string)(percent)} %`;
}

/** A change in parts per million as signed percent with one decimal: 125,000 is +12.5 %; none to speak of: a dash. */
export function formatChange(changePpm: number | null): string {
  if (changePpm === null) return '–';
  const format = new Intl.NumberFormat(locale(), {
    style: 'percent',
    maximumFractionDigits: 1,
    signDisplay: 'exceptZero',
  });
  // Shifted as text, as above.
  return (format.format as (value: string) => string)(`${changePpm}e-6`);
}

/** What an amount below zero means: of a movement that it was taken back, of a balance that it is overdrawn, of a difference that it is less. */
export type MoneyKind = 'movement' | 'balance' | 'difference';

const negativeWord: Readonly<Record<MoneyKind, string>> = {
  movement: 'money.negative',
  balance: 'money.overdrawn',
  difference: 'money.less',
};

/** One amount: tabular digits, never broken, a word beside a negative one. `onExplain` makes it a button that opens the explanation. */
export function MoneyText({
  value,
  kind = 'movement',
  hint,
  onExplain,
}: {
  readonly value: Money | null | undefined;
  readonly kind?: MoneyKind;
  readonly hint?: string;
  readonly onExplain?: () => void;
}): ReactElement {
  const { t } = useTranslation();
  if (value === null || value === undefined) return <Text span>–</Text>;
  const isNegative = value.amount.startsWith('-');
  const text = formatMoney(value);
  const shown = (
    <Text span className="money" inherit>
      {text}
      {isNegative ? <Text span inherit c="dimmed">{` ${t(negativeWord[kind])}`}</Text> : null}
    </Text>
  );
  if (onExplain !== undefined)
    return (
      <Tooltip label={hint ?? t('explain.open')}>
        <Text
          component="button"
          type="button"
          inherit
          c="var(--mantine-color-anchor)"
          td="underline"
          bg="transparent"
          bd={0}
          p={0}
          mih={24}
          style={{ cursor: 'pointer' }}
          onClick={onExplain}
          aria-label={t('explain.openFor', { amount: text })}
        >
          {shown}
        </Text>
      </Tooltip>
    );
  return hint === undefined ? shown : <Tooltip label={hint}>{shown}</Tooltip>;
}

/** Several currencies: one beside the other, never added. */
export function MoneyList({
  values,
  kind = 'movement',
}: {
  readonly values: readonly Money[];
  readonly kind?: MoneyKind;
}): ReactElement {
  if (values.length === 0) return <Text span>–</Text>;
  return (
    <Group gap="sm" component="span" display="inline-flex" className="money-list">
      {values.map((value) => (
        <MoneyText key={value.currency} value={value} kind={kind} />
      ))}
    </Group>
  );
}
