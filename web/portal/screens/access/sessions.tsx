import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getSessionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteSessionsBySessionId } from '../../../client/sdk.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { deviceName } from '../../../kit/deviceName.js';
import { ErrorView } from '../../../kit/ErrorView.js';

/** Where I am signed in; each device can be signed out (screens.md 6). */
export function Sessions(): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data, error } = useQuery(getSessionsOptions());
  const end = useMutation({
    mutationFn: (sessionId: string) => deleteSessionsBySessionId({ path: { sessionId }, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  const problem = error ?? end.error;
  return (
    <Paper withBorder p="md" maw={640}>
      <Title order={2} size="h4" mb="xs">
        {t('profile.sessions')}
      </Title>
      {problem === null ? null : <ErrorView error={problem} />}
      <Stack gap="xs">
        {data?.data.map((session) => (
          <Group key={session.id} justify="space-between" wrap="nowrap">
            <div>
              <Text size="sm" title={session.userAgent ?? ''}>
                {deviceName(session.userAgent)}
              </Text>
              <Text size="sm" c="dimmed">
                {session.isCurrent ? `${t('profile.sessionCurrent')} · ` : ''}
                {t('profile.sessionSeen')} <DateText value={session.lastSeenAt} />
              </Text>
            </div>
            {session.isCurrent ? null : (
              <Button
                variant="default"
                size="compact-sm"
                flex="0 0 auto"
                onClick={() => end.mutate(session.id)}
                aria-label={t('profile.sessionEndFor', { device: deviceName(session.userAgent) })}
              >
                {t('profile.sessionEnd')}
              </Button>
            )}
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
