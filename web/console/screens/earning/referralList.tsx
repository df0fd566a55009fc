import { Button, Group, SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getGroupsOptions, getReferralsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Referral } from '../../../client/types.gen.js';
import type { BulkAction } from '../../../kit/BulkDialog.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import type { Filter } from '../../../kit/FilterBar.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import type { Column } from '../../../kit/resourceColumns.js';
import { useAddress } from '../../../kit/router.js';
import type { RowAction } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useStaff } from '../access/useStaff.js';
import { ReferralBoard } from './referralBoard.js';
import { customerOf } from './referralCustomer.js';
import { EditReferralDialog, NewReferralDialog } from './referralForm.js';
import { StaffName } from './workDialog.js';

const statuses = ['pending', 'approved', 'rejected', 'tracking', 'expired', 'merged'] as const;
const stages = ['click', 'visit', 'lead', 'sale'] as const;
const events = ['enquiry', 'registration', 'payment', 'transaction'] as const;
const flags = [
  'self_referral',
  'click_burst',
  'lead_burst',
  'late_click',
  'throwaway_mail',
  'click_flood',
  'refund_share',
  'paid_ads',
  'place_mismatch',
  'ring',
  'chain_abuse',
  'manual_review',
  'affiliate_conflict',
] as const;

export const referralBulk: readonly BulkAction[] = [
  { kind: 'referrals.approve', verb: 'approve', needsReason: false },
  { kind: 'referrals.reject', verb: 'reject', needsReason: true },
];

/** Referrals of a workspace, or of one affiliate or program as a tab of its screen (screens.md 3.15). */
export function ReferralTable({ fixed = {} }: { readonly fixed?: Readonly<Record<string, string>> }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const filters = useReferralFilters(fixed);
  const { actionsOf, dialog } = useReferralActions();
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
      key: 'value',
      title: t('referral.value'),
      align: 'right',
      render: (row) => <MoneyList values={row.value ?? []} />,
      csv: 'value',
    },
    {
      key: 'risk',
      title: t('referral.flags'),
      render: (row) => (row.flags.length === 0 ? '–' : row.flags.map((flag) => t(`riskCode.${flag.code}`)).join(', ')),
      csv: 'flags',
    },
    {
      key: 'assignee',
      title: t('work.assignee'),
      hidden: true,
      render: (row) => <StaffName id={row.assigneeId} />,
      csv: 'assigneeId',
    },
    {
      key: 'source',
      title: t('referral.source'),
      hidden: true,
      render: (row) =>
        row.manual ? (
          t('channel.manual')
        ) : row.linkId === null ? (
          t('referral.noLink')
        ) : (
          <NameLink to={`/links/${row.linkId}`} name={t('referral.link')} />
        ),
      csv: ['manual', 'linkId'],
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
    <>
      <ResourceTable<Referral>
        screen="referrals"
        label={t('referral.title')}
        include="counts,value"
        hasText
        fixed={fixed}
        list={(query) => getReferralsOptions({ query }) as never}
        rowLabel={customerOf}
        rowHref={(row) => `/referrals/${row.id}`}
        rowActions={(row) => (
          <DecisionMenu
            row={customerOf(row)}
            path={`/v1/referrals/${row.id}`}
            actions={row.allowedActions}
            more={actionsOf(row)}
          />
        )}
        bulk={can('referral.decide') ? referralBulk : []}
        empty={{ title: t('referral.none'), text: t('referral.noneText') }}
        columns={columns}
        filters={filters}
      />
      {dialog}
    </>
  );
}

/** What is done with a referral beside deciding it. */
function useReferralActions(): {
  readonly actionsOf: (row: Referral) => readonly RowAction[];
  readonly dialog: ReactElement | null;
} {
  const { t } = useTranslation();
  const mayWrite = useCan()('referral.write');
  const [edited, setEdited] = useState<Referral | null>(null);
  return {
    actionsOf: (row) => (mayWrite ? [{ key: 'edit', text: t('work.change'), onPress: () => setEdited(row) }] : []),
    dialog: edited === null ? null : <EditReferralDialog referral={edited} onClose={() => setEdited(null)} />,
  };
}

function useReferralFilters(fixed: Readonly<Record<string, string>>): readonly Filter[] {
  const { t } = useTranslation();
  const can = useCan();
  const people = useStaff();
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), enabled: can('group.read') });
  return [
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
    {
      field: 'groupId',
      label: t('referral.group'),
      options: (groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
    },
    { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
    { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
    { field: 'dueAt[lt]', label: t('referral.dueBefore'), isDay: 'instant' },
    { field: 'tag', label: t('referral.tag') },
    {
      field: 'event',
      label: t('referral.event'),
      options: events.map((value) => ({ value, label: t(`referral.event.${value}`) })),
    },
    {
      field: 'flag',
      label: t('referral.flags'),
      options: flags.map((value) => ({ value, label: t(`riskCode.${value}`) })),
    },
    { field: 'assigneeId', label: t('work.assignee'), options: people },
    {
      field: 'manual',
      label: t('referral.manual'),
      options: [
        { value: 'true', label: t('yes') },
        { value: 'false', label: t('no') },
      ],
    },
  ];
}

/** Activity → Referrals: table or board (screens.md 3.15). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('referral.write');
  const { search, change } = useAddress();
  const [isCreating, setCreating] = useState(false);
  useKeys({
    c: () => {
      if (mayWrite) setCreating(true);
    },
  });
  return (
    <>
      <PageHead
        title={t('referral.title')}
        text={t('referral.text')}
        actions={mayWrite ? <Button onClick={() => setCreating(true)}>{t('referral.new')}</Button> : undefined}
      />
      <Group justify="space-between" mb="sm">
        <Group gap="md" component="nav" aria-label={t('referral.views')}>
          <NameLink to="/referrals" name={t('referral.view.all')} />
          {(['pending', 'tracking', 'expired', 'merged'] as const).map((status) => (
            <NameLink key={status} to={`/referrals?status=${status}`} name={t(`referral.view.${status}`)} />
          ))}
        </Group>
        <SegmentedControl
          aria-label={t('referral.shape')}
          value={search['shape'] === 'board' ? 'board' : ''}
          onChange={(shape) => change({ shape, cursor: '', page: '' })}
          data={[
            { value: '', label: t('referral.shape.table') },
            { value: 'board', label: t('referral.shape.board') },
          ]}
        />
      </Group>
      {search['shape'] === 'board' ? <Board /> : <ReferralTable />}
      {isCreating ? <NewReferralDialog onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function Board(): ReactElement {
  const filters = useReferralFilters({});
  const { actionsOf, dialog } = useReferralActions();
  return (
    <>
      <ReferralBoard filters={filters} actionsOf={actionsOf} />
      {dialog}
    </>
  );
}
