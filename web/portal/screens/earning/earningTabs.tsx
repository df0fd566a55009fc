import { Anchor, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

const tabs = { commissions: '/earnings', refunds: '/earnings/refunds', payments: '/earnings/payments' } as const;

/** Commissions, refunds, payments: three lists, each with its address and its export (PRT-03). */
export function EarningTabs({ current }: { readonly current: keyof typeof tabs }): ReactElement {
  const { t } = useTranslation();
  return (
    <Group component="nav" aria-label={t('earning.tabs')} gap="md" mb="md">
      {Object.entries(tabs).map(([name, path]) => (
        <Anchor
          key={name}
          component={Link}
          to={path}
          aria-current={name === current ? 'page' : undefined}
          {...(name === current ? { fw: 700, td: 'underline' } : {})}
          style={{ minHeight: 24 }}
        >
          {t(`earning.tab.${name}`)}
        </Anchor>
      ))}
    </Group>
  );
}
