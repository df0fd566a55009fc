import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Operation } from '../client/types.gen.js';
import { newKey, postPath } from './api.js';
import { ErrorView } from './ErrorView.js';

/**
 * Takes a finished batch back by counter-entries, once, where the state table has a way back (BEY-17): an operation of its own, whose progress
 * the dialog goes on to show. What somebody decided since stays.
 */
export function BatchUndo({
  operation,
  onUndone,
}: {
  readonly operation: Operation;
  readonly onUndone: (undo: Operation) => void;
}): ReactElement | null {
  const { t } = useTranslation();
  const key = useRef(newKey());
  const undo = useMutation({
    mutationFn: () => postPath<Operation>(`/v1/operations/${operation.id}/undo`, {}, key.current),
    onSuccess: onUndone,
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const isOver = operation.status === 'done' || operation.status === 'cancelled';
  if (!isOver || !operation.reversible || operation.progress.succeeded === 0) return null;
  return (
    <Stack gap="xs">
      <Group>
        <Button variant="default" loading={undo.isPending} onClick={() => undo.mutate()}>
          {t('bulk.undo', { count: operation.progress.succeeded })}
        </Button>
      </Group>
      <Text size="sm" c="dimmed">
        {t('bulk.undoText')}
      </Text>
      {undo.error === null ? null : <ErrorView error={undo.error} />}
    </Stack>
  );
}
