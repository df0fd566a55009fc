import { NativeSelect, Stack, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getReconciliationsByReconciliationIdItemsOptions,
  getReconciliationsByReconciliationIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { ReconciliationItem } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { Facts } from '../../../kit/Facts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const classes = [
  'matched',
  'timing',
  'fee',
  'return',
  'duplicate',
  'missing_here',
  'missing_there',
  'amount',
  'currency',
  'unknown_reference',
] as const;
const resolutions = ['accepted', 'suspense', 'affiliate'] as const;
/** Classes of a payment that the books did not know of, as the API takes them (BEY-07). */
const paidOut: readonly string[] = ['unknown_reference', 'missing_here', 'amount', 'duplicate'];

/** One statement against our books: every line with its class; a difference is explained, never adjusted away (screens.md 3.18). */
export function Screen(): ReactElement {
  const { reconciliationId = '' } = useParams({ strict: false }) as { reconciliationId?: string };
  const { t } = useTranslation();
  const query = useQuery(getReconciliationsByReconciliationIdOptions({ path: { reconciliationId } }));
  const mayResolve = useCan()('reconcile.write');
  const [resolving, setResolving] = useState<ReconciliationItem | null>(null);
  return (
    <>
      <PageHead title={t('reconciliation.one')} text={reconciliationId} />
      <Stack>
        <Loaded query={query}>
          {(found) => (
            <Facts
              rows={[
                [t('reconciliation.gateway'), found.gatewayId],
                [t('reconciliation.source'), t(`reconciliation.source.${found.source}`)],
                [t('reconciliation.closedAt'), <DateText key="closed" value={found.closedAt} />],
                [t('reconciliation.closing'), <MoneyText key="closing" value={found.closing} />],
                [t('reconciliation.books'), <MoneyText key="books" value={found.books} />],
                [t('reconciliation.difference'), <MoneyText key="difference" value={found.difference} />],
                [t('reconciliation.open'), found.openDifferences],
              ]}
            />
          )}
        </Loaded>
        <ResourceTable<ReconciliationItem>
          screen="reconciliation-items"
          label={t('reconciliation.items')}
          hasText
          list={(asked) =>
            getReconciliationsByReconciliationIdItemsOptions({
              path: { reconciliationId },
              query: asked as never,
            }) as never
          }
          rowLabel={(row) => row.gatewayReference ?? row.id}
          rowActions={(row) => (
            <RowMenu
              row={row.gatewayReference ?? row.id}
              actions={
                mayResolve && row.class !== 'matched' && row.resolution === null
                  ? [{ key: 'resolve', text: t('reconciliation.resolve'), onPress: () => setResolving(row) }]
                  : []
              }
            />
          )}
          empty={{ title: t('reconciliation.noItem') }}
          filters={[
            {
              field: 'class',
              label: t('reconciliation.class'),
              options: classes.map((value) => ({ value, label: t(`reconciliation.class.${value}`) })),
            },
          ]}
          columns={[
            {
              key: 'class',
              title: t('reconciliation.class'),
              render: (row) => t(`reconciliation.class.${row.class}`),
              csv: 'class',
            },
            {
              key: 'reference',
              title: t('reconciliation.reference'),
              render: (row) => row.gatewayReference ?? '–',
              csv: 'gatewayReference',
            },
            {
              key: 'payout',
              title: t('reconciliation.payout'),
              render: (row) =>
                row.payoutId === null ? '–' : <NameLink to={`/payouts/${row.payoutId}`} name={row.payoutId} />,
              csv: 'payoutId',
            },
            {
              key: 'statement',
              title: t('reconciliation.theirs'),
              align: 'right',
              render: (row) => <MoneyText value={row.statement} />,
              csv: 'statement',
            },
            {
              key: 'books',
              title: t('reconciliation.ours'),
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
            {
              key: 'resolution',
              title: t('reconciliation.resolution'),
              render: (row) =>
                row.resolution === null
                  ? '–'
                  : `${t(`reconciliation.resolution.${row.resolution}`)} · ${row.resolvedBy?.name ?? ''} ${row.reason ?? ''}`,
              csv: 'resolution',
            },
          ]}
        />
      </Stack>
      {resolving === null ? null : <Resolve item={resolving} onClose={() => setResolving(null)} />}
    </>
  );
}

function Resolve({ item, onClose }: { readonly item: ReconciliationItem; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [resolution, setResolution] = useState<string>('accepted');
  const [reason, setReason] = useState('');
  const [affiliateId, setAffiliateId] = useState('');
  const isTo = resolution === 'affiliate';
  const mayBePayment = paidOut.includes(item.class) && !item.difference.amount.startsWith('-');
  const affiliates = useQuery({ ...getAffiliatesOptions({ query: { limit: 200 } }), enabled: isTo });
  return (
    <FormDialog
      title={t('reconciliation.resolve')}
      submit={t('reconciliation.resolveDo')}
      isReady={reason.trim() !== '' && (!isTo || affiliateId !== '')}
      save={(key) =>
        postPath(
          `/v1/reconciliation-items/${item.id}/resolve`,
          { resolution, reason: reason.trim(), ...(isTo ? { affiliateId } : {}) },
          key,
        )
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('reconciliation.resolution')}
            value={resolution}
            onChange={(event) => setResolution(event.currentTarget.value)}
            data={resolutions
              .filter((value) => value !== 'affiliate' || mayBePayment)
              .map((value) => ({ value, label: t(`reconciliation.resolution.${value}`) }))}
          />
          {isTo ? (
            <NativeSelect
              label={t('reconciliation.payee')}
              description={t('reconciliation.payeeHint')}
              value={affiliateId}
              error={errors['affiliateId']}
              onChange={(event) => setAffiliateId(event.currentTarget.value)}
              data={[
                { value: '', label: '–' },
                ...(affiliates.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
              required
            />
          ) : null}
          <Textarea
            label={t('contact.reason')}
            value={reason}
            error={errors['reason']}
            required
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
