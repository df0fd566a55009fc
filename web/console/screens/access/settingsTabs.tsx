import { Anchor, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { sectionNames } from './settingsFields.js';

/** The sections as links: each has its address, so that one can be sent to a colleague. */
export function SettingsTabs({ current }: { readonly current: string }): ReactElement {
  const { t } = useTranslation();
  return (
    <Group component="nav" aria-label={t('settings.sections')} gap="md" mb="md">
      {['brand', ...sectionNames, 'provider'].map((name) => (
        <Anchor
          key={name}
          component={Link}
          to={`/settings/${name}`}
          aria-current={name === current ? 'page' : undefined}
          {...(name === current ? { fw: 700, td: 'underline' } : {})}
          style={{ minHeight: 24 }}
        >
          {t(`settings.section.${name}`)}
        </Anchor>
      ))}
    </Group>
  );
}
