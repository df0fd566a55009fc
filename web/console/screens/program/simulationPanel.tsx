import { Alert, Group, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { Operation, PlanSimulation } from '../../../client/types.gen.js';
import { postPath, readPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { MoneyList, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';

const mostRows = 10;
const pauseMs = 1_000;

function isOperation(answer: PlanSimulation | Operation): answer is Operation {
  return answer.object === 'operation';
}

/** Asks what last quarter would have cost; a long period is an operation, whose result is the same object. */
async function simulate(body: unknown): Promise<PlanSimulation> {
  let answer = await postPath<PlanSimulation | Operation>('/v1/commission-rules/simulate', body);
  while (isOperation(answer)) {
    if (answer.status === 'done') return answer.result as unknown as PlanSimulation;
    if (answer.status === 'failed' || answer.status === 'cancelled') throw new Error(answer.status);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    answer = await readPath<Operation>(`/v1/operations/${answer.id}`);
  }
  return answer;
}

/** What last quarter would have cost under a draft, beside what was booked (screens.md 3.9). `onShown` once a person can read it. */
export function SimulationPanel({
  body,
  onShown,
}: {
  readonly body: Readonly<Record<string, unknown>>;
  readonly onShown: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ['simulate', body],
    queryFn: async () => {
      const found = await simulate(body);
      onShown();
      return found;
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.error !== null) return <ErrorView error={query.error} />;
  const { data } = query;
  if (data === undefined) return <Skeleton height={120} aria-label={t('loading')} />;
  if (data.sales + data.leads === 0) return <Alert title={t('simulate.title')}>{t('simulate.none')}</Alert>;
  return <SimulationResult result={data} />;
}

export function SimulationResult({ result }: { readonly result: PlanSimulation }): ReactElement {
  const { t } = useTranslation();
  const largest = result.byAffiliate.filter((row) => !isZero(row.difference.amount)).slice(0, mostRows);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('simulate.title')}>
      <Stack gap="xs">
        <Title order={3} size="h5">
          {t('simulate.title')}
        </Title>
        <Text size="sm" c="dimmed">
          <DateText value={result.from} /> – <DateText value={result.to} /> ·{' '}
          {t('simulate.events', { count: result.sales, leads: result.leads })}
        </Text>
        <Group gap="xl">
          <Sum label={t('simulate.actual')} values={result.actual} />
          <Sum label={t('simulate.simulated')} values={result.simulated} />
          <Sum label={t('simulate.difference')} values={result.difference} />
        </Group>
        <Text size="sm">
          {t('simulate.people', { winning: result.affiliates.winning, losing: result.affiliates.losing })}
        </Text>
        {largest.length === 0 ? (
          <Text size="sm">{t('simulate.same')}</Text>
        ) : (
          <Table.ScrollContainer minWidth={420}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('simulate.affiliate')}</Table.Th>
                  <Table.Th ta="right">{t('simulate.actual')}</Table.Th>
                  <Table.Th ta="right">{t('simulate.simulated')}</Table.Th>
                  <Table.Th ta="right">{t('simulate.difference')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {largest.map((row) => (
                  <Table.Tr key={`${row.affiliateId}-${row.programId}`}>
                    <Table.Td>{row.name ?? <AffiliateName id={row.affiliateId ?? null} />}</Table.Td>
                    <Table.Td ta="right">
                      <MoneyText value={row.actual} />
                    </Table.Td>
                    <Table.Td ta="right">
                      <MoneyText value={row.simulated} />
                    </Table.Td>
                    <Table.Td ta="right">
                      <MoneyText value={row.difference} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
        {result.byBand.length === 0 ? null : (
          <Table.ScrollContainer minWidth={300}>
            <Table aria-label={t('simulate.bands')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('simulate.band')}</Table.Th>
                  <Table.Th ta="right">{t('simulate.count')}</Table.Th>
                  <Table.Th ta="right">{t('simulate.simulated')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {result.byBand.map((row) => (
                  <Table.Tr key={`${row.ruleId} ${row.from} ${row.simulated.currency}`}>
                    <Table.Td>{row.from}</Table.Td>
                    <Table.Td ta="right">{row.count}</Table.Td>
                    <Table.Td ta="right">
                      <MoneyText value={row.simulated} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Stack>
    </Paper>
  );
}

function Sum({ label, values }: { readonly label: string; readonly values: PlanSimulation['actual'] }): ReactElement {
  return (
    <Stack gap={0}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <MoneyList values={values} />
    </Stack>
  );
}

function isZero(amount: string): boolean {
  return /^-?[0.]+$/.test(amount);
}
