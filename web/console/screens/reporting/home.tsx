import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { getConsoleHomeOptions, getConsoleSetupOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { ConsoleHome, ConsoleSetup } from '../../../client/types.gen.js';
import { DateText, zoneLabel } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList, MoneyText } from '../../../kit/MoneyText.js';
import { PageHead } from '../../../kit/Shell.js';

/** The screen that shows what an address of the API lists; null where there is none of its own. */
function screenOf(list: string): string | null {
  if (list.startsWith('/v1/console/')) return list.slice('/v1/console'.length);
  if (list.startsWith('/v1/payouts/due')) return '/payout-runs';
  return /^\/v1\/(affiliates|referrals|commissions|leads|sales|payouts|payout-runs|links|programs)\b/.test(list)
    ? list.slice('/v1'.length)
    : null;
}

/** What waits for a person, what is paid next, six figures with the rows behind each (screens.md 3.2). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const home = useQuery({ ...getConsoleHomeOptions(), refetchInterval: 30_000, refetchIntervalInBackground: false });
  const setup = useQuery({ ...getConsoleSetupOptions(), staleTime: 30_000 });
  return (
    <>
      <PageHead title={t('home.title')} />
      <Stack>
        <Loaded query={setup} lines={2}>
          {(found) => (found.done ? null : <Checklist setup={found} />)}
        </Loaded>
        <Loaded query={home} lines={8}>
          {(found) => <Home home={found} />}
        </Loaded>
      </Stack>
    </>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** Text that leads to the rows behind it, where a screen has them. */
function To({ list, children }: { readonly list: string; readonly children: ReactNode }): ReactElement {
  const to = screenOf(list);
  if (to === null) return <>{children}</>;
  return (
    <Anchor component={Link} to={to} underline="always" inherit>
      {children}
    </Anchor>
  );
}

function Home({ home }: { readonly home: ConsoleHome }): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Section title={t('home.needsYou')}>
          {home.needsYou.length === 0 ? (
            <Text>{t('home.nothingWaits')}</Text>
          ) : (
            <Stack gap={6} component="ul" m={0} pl="md">
              {home.needsYou.map((need) => (
                <li key={need.kind}>
                  <To list={need.list}>{t(`home.need.${need.kind}`, { count: need.count })}</To>
                </li>
              ))}
            </Stack>
          )}
        </Section>
        {home.nextPayout === null ? null : (
          <Section title={t('home.nextPayout')}>
            <Text>{home.nextPayout.at === null ? t('home.noSchedule') : <DateText value={home.nextPayout.at} />}</Text>
            <Stack gap={4} component="ul" m={0} mt="xs" pl="md">
              {home.nextPayout.owed.map((owed) => (
                <li key={owed.amount.currency}>
                  <MoneyText value={owed.amount} /> {t('run.toAffiliates', { count: owed.affiliates })}
                </li>
              ))}
            </Stack>
            <Group mt="xs">
              <Button component={Link} to="/payout-runs" variant="default" size="compact-sm">
                {t('run.listTitle')}
              </Button>
            </Group>
          </Section>
        )}
      </SimpleGrid>
      <Section title={t('home.figures')}>
        <Text size="sm" c="dimmed" mb="xs">
          {t('home.range', { from: home.from, to: home.to, zone: zoneLabel(home.timeZone) })}
        </Text>
        <SimpleGrid component="dl" cols={{ base: 1, xs: 2, md: 3 }} m={0}>
          {home.figures.map((figure) => (
            <div key={figure.name}>
              <Text component="dt" size="sm" c="dimmed">
                {t(`home.figure.${figure.name}`)}
              </Text>
              <Text component="dd" m={0} fz="xl" fw={600}>
                <To list={figure.list}>
                  {figure.value.count === null ? <MoneyList values={figure.value.money} /> : figure.value.count}
                </To>
              </Text>
              {figure.previous === null ? null : (
                <Text component="dd" m={0} size="sm" c="dimmed">
                  {t('home.before')}{' '}
                  {figure.previous.count === null ? (
                    <MoneyList values={figure.previous.money} />
                  ) : (
                    figure.previous.count
                  )}
                </Text>
              )}
            </div>
          ))}
        </SimpleGrid>
      </Section>
      {home.topAffiliates.length === 0 ? null : (
        <Section title={t('home.topAffiliates')}>
          <Stack gap={4} component="ol" m={0} pl="md">
            {home.topAffiliates.map((one) => (
              <li key={one.id}>
                <To list={`/v1/affiliates/${one.id}`}>{one.name}</To> {t('home.activity', one)}
              </li>
            ))}
          </Stack>
        </Section>
      )}
    </Stack>
  );
}

/** Six steps, each ticked by what is really there (screens.md 1.10). */
function Checklist({ setup }: { readonly setup: ConsoleSetup }): ReactElement {
  const { t } = useTranslation();
  return (
    <Section title={t('nav.setup')}>
      <Stack gap={6} component="ol" m={0} pl="md">
        {setup.steps.map((step) => (
          <li key={step.id}>
            <Text fw={500}>{`${step.doneAt === null ? '○' : '✓'} ${t(`setup.${step.id}`)}`}</Text>
            <Text size="sm" c="dimmed">
              {step.doneAt === null ? t(`setup.${step.id}.text`) : <DateText value={step.doneAt} />}
            </Text>
          </li>
        ))}
      </Stack>
    </Section>
  );
}
