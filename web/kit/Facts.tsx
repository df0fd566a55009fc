import { Box, Text } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

/** Facts of one object, name beside value; one below the other where there is no room. */
export function Facts({
  rows,
}: {
  readonly rows: readonly (readonly [name: string, value: ReactNode])[];
}): ReactElement {
  return (
    <Box
      component="dl"
      m={0}
      style={{
        display: 'grid',
        gap: '0.5rem 1rem',
        gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 15rem), 1fr))',
      }}
    >
      {rows.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0}>
            {value === null || value === undefined || value === '' ? '–' : value}
          </Text>
        </div>
      ))}
    </Box>
  );
}
