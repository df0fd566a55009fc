import { Code } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getParkedEventsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { ParkedEvent } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';

const kinds = ['sale', 'refund', 'payment_event'] as const;
const codes = ['unknown_customer', 'unknown_sale', 'fx_missing'] as const;

/** Activity → Waiting: facts whose customer, sale or exchange rate is not known yet (BEY-13). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const mayReadSales = useCan()('sale.read');
  const queries = useQueryClient();
  const problemText = useProblemText();
  const [busy, setBusy] = useState<string | null>(null);
  const act = async (event: ParkedEvent, verb: 'retry' | 'discard'): Promise<void> => {
    setBusy(event.id);
    try {
      const { outcome } = await postPath<ParkedEvent>(`/v1/parked-events/${event.id}/${verb}`, {}, newKey());
      notifications.show({ message: t(`parked.outcome.${outcome}`), color: outcome === 'refused' ? 'red' : 'river' });
    } catch (error) {
      const { title, detail } = problemText(error);
      notifications.show({ title, message: detail, color: 'red' });
    }
    setBusy(null);
    await queries.invalidateQueries();
  };
  return (
    <>
      <PageHead title={t('parked.title')} text={t('parked.text')} />
      <ResourceTable<ParkedEvent>
        screen="parked-events"
        label={t('parked.title')}
        hasText
        list={(query) => getParkedEventsOptions({ query }) as never}
        rowLabel={(row) => row.externalId}
        rowActions={(row) => (
          <RowMenu
            row={row.externalId}
            actions={row.allowedActions
              .filter((verb) => verb === 'retry' || verb === 'discard')
              .map((verb) => ({
                key: verb,
                text: t(`parked.${verb}`),
                isNegative: verb === 'discard',
                isBusy: busy === row.id,
                onPress: () => void act(row, verb),
              }))}
          />
        )}
        empty={{ title: t('parked.none'), text: t('parked.noneText') }}
        filters={[
          {
            field: 'kind',
            label: t('parked.kind'),
            options: kinds.map((value) => ({ value, label: t(`parked.kind.${value}`) })),
          },
          {
            field: 'code',
            label: t('sale.why'),
            options: codes.map((value) => ({ value, label: reason(value) })),
          },
        ]}
        columns={[
          {
            key: 'receivedAt',
            title: t('parked.since'),
            render: (row) => <DateText value={row.receivedAt} />,
            csv: 'receivedAt',
          },
          { key: 'kind', title: t('parked.kind'), render: (row) => t(`parked.kind.${row.kind}`), csv: 'kind' },
          {
            key: 'externalId',
            title: t('parked.number'),
            render: (row) =>
              row.kind === 'sale' && mayReadSales ? (
                <NameLink to={`/sales/${row.id}`} name={row.externalId} />
              ) : (
                row.externalId
              ),
            csv: 'externalId',
          },
          {
            key: 'code',
            title: t('sale.why'),
            render: (row) => (row.code === null ? '–' : reason(row.code)),
            csv: 'code',
          },
          {
            key: 'waitsFor',
            title: t('parked.waitsFor'),
            render: (row) => <Code style={{ overflowWrap: 'anywhere' }}>{row.waitsFor.join(', ')}</Code>,
            csv: 'waitsFor',
          },
          { key: 'source', title: t('parked.source'), render: (row) => row.source, csv: 'source' },
          {
            key: 'occurredAt',
            title: t('sale.when'),
            hidden: true,
            render: (row) => <DateText value={row.occurredAt} />,
            csv: 'occurredAt',
          },
        ]}
      />
    </>
  );
}
