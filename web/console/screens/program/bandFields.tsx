import { Button, Fieldset, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { ppmOf, type Rule } from './ruleSentence.js';

/** What is being typed: texts, because half a number is none yet. */
export interface BandDraft {
  /** Whose rate they replace. */
  readonly level: number;
  readonly by: NonNullable<Rule['bands']>['by'];
  readonly period: NonNullable<Rule['bands']>['period'];
  readonly mode: NonNullable<Rule['bands']>['mode'];
  readonly rows: readonly { readonly from: string; readonly value: string }[];
}

export const firstBands: BandDraft = {
  level: 1,
  by: 'sales_count',
  period: 'lifetime',
  mode: 'marginal',
  rows: [
    { from: '0', value: '' },
    { from: '10', value: '' },
  ],
};

const measures = [
  'sales_count',
  'sales_amount',
  'sale_size',
  'payment_number',
  'months_since_first_commission',
] as const;
const periods = ['lifetime', 'month', 'quarter', 'year'] as const;

/** The rows as the API takes them; null while one of them cannot be read. */
export function bandsOf(draft: BandDraft, kind: 'percent' | 'flat', currency: string): Rule['bands'] {
  const rows: NonNullable<Rule['bands']>['rows'] = [];
  for (const { from, value } of draft.rows) {
    const ratePpm = ppmOf(value);
    if (!/^\d+(\.\d+)?$/.test(from)) return null;
    if (kind === 'flat') {
      if (!/^\d+(\.\d+)?$/.test(value)) return null;
      rows.push({ from, kind, amount: { amount: value, currency } });
    } else if (ratePpm === null) return null;
    else rows.push({ from, kind, ratePpm });
  }
  return { level: draft.level, by: draft.by, period: draft.period, mode: draft.mode, rows };
}

export function draftOf(bands: NonNullable<Rule['bands']>): BandDraft {
  return {
    level: bands.level,
    by: bands.by,
    period: bands.period,
    mode: bands.mode,
    rows: bands.rows.map((row) => ({
      from: row.from,
      value: row.kind === 'flat' ? row.amount.amount : percentText(row.ratePpm),
    })),
  };
}

/** 125,000 ppm as it is typed: `12.5`. */
export function percentText(ratePpm: number): string {
  const text = String(ratePpm).padStart(5, '0');
  const decimals = text.slice(-4).replace(/0+$/, '');
  return `${text.slice(0, -4)}${decimals === '' ? '' : `.${decimals}`}`;
}

/** Rates that rise with volume: what counts, over which time, and a row per rate (RUL-06, RUL-16). */
export function BandFields({
  value,
  kind,
  onChange,
}: {
  readonly value: BandDraft;
  readonly kind: 'percent' | 'flat';
  readonly onChange: (next: BandDraft) => void;
}): ReactElement {
  const { t } = useTranslation();
  const isCounted = value.by === 'sales_count' || value.by === 'sales_amount';
  const hasMode = isCounted || value.by === 'sale_size';
  const change = (index: number, row: Partial<BandDraft['rows'][number]>): void =>
    onChange({ ...value, rows: value.rows.map((one, at) => (at === index ? { ...one, ...row } : one)) });
  return (
    <Fieldset legend={t('rule.bands')}>
      <Stack gap="xs">
        <Group align="flex-end">
          <NativeSelect
            label={t('rule.bandBy')}
            value={value.by}
            onChange={(event) => {
              const by = event.currentTarget.value as BandDraft['by'];
              onChange({ ...value, by, mode: by === 'sale_size' ? 'whole' : 'marginal' });
            }}
            data={measures.map((one) => ({ value: one, label: t(`rule.bandBy.${one}`) }))}
          />
          {isCounted ? (
            <NativeSelect
              label={t('rule.bandPeriod')}
              value={value.period}
              onChange={(event) => onChange({ ...value, period: event.currentTarget.value as BandDraft['period'] })}
              data={periods.map((one) => ({ value: one, label: t(`rule.bandPeriod.${one}`) }))}
            />
          ) : null}
          {hasMode ? (
            <NativeSelect
              label={t('rule.bandMode')}
              value={value.mode}
              onChange={(event) => onChange({ ...value, mode: event.currentTarget.value as BandDraft['mode'] })}
              data={(['marginal', 'whole'] as const).map((one) => ({ value: one, label: t(`rule.bandMode.${one}`) }))}
            />
          ) : null}
        </Group>
        {value.rows.map((row, index) => (
          <Group key={index} align="flex-end">
            <TextInput
              label={t('rule.bandFrom', { row: index + 1 })}
              value={row.from}
              inputMode="decimal"
              readOnly={index === 0}
              onChange={(event) => change(index, { from: event.currentTarget.value.trim() })}
            />
            <TextInput
              label={t(kind === 'percent' ? 'rule.bandPercent' : 'rule.bandAmount', { row: index + 1 })}
              value={row.value}
              inputMode="decimal"
              onChange={(event) => change(index, { value: event.currentTarget.value.trim() })}
            />
            {index > 0 ? (
              <Button
                variant="subtle"
                onClick={() => onChange({ ...value, rows: value.rows.filter((_, at) => at !== index) })}
              >
                {t('rule.bandRemove', { row: index + 1 })}
              </Button>
            ) : null}
          </Group>
        ))}
        <Group>
          <Button
            variant="default"
            size="compact-sm"
            onClick={() => onChange({ ...value, rows: [...value.rows, { from: '', value: '' }] })}
          >
            {t('rule.bandAdd')}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}
