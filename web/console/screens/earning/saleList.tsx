import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getSalesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { GetSalesResponse } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';

export type Sale = GetSalesResponse['data'][number];

const statuses = ['succeeded', 'part_refunded', 'refunded', 'disputed', 'charged_back', 'declined'] as const;

/** Activity → Sales: every sale, also those that earn nothing and those that wait for something, each with its reason. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <>
      <PageHead title={t('sale.title')} text={t('sale.text')} />
      <ResourceTable<Sale>
        screen="sales"
        label={t('sale.title')}
        hasText
        list={(query) => getSalesOptions({ query }) as never}
        rowLabel={(row) => row.externalId}
        rowHref={(row) => `/sales/${row.id}`}
        empty={{ title: t('sale.none'), text: t('sale.noneText') }}
        filters={[
          {
            field: 'status',
            label: t('sale.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'inReview',
            label: t('sale.inReview'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          { field: 'externalId', label: t('sale.order') },
          { field: 'affiliateId', label: t('commission.filter.affiliateId') },
          { field: 'programId', label: t('commission.filter.programId') },
          { field: 'country', label: t('contact.country') },
          { field: 'occurredAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'occurredAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
          { field: 'campaign', label: t('tool.campaign') },
          { field: 'ad', label: t('tool.ad') },
          { field: 'noCommissionCode', label: t('sale.noCommission') },
          {
            field: 'earned',
            label: t('sale.earned'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
        ]}
        columns={[
          {
            key: 'occurredAt',
            title: t('sale.when'),
            sort: 'occurredAt',
            render: (row) => <DateText value={row.occurredAt} />,
            csv: 'occurredAt',
          },
          { key: 'order', title: t('sale.order'), render: (row) => row.externalId, csv: 'externalId' },
          {
            key: 'affiliate',
            title: t('sale.affiliate'),
            render: (row) => <AffiliateName id={row.attribution.affiliateId} />,
            csv: 'attribution.affiliateId',
          },
          {
            key: 'campaign',
            title: t('tool.campaign'),
            hidden: true,
            render: (row) => row.attribution.campaign ?? '–',
            csv: 'attribution.campaign',
          },
          {
            key: 'ad',
            title: t('tool.ad'),
            hidden: true,
            render: (row) => row.attribution.ad ?? '–',
            csv: 'attribution.ad',
          },
          {
            key: 'amount',
            title: t('sale.amount'),
            align: 'right',
            render: (row) => <MoneyText value={row.amount} />,
            csv: 'amount',
          },
          {
            key: 'refunded',
            title: t('sale.refunded'),
            align: 'right',
            render: (row) => <MoneyText value={row.refunded} />,
            csv: 'refunded',
          },
          {
            key: 'status',
            title: t('sale.status'),
            render: (row) => (
              <>
                <StatusPill status={row.status} objectId={row.id} />
                {row.inReview ? (
                  <>
                    {' '}
                    <StatusBadge status="in_review" />
                  </>
                ) : null}
              </>
            ),
            csv: 'status',
          },
          {
            key: 'why',
            title: t('sale.why'),
            hint: t('sale.whyHint'),
            render: (row) =>
              [row.parkedCode, row.noCommissionCode, row.attribution.code]
                .flatMap((code) => (code === null ? [] : [reason(code)]))
                .join(', ') || '–',
            csv: ['parkedCode', 'noCommissionCode', 'attribution.code'],
          },
        ]}
      />
    </>
  );
}
