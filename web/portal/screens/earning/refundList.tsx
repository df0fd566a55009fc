import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeRefundsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnRefund } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { Customer } from './earningList.js';
import { EarningTabs } from './earningTabs.js';

const effects = ['voided', 'clawed_back'] as const;

/** What refunds and chargebacks took, before and after it was paid (RFD-07). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('earning.title')} text={t('refund.text')} />
      <EarningTabs current="refunds" />
      <ResourceTable<OwnRefund>
        screen="own-refunds"
        label={t('earning.tab.refunds')}
        hasText
        include="counts,sums"
        list={(query) => getMeRefundsOptions({ query: query as never }) as never}
        rowLabel={(refund) => refund.customer?.reference ?? refund.id}
        filters={[
          {
            field: 'effect',
            label: t('refund.effect'),
            options: effects.map((value) => ({ value, label: t(`refund.effect.${value}`) })),
          },
        ]}
        empty={{ title: t('refund.none'), text: t('refund.noneText') }}
        columns={[
          {
            key: 'occurredAt',
            title: t('earning.date'),
            render: (refund) => <DateText value={refund.occurredAt} time={false} />,
            csv: 'occurredAt',
          },
          {
            key: 'customer',
            title: t('earning.customer'),
            render: (refund) => <Customer customer={refund.customer} note={t('refund.ofRecruit')} />,
            csv: ['customer.name', 'customer.reference'],
          },
          {
            key: 'cause',
            title: t('refund.cause'),
            render: (refund) => t(`refund.cause.${refund.cause}`),
            csv: 'cause',
          },
          {
            key: 'refunded',
            title: t('refund.refunded'),
            align: 'right',
            render: (refund) => (refund.refunded === null ? '–' : <MoneyText value={refund.refunded} />),
            csv: 'refunded',
          },
          {
            key: 'taken',
            title: t('refund.taken'),
            align: 'right',
            render: (refund) => <MoneyText value={refund.taken} />,
            csv: 'taken',
          },
          {
            key: 'effect',
            title: t('refund.effect'),
            render: (refund) => t(`refund.effect.${refund.effect}`),
            csv: 'effect',
          },
          {
            key: 'commission',
            title: t('refund.line'),
            hidden: true,
            render: (refund) => refund.commissionId,
            csv: 'commissionId',
          },
        ]}
      />
    </>
  );
}
