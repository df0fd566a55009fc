import { Button, SegmentedControl } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCommissionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { GetCommissionsResponse } from '../../../client/types.gen.js';
import type { BulkAction } from '../../../kit/BulkDialog.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { ExplainDrawer } from '../../../kit/Explain.js';
import { useKeys } from '../../../kit/keys.js';
import { formatMoney, formatRate, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { EntryDialog } from './entryDialog.js';

export type Commission = GetCommissionsResponse['data'][number];

const statuses = ['pending', 'approved', 'rejected', 'reversed', 'paid'] as const;
const kinds = ['earned', 'bonus', 'adjustment', 'clawback', 'payout_return', 'late_payment', 'write_off'] as const;
const lists = ['pending', 'payable', 'history'] as const;

const commissionBulk: readonly BulkAction[] = [
  { kind: 'commissions.approve', verb: 'approve', needsReason: false },
  { kind: 'commissions.reject', verb: 'reject', needsReason: true },
  { kind: 'commissions.hold', verb: 'hold', needsReason: true },
  { kind: 'commissions.release', verb: 'release', needsReason: false },
];

const messageBulk: readonly BulkAction[] = [
  { kind: 'commissions.message', verb: 'message', needsReason: false, asks: 'message' },
];

/** Commissions of a workspace, or of one affiliate, referral or sale as a part of its screen (screens.md 3.10). */
export function CommissionTable({ fixed = {} }: { readonly fixed?: Readonly<Record<string, string>> }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('message.send') && can('message.read');
  const reason = useReasonText();
  const [explained, setExplained] = useState<string | null>(null);
  return (
    <>
      <ResourceTable<Commission>
        screen="commissions"
        label={t('commission.title')}
        hasText
        include="counts,sums"
        fixed={fixed}
        list={(query) => getCommissionsOptions({ query }) as never}
        rowLabel={(row) => row.id}
        rowHref={(row) => `/commissions/${row.id}`}
        rowActions={(row) => (
          <DecisionMenu
            row={row.id}
            path={`/v1/commissions/${row.id}`}
            actions={row.allowedActions}
            only={['approve', 'reject', 'hold', 'release', 'reinstate', 'withdraw_approval']}
          />
        )}
        bulk={[...(can('commission.decide') ? commissionBulk : []), ...(mayWrite ? messageBulk : [])]}
        empty={{ title: t('commission.none'), text: t('commission.noneText') }}
        filters={[
          {
            field: 'status',
            label: t('commission.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'kind',
            label: t('commission.kind'),
            options: kinds.map((value) => ({ value, label: t(`commission.kind.${value}`) })),
          },
          {
            field: 'list',
            label: t('commission.list'),
            options: lists.map((value) => ({ value, label: t(`commission.list.${value}`) })),
          },
          {
            field: 'onHold',
            label: t('commission.onHold'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          { field: 'level', label: t('commission.level') },
          { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
          { field: 'groupId', label: t('group.one') },
          ...(['affiliateId', 'programId', 'referralId', 'saleId', 'payoutId'] as const)
            .filter((field) => !(field in fixed))
            .map((field) => ({ field, label: t(`commission.filter.${field}`) })),
        ]}
        columns={[
          {
            key: 'createdAt',
            title: t('commission.date'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'sale',
            title: t('commission.sale'),
            render: (row) =>
              row.saleId === null ? (
                '–'
              ) : (
                <NameLink
                  to={`/sales/${row.saleId}`}
                  name={row.base === null ? t('commission.sale') : formatMoney(row.base)}
                />
              ),
            csv: 'saleId',
          },
          {
            key: 'customer',
            title: t('commission.customer'),
            render: (row) => row.customer?.name ?? row.customer?.reference ?? '–',
            csv: ['customer.name', 'customer.reference'],
          },
          {
            key: 'affiliate',
            title: t('commission.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'program',
            title: t('commission.program'),
            hidden: true,
            render: (row) => <ProgramName id={row.programId} />,
            csv: 'programId',
          },
          {
            key: 'kind',
            title: t('commission.kind'),
            hidden: true,
            render: (row) => t(`commission.kind.${row.kind}`),
            csv: 'kind',
          },
          {
            key: 'level',
            title: t('commission.level'),
            hidden: true,
            render: (row) => row.level,
            csv: 'level',
          },
          {
            key: 'base',
            title: t('commission.base'),
            align: 'right',
            hidden: true,
            render: (row) => <MoneyText value={row.base} />,
            csv: 'base',
          },
          {
            key: 'rate',
            title: t('commission.rate'),
            align: 'right',
            render: (row) => (row.ratePpm === null ? '–' : formatRate(row.ratePpm)),
            csv: 'ratePpm',
          },
          {
            key: 'amount',
            title: t('commission.amount'),
            align: 'right',
            hint: t('commission.amountHint'),
            render: (row) => <MoneyText value={row.amount} onExplain={() => setExplained(row.id)} />,
            csv: 'amount',
          },
          {
            key: 'net',
            title: t('commission.net'),
            align: 'right',
            hint: t('commission.netHint'),
            render: (row) => <MoneyText value={row.net} />,
            csv: 'net',
          },
          {
            key: 'status',
            title: t('commission.status'),
            render: (row) => (
              <>
                <StatusPill status={row.status} objectId={row.id} />
                {row.onHold ? (
                  <>
                    {' '}
                    <StatusBadge status="on_hold" />
                  </>
                ) : null}
              </>
            ),
            csv: 'status',
          },
          {
            key: 'blockers',
            title: t('commission.blockers'),
            render: (row) => row.blockers.map((one) => reason(one.code)).join(', ') || '–',
            csv: 'blockers',
          },
          {
            key: 'eligibleAt',
            title: t('commission.eligible'),
            hidden: true,
            render: (row) => <DateText value={row.eligibleAt} />,
            csv: 'eligibleAt',
          },
          {
            key: 'payout',
            title: t('commission.payout'),
            hidden: true,
            render: (row) =>
              row.payoutId === null ? '–' : <NameLink to={`/payouts/${row.payoutId}`} name={row.payoutId} />,
            csv: 'payoutId',
          },
        ]}
      />
      <ExplainDrawer commissionId={explained} onClose={() => setExplained(null)} />
    </>
  );
}

/** Activity → Commissions (screens.md 3.10). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const mayAdd = useCan()('commission.adjust');
  const [isAdding, setAdding] = useState(false);
  useKeys({
    c: () => {
      if (mayAdd) setAdding(true);
    },
  });
  return (
    <>
      <PageHead
        title={t('commission.title')}
        text={t('commission.text')}
        actions={mayAdd ? <Button onClick={() => setAdding(true)}>{t('entry.add')}</Button> : undefined}
      />
      {isAdding ? <EntryDialog onClose={() => setAdding(false)} /> : null}
      <SegmentedControl
        aria-label={t('commission.list')}
        mb="sm"
        value={search['list'] ?? ''}
        onChange={(list) => change({ list, cursor: '', page: '' })}
        data={[
          { value: '', label: t('commission.list.all') },
          ...lists.map((value) => ({ value, label: t(`commission.list.${value}`) })),
        ]}
      />
      <CommissionTable />
    </>
  );
}
