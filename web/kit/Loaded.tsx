import { Skeleton, Stack } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorView } from './ErrorView.js';

interface Query<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => Promise<unknown>;
}

/** What one read answers: a skeleton until it is there, the problem with a way to try again, else its content. A failed part never blanks the rest. */
export function Loaded<T>({
  query,
  lines = 4,
  children,
}: {
  readonly query: Query<T>;
  /** Of the skeleton. */
  readonly lines?: number;
  readonly children: (data: T) => ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const problem =
    query.error === null ? null : (
      <ErrorView
        error={query.error}
        onRetry={() => {
          query.refetch().catch(() => undefined); // shown by the query itself
        }}
      />
    );
  if (query.data !== undefined)
    return (
      <>
        {problem}
        {children(query.data)}
      </>
    );
  if (problem !== null) return problem;
  return (
    <Stack gap="xs" role="status" aria-label={t('loading')}>
      {Array.from({ length: lines }, (_, index) => (
        <Skeleton key={index} height={20} />
      ))}
    </Stack>
  );
}
