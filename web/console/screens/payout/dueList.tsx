import { Badge, Group, List } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getPayoutsDueOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { PayoutDue } from '../../../client/types.gen.js';
import { dayText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';
import { tones } from '../../../kit/theme.js';
import { MakeDraft } from '../affiliate/makeDraft.js';

type Row = PayoutDue & { readonly id: string };

/** Who becomes due when, with how much of how many commissions, and who cannot be paid and why (PAY-02, PAY-20). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search } = useAddress();
  const list = (query: Readonly<Record<string, string>>) => ({
    ...getPayoutsDueOptions({ query: query as never }),
    // A row is one per affiliate and currency: that is what it is called by.
    select: (page: { readonly data: readonly PayoutDue[] }) => ({
      ...page,
      data: page.data.map((row) => ({ ...row, id: `${row.affiliateId}-${row.currency}` })),
    }),
  });
  // What was owed on a past day is not what would be paid now.
  const isNow = search['asOf'] === undefined;
  return (
    <>
      <PageHead title={t('due.listTitle')} text={t('due.listText')} />
      <ResourceTable<Row>
        screen="payouts-due"
        label={t('due.listTitle')}
        hasText
        list={list as never}
        rowLabel={(row) => row.name}
        rowHref={(row) => `/affiliates/${row.affiliateId}`}
        rowActions={(row) =>
          isNow && row.payable ? <MakeDraft affiliateId={row.affiliateId} payable={row.amount} /> : null
        }
        filters={[{ field: 'asOf', label: t('due.asOf'), isDay: true }]}
        empty={{ title: t('due.none'), text: t('due.noneText') }}
        columns={[
          {
            key: 'affiliate',
            title: t('run.affiliate'),
            sort: 'affiliateId',
            render: (row) => row.name,
            csv: ['affiliateId', 'name'],
          },
          {
            key: 'amount',
            title: t('payout.amount'),
            align: 'right',
            render: (row) => <MoneyText value={row.amount} />,
            csv: 'amount',
          },
          {
            key: 'commissions',
            title: t('run.commissions'),
            align: 'right',
            render: (row) => row.commissions,
            csv: 'commissions',
          },
          { key: 'dueOn', title: t('payout.dueOn'), render: (row) => <DueOn row={row} />, csv: 'dueOn' },
          {
            key: 'overdueSince',
            title: t('due.overdueSince'),
            hidden: true,
            render: (row) => (row.overdueSince === null ? '–' : dayText(row.overdueSince)),
            csv: 'overdueSince',
          },
          {
            key: 'reasons',
            title: t('due.why'),
            render: (row) => <WhyNot codes={row.reasons} />,
            csv: 'reasons',
          },
        ]}
      />
    </>
  );
}

/** The day, with a badge beside it once it is over. */
function DueOn({ row }: { readonly row: Row }): ReactElement {
  const { t } = useTranslation();
  if (row.dueOn === null) return <>–</>;
  return (
    <Group gap={4}>
      {dayText(row.dueOn)}
      {row.overdueSince === null ? null : (
        <Badge autoContrast={false} styles={{ root: { ...tones.bad, border: 0 } }} component="span">
          {t('payout.overdue')}
        </Badge>
      )}
    </Group>
  );
}

function WhyNot({ codes }: { readonly codes: readonly string[] }): ReactElement {
  const reason = useReasonText();
  if (codes.length === 0) return <>–</>;
  return (
    <List size="sm" listStyleType="none">
      {codes.map((code) => (
        <List.Item key={code}>{reason(code)}</List.Item>
      ))}
    </List>
  );
}
