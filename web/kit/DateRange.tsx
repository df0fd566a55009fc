import { Group, NativeSelect, Text, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { useZone, zoneLabel } from './DateText.js';

/** First and last day, both included, as the API's reports take them (screens.md 1.2). */
export interface Days {
  readonly from: string;
  readonly to: string;
}

const presets = [
  'today',
  'yesterday',
  'last7',
  'last30',
  'last90',
  'monthToDate',
  'lastMonth',
  'yearToDate',
  'last12Months',
] as const;
type Preset = (typeof presets)[number];

/** The day in a zone, as `2026-11-20`. */
export function dayIn(timeZone: string, at: Date = new Date()): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at);
}

function shift(day: string, by: { readonly days?: number; readonly months?: number }): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + (by.months ?? 0));
  date.setUTCDate(date.getUTCDate() + (by.days ?? 0));
  return date.toISOString().slice(0, 10);
}

/** The days of a preset, counted in the given zone. */
export function daysOf(preset: Preset, timeZone: string): Days {
  const today = dayIn(timeZone);
  const month = `${today.slice(0, 8)}01`;
  switch (preset) {
    case 'today':
      return { from: today, to: today };
    case 'yesterday':
      return { from: shift(today, { days: -1 }), to: shift(today, { days: -1 }) };
    case 'last7':
      return { from: shift(today, { days: -6 }), to: today };
    case 'last30':
      return { from: shift(today, { days: -29 }), to: today };
    case 'last90':
      return { from: shift(today, { days: -89 }), to: today };
    case 'monthToDate':
      return { from: month, to: today };
    case 'lastMonth':
      return { from: shift(month, { months: -1 }), to: shift(month, { days: -1 }) };
    case 'yearToDate':
      return { from: `${today.slice(0, 4)}-01-01`, to: today };
    case 'last12Months':
      return { from: shift(month, { months: -11 }), to: today };
    default:
      return preset satisfies never;
  }
}

/** Presets or two days of one's own; the zone in which days are cut is always printed. */
export function DateRange({
  value,
  onChange,
}: {
  readonly value: Days;
  readonly onChange: (next: Days) => void;
}): ReactElement {
  const { t } = useTranslation();
  const zone = useZone();
  const chosen = presets.find((preset) => {
    const days = daysOf(preset, zone);
    return days.from === value.from && days.to === value.to;
  });
  return (
    <Group gap="xs" align="flex-end">
      <NativeSelect
        label={t('range.label')}
        value={chosen ?? 'custom'}
        onChange={(event) => {
          const preset = presets.find((one) => one === event.currentTarget.value);
          if (preset !== undefined) onChange(daysOf(preset, zone));
        }}
        data={[...presets, 'custom' as const].map((preset) => ({ value: preset, label: t(`range.${preset}`) }))}
      />
      <TextInput
        type="date"
        label={t('range.from')}
        value={value.from}
        max={value.to}
        onChange={(event) => {
          if (event.currentTarget.value !== '') onChange({ ...value, from: event.currentTarget.value });
        }}
      />
      <TextInput
        type="date"
        label={t('range.to')}
        value={value.to}
        min={value.from}
        onChange={(event) => {
          if (event.currentTarget.value !== '') onChange({ ...value, to: event.currentTarget.value });
        }}
      />
      <Text size="sm" c="dimmed" pb={8}>
        {zoneLabel(zone)}
      </Text>
    </Group>
  );
}
