import { Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getLeadLogOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { LeadLogEntry } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { PayloadFields } from './payloadFields.js';

const outcomes = ['received', 'accepted', 'duplicate', 'invalid', 'converted', 'refused'] as const;
const channels = ['api', 'form', 'postback', 'script', 'manual', 'import', 'payment_hook', 'sale'] as const;

/** Activity → Lead log: nothing that came in disappears (screens.md 3.14). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <>
      <PageHead title={t('leadLog.title')} text={t('leadLog.text')} />
      <ResourceTable<LeadLogEntry>
        screen="lead-log"
        label={t('leadLog.title')}
        list={(query) => getLeadLogOptions({ query }) as never}
        rowLabel={(row) => row.externalId ?? row.id}
        empty={{ title: t('leadLog.none'), text: t('leadLog.noneText') }}
        filters={[
          {
            field: 'outcome',
            label: t('leadLog.outcome'),
            options: outcomes.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'channel',
            label: t('leadLog.channel'),
            options: channels.map((value) => ({ value, label: t(`channel.${value}`) })),
          },
          { field: 'affiliateId', label: t('leadLog.affiliate') },
          { field: 'formId', label: t('leadLog.form') },
        ]}
        columns={[
          {
            key: 'at',
            title: t('leadLog.at'),
            render: (row) => <DateText value={row.at} />,
            csv: 'at',
          },
          {
            key: 'channel',
            title: t('leadLog.channel'),
            render: (row) => t(`channel.${row.channel}`),
            csv: 'channel',
          },
          {
            key: 'outcome',
            title: t('leadLog.outcome'),
            render: (row) => <StatusBadge status={row.outcome} />,
            csv: 'outcome',
          },
          {
            key: 'code',
            title: t('leadLog.code'),
            render: (row) => (row.code === null ? '–' : reason(row.code)),
            csv: 'code',
          },
          {
            key: 'affiliate',
            title: t('leadLog.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'matchedBy',
            title: t('leadLog.matchedBy'),
            render: (row) => (row.matchedBy === null ? '–' : t(`leadLog.matched.${row.matchedBy}`)),
            csv: 'matchedBy',
          },
          {
            key: 'externalId',
            title: t('lead.externalId'),
            render: (row) => row.externalId ?? '–',
            csv: 'externalId',
          },
          {
            key: 'payload',
            title: t('leadLog.payload'),
            render: (row) => <PayloadFields payload={row.payload} />,
            csv: 'payload',
          },
          {
            key: 'referral',
            title: t('lead.referral'),
            hidden: true,
            render: (row) =>
              row.referralId === null ? '–' : <NameLink to={`/referrals/${row.referralId}`} name={t('lead.story')} />,
            csv: 'referralId',
          },
          {
            key: 'address',
            title: t('leadLog.address'),
            hidden: true,
            render: (row) => <Text size="sm">{row.address ?? '–'}</Text>,
            csv: 'address',
          },
          {
            key: 'requestId',
            title: t('leadLog.request'),
            hidden: true,
            render: (row) => row.requestId ?? '–',
            csv: 'requestId',
          },
        ]}
      />
    </>
  );
}
