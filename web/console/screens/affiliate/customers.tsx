import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesByAffiliateIdCustomersOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { AffiliateCustomer } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { customerOf } from '../earning/referralCustomer.js';

const states = ['active', 'ended', 'suspended'] as const;
const dayMs = 86_400_000;

/** Who of this affiliate's referrals became a customer, since when, and who still is (AFF-19). */
export function Customers({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack>
      <Growth affiliateId={affiliateId} />
      <ResourceTable<AffiliateCustomer>
        screen="affiliate-customers"
        label={t('affiliate.tab.customers')}
        include="counts"
        hasText
        list={(query) =>
          getAffiliatesByAffiliateIdCustomersOptions({ path: { affiliateId }, query: query as never }) as never
        }
        rowLabel={customerOf}
        rowHref={(row) => `/referrals/${row.id}`}
        empty={{ title: t('affiliate.customer.none'), text: t('affiliate.customer.noneText') }}
        columns={[
          {
            key: 'customer',
            title: t('referral.customer'),
            render: (row) =>
              row.contactId === null ? (
                customerOf(row)
              ) : (
                <NameLink to={`/contacts/${row.contactId}`} name={customerOf(row)} />
              ),
            csv: ['customer.name', 'customer.reference'],
          },
          {
            key: 'state',
            title: t('affiliate.customer.state'),
            hint: t('affiliate.customer.stateHint'),
            render: (row) => <StatusPill status={row.state} />,
            csv: 'state',
          },
          {
            key: 'startedAt',
            title: t('affiliate.customer.since'),
            hint: t('affiliate.customer.sinceHint'),
            sort: 'startedAt',
            render: (row) => <DateText value={row.startedAt} time={false} />,
            csv: 'startedAt',
          },
          {
            key: 'payments',
            title: t('affiliate.customer.payments'),
            align: 'right',
            render: (row) => row.payments,
            csv: 'payments',
          },
          {
            key: 'lastPaymentAt',
            title: t('affiliate.customer.lastPayment'),
            render: (row) => <DateText value={row.lastPaymentAt} time={false} />,
            csv: 'lastPaymentAt',
          },
          {
            key: 'program',
            title: t('referral.program'),
            render: (row) => <ProgramName id={row.programId} />,
            csv: 'programId',
          },
          {
            key: 'referralStatus',
            title: t('affiliate.customer.referral'),
            render: (row) => <StatusPill status={row.referralStatus} objectId={row.id} />,
            csv: 'referralStatus',
          },
        ]}
        filters={[
          {
            field: 'state',
            label: t('affiliate.customer.state'),
            options: states.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          { field: 'programId', label: t('referral.programId') },
          { field: 'startedAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'startedAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
        ]}
      />
    </Stack>
  );
}

/** How the portfolio grew: those of the last 30 days beside the 30 before, counted by the server. */
function Growth({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  // The same moment as long as the tab is open: a query per render would never end.
  const [now] = useState(() => Date.now());
  const daysAgo = (days: number): string => new Date(now - days * dayMs).toISOString();
  const useCount = (query: Readonly<Record<string, string>>): number | undefined =>
    useQuery(
      getAffiliatesByAffiliateIdCustomersOptions({
        path: { affiliateId },
        query: { ...query, include: 'counts', limit: 1 } as never,
      }),
    ).data?.counts?.total;
  const recent = useCount({ 'startedAt[gte]': daysAgo(30) });
  const before = useCount({ 'startedAt[gte]': daysAgo(60), 'startedAt[lt]': daysAgo(30) });
  return (
    <Group>
      <Text size="sm" role="status">
        {recent === undefined || before === undefined ? ' ' : t('affiliate.customer.growth', { count: recent, before })}
      </Text>
    </Group>
  );
}
