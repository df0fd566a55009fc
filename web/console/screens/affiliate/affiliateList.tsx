import { Anchor, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getGroupsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import type { BulkAction } from '../../../kit/BulkDialog.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { useKeys } from '../../../kit/keys.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { MoneyList, MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import type { Column } from '../../../kit/resourceColumns.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useStaff } from '../access/useStaff.js';
import { useRequirementText } from './requirementText.js';
import { MessageForm } from '../messaging/messageForm.js';
import { TerminateDialog } from './affiliateDetail.js';
import { AffiliateForm } from './affiliateForm.js';
import { ViewPortalDialog } from './viewPortal.js';

const statuses = ['pending', 'approved', 'suspended', 'declined', 'terminated'] as const;
const kinds = ['external', 'reseller', 'customer'] as const;
const affiliateBulk: readonly BulkAction[] = [
  { kind: 'affiliates.approve', verb: 'approve', needsReason: false },
  { kind: 'affiliates.decline', verb: 'decline', needsReason: true },
  { kind: 'affiliates.suspend', verb: 'suspend', needsReason: true },
];

/** The same group, manager or tags for each (screens.md 3.4). */
const updateBulk: readonly BulkAction[] = [
  { kind: 'affiliates.update', verb: 'set_fields', needsReason: false, asks: 'fields' },
];

/** A draft for each that is due, with a result per row (PAY-18). */
const payoutBulk: readonly BulkAction[] = [{ kind: 'payouts.create', verb: 'create_payout', needsReason: false }];

/** One message to all that are selected (NTF-11). */
const messageBulk: readonly BulkAction[] = [
  {
    kind: 'messages.send',
    verb: 'write_to',
    needsReason: false,
    dialog: (selection, onClose) => <MessageForm selection={selection} onClose={() => onClose(false)} />,
  },
];

/** What each brought in the last thirty days (ADM-05); each number opens its rows. */
function figureColumns(t: TFunction): readonly Column<Affiliate>[] {
  const counted = ['clicks', 'leads', 'sales'] as const;
  return [
    ...counted.map(
      (name): Column<Affiliate> => ({
        key: name,
        title: t(`affiliate.figure.${name}`),
        hint: t('affiliate.figures'),
        sort: name,
        align: 'right',
        render: (row) => (
          <Anchor component={Link} to={`/${name}?affiliateId=${row.id}`} underline="always" inherit>
            {row.figures?.[name] ?? 0}
          </Anchor>
        ),
        csv: `figures.${name}`,
      }),
    ),
    {
      key: 'earned',
      title: t('affiliate.figure.earned'),
      hint: t('affiliate.figure.earnedHint'),
      sort: 'earned',
      align: 'right',
      render: (row) =>
        row.figures === undefined || row.figures.earned.length === 0 ? '–' : <MoneyList values={row.figures.earned} />,
      csv: 'figures.earned',
    },
    {
      key: 'totalSales',
      title: t('affiliate.figure.totalSales'),
      hint: t('affiliate.figures'),
      align: 'right',
      hidden: true,
      render: (row) => <MoneyList values={row.figures?.totalSales ?? []} />,
      csv: 'figures.totalSales',
    },
    {
      key: 'refunds',
      title: t('affiliate.figure.refunds'),
      hint: t('affiliate.figure.refundsHint'),
      align: 'right',
      hidden: true,
      render: (row) => row.figures?.refunds ?? 0,
      csv: 'figures.refunds',
    },
    {
      key: 'refunded',
      title: t('affiliate.figure.refunded'),
      hint: t('affiliate.figure.refundsHint'),
      align: 'right',
      hidden: true,
      render: (row) => <MoneyList values={row.figures?.refunded ?? []} />,
      csv: 'figures.refunded',
    },
    {
      key: 'paid',
      title: t('affiliate.figure.paid'),
      hint: t('affiliate.figure.paidHint'),
      align: 'right',
      hidden: true,
      render: (row) => <MoneyList values={row.figures?.commissionPaid ?? []} />,
      csv: 'figures.commissionPaid',
    },
    {
      key: 'lastActivityAt',
      title: t('affiliate.figure.lastActivityAt'),
      hint: t('affiliate.figure.lastActivityHint'),
      sort: 'lastActivityAt',
      render: (row) =>
        row.figures?.lastActivityAt == null ? '–' : <DateText value={row.figures.lastActivityAt} time={false} />,
      csv: 'figures.lastActivityAt',
    },
  ];
}

/** How the money of each stands now: what is owed opens its balance, what was paid last its payout. */
function moneyColumns(t: TFunction): readonly Column<Affiliate>[] {
  return [
    {
      key: 'owed',
      title: t('affiliate.money.owed'),
      hint: t('affiliate.money.owedHint'),
      align: 'right',
      render: (row) =>
        row.money === undefined || row.money.owed.length === 0 ? (
          '–'
        ) : (
          <Anchor component={Link} to={`/affiliates/${row.id}?tab=balance`} underline="always" inherit>
            <MoneyList values={row.money.owed} />
          </Anchor>
        ),
      csv: 'money.owed',
    },
    {
      key: 'lastPayout',
      title: t('affiliate.money.lastPayout'),
      hint: t('affiliate.money.lastPayoutHint'),
      hidden: true,
      render: (row) =>
        row.money?.lastPayout == null ? (
          '–'
        ) : (
          <Anchor component={Link} to={`/payouts/${row.money.lastPayout.id}`} underline="always" inherit>
            <MoneyText value={row.money.lastPayout.amount} />{' '}
            <DateText value={row.money.lastPayout.paidAt} time={false} />
          </Anchor>
        ),
      csv: 'money.lastPayout.paidAt',
    },
    {
      key: 'payoutMethod',
      title: t('affiliate.money.method'),
      hint: t('affiliate.money.methodHint'),
      hidden: true,
      render: (row) =>
        row.money === undefined || row.money.payoutMethods.length === 0
          ? t('affiliate.money.noMethod')
          : row.money.payoutMethods.map((one) => `${one.currency}: ${t(`status.${one.status}`)}`).join(', '),
      csv: 'money.payoutMethods',
    },
  ];
}

/** Affiliates (screens.md 3.4). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const reason = useReasonText();
  const requirement = useRequirementText();
  const [isCreating, setCreating] = useState(false);
  const [ending, setEnding] = useState<Affiliate | null>(null);
  const [viewing, setViewing] = useState<Affiliate | null>(null);
  const staff = useStaff();
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), enabled: can('group.read') });
  const mayCreate = can('affiliate.write');
  const mayView = can('affiliate.impersonate');
  const seesFigures = can('report.read');
  const seesMoney = can('payout.read');
  useKeys({
    c: () => {
      if (mayCreate) setCreating(true);
    },
  });
  const create = mayCreate ? <Button onClick={() => setCreating(true)}>{t('affiliate.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('affiliate.title')} text={t('affiliate.text')} actions={create} />
      <ResourceTable<Affiliate>
        screen="affiliates"
        label={t('affiliate.title')}
        include={['counts', ...(seesFigures ? ['figures'] : []), ...(seesMoney ? ['money'] : [])].join(',')}
        hasText
        list={(query) => getAffiliatesOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowHref={(row) => `/affiliates/${row.id}`}
        rowActions={(row) => (
          <DecisionMenu
            row={row.name}
            path={`/v1/affiliates/${row.id}`}
            actions={row.allowedActions}
            custom={{ terminate: () => setEnding(row) }}
            more={mayView ? [{ key: 'view', text: t('affiliate.viewButton'), onPress: () => setViewing(row) }] : []}
          />
        )}
        bulk={[
          ...(can('status.change') ? affiliateBulk : []),
          ...(can('affiliate.write') ? updateBulk : []),
          ...(can('payout.prepare') ? payoutBulk : []),
          ...(can('message.send') ? messageBulk : []),
        ]}
        empty={{ title: t('affiliate.none'), text: t('affiliate.noneText'), action: create }}
        filters={[
          {
            field: 'status',
            label: t('affiliate.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          { field: 'programId', label: t('commission.filter.programId') },
          {
            field: 'kind',
            label: t('affiliate.kind'),
            options: kinds.map((value) => ({ value, label: t(`affiliate.kind.${value}`) })),
          },
          { field: 'tag', label: t('referral.tag') },
          { field: 'groupId', label: t('group.one') },
          { field: 'country', label: t('affiliate.country') },
          ...(staff.length === 0 ? [] : [{ field: 'managerId', label: t('affiliate.manager'), options: staff }]),
          { field: 'rank', label: t('affiliate.rank') },
          {
            field: 'belowStandard',
            label: t('affiliate.belowStandard'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          {
            field: 'neverLoggedIn',
            label: t('affiliate.portal'),
            options: (['true', 'false'] as const).map((value) => ({
              value,
              label: t(`affiliate.neverLoggedIn.${value}`),
            })),
          },
        ]}
        columns={[
          { key: 'name', title: t('affiliate.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          {
            key: 'company',
            title: t('affiliate.company'),
            hidden: true,
            render: (row) => row.company ?? '–',
            csv: 'company',
          },
          { key: 'email', title: t('affiliate.email'), render: (row) => row.email, csv: 'email' },
          {
            key: 'status',
            title: t('affiliate.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          {
            key: 'missing',
            title: t('affiliate.missing'),
            hint: t('affiliate.missingHint'),
            render: (row) => row.openRequirements.map(requirement).join(', ') || '–',
          },
          {
            key: 'risk',
            title: t('affiliate.risk'),
            hidden: true,
            render: (row) => row.riskFlags.map(reason).join(', ') || '–',
            csv: 'riskFlags',
          },
          {
            key: 'programs',
            title: t('affiliate.programs'),
            render: (row) =>
              row.enrolments.length === 0
                ? '–'
                : row.enrolments.map((one, index) => (
                    <span key={one.id}>
                      {index === 0 ? '' : ', '}
                      <ProgramName id={one.programId} />
                    </span>
                  )),
          },
          {
            key: 'recruiter',
            title: t('affiliate.recruiter'),
            hidden: true,
            render: (row) => <AffiliateName id={row.recruiterId} />,
            csv: 'recruiterId',
          },
          {
            key: 'group',
            title: t('affiliate.group'),
            hidden: true,
            render: (row) => groups.data?.data.find((one) => one.id === row.groupId)?.name ?? row.groupId ?? '–',
            csv: 'groupId',
          },
          {
            key: 'manager',
            title: t('affiliate.manager'),
            hidden: true,
            render: (row) => staff.find((one) => one.value === row.managerId)?.label ?? row.managerId ?? '–',
            csv: 'managerId',
          },
          {
            key: 'rank',
            title: t('affiliate.rank'),
            align: 'right',
            hidden: true,
            render: (row) => row.rank ?? '–',
            csv: 'rank',
          },
          {
            key: 'tags',
            title: t('referral.tags'),
            hidden: true,
            render: (row) => row.tags.join(', ') || '–',
            csv: 'tags',
          },
          {
            key: 'country',
            title: t('affiliate.country'),
            hidden: true,
            render: (row) => row.country ?? '–',
            csv: 'country',
          },
          ...(seesFigures ? figureColumns(t) : []),
          ...(seesMoney ? moneyColumns(t) : []),
          {
            key: 'createdAt',
            title: t('affiliate.joined'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      {isCreating ? <AffiliateForm onClose={() => setCreating(false)} /> : null}
      {ending === null ? null : <TerminateDialog affiliate={ending} onClose={() => setEnding(null)} />}
      {viewing === null ? null : <ViewPortalDialog affiliate={viewing} onClose={() => setViewing(null)} />}
    </>
  );
}
