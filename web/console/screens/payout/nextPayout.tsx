import { Button, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { ConsoleHome } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';

/** When the next run is, and what it would pay as things stand. */
export function NextPayout({ next }: { readonly next: NonNullable<ConsoleHome['nextPayout']> }): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <Text fw={600}>
        {next.at === null ? (
          t('home.noSchedule')
        ) : (
          <>
            <DateText value={next.at} />
            {next.daysLeft === null ? '' : ` · ${t('home.daysLeft', { count: next.daysLeft })}`}
          </>
        )}
      </Text>
      <Stack gap={4} component="ul" m={0} mt="xs" pl="md">
        {next.planned === null
          ? next.owed.map((owed) => (
              <li key={owed.amount.currency}>
                <MoneyText value={owed.amount} /> {t('run.toAffiliates', { count: owed.affiliates })}
              </li>
            ))
          : next.planned.map((one) => (
              <li key={one.payable.amount.currency}>
                <MoneyText value={one.payable.amount} /> {t('run.toAffiliates', { count: one.payable.affiliates })}
                {one.notPayable === 0 ? '' : ` · ${t('home.notPayable', { count: one.notPayable })}`}
              </li>
            ))}
      </Stack>
      <Group mt="xs">
        <Button component={Link} to={next.list.slice('/v1'.length)} variant="default" size="compact-sm">
          {t('due.listTitle')}
        </Button>
        <Button component={Link} to="/payout-runs" variant="default" size="compact-sm">
          {t('run.listTitle')}
        </Button>
      </Group>
    </>
  );
}
