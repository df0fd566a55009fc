import { Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

/** An ISO duration in the reader's words: `P30D` is 30 days. */
export function DurationText({ value }: { readonly value: string }): ReactElement {
  const { t } = useTranslation();
  const parts = [...value.matchAll(/(\d+)([YMWDHS])/g)];
  const isTime = value.indexOf('T');
  return (
    <Text span inherit>
      {parts
        .map((part) =>
          t(`duration.${part[2] === 'M' && isTime >= 0 && part.index > isTime ? 'min' : part[2]}`, {
            count: Number(part[1]),
          }),
        )
        .join(' ')}
    </Text>
  );
}
