import { Button, NativeSelect } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getGatewaysOptions, getReconciliationsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Reconciliation } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Money → Reconciliation: what a gateway says against our books, line by line (screens.md 3.18). Nothing is "fixed" by it. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [isAsking, setAsking] = useState(false);
  const ask =
    can('reconcile.write') && can('payout.read') ? (
      <Button onClick={() => setAsking(true)}>{t('reconciliation.ask')}</Button>
    ) : undefined;
  return (
    <>
      <PageHead title={t('reconciliation.title')} text={t('reconciliation.text')} actions={ask} />
      <ResourceTable<Reconciliation>
        screen="reconciliations"
        label={t('reconciliation.title')}
        hasText
        list={(query) => getReconciliationsOptions({ query }) as never}
        rowLabel={(row) => `${row.gatewayId} ${row.currency}`}
        rowHref={(row) => `/reconciliations/${row.id}`}
        empty={{ title: t('reconciliation.none'), text: t('reconciliation.noneText'), action: ask }}
        filters={[
          { field: 'gatewayId', label: t('reconciliation.gateway') },
          {
            field: 'unexplained',
            label: t('reconciliation.unexplained'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
        ]}
        columns={[
          {
            key: 'closedAt',
            title: t('reconciliation.closedAt'),
            render: (row) => <DateText value={row.closedAt} />,
            csv: 'closedAt',
          },
          { key: 'gateway', title: t('reconciliation.gateway'), render: (row) => row.gatewayId, csv: 'gatewayId' },
          {
            key: 'source',
            title: t('reconciliation.source'),
            render: (row) => t(`reconciliation.source.${row.source}`),
            csv: 'source',
          },
          {
            key: 'closing',
            title: t('reconciliation.closing'),
            align: 'right',
            render: (row) => <MoneyText value={row.closing} />,
            csv: 'closing',
          },
          {
            key: 'books',
            title: t('reconciliation.books'),
            align: 'right',
            render: (row) => <MoneyText value={row.books} />,
            csv: 'books',
          },
          {
            key: 'difference',
            title: t('reconciliation.difference'),
            align: 'right',
            render: (row) => <MoneyText value={row.difference} />,
            csv: 'difference',
          },
          { key: 'lines', title: t('reconciliation.lines'), align: 'right', render: (row) => row.lines, csv: 'lines' },
          {
            key: 'open',
            title: t('reconciliation.open'),
            align: 'right',
            render: (row) => row.openDifferences,
            csv: 'openDifferences',
          },
        ]}
      />
      {isAsking ? <AskForStatement onClose={() => setAsking(false)} /> : null}
    </>
  );
}

function AskForStatement({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const gateways = useQuery(getGatewaysOptions());
  const ids = (gateways.data?.data ?? []).map((one) => one.id);
  const [chosen, setChosen] = useState('');
  const gatewayId = chosen === '' ? (ids[0] ?? '') : chosen;
  return (
    <FormDialog
      title={t('reconciliation.ask')}
      submit={t('reconciliation.askDo')}
      save={(key) => postPath('/v1/reconciliations', { gatewayId }, key)}
      onSaved={() => notifications.show({ message: t('reconciliation.asked'), color: 'river' })}
      onClose={onClose}
      isReady={gatewayId !== ''}
    >
      {() => (
        <NativeSelect
          label={t('reconciliation.gateway')}
          value={gatewayId}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={ids}
        />
      )}
    </FormDialog>
  );
}
