import { Anchor, Drawer, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMePayoutsByPayoutIdOptions, getMePayoutsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnPayout } from '../../../client/types.gen.js';
import { DateText, dayText } from '../../../kit/DateText.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatementButtons } from '../../../kit/StatementButtons.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { OwnExplanation } from '../earning/ownExplanation.js';

const statuses = ['pending', 'paid'] as const;

/** Payouts on their way and paid; drafts are not shown (PRT-17). What went wrong says what to do. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('payout.title')} text={t('payout.text')} />
      <OwnPayouts />
    </>
  );
}

/** The list with the payout that is looked at; also a tab of the earnings (PRT-03). */
export function OwnPayouts(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const open = search['payout'] ?? null;
  return (
    <>
      <Years />
      <ResourceTable<OwnPayout>
        screen="own-payouts"
        label={t('payout.title')}
        hasText
        list={(query) => getMePayoutsOptions({ query: query as never }) as never}
        rowLabel={(payout) => payout.reference ?? payout.id}
        filters={[
          {
            field: 'status',
            label: t('payout.status'),
            options: statuses.map((value) => ({ value, label: t(`payout.says.${value}`) })),
          },
          { field: 'paidOn[gte]', label: t('payout.paidFrom'), isDay: true },
          { field: 'paidOn[lt]', label: t('payout.paidBefore'), isDay: true },
        ]}
        empty={{ title: t('payout.none'), text: t('payout.noneText') }}
        columns={[
          {
            key: 'amount',
            title: t('payout.amount'),
            align: 'right',
            render: (payout) => (
              <MoneyText
                value={payout.amount}
                hint={t('payout.show')}
                onExplain={() => change({ payout: payout.id })}
              />
            ),
            csv: 'amount',
          },
          {
            key: 'status',
            title: t('payout.status'),
            render: (payout) => <Status payout={payout} />,
            csv: ['problem.code', 'status'],
          },
          {
            key: 'day',
            title: t('payout.day'),
            render: (payout) =>
              payout.paidOn !== null
                ? dayText(payout.paidOn)
                : payout.dueOn !== null
                  ? t('payout.expected', { day: dayText(payout.dueOn) })
                  : '–',
            csv: ['paidOn', 'dueOn'],
          },
          {
            key: 'method',
            title: t('payout.method'),
            render: (payout) => `${t(`method.${payout.method.type}`)} ${payout.method.masked ?? ''}`,
            csv: 'method.type',
          },
          {
            key: 'reference',
            title: t('payout.reference'),
            render: (payout) => payout.reference ?? '–',
            csv: 'reference',
          },
        ]}
      />
      <Drawer
        opened={open !== null}
        onClose={() => change({ payout: '' })}
        position="right"
        size="md"
        title={t('payout.one')}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        {open === null ? null : <OnePayout payoutId={open} />}
      </Drawer>
    </>
  );
}

/** What was paid in each calendar year; each sum opens the payouts that make it up. */
function Years(): ReactElement | null {
  const { t } = useTranslation();
  const found = useQuery(getMePayoutsOptions({ query: { limit: 1, include: ['years'] } as never }));
  const years = found.data?.years ?? [];
  if (years.length === 0) return null;
  return (
    <Paper withBorder p="md" mb="md" component="section" aria-label={t('payout.years')}>
      <Title order={2} size="h4" mb="xs">
        {t('payout.years')}
      </Title>
      <Stack gap={4} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {years.map(({ year, payouts, paid, returned }) => (
          <li key={`${year} ${paid.currency}`}>
            {year}:{' '}
            <Anchor
              component={Link}
              to={`/payouts?status=paid&currency=${paid.currency}&paidOn[gte]=${year}-01-01&paidOn[lt]=${year + 1}-01-01`}
              underline="always"
            >
              <MoneyText value={paid} />
            </Anchor>{' '}
            <Text span size="sm" c="dimmed">
              {t('payout.yearCount', { count: payouts })}
              {/[1-9]/.test(returned.amount) ? (
                <>
                  , {t('payout.yearReturned')} <MoneyText value={returned} />
                </>
              ) : null}
            </Text>
          </li>
        ))}
      </Stack>
    </Paper>
  );
}

function Status({ payout }: { readonly payout: OwnPayout }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge status={payout.status === 'paid' ? 'paid' : 'processing'} />
      {payout.problem === null ? null : (
        <Text size="sm">
          {t(`payout.problem.${payout.problem.code}.${payout.problem.fixBy}`)}
          {payout.problem.reason === null ? '' : ` ${reason(payout.problem.reason)}.`}
        </Text>
      )}
    </Stack>
  );
}

function OnePayout({ payoutId }: { readonly payoutId: string }): ReactElement {
  const { t } = useTranslation();
  const payout = useQuery(getMePayoutsByPayoutIdOptions({ path: { payoutId } }));
  const [explained, setExplained] = useState<string | null>(null);
  return (
    <Loaded query={payout}>
      {(found) => (
        <Stack>
          <Text fz="1.7rem" fw={600}>
            <MoneyText value={found.amount} />
          </Text>
          <Status payout={found} />
          <Facts
            rows={[
              [t('payout.method'), `${t(`method.${found.method.type}`)} ${found.method.masked ?? ''}`],
              [t('payout.reference'), found.reference],
              [t('payout.day'), found.paidOn === null ? null : dayText(found.paidOn)],
              ...(found.returned === null
                ? []
                : [
                    [
                      t('payout.returned'),
                      <>
                        <MoneyText value={found.returned.amount} /> <DateText value={found.returned.at} />
                      </>,
                    ] as const,
                  ]),
            ]}
          />
          <StatementButtons path={`/v1/me/payouts/${payoutId}/statement`} name={`statement-${payoutId}`} />
          <Table className="resource-table">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('payout.line')}</Table.Th>
                <Table.Th data-align="right">{t('payout.amount')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.lines.map((line) => (
                <Table.Tr key={line.commissionId}>
                  <Table.Td data-label={t('payout.line')}>{t(`kind.${line.kind}`)}</Table.Td>
                  <Table.Td data-label={t('payout.amount')} data-align="right">
                    <MoneyText value={line.amount} onExplain={() => setExplained(line.commissionId)} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {explained === null ? null : (
            <Paper withBorder p="md" component="section" aria-label={t('explain.title')}>
              <OwnExplanation commissionId={explained} />
            </Paper>
          )}
        </Stack>
      )}
    </Loaded>
  );
}
