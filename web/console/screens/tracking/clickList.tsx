import { Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getClicksOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Click } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';

const credits = ['credited', 'not_credited', 'filtered'] as const;
/** features.md 4.1 and 4.2, in their order. */
const creditCodes = [
  'tracking_off',
  'program_not_active',
  'affiliate_not_active',
  'enrolment_not_active',
  'link_archived',
  'link_disabled',
  'link_expired',
  'consent_refused',
  'head_request',
  'prefetch',
  'not_navigation',
  'preview',
  'bot',
] as const;
const devices = ['phone', 'tablet', 'desktop', 'other'] as const;

/** Every click with what became of it: whom it credits, or why nobody (features.md 4.1, 4.2). The rows behind Home's figure. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <>
      <PageHead title={t('click.title')} text={t('click.text')} />
      <ResourceTable<Click>
        screen="clicks"
        label={t('click.title')}
        list={(query) => getClicksOptions({ query }) as never}
        rowLabel={(row) => row.id}
        empty={{ title: t('click.none'), text: t('click.noneText') }}
        filters={[
          {
            field: 'credit',
            label: t('click.credit'),
            options: credits.map((value) => ({ value, label: t(`click.credit.${value}`) })),
          },
          {
            field: 'creditCode',
            label: t('click.why'),
            options: creditCodes.map((value) => ({ value, label: reason(value) })),
          },
          {
            field: 'suspect',
            label: t('click.suspect'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          { field: 'affiliateId', label: t('commission.filter.affiliateId') },
          { field: 'programId', label: t('commission.filter.programId') },
          { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
          {
            field: 'device',
            label: t('click.device'),
            options: devices.map((value) => ({ value, label: t(`click.device.${value}`) })),
          },
          { field: 'campaign', label: t('tool.campaign') },
          { field: 'ad', label: t('tool.ad') },
          // What the funnel's rows and the list of links open.
          { field: 'linkId', label: t('click.link') },
          ...(['source', 'sub1', 'sub2', 'sub3', 'sub4', 'sub5'] as const).map((field) => ({
            field,
            label: t(`report.by.${field}`),
          })),
        ]}
        columns={[
          {
            key: 'createdAt',
            title: t('click.at'),
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'link',
            title: t('click.link'),
            render: (row) => row.linkSlug ?? row.linkId,
            csv: ['linkSlug', 'linkId'],
          },
          {
            key: 'affiliate',
            title: t('lead.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'credit',
            title: t('click.credit'),
            render: (row) => (
              <>
                {t(`click.credit.${row.credit}`)}
                {row.creditCode === null ? null : (
                  <Text size="sm" c="dimmed">
                    {reason(row.creditCode)}
                  </Text>
                )}
                {row.suspect ? (
                  <Text size="sm" c="dimmed">
                    {t('click.isSuspect')}
                  </Text>
                ) : null}
              </>
            ),
            csv: ['creditCode', 'credit', 'suspect'],
          },
          {
            key: 'device',
            title: t('click.device'),
            render: (row) =>
              row.device === null
                ? '–'
                : [t(`click.device.${row.device.kind}`), row.device.system, row.device.browser]
                    .filter((part) => part !== null)
                    .join(', '),
            csv: 'device.kind',
          },
          { key: 'campaign', title: t('tool.campaign'), render: (row) => row.campaign ?? '–', csv: 'campaign' },
          { key: 'ad', title: t('tool.ad'), render: (row) => row.ad ?? '–', csv: 'ad' },
          { key: 'sub1', title: t('click.sub1'), render: (row) => row.sub1 ?? '–', csv: 'sub1' },
          {
            key: 'referral',
            title: t('click.referral'),
            render: (row) =>
              row.referralId === null ? '–' : <NameLink to={`/referrals/${row.referralId}`} name={row.referralId} />,
            csv: 'referralId',
          },
        ]}
      />
    </>
  );
}
