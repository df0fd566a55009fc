import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient, type UseQueryOptions } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { useProblemText } from './ErrorView.js';
import { saveFile } from './saveFile.js';

/** The same read as a file: the server makes it (api.md 1.6). For what is no `ResourceTable`. */
export function FileButton({
  name,
  query,
}: {
  readonly name: string;
  readonly query: (query: Readonly<Record<string, string>>) => UseQueryOptions<never, never, never, never>;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  const save = useMutation({
    mutationFn: async () => {
      const options = query({ format: 'csv' }) as unknown as UseQueryOptions<string, Error, string>;
      saveFile(`${name}.csv`, await queries.fetchQuery({ ...options, gcTime: 0, staleTime: 0 }));
    },
    onError: (problem) =>
      notifications.show({ title: problemText(problem).title, message: problemText(problem).detail, color: 'red' }),
  });
  return (
    <Group justify="flex-end" mb="xs" className="no-print">
      <Button size="compact-sm" variant="default" loading={save.isPending} onClick={() => save.mutate()}>
        {t('list.export')}
      </Button>
    </Group>
  );
}
