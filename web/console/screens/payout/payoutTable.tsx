import { Badge, Group } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getPayoutsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Payout } from '../../../client/types.gen.js';
import type { BulkAction } from '../../../kit/BulkDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { dayText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { tones } from '../../../kit/theme.js';

const statuses = ['draft', 'pending', 'paid', 'cancelled'] as const;
const problems = ['failed', 'unknown', 'returned'] as const;

/** Fifty at once, with a result per row (PAY-18). */
const settleBulk: readonly BulkAction[] = [
  { kind: 'payouts.mark_paid', verb: 'mark_paid', needsReason: false, asks: 'payment' },
];

/** One mail per affiliate about the selected ones (NTF-14). */
const messageBulk: readonly BulkAction[] = [
  { kind: 'payouts.message', verb: 'message', needsReason: false, asks: 'message' },
];

/** Status with what is wrong beside it: the newest attempt's word, or a hold. */
export function PayoutStatus({ payout }: { readonly payout: Payout }): ReactElement {
  const { t } = useTranslation();
  return (
    <Group gap={4}>
      <StatusPill status={payout.status} objectId={payout.id} />
      {payout.problem === null ? null : (
        <Badge autoContrast={false} styles={{ root: { ...tones.bad, border: 0 } }} component="span">
          {t(`problemOf.${payout.problem}`)}
        </Badge>
      )}
      {payout.onHold ? (
        <Badge autoContrast={false} styles={{ root: { ...tones.wait, border: 0 } }} component="span">
          {t('status.on_hold')}
        </Badge>
      ) : null}
      {payout.overdue ? (
        <Badge autoContrast={false} styles={{ root: { ...tones.bad, border: 0 } }} component="span">
          {t('payout.overdue')}
        </Badge>
      ) : null}
    </Group>
  );
}

/** Payouts as a list: of all, of a run, of an affiliate. */
export function PayoutTable({
  screen,
  fixed = {},
  pollMs = 30_000,
}: {
  readonly screen: string;
  readonly fixed?: Readonly<Record<string, string>>;
  readonly pollMs?: number;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('message.send') && can('message.read');
  return (
    <ResourceTable<Payout>
      screen={screen}
      label={t('payout.listTitle')}
      hasText
      include="counts,sums"
      fixed={fixed}
      pollMs={pollMs}
      bulk={[...(can('payout.settle') ? settleBulk : []), ...(mayWrite ? messageBulk : [])]}
      list={(query) => getPayoutsOptions({ query }) as never}
      rowLabel={(payout) => payout.id}
      rowHref={(payout) => `/payouts/${payout.id}`}
      filters={[
        {
          field: 'status',
          label: t('payout.status'),
          options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
        },
        {
          field: 'problem',
          label: t('payout.problem'),
          options: problems.map((value) => ({ value, label: t(`problemOf.${value}`) })),
        },
        { field: 'currency', label: t('run.currency') },
        { field: 'affiliateId', label: t('payout.affiliateId') },
        {
          field: 'overdue',
          label: t('payout.overdue'),
          options: [
            { value: 'true', label: t('yes') },
            { value: 'false', label: t('no') },
          ],
        },
        { field: 'paidOn[gte]', label: t('payout.paidFrom'), isDay: true },
        { field: 'paidOn[lt]', label: t('payout.paidBefore'), isDay: true },
      ]}
      empty={{ title: t('payout.none'), text: t('payout.noneText') }}
      columns={[
        {
          key: 'affiliate',
          title: t('run.affiliate'),
          render: (payout) => <AffiliateName id={payout.affiliateId} />,
          csv: 'affiliateId',
        },
        {
          key: 'amount',
          title: t('payout.amount'),
          align: 'right',
          render: (payout) => <MoneyText value={payout.amount} />,
          csv: 'amount',
        },
        {
          key: 'method',
          title: t('run.method'),
          render: (payout) => `${t(`method.${payout.method.type}`)} ${payout.method.masked ?? ''}`,
          csv: 'method.type',
        },
        {
          key: 'status',
          title: t('payout.status'),
          render: (payout) => <PayoutStatus payout={payout} />,
          csv: ['problem', 'status'],
        },
        {
          key: 'dueOn',
          title: t('payout.dueOn'),
          render: (payout) => (payout.dueOn === null ? '–' : dayText(payout.dueOn)),
          csv: 'dueOn',
        },
        {
          key: 'paidOn',
          title: t('payout.paidOn'),
          render: (payout) => payout.paidOn ?? '–',
          csv: 'paidOn',
        },
        {
          key: 'reference',
          title: t('payout.reference'),
          render: (payout) => payout.reference ?? payout.attempt?.gatewayReference ?? '–',
          csv: 'reference',
        },
      ]}
    />
  );
}
