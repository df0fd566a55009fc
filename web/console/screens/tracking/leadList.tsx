import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCustomFieldsOptions, getLeadsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Lead } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { DecisionLine } from '../../../kit/DecisionLine.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import type { Column } from '../../../kit/resourceColumns.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useKeys } from '../../../kit/keys.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { AttributeDialog } from '../earning/attributeDialog.js';
import { StaffName } from '../earning/workDialog.js';
import { EditLeadDialog, NewLeadDialog } from './leadEntry.js';

const verdicts = ['received', 'accepted', 'duplicate', 'invalid', 'converted'] as const;
const channels = ['api', 'form', 'postback', 'script', 'manual', 'import', 'payment_hook', 'sale'] as const;

/** Activity → Leads: each with its verdict, whom it credits, and why nobody where that is so (screens.md 3.14). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const mayWrite = useCan()('lead.write');
  const custom = useQuery(getCustomFieldsOptions({ query: { limit: 200, sort: 'order' } }));
  const [attributing, setAttributing] = useState<Lead | null>(null);
  const [edited, setEdited] = useState<Lead | null>(null);
  const [isCreating, setCreating] = useState(false);
  useKeys({
    c: () => {
      if (mayWrite) setCreating(true);
    },
  });
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('lead.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('lead.title')} text={t('lead.text')} actions={create} />
      <ResourceTable<Lead>
        screen="leads"
        label={t('lead.title')}
        hasText
        list={(query) => getLeadsOptions({ query }) as never}
        rowLabel={(row) => row.name ?? row.externalId ?? row.id}
        rowActions={(row) => (
          <DecisionMenu
            row={row.name ?? row.id}
            path={`/v1/leads/${row.id}`}
            actions={row.allowedActions}
            custom={{ attribute: () => setAttributing(row) }}
            more={mayWrite ? [{ key: 'edit', text: t('work.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
        rowDetail={(row) => <DecisionLine decision={row.decision} />}
        empty={{ title: t('lead.none'), text: t('lead.noneText'), action: create }}
        filters={[
          {
            field: 'verdict',
            label: t('lead.verdict'),
            options: verdicts.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'channel',
            label: t('sale.channel'),
            options: channels.map((value) => ({ value, label: t(`channel.${value}`) })),
          },
          { field: 'affiliateId', label: t('commission.filter.affiliateId') },
          { field: 'programId', label: t('commission.filter.programId') },
          { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
          { field: 'externalId', label: t('lead.externalId') },
          { field: 'department', label: t('leadSource.department') },
          { field: 'country', label: t('contact.country') },
          {
            field: 'assigned',
            label: t('lead.agent'),
            options: ['true', 'false'].map((value) => ({ value, label: t(`lead.assigned.${value}`) })),
          },
        ]}
        columns={[
          {
            key: 'receivedAt',
            title: t('lead.received'),
            render: (row) => <DateText value={row.receivedAt} />,
            csv: 'receivedAt',
          },
          { key: 'name', title: t('lead.name'), render: (row) => row.name ?? '–', csv: 'name' },
          { key: 'email', title: t('lead.email'), render: (row) => row.email ?? '–', csv: 'email' },
          {
            key: 'channel',
            title: t('sale.channel'),
            render: (row) => t(`channel.${row.channel}`),
            csv: 'channel',
          },
          {
            key: 'affiliate',
            title: t('lead.affiliate'),
            render: (row) => <AffiliateName id={row.attribution.affiliateId} />,
            csv: 'attribution.affiliateId',
          },
          {
            key: 'verdict',
            title: t('lead.verdict'),
            render: (row) => <StatusPill status={row.verdict} objectId={row.id} />,
            csv: 'verdict',
          },
          {
            key: 'why',
            title: t('sale.why'),
            render: (row) =>
              [row.verdictCode, row.attribution.code]
                .flatMap((code) => (code === null ? [] : [reason(code)]))
                .join(', ') || '–',
            csv: ['verdictCode', 'attribution.code'],
          },
          {
            key: 'referral',
            title: t('lead.referral'),
            render: (row) =>
              row.referralId === null ? '–' : <NameLink to={`/referrals/${row.referralId}`} name={t('lead.story')} />,
            csv: 'referralId',
          },
          {
            key: 'department',
            title: t('leadSource.department'),
            hidden: true,
            render: (row) => row.department ?? '–',
            csv: 'department',
          },
          {
            key: 'assignee',
            title: t('lead.agent'),
            hidden: true,
            render: (row) => <StaffName id={row.assigneeId} />,
            csv: 'assigneeId',
          },
          {
            key: 'tags',
            title: t('referral.tags'),
            hidden: true,
            render: (row) => row.tags.join(', ') || '–',
            csv: 'tags',
          },
          { key: 'notes', title: t('work.notes'), hidden: true, render: (row) => row.notes ?? '–', csv: 'notes' },
          {
            key: 'externalId',
            title: t('lead.externalId'),
            hidden: true,
            render: (row) => row.externalId ?? '–',
            csv: 'externalId',
          },
          {
            key: 'sub1',
            title: t('credit.sub'),
            hidden: true,
            render: (row) => row.attribution.sub1 ?? '–',
            csv: 'attribution.sub1',
          },
          // The workspace's own fields, each under its name: a file has a column for each too (LED-23).
          ...(custom.data?.data ?? []).map(
            ({ key, name }): Column<Lead> => ({
              key: `customFields.${key}`,
              title: name,
              hidden: true,
              render: (row) => row.customFields[key] ?? '–',
              csv: `customFields.${key}`,
            }),
          ),
        ]}
      />
      {edited === null ? null : <EditLeadDialog lead={edited} onClose={() => setEdited(null)} />}
      {isCreating ? <NewLeadDialog onClose={() => setCreating(false)} /> : null}
      {attributing === null ? null : (
        <AttributeDialog
          path={`/v1/leads/${attributing.id}`}
          programId={attributing.attribution.programId}
          onClose={() => setAttributing(null)}
        />
      )}
    </>
  );
}
