import { Paper, Stack, Switch, Table, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { NotificationChoice } from '../client/types.gen.js';
import { ErrorView } from './ErrorView.js';

const channels = ['mail', 'notice'] as const;
export type NotificationChange = { readonly topic: string; readonly mail?: boolean; readonly notice?: boolean };

/** What I am told of, and how: a switch each; what is always told stands there switched on and locked (screens.md 3.25, 6). */
export function NotificationChoices({
  choices,
  mayWrite,
  save,
}: {
  readonly choices: readonly NotificationChoice[];
  readonly mayWrite: boolean;
  readonly save: (change: NotificationChange) => Promise<unknown>;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const change = useMutation({ mutationFn: save, onSettled: () => queries.invalidateQueries() });
  const shown = channels.filter((channel) => choices.some((one) => one[channel] !== null));
  return (
    <Paper withBorder p="md" component="section" aria-label={t('notify.title')}>
      <Stack gap="xs">
        <Title order={2} size="h4">
          {t('notify.title')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('notify.text')}
        </Text>
        {change.error === null ? null : <ErrorView error={change.error} />}
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('notify.topic')}</Table.Th>
              {shown.map((channel) => (
                <Table.Th key={channel}>{t(`notify.${channel}`)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {choices.map((one) => (
              <Table.Tr key={one.topic}>
                <Table.Td>
                  {t(`notify.topic.${one.topic}`)}
                  {shown.every((channel) => one[channel]?.locked !== false) ? (
                    <Text size="xs" c="dimmed">
                      {t('notify.always')}
                    </Text>
                  ) : null}
                </Table.Td>
                {shown.map((channel) => {
                  const state = one[channel];
                  return (
                    <Table.Td key={channel}>
                      {state === null ? (
                        '–'
                      ) : (
                        <Switch
                          aria-label={`${t(`notify.topic.${one.topic}`)}: ${t(`notify.${channel}`)}`}
                          checked={state.on}
                          disabled={state.locked || !mayWrite || change.isPending}
                          onChange={(event) =>
                            change.mutate({ topic: one.topic, [channel]: event.currentTarget.checked })
                          }
                        />
                      )}
                    </Table.Td>
                  );
                })}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Paper>
  );
}
