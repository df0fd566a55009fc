import { Anchor, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { getConsoleHomeOptions, getPayoutsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { NextPayout } from './nextPayout.js';

/** The three questions before any row: what is paid next, what is late, what is on its way (screens.md 3.17, PAY-20). */
export function PayoutCards(): ReactElement {
  const { t } = useTranslation();
  // Of the first screen only the next payout is shown here: its figures are asked for as little as can be.
  const today = new Date().toISOString().slice(0, 10);
  const home = useQuery({
    ...getConsoleHomeOptions({ query: { from: today, to: today, compare: 'none' } }),
    staleTime: 30_000,
  });
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }} mb="md">
      <Card title={t('payout.card.next')}>
        <Loaded query={home} lines={2}>
          {({ nextPayout }) => (nextPayout === null ? null : <NextPayout next={nextPayout} />)}
        </Loaded>
      </Card>
      <Card title={t('payout.card.overdue')}>
        <Open filter={{ overdue: 'true' }} />
      </Card>
      <Card title={t('payout.card.scheduled')}>
        <Open filter={{ status: 'draft,pending', overdue: 'false' }} />
      </Card>
    </SimpleGrid>
  );
}

function Card({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** How many payouts a filter holds and their sums, with the way to their rows. */
function Open({ filter }: { readonly filter: Readonly<Record<string, string>> }): ReactElement {
  const { t } = useTranslation();
  const found = useQuery(getPayoutsOptions({ query: { ...filter, limit: '1', include: 'counts,sums' } as never }));
  return (
    <Loaded query={found} lines={2}>
      {({ counts, sums = [] }) => (
        <>
          <Anchor component={Link} to={`/payouts?${new URLSearchParams(filter)}`} underline="always" fw={600}>
            {t('payout.cardCount', { count: counts?.total ?? 0 })}
          </Anchor>
          <Stack gap={4} component="ul" m={0} mt="xs" pl="md">
            {sums.map((sum) => (
              <Text component="li" key={sum.currency}>
                <MoneyText value={sum} />
              </Text>
            ))}
          </Stack>
        </>
      )}
    </Loaded>
  );
}
