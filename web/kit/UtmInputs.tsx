import { Stack, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';

/** The marks of a campaign that links carry for the shop's own statistics. */
export const utmNames = ['utm_source', 'utm_medium', 'utm_campaign'] as const;

export type UtmMarks = Readonly<Record<string, string>>;

export function UtmInputs({
  value,
  onChange,
}: {
  readonly value: UtmMarks;
  readonly onChange: (value: UtmMarks) => void;
}): ReactElement {
  return (
    <Stack gap="xs">
      {utmNames.map((name) => (
        <TextInput
          key={name}
          label={name}
          maxLength={255}
          value={value[name] ?? ''}
          onChange={(event) => onChange({ ...value, [name]: event.currentTarget.value })}
        />
      ))}
    </Stack>
  );
}
