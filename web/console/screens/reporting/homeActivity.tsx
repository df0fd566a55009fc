import { Box, Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ConsoleHome } from '../../../client/types.gen.js';
import { LineChart } from '../../../kit/LineChart.js';
import { formatMoney } from '../../../kit/MoneyText.js';

const counted = ['clicks', 'leads', 'sales'] as const;
const earned = ['commissions', 'revenue'] as const;
type Counted = (typeof counted)[number];
type Earned = (typeof earned)[number];
const views = ['count', 'money', 'funnel'] as const;

/** What happened day by day, what it was worth, and how many go on from step to step; as a chart or as a table (screens.md 3.2). */
export function Activity({ home }: { readonly home: ConsoleHome }): ReactElement {
  const { t } = useTranslation();
  const [view, setView] = useState<(typeof views)[number]>('count');
  const [isTable, setTable] = useState(false);
  const shown = views.filter((one) => one !== 'money' || home.moneyTrend.length > 0);
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {shown.map((one) => (
          <Button
            key={one}
            size="compact-sm"
            variant={one === view ? 'filled' : 'default'}
            aria-pressed={one === view}
            onClick={() => setView(one)}
          >
            {t(`home.view.${one}`)}
          </Button>
        ))}
        {view === 'funnel' ? null : (
          <Button size="compact-sm" variant="default" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            {t('chart.asTable')}
          </Button>
        )}
      </Group>
      {view === 'count' ? <Counts home={home} isTable={isTable} /> : null}
      {view === 'money' ? <Moneys home={home} isTable={isTable} /> : null}
      {view === 'funnel' ? <Funnel home={home} /> : null}
    </Stack>
  );
}

function Counts({ home, isTable }: { readonly home: ConsoleHome; readonly isTable: boolean }): ReactElement {
  const { t } = useTranslation();
  const [line, setLine] = useState<Counted>('clicks');
  const label = t(`home.figure.${line}`);
  const count = home.figures.find((figure) => figure.name === line)?.value.count ?? null;
  const unusual = home.trend.filter((day) => day.unusual.includes(line)).length;
  return (
    <>
      <NativeSelect
        w={180}
        aria-label={t('home.line')}
        value={line}
        onChange={(event) => setLine(counted.find((one) => one === event.currentTarget.value) ?? 'clicks')}
        data={counted.map((value) => ({ value, label: t(`home.figure.${value}`) }))}
      />
      {count === null ? null : (
        <Text size="sm">{t('home.trendText', { label, count, days: home.trend.length, unusual })}</Text>
      )}
      <LineChart
        label={label}
        isTable={isTable}
        points={home.trend.map((day) => ({
          day: day.day,
          value: day[line],
          text: String(day[line]),
          isUnusual: day.unusual.includes(line),
        }))}
        before={home.previousTrend.map((day) => ({ day: day.day, value: day[line], text: String(day[line]) }))}
      />
    </>
  );
}

/** One currency at a time: they are never added (screens.md 1.3). */
function Moneys({ home, isTable }: { readonly home: ConsoleHome; readonly isTable: boolean }): ReactElement {
  const { t } = useTranslation();
  const currencies = [...new Set(home.moneyTrend.map((row) => row.revenue.currency))];
  const [line, setLine] = useState<Earned>('revenue');
  const [chosen, setChosen] = useState(currencies[0] ?? '');
  const currency = currencies.includes(chosen) ? chosen : (currencies[0] ?? '');
  const rows = new Map(
    home.moneyTrend.filter((row) => row.revenue.currency === currency).map((row) => [row.day, row[line]]),
  );
  const label = t(`home.figure.${line}`);
  const total = home.figures
    .find((figure) => figure.name === line)
    ?.value.money.find((one) => one.currency === currency);
  return (
    <>
      <Group gap="xs">
        <NativeSelect
          w={180}
          aria-label={t('home.line')}
          value={line}
          onChange={(event) => setLine(earned.find((one) => one === event.currentTarget.value) ?? 'revenue')}
          data={earned.map((value) => ({ value, label: t(`home.figure.${value}`) }))}
        />
        <NativeSelect
          w={110}
          aria-label={t('home.currency')}
          value={currency}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={currencies}
        />
      </Group>
      {total === undefined ? null : <Text size="sm">{t('home.moneyText', { label, total: formatMoney(total) })}</Text>}
      <LineChart
        label={`${label}, ${currency}`}
        isTable={isTable}
        points={home.trend.map(({ day }) => {
          const money = rows.get(day);
          return {
            day,
            // The height of a point: what is read is the text, in the API's own digits.
            value: money === undefined ? 0 : Number(money.amount),
            text: money === undefined ? '–' : formatMoney(money),
          };
        })}
        before={[]}
      />
    </>
  );
}

const steps = ['clicks', 'leads', 'referrals', 'sales'] as const;

function Funnel({ home }: { readonly home: ConsoleHome }): ReactElement {
  const { t } = useTranslation();
  const found = steps.flatMap((name) => {
    const count = home.figures.find((figure) => figure.name === name)?.value.count;
    return count === undefined || count === null ? [] : [{ name, count }];
  });
  const most = Math.max(1, ...found.map((step) => step.count));
  return (
    <Stack gap={6} component="ol" m={0} pl={0} style={{ listStyle: 'none' }} data-chart>
      {found.map((step, index) => {
        const before = found[index - 1];
        return (
          <li key={step.name}>
            <Group justify="space-between">
              <Text size="sm">{`${t(`home.figure.${step.name}`)}: ${step.count}`}</Text>
              {before === undefined ? null : (
                <Text size="sm" c="dimmed">
                  {before.count === 0
                    ? '–'
                    : t('home.ofBefore', {
                        rate: percent(step.count / before.count),
                        before: t(`home.figure.${before.name}`),
                      })}
                </Text>
              )}
            </Group>
            <Box h={14} w={`${Math.max(1, (step.count / most) * 100)}%`} bg="var(--mantine-primary-color-filled)" />
          </li>
        );
      })}
    </Stack>
  );
}

function percent(share: number): string {
  return new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 }).format(share);
}
