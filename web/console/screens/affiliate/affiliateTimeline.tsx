import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesByAffiliateIdTimelineOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { AffiliateActivity } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { screenOf } from '../../../kit/SearchPalette.js';
import { useCan } from '../../../kit/session.js';
import { humanize } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useMoveText } from '../audit/moveText.js';

/** What may be seen of an affiliate's doings, with the right that each needs: the filter offers nothing that is refused. */
const kinds = [
  ['affiliate', 'affiliate.read'],
  ['enrolment', 'affiliate.read'],
  ['login', 'affiliate.read'],
  ['user', 'affiliate.read'],
  ['link', 'link.read'],
  ['coupon', 'link.read'],
  ['payout', 'payout.read'],
  ['payout_method', 'payout_method.read'],
  ['affiliate_document', 'affiliate.read'],
  ['affiliate_breach', 'affiliate.read'],
  ['api_key', 'key.read'],
  ['postback', 'webhook.read'],
] as const satisfies readonly (readonly [AffiliateActivity['kind'], string])[];

/** Sign-ins, status, links, payouts and what else happened to one affiliate, newest first (AUD-11, screens.md 3.5). */
export function AffiliateTimeline({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const reason = useReasonText();
  const moveText = useMoveText();
  const titleOf = ({ kind, event }: AffiliateActivity): string =>
    t(`activity.${kind}.${event}`, { defaultValue: `${t(`activity.${kind}`)}: ${humanize(event)}` });
  return (
    <ResourceTable<AffiliateActivity>
      screen="affiliateTimeline"
      label={t('affiliate.tab.timeline')}
      hasText
      list={(query) => getAffiliatesByAffiliateIdTimelineOptions({ path: { affiliateId }, query }) as never}
      rowLabel={titleOf}
      empty={{ title: t('activity.none') }}
      filters={[
        {
          field: 'kind',
          label: t('activity.kind'),
          options: kinds.filter(([, right]) => can(right)).map(([value]) => ({ value, label: t(`activity.${value}`) })),
        },
        { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
        { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
      ]}
      columns={[
        {
          key: 'createdAt',
          title: t('audit.when'),
          sort: 'createdAt',
          render: (row) => <DateText value={row.createdAt} />,
          csv: 'createdAt',
        },
        {
          key: 'what',
          title: t('activity.what'),
          render: (row) => {
            const to = row.objectId === affiliateId ? undefined : screenOf(row.objectId);
            return to === undefined ? (
              titleOf(row)
            ) : (
              <Anchor component={Link} to={to} underline="always" inherit>
                {titleOf(row)}
              </Anchor>
            );
          },
          csv: ['kind', 'event', 'objectId'],
        },
        { key: 'states', title: t('audit.states'), render: moveText, csv: ['from', 'to'] },
        {
          key: 'actor',
          title: t('audit.who'),
          render: (row) => row.actor.name ?? t(`actor.${row.actor.type}`),
          csv: ['actor.name', 'actor.type'],
        },
        {
          key: 'reason',
          title: t('audit.reason'),
          render: (row) =>
            [row.reasonCode === null ? '' : reason(row.reasonCode), row.reason ?? '']
              .filter((text) => text !== '')
              .join(' · ') || '–',
          csv: ['reason', 'reasonCode'],
        },
      ]}
    />
  );
}
