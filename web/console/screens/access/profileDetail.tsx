import { Button, Group, NativeSelect, Paper, Stack, Switch, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getNotificationChoicesOptions, getSessionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteSessionsBySessionId, patchNotificationChoices } from '../../../client/sdk.gen.js';
import { Appearance } from '../../../kit/Appearance.js';
import { DateText } from '../../../kit/DateText.js';
import { deviceName } from '../../../kit/deviceName.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { singleKeysAreOn, switchSingleKeys } from '../../../kit/keys.js';
import { Loaded } from '../../../kit/Loaded.js';
import { NotificationChoices } from '../../../kit/NotificationChoices.js';
import { SecondFactor } from '../../../kit/SecondFactor.js';
import { useMe } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { SignInForms } from '../../../kit/SignInForms.js';

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Own settings, sessions by device, password (screens.md 3.25). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const choices = useQuery(getNotificationChoicesOptions());
  const [keysOn, setKeysOn] = useState(singleKeysAreOn());
  const [zone, setZone] = useState(localStorage.getItem('zone') ?? '');
  return (
    <>
      <PageHead title={t('profile.title')} />
      <Stack maw={640}>
        <Paper withBorder p="md">
          <Stack gap="xs">
            <Title order={2} size="h4">
              {t('profile.you')}
            </Title>
            <Text>{`${me.user?.name ?? ''} · ${me.user?.email ?? ''}`}</Text>
            <Text size="sm" c="dimmed">{`${t('profile.roles')}: ${me.roles.map((role) => role.name).join(', ')}`}</Text>
            <Appearance />
            <NativeSelect
              label={t('profile.zone')}
              value={zone}
              onChange={(event) => {
                setZone(event.currentTarget.value);
                if (event.currentTarget.value === '') localStorage.removeItem('zone');
                else localStorage.setItem('zone', event.currentTarget.value);
              }}
              data={[
                { value: '', label: t('profile.zoneWorkspace') },
                { value: ownZone, label: t('profile.zoneOwn', { zone: ownZone }) },
                ...(ownZone === 'UTC' ? [] : [{ value: 'UTC', label: 'UTC' }]),
              ]}
            />
            <Switch
              label={t('profile.keys')}
              checked={keysOn}
              onChange={(event) => {
                switchSingleKeys(event.currentTarget.checked);
                setKeysOn(event.currentTarget.checked);
              }}
            />
          </Stack>
        </Paper>
        <SignInForms />
        <SecondFactor />
        <Loaded query={choices}>
          {(found) => (
            <NotificationChoices
              choices={found.data}
              mayWrite
              save={(change) => patchNotificationChoices({ body: { notifications: [change] }, throwOnError: true })}
            />
          )}
        </Loaded>
        <Sessions />
      </Stack>
    </>
  );
}

function Sessions(): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data, error } = useQuery(getSessionsOptions());
  const end = useMutation({
    mutationFn: (sessionId: string) => deleteSessionsBySessionId({ path: { sessionId }, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="xs">
        {t('profile.sessions')}
      </Title>
      {error === null ? null : <ErrorView error={error} />}
      {end.error === null ? null : <ErrorView error={end.error} />}
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
