import { Anchor, Button, Grid, Group, NativeSelect, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getConsoleHomeOptions,
  getConsoleSetupOptions,
  getProgramsOptions,
  getSegmentsOptions,
  getSavedViewsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { ConsoleHome, ConsoleSetup } from '../../../client/types.gen.js';
import { DateRange } from '../../../kit/DateRange.js';
import { DateText } from '../../../kit/DateText.js';
import { ExportMenu } from '../../../kit/ExportMenu.js';
import { locale } from '../../../kit/i18n.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatChange, MoneyText } from '../../../kit/MoneyText.js';
import { OrderChoice } from '../../../kit/OrderChoice.js';
import { usePreference } from '../../../kit/preference.js';
import { useAddress } from '../../../kit/router.js';
import { SavedViews } from '../../../kit/SavedViews.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useExport } from '../../../kit/useExport.js';
import { NextPayout } from '../payout/nextPayout.js';
import { Activity } from './homeActivity.js';

/** The screen that shows what an address of the API lists; null where there is none of its own. */
export function screenOf(list: string): string | null {
  if (list.startsWith('/v1/console/')) return list.slice('/v1/console'.length);
  if (list.startsWith('/v1/webhook-endpoints')) return list.replace('/v1/webhook-endpoints', '/developers/webhooks');
  return /^\/v1\/(affiliates|referrals|appeals|commissions|clicks|leads|sales|payouts|payout-runs|reconciliations|links|programs)\b/.test(
    list,
  )
    ? list.slice('/v1'.length)
    : null;
}

/** What waits for a person, what is paid next, six figures with the rows behind each (screens.md 3.2). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search } = useAddress();
  const { from, to } = search;
  const compare = search['compare'] === 'none' || search['compare'] === 'year' ? search['compare'] : undefined;
  const { programId, segmentId } = search;
  const query: { from?: string; to?: string; compare?: 'none' | 'year'; programId?: string; segmentId?: string } = {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(compare === undefined ? {} : { compare }),
    ...(programId === undefined || programId === '' ? {} : { programId }),
    ...(segmentId === undefined || segmentId === '' ? {} : { segmentId }),
  };
  const home = useQuery({
    ...getConsoleHomeOptions({ query }),
    placeholderData: keepPreviousData, // what was there stays until the next is (screens.md 1.1)
    refetchInterval: 30_000,
    refetchIntervalInBackground: false,
  });
  const setup = useQuery({ ...getConsoleSetupOptions(), staleTime: 30_000 });
  return (
    <>
      <PageHead title={t('home.title')} />
      <Stack>
        <Loaded query={setup} lines={2}>
          {(found) => (found.done ? null : <Checklist setup={found} />)}
        </Loaded>
        <Loaded query={home} lines={8}>
          {(found) => <Home home={found} query={query} />}
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

/** What stands below the figures, by key, in the order of a first visit; `wide` takes two columns of three. */
interface Card {
  readonly key: string;
  readonly title: string;
  readonly wide?: true;
  readonly content: ReactNode;
}

/** Lists whose kept views may be pinned: their name is their address. */
const pinnable = new Set(['affiliates', 'referrals', 'commissions', 'payouts', 'leads', 'sales', 'links', 'contacts']);

/** Figures, then the cards that this person keeps here, in their order (screens.md 3.2). */
function Home({
  home,
  query,
}: {
  readonly home: ConsoleHome;
  readonly query: Readonly<Record<string, string>>;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const exporting = useExport({
    name: 'home',
    list: (file) => getConsoleHomeOptions({ query: file as never }) as never,
    query,
  });
  const choice = usePreference<{ cards: readonly string[] }>('home.cards');
  const views = useQuery({ ...getSavedViewsOptions({ query: { sort: 'name', limit: 100 } }), staleTime: 60_000 });
  const own = useCards(home);
  const pinned: readonly Card[] = (views.data?.data ?? [])
    .filter((view) => pinnable.has(view.screen))
    .map((view) => ({
      key: view.id,
      title: view.name,
      content: (
        <Anchor component={Link} to={`/${view.screen}?${view.query}`} underline="always">
          {t(`nav.${view.screen}`)}
        </Anchor>
      ),
    }));
  const cards = [...own, ...pinned];
  // A card of which nothing is there at the moment keeps its place.
  const order = search['cols']?.split(',') ?? choice.value.cards ?? own.map((card) => card.key);
  const shown = order.flatMap((key) => cards.find((card) => card.key === key) ?? []);
  return (
    <Stack>
      <Figures home={home} />
      <Group justify="flex-end" gap="xs" className="no-print">
        {can('export.create') ? <ExportMenu exporting={exporting} /> : null}
        <SavedViews screen="home" columns={order} />
        <OrderChoice
          label={t('home.arrange')}
          choices={cards}
          order={order}
          onOrder={(next) => {
            choice.keep({ cards: next });
            // A kept view says which cards it shows; what is arranged on it goes on from there.
            if (search['cols'] !== undefined) change({ cols: next.join(',') }, { replace: true });
          }}
        />
      </Group>
      <Grid>
        {shown.map((card) => (
          <Grid.Col key={card.key} span={{ base: 12, md: card.wide === true ? 12 : 6, lg: card.wide === true ? 8 : 4 }}>
            <Section title={card.title}>{card.content}</Section>
          </Grid.Col>
        ))}
      </Grid>
    </Stack>
  );
}

/** The cards of what the person may see. */
function useCards(home: ConsoleHome): readonly Card[] {
  const { t } = useTranslation();
  const { nextPayout } = home;
  const country = new Intl.DisplayNames(locale(), { type: 'region' });
  const seesActivity = home.topAffiliates.length > 0;
  const best: readonly Card[] = [
    {
      key: 'topAffiliates',
      title: t('home.topAffiliates'),
      content: (
        <Stack gap={4} component="ol" m={0} pl="md">
          {home.topAffiliates.map((one) => (
            <li key={one.id}>
              <To list={`/v1/affiliates/${one.id}`}>{one.name}</To> {t('home.activity', one)}
            </li>
          ))}
        </Stack>
      ),
    },
    {
      key: 'topLinks',
      title: t('home.topLinks'),
      content: (
        <Stack gap={4} component="ol" m={0} pl="md">
          {home.topLinks.map((one) => (
            <li key={one.id}>
              <To list={`/v1/links?q=${one.slug}`}>{one.slug}</To>{' '}
              {t('home.linkActivity', { clicks: one.clicks, sales: one.sales })}
            </li>
          ))}
        </Stack>
      ),
    },
    {
      key: 'topCountries',
      title: t('home.topCountries'),
      content: (
        <Stack gap={4} component="ol" m={0} pl="md">
          {home.topCountries.map((one) => (
            <li key={one.country}>
              {`${country.of(one.country) ?? one.country} `}
              <To list={one.lists.leads}>{t('home.countryLeads', { count: one.leads })}</To>
              {', '}
              <To list={one.lists.sales ?? ''}>{t('home.countrySales', { count: one.sales })}</To>
            </li>
          ))}
        </Stack>
      ),
    },
    {
      key: 'devices',
      title: t('home.devices'),
      content: (
        <Stack gap={4} component="ol" m={0} pl="md">
          {home.devices.map((one) => (
            <li key={one.kind}>
              <To list={one.list}>{t(`home.device.${one.kind}`, { count: one.clicks })}</To>
            </li>
          ))}
        </Stack>
      ),
    },
  ];
  return [
    {
      key: 'needsYou',
      title: t('home.needsYou'),
      content:
        home.needsYou.length === 0 ? (
          <Text>{t('home.nothingWaits')}</Text>
        ) : (
          <Stack gap={6} component="ul" m={0} pl="md">
            {home.needsYou.map((need) => (
              <li key={need.kind}>
                <To list={need.list}>{t(`home.need.${need.kind}`, { count: need.count })}</To>
              </li>
            ))}
          </Stack>
        ),
    },
    ...(home.trend.length === 0
      ? []
      : [{ key: 'trend', title: t('home.trend'), wide: true as const, content: <Activity home={home} /> }]),
    ...(nextPayout === null
      ? []
      : [{ key: 'nextPayout', title: t('home.nextPayout'), content: <NextPayout next={nextPayout} /> }]),
    ...(seesActivity ? best : []),
  ];
}

/** The period before, the same period a year before, nothing (screens.md 1.2); the first is what stands in no address. */
const comparisons = ['', 'year', 'none'] as const;

/** Six figures of the span, each with what it was before and a link to the rows that sum to it. */
function Figures({ home }: { readonly home: ConsoleHome }): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const compared = comparisons.find((one) => one === search['compare']) ?? '';
  return (
    <section aria-label={t('home.figures')}>
      <Group justify="space-between" align="flex-end" mb="xs">
        <DateRange value={{ from: home.from, to: home.to }} onChange={(days) => change({ ...days })} />
        <ProgramChoice />
        <SegmentChoice />
        <NativeSelect
          label={t('home.compare')}
          value={compared}
          onChange={(event) => change({ compare: event.currentTarget.value })}
          data={comparisons.map((value) => ({ value, label: t(`home.compare.${value === '' ? 'previous' : value}`) }))}
        />
      </Group>
      <SimpleGrid component="dl" cols={{ base: 1, xs: 2, md: 3, xl: 6 }} spacing="xs" m={0}>
        {home.figures.map((figure) => (
          <Paper key={figure.name} withBorder p="sm">
            <Text component="dt" size="sm" c="dimmed">
              {t(`home.figure.${figure.name}`)}
            </Text>
            <Text component="dd" m={0} fz={figure.value.count === null ? 'md' : 'xl'} fw={600}>
              <To list={figure.list}>
                <Value value={figure.value} />
              </To>
            </Text>
            {figure.previous === null ? null : (
              <Text component="dd" m={0} size="xs" c="dimmed">
                {t('home.before')} <Value value={figure.previous} />
                <Change of={figure.change} />
              </Text>
            )}
          </Paper>
        ))}
      </SimpleGrid>
    </section>
  );
}

/** Of which program the figures are: the one to work in, unless another is chosen here (screens.md 1.4). */
function ProgramChoice(): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const { data } = useQuery({
    ...getProgramsOptions({ query: { limit: 200, sort: 'name' } }),
    staleTime: 60_000,
    enabled: can('program.read'),
  });
  const programs = data?.data ?? [];
  const chosen = search['programId'] ?? '';
  if (programs.length < 2 && chosen === '') return null;
  const several = chosen === '' || programs.some(({ id }) => id === chosen) ? [] : [{ value: chosen, label: chosen }];
  return (
    <NativeSelect
      label={t('home.program')}
      value={chosen}
      onChange={(event) => change({ programId: event.currentTarget.value })}
      data={[
        { value: '', label: t('menu.allPrograms') },
        ...programs.map(({ id, name }) => ({ value: id, label: name })),
        ...several,
      ]}
    />
  );
}

/** Of which segment's affiliates the figures are (AFF-21); no choice where there is none to choose. */
function SegmentChoice(): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const { data } = useQuery({
    ...getSegmentsOptions({ query: { limit: 200, sort: 'name' } }),
    staleTime: 60_000,
    enabled: can('message.read'),
  });
  const segments = data?.data ?? [];
  const chosen = search['segmentId'] ?? '';
  if (segments.length === 0 && chosen === '') return null;
  const other = chosen === '' || segments.some(({ id }) => id === chosen) ? [] : [{ value: chosen, label: chosen }];
  return (
    <NativeSelect
      label={t('home.segment')}
      value={chosen}
      onChange={(event) => change({ segmentId: event.currentTarget.value })}
      data={[
        { value: '', label: t('home.allSegments') },
        ...segments.map(({ id, name }) => ({ value: id, label: name })),
        ...other,
      ]}
    />
  );
}

/** How much more or less than before, as percent: of the count, or of each currency. */
function Change({ of }: { readonly of: ConsoleHome['figures'][number]['change'] }): ReactElement | null {
  if (of === null) return null;
  const parts =
    of.money.length > 0 ? of.money.map((one) => `${one.currency} ${formatChange(one.ppm)}`) : [formatChange(of.count)];
  return (
    <Text span inherit data-change>
      {` (${parts.join(', ')})`}
    </Text>
  );
}

/** A count, or a line per currency. */
function Value({ value }: { readonly value: ConsoleHome['figures'][number]['value'] }): ReactElement {
  if (value.count !== null) return <>{value.count}</>;
  if (value.money.length === 0) return <>–</>;
  return (
    <Stack gap={0} component="span">
      {value.money.map((money) => (
        <MoneyText key={money.currency} value={money} />
      ))}
    </Stack>
  );
}

const notNow = 'setup-not-now';

/** Where each step is done. */
const stepPaths: Readonly<Record<string, string>> = {
  settings: '/settings',
  program: '/programs',
  tracking: '/links',
  affiliates: '/affiliates',
  testReferral: '/referrals',
  payout: '/payout-runs',
};

/** Six steps, each ticked by what is really there (screens.md 1.10). */
function Checklist({ setup }: { readonly setup: ConsoleSetup }): ReactElement {
  const { t } = useTranslation();
  // Put aside on this machine only: the next person still has to see what is open.
  const [isAside, setAside] = useState(() => localStorage.getItem(notNow) === 'yes');
  const put = (aside: boolean): void => {
    localStorage.setItem(notNow, aside ? 'yes' : 'no');
    setAside(aside);
  };
  const open = setup.steps.filter((step) => step.doneAt === null).length;
  if (isAside)
    return (
      <Group>
        <Button variant="default" size="compact-sm" onClick={() => put(false)}>
          {t('setup.resume', { count: open })}
        </Button>
      </Group>
    );
  return (
    <Section title={t('nav.setup')}>
      <Group justify="flex-end">
        <Button variant="default" size="compact-sm" onClick={() => put(true)}>
          {t('setup.aside')}
        </Button>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="xs" component="ol" m={0} pl="md">
        {setup.steps.map((step) => (
          <li key={step.id}>
            <Text fw={500}>
              {`${step.doneAt === null ? '○' : '✓'} `}
              {stepPaths[step.id] === undefined ? (
                t(`setup.${step.id}`)
              ) : (
                <Anchor component={Link} to={stepPaths[step.id]} underline="always" inherit>
                  {t(`setup.${step.id}`)}
                </Anchor>
              )}
            </Text>
            <Text size="sm" c="dimmed">
              {step.doneAt === null ? t(`setup.${step.id}.text`) : <DateText value={step.doneAt} />}
              {step.doneBy === null ? '' : ` · ${step.doneBy}`}
            </Text>
          </li>
        ))}
      </SimpleGrid>
    </Section>
  );
}
