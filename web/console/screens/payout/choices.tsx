import { Checkbox, Group } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

/** Any of these; none chosen: all. Absent where there is nothing to choose. */
export function Choices({
  label,
  options,
  chosen,
  choose,
}: {
  readonly label: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly chosen: string[];
  readonly choose: (values: string[]) => void;
}): ReactElement | null {
  const { t } = useTranslation();
  if (options.length === 0) return null;
  return (
    <Checkbox.Group label={label} description={t('run.choiceHint')} value={chosen} onChange={choose}>
      <Group gap="md" mt="xs" mah={160} style={{ overflowY: 'auto' }}>
        {options.map((option) => (
          <Checkbox key={option.value} value={option.value} label={option.label} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}
