import { Anchor, Paper, SimpleGrid, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { sectionNames } from './settingsFields.js';
import { TestDataPurge } from './testDataPurge.js';

/** All parts of the settings at a glance, each with what it holds (screens.md 3.22). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const parts = [
    ...['brand', ...sectionNames, 'provider'].map((name) => ({
      path: `/settings/${name}`,
      title: t(`settings.section.${name}`),
      text: t(`settings.about.${name}`),
    })),
    ...(can('user.read')
      ? [
          { path: '/settings/team', title: t('team.title'), text: t('team.text') },
          { path: '/settings/permissions', title: t('permissions.title'), text: t('permissions.text') },
        ]
      : []),
  ];
  return (
    <>
      <PageHead title={t('settings.title')} text={t('settings.text')} />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {parts.map(({ path, title, text }) => (
          <Paper key={path} withBorder p="md">
            <Anchor component={Link} to={path}>
              {title}
            </Anchor>
            <Text size="sm" c="dimmed">
              {text}
            </Text>
          </Paper>
        ))}
      </SimpleGrid>
      {can('settings.write') ? <TestDataPurge /> : null}
    </>
  );
}
