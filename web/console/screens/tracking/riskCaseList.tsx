import { Stack } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getRiskCasesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { RiskCase } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

const statuses = ['open', 'released', 'rejected'] as const;

/** Risk → Cases: money that is held, and its release or rejection (screens.md 3.16). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead
        title={t('riskCase.title')}
        text={t('riskCase.text')}
        actions={<NameLink to="/risk" name={t('nav.risk')} />}
      />
      <ResourceTable<RiskCase>
        screen="risk-cases"
        label={t('riskCase.title')}
        list={(query) => getRiskCasesOptions({ query }) as never}
        rowLabel={(row) => `${t(`riskCode.${row.kind}`)} ${row.affiliate.name}`}
        rowActions={(row) => (
          <DecisionMenu
            row={t(`riskCode.${row.kind}`)}
            path={`/v1/risk-cases/${row.id}`}
            actions={row.allowedActions}
          />
        )}
        empty={{ title: t('riskCase.none') }}
        filters={[
          {
            field: 'status',
            label: t('riskCase.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          { field: 'affiliateId', label: t('risk.affiliate') },
        ]}
        columns={[
          {
            key: 'kind',
            title: t('riskCase.kind'),
            render: (row) => t(`riskCode.${row.kind}`),
            csv: 'kind',
          },
          {
            key: 'affiliate',
            title: t('risk.affiliate'),
            render: (row) => <AffiliateName id={row.affiliate.id} />,
            csv: 'affiliate.id',
          },
          {
            key: 'status',
            title: t('riskCase.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          {
            key: 'held',
            title: t('riskCase.held'),
            align: 'right',
            render: (row) => <MoneyList values={row.held} />,
          },
          {
            key: 'lines',
            title: t('riskCase.lines'),
            render: (row) => (
              <Stack gap={0}>
                {[
                  ...row.referralIds.map((id) => `/referrals/${id}`),
                  ...row.commissionIds.map((id) => `/commissions/${id}`),
                ]
                  .slice(0, 6)
                  .map((to) => (
                    <NameLink key={to} to={to} name={to.slice(to.lastIndexOf('/') + 1)} />
                  ))}
              </Stack>
            ),
            csv: ['referralIds', 'commissionIds'],
          },
          { key: 'notes', title: t('risk.note'), render: (row) => row.notes ?? '–', csv: 'notes' },
          {
            key: 'createdAt',
            title: t('riskCase.opened'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
        ]}
      />
    </>
  );
}
