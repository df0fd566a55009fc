import { Box } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

/** The frame of a table that may be wider than its page: it scrolls by itself, by keyboard as well, and says what it is (screens.md 1.7). */
export function ScrollRegion({
  label,
  isBusy,
  children,
}: {
  readonly label: string;
  readonly isBusy?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <Box pos="relative" style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={label} aria-busy={isBusy}>
      {children}
    </Box>
  );
}
