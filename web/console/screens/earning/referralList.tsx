import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getReferralsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Referral } from '../../../client/types.gen.js';
import type { BulkAction } from '../../../kit/BulkDialog.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import type { Column } from '../../../kit/resourceColumns.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

const statuses = ['pending', 'approved', 'rejected', 'tracking', 'expired', 'merged'] as const;
const stages = ['click', 'visit', 'lead', 'sale'] as const;

export const referralBulk: readonly BulkAction[] = [
  { kind: 'referrals.approve', verb: 'approve', needsReason: false },
  { kind: 'referrals.reject', verb: 'reject', needsReason: true },
];

/** Who a referral is about, as far as the reader may see it. */
export function customerOf(referral: Pick<Referral, 'customer' | 'id'>): string {
  return referral.customer?.name ?? referral.customer?.reference ?? referral.id;
}

/** Referrals of a workspace, or of one affiliate or program as a tab of its screen (screens.md 3.15). */
export function ReferralTable({ fixed = {} }: { readonly fixed?: Readonly<Record<string, string>> }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const columns: readonly Column<Referral>[] = [
    {
      key: 'customer',
      title: t('referral.customer'),
      render: (row) => customerOf(row),
      csv: ['customer.name', 'customer.reference'],
    },
    {
      key: 'status',
      title: t('referral.status'),
      render: (row) => <StatusPill status={row.status} objectId={row.id} />,
      csv: 'status',
    },
    { key: 'stage', title: t('referral.stage'), render: (row) => t(`stage.${row.stage}`), csv: 'stage' },
    {
      key: 'affiliate',
      title: t('referral.affiliate'),
      render: (row) => <AffiliateName id={row.affiliateId} />,
      csv: 'affiliateId',
    },
    {
      key: 'program',
      title: t('referral.program'),
      render: (row) => <ProgramName id={row.programId} />,
      csv: 'programId',
    },
    {
      key: 'checks',
      title: t('referral.openChecks'),
      hidden: true,
      render: (row) =>
        row.checks.map((check) => `${t(`check.${check.kind}`)}: ${t(`status.${check.status}`)}`).join(', '),
    },
    {
      key: 'dueAt',
      title: t('referral.due'),
      hint: t('referral.dueHint'),
      render: (row) => <DateText value={row.dueAt} relative />,
      csv: 'dueAt',
    },
    {
      key: 'createdAt',
      title: t('referral.created'),
      sort: 'createdAt',
      render: (row) => <DateText value={row.createdAt} />,
      csv: 'createdAt',
    },
    { key: 'id', title: t('referral.id'), hidden: true, render: (row) => row.id, csv: 'id' },
    {
      key: 'tags',
      title: t('referral.tags'),
      hidden: true,
      render: (row) => row.tags.join(', '),
      csv: 'tags',
    },
  ];
  return (
    <ResourceTable<Referral>
      screen="referrals"
      label={t('referral.title')}
      include="counts"
      hasText
      fixed={fixed}
      list={(query) => getReferralsOptions({ query }) as never}
      rowLabel={customerOf}
      rowHref={(row) => `/referrals/${row.id}`}
      rowActions={(row) => (
        <DecisionMenu row={customerOf(row)} path={`/v1/referrals/${row.id}`} actions={row.allowedActions} />
      )}
      bulk={can('referral.decide') ? referralBulk : []}
      empty={{ title: t('referral.none'), text: t('referral.noneText') }}
      columns={columns}
      filters={[
        {
          field: 'status',
          label: t('referral.status'),
          options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
        },
        {
          field: 'stage',
          label: t('referral.stage'),
          options: stages.map((value) => ({ value, label: t(`stage.${value}`) })),
        },
        ...('affiliateId' in fixed ? [] : [{ field: 'affiliateId', label: t('referral.affiliateId') }]),
        ...('programId' in fixed ? [] : [{ field: 'programId', label: t('referral.programId') }]),
        { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
        { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
        { field: 'tag', label: t('referral.tag') },
        {
          field: 'manual',
          label: t('referral.manual'),
          options: [
            { value: 'true', label: t('yes') },
            { value: 'false', label: t('no') },
          ],
        },
      ]}
    />
  );
}

/** Activity → Referrals (screens.md 3.15). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('referral.title')} text={t('referral.text')} />
      <ReferralTable />
    </>
  );
}
