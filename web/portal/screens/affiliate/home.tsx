import { Alert, Anchor, Button, Group, Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeHomeOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnHome } from '../../../client/types.gen.js';
import { DateText, dayText, useZone, zoneLabel } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';
import { Agreements, needsAgreement } from './agreements.js';

type NextPayout = OwnHome['nextPayouts'][number];

/** When and how much, first; then what is missing and the button that fixes it (screens.md 6). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const home = useQuery({ ...getMeHomeOptions(), refetchInterval: 30_000, refetchIntervalInBackground: false });
  return (
    <>
      <PageHead title={t('home.title')} />
      {needsAgreement(home.error) ? <Agreements /> : <Loaded query={home}>{(found) => <Home home={found} />}</Loaded>}
    </>
  );
}

function Home({ home }: { readonly home: OwnHome }): ReactElement {
  const { t } = useTranslation();
  const isAllPaid = home.balances.some(({ paid }) => /[1-9]/.test(paid.amount));
  return (
    <Stack>
      {home.affiliate.status === 'suspended' ? (
        <Alert variant="outline" color="red" c="var(--mantine-color-text)" title={t('home.suspended')}>
          {t('home.suspendedText')}
        </Alert>
      ) : null}
      {home.openAgreements.length === 0 ? null : <Agreements />}
      {home.nextPayouts.length === 0 ? (
        <EmptyList
          title={t(isAllPaid ? 'home.allPaid' : 'home.nothing')}
          text={t(isAllPaid ? 'home.allPaidText' : 'home.nothingText')}
          action={
            <Button component={Link} to="/links">
              {t('home.toLinks')}
            </Button>
          }
        />
      ) : (
        home.nextPayouts.map((next) => <Next key={next.currency} next={next} />)
      )}
      {home.balances.map((balance) => (
        <BalanceCard key={balance.currency} balance={balance} home={home} />
      ))}
      <Activity home={home} />
      <BestLinks home={home} />
    </Stack>
  );
}

/** The balance in four words, each with its amount and the day on which it moves on or did (screens.md 6). */
function BalanceCard({
  balance,
  home,
}: {
  readonly balance: OwnHome['balances'][number];
  readonly home: OwnHome;
}): ReactElement {
  const { t } = useTranslation();
  const days = home.balanceDays.find(({ currency }) => currency === balance.currency);
  const next = home.nextPayouts.find(({ currency }) => currency === balance.currency);
  const on = (day: string | null | undefined): string | null =>
    day === null || day === undefined ? null : dayText(day);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('home.balanceIn', balance)}>
      <Title order={2} size="h4" mb="xs">
        {t('home.balance')}
      </Title>
      <SimpleGrid component="dl" cols={{ base: 2, sm: 4 }} m={0}>
        {(
          [
            ['pending', balance.pending, '/earnings?list=pending', days?.nextEligibleAt ?? null],
            ['approved', balance.payable, '/earnings?list=payable', on(next?.payable === true ? next.on : null)],
            ['onItsWay', balance.inPayout, '/payouts?status=pending', on(days?.expectedOn)],
            ['paid', balance.paid, '/payouts?status=paid', on(days?.lastPaidOn)],
          ] as const
        ).map(([word, amount, to, day]) => (
          <div key={word}>
            <Text component="dt" size="sm" c="dimmed">
              {t(`home.${word}`)}
            </Text>
            <Text component="dd" m={0} fw={600}>
              <Anchor component={Link} to={to} underline="always" inherit>
                <MoneyText value={amount} />
              </Anchor>
            </Text>
            {day === null ? null : (
              <Text component="dd" m={0} size="sm" c="dimmed">
                {t(`home.day.${word}`)} {word === 'pending' ? <DateText value={day} /> : day}
              </Text>
            )}
          </div>
        ))}
      </SimpleGrid>
    </Paper>
  );
}

/** The one number above the fold: what comes next, when, and what stands in its way. */
function Next({ next }: { readonly next: NextPayout }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const zone = useZone();
  return (
    <Paper withBorder p="md" component="section" aria-label={t('home.next')}>
      <Text size="sm" c="dimmed">
        {t('home.next')}
        {next.on === null ? '' : ` · ${dayText(next.on)} (${zoneLabel(zone)})`}
      </Text>
      <Text fz="2.2rem" fw={700} lh={1.2} data-testid="next-amount">
        <MoneyText value={next.amount} />
      </Text>
      <Text>
        {next.payable
          ? t(next.on === null ? 'home.readyNoDay' : 'home.ready')
          : next.missing.every((one) => one.code === 'below_minimum')
            ? t('home.accruing')
            : t('home.missing', { count: next.missing.length })}
      </Text>
      {next.payable ? null : (
        <Stack gap="xs" component="ul" m={0} mt="xs" p={0} style={{ listStyle: 'none' }}>
          {next.missing.map((one) => (
            <li key={one.code}>
              <Text fw={500}>{reason(one.code)}</Text>
              <Text size="sm" c="dimmed">
                {[one.detail, one.fix].filter((text) => text !== '').join(' ')}
              </Text>
              {one.fixBy === 'you' ? (
                <Button component={Link} to="/profile" size="compact-sm" mt={4}>
                  {t('home.fix')}
                </Button>
              ) : null}
            </li>
          ))}
        </Stack>
      )}
      <Text size="sm" mt="sm">
        {t('home.minimum')} <MoneyText value={next.minimum} />
      </Text>
      <progress
        max={1_000_000}
        value={next.progressPpm}
        aria-label={t('home.progress')}
        style={{ width: '100%', accentColor: 'var(--mantine-primary-color-filled)' }}
      />
    </Paper>
  );
}

const lines = ['clicks', 'leads', 'sales'] as const;

/** Bars per day with a sentence that says the same, and the figures as a table on request (screens.md 1.7). */
function Activity({ home }: { readonly home: OwnHome }): ReactElement {
  const { t } = useTranslation();
  const [shown, setShown] = useState<(typeof lines)[number]>('clicks');
  const [asTable, setTable] = useState(false);
  const most = Math.max(1, ...home.chart.map((day) => day[shown]));
  const width = 300;
  const height = 80;
  const step = width / Math.max(1, home.chart.length);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('home.activity')}>
      <Title order={2} size="h4">
        {t('home.activity')}
      </Title>
      <Text size="sm" c="dimmed">
        {t('home.activityText', home.totals)}
      </Text>
      <Group gap="xs" my="xs">
        {lines.map((line) => (
          <Button
            key={line}
            size="compact-sm"
            variant={line === shown ? 'filled' : 'default'}
            aria-pressed={line === shown}
            onClick={() => setShown(line)}
          >
            {`${t(`home.${line}`)} ${home.totals[line]}`}
          </Button>
        ))}
        <Button size="compact-sm" variant="default" aria-pressed={asTable} onClick={() => setTable(!asTable)}>
          {t('home.asTable')}
        </Button>
      </Group>
      {asTable ? (
        <ScrollRegion label={t('home.activity')}>
          <Table fz="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('home.day')}</Table.Th>
                {lines.map((line) => (
                  <Table.Th key={line}>{t(`home.${line}`)}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {home.chart.map((day) => (
                <Table.Tr key={day.day}>
                  <Table.Td>{dayText(day.day)}</Table.Td>
                  {lines.map((line) => (
                    <Table.Td key={line}>{day[line]}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollRegion>
      ) : (
        <svg
          viewBox={`0 0 ${width} ${height}`}
          width="100%"
          height={height}
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          {home.chart.map((day, index) => (
            <rect
              key={day.day}
              x={index * step + 1}
              y={height - (day[shown] / most) * height}
              width={Math.max(1, step - 2)}
              height={(day[shown] / most) * height}
              fill="var(--mantine-primary-color-filled)"
            />
          ))}
          <line x1="0" y1={height} x2={width} y2={height} stroke="var(--mantine-color-dimmed)" />
        </svg>
      )}
    </Paper>
  );
}

function BestLinks({ home }: { readonly home: OwnHome }): ReactElement | null {
  const { t } = useTranslation();
  if (home.bestLinks.length === 0) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('home.bestLinks')}>
      <Title order={2} size="h4" mb="xs">
        {t('home.bestLinks')}
      </Title>
      <Stack gap={4} component="ol" m={0} pl="md">
        {home.bestLinks.map((link) => (
          <li key={link.id}>
            <Anchor component={Link} to={`/links?link=${link.id}`} underline="always">
              {link.slug}
            </Anchor>{' '}
            {t('home.bestLink', { clicks: link.clicks, sales: link.sales })}
          </li>
        ))}
      </Stack>
    </Paper>
  );
}
