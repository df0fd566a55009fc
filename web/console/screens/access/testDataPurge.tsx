import { Alert, Button, Group, Modal, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Operation } from '../../../client/types.gen.js';
import { newKey, postPath, readPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { useMe } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

const pollMs = 1_000;

/** The one action that cannot be taken back (TST-07): says what goes and what stays, and asks for the workspace's name. */
export function TestDataPurge(): ReactElement {
  const { t } = useTranslation();
  const [isAsking, setAsking] = useState(false);
  return (
    <Stack component="section" mt="xl" aria-labelledby="purge-title" gap="xs">
      <Title order={2} size="h4" id="purge-title">
        {t('purge.title')}
      </Title>
      <Text size="sm">{t('purge.text')}</Text>
      <Group>
        <Button variant="outline" color="red" onClick={() => setAsking(true)}>
          {t('purge.open')}
        </Button>
      </Group>
      {isAsking ? <PurgeDialog onClose={() => setAsking(false)} /> : null}
    </Stack>
  );
}

function PurgeDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const { name } = useMe().workspace;
  const key = useRef(newKey());
  const [typed, setTyped] = useState('');
  const purge = useMutation({
    mutationFn: () => withStepUp(() => postPath<Operation>('/v1/test-data/purge', {}, key.current)),
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const id = purge.data?.id;
  const job = useQuery({
    queryKey: ['operation', id],
    queryFn: () => readPath<Operation>(`/v1/operations/${id ?? ''}`),
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (state.data?.finishedAt == null ? pollMs : false),
  });
  const isOver = job.data !== undefined && job.data.finishedAt !== null;
  useEffect(() => {
    if (isOver)
      queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'operation' }).catch(() => undefined); // each query shows its own problem
  }, [isOver, queries]);
  const press = (event: FormEvent): void => {
    event.preventDefault();
    if (typed.trim() === name) purge.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('purge.title')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={press}>
        <Stack>
          <Text>{t('purge.goes')}</Text>
          <Text>{t('purge.stays')}</Text>
          {id === undefined ? (
            <TextInput
              label={t('purge.type', { name })}
              value={typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.currentTarget.value)}
              required
            />
          ) : (
            <Text role="status">
              {isOver ? t('purge.done', { count: job.data?.progress.total ?? 0 }) : t('purge.running')}
            </Text>
          )}
          {job.data?.status === 'failed' ? (
            <Alert color="red" variant="outline" role="alert" c="var(--mantine-color-text)">
              {t('purge.failed')}
            </Alert>
          ) : null}
          {purge.error === null ? null : <ErrorView error={purge.error} />}
          {job.error === null ? null : <ErrorView error={job.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t(isOver ? 'close' : 'cancel')}
            </Button>
            {id === undefined ? (
              <Button type="submit" color="red" disabled={typed.trim() !== name} loading={purge.isPending}>
                {t('purge.run')}
              </Button>
            ) : null}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
