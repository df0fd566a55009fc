import { Group, NativeSelect, Text, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { useZone, zoneLabel } from './DateText.js';
import { locale } from './i18n.js';
import { type Days, daysOf, firstWeekday, presets } from './rangeDays.js';
import { useMe } from './session.js';

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
  const { launchedOn } = useMe();
  const since = { launchedOn, weekStart: firstWeekday(locale()) };
  const chosen = presets.find((preset) => {
    const days = daysOf(preset, zone, since);
    return days.from === value.from && days.to === value.to;
  });
  return (
    <Group gap="xs" align="flex-end">
      <NativeSelect
        label={t('range.label')}
        value={chosen ?? 'custom'}
        onChange={(event) => {
          const preset = presets.find((one) => one === event.currentTarget.value);
          if (preset !== undefined) onChange(daysOf(preset, zone, since));
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
