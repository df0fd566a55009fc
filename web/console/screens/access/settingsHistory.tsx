import { Button, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getSettingsHistoryOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postSettingsRevert } from '../../../client/sdk.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { settingText } from './settingInput.js';
import { sections } from './settingsFields.js';

/** Who changed what and when, newest first; the whole of the settings can be taken back to a version (SET-12). */
export function SettingsHistory({ section }: { readonly section: string }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('settings.write');
  const query = useQuery(getSettingsHistoryOptions({ query: { limit: 50 } }));
  const [reverting, setReverting] = useState<number | null>(null);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('settings.history')}>
      <Title order={2} size="h4" mb="xs">
        {t('settings.history')}
      </Title>
      <Loaded query={query}>
        {({ data }) => {
          const here = data.filter((one) => one.changes.some((change) => change.section === section));
          const newest = data[0]?.version ?? 0;
          return here.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t('settings.noHistory')}
            </Text>
          ) : (
            <Stack gap="sm" component="ul" style={{ listStyle: 'none', padding: 0, margin: 0 }}>
              {here.map((one) => (
                <li key={one.version} data-version={one.version}>
                  <Group justify="space-between" wrap="wrap">
                    <Text size="sm" fw={600}>
                      {t('settings.version', { version: one.version })} · {one.by?.name ?? t('actor.system')} ·{' '}
                      <DateText value={one.at} />
                    </Text>
                    {mayWrite && one.version < newest ? (
                      <Button size="compact-sm" variant="default" onClick={() => setReverting(one.version)}>
                        {t('settings.revert', { version: one.version })}
                      </Button>
                    ) : null}
                  </Group>
                  {one.changes
                    .filter((change) => change.section === section)
                    .map((change) => {
                      const field = sections[section]?.find((known) => known.name === change.field);
                      return (
                        <Text size="sm" key={change.field}>
                          {t(`settings.field.${section}.${change.field}`, { defaultValue: change.field })}:{' '}
                          {t('settings.fromTo', {
                            from: settingText(t, field, change.from),
                            to: settingText(t, field, change.to),
                          })}
                        </Text>
                      );
                    })}
                </li>
              ))}
            </Stack>
          );
        }}
      </Loaded>
      {reverting === null ? null : <Revert version={reverting} onClose={() => setReverting(null)} />}
    </Paper>
  );
}

function Revert({ version, onClose }: { readonly version: number; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const revert = useMutation({
    mutationFn: () => withStepUp(() => postSettingsRevert({ body: { toVersion: version }, throwOnError: true })),
    onSuccess: async () => {
      await queries.invalidateQueries();
      notifications.show({ message: t('settings.reverted', { version }), color: 'river' });
      // The form holds what was there before: read everything anew.
      window.location.reload();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('settings.revert', { version })}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Stack>
        <Text>{t('settings.revertText', { version })}</Text>
        {revert.error === null ? null : <ErrorView error={revert.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button onClick={() => revert.mutate()} loading={revert.isPending} data-autofocus>
            {t('settings.revert', { version })}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
