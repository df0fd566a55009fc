import { Badge, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesByAffiliateIdMessagesOptions,
  getReferralsByReferralIdMessagesOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { SentMessage } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { humanize, StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';

/** Mails and notices sent because of a referral, or to an affiliate (screens.md 3.5, 4). */
export function SentMessages({
  of,
}: {
  readonly of: { readonly referralId: string } | { readonly affiliateId: string };
}): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const kindText = (row: SentMessage): string => t(`sent.kind.${row.kind}`, { defaultValue: humanize(row.kind) });
  const list = (query: Readonly<Record<string, string>>) =>
    'referralId' in of
      ? getReferralsByReferralIdMessagesOptions({ path: of, query: query as never })
      : getAffiliatesByAffiliateIdMessagesOptions({ path: of, query: query as never });
  return (
    <ResourceTable<SentMessage>
      screen="sent-messages"
      label={t('sent.title')}
      hasText
      list={(query) => list(query) as never}
      rowLabel={(row) => row.subject}
      rowDetail={(row) =>
        row.text === null ? (
          <Text size="sm" c="dimmed">
            {t('sent.masked')}
          </Text>
        ) : (
          <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
            {row.text}
          </Text>
        )
      }
      empty={{ title: t('sent.none'), text: t('sent.noneText') }}
      columns={[
        {
          key: 'createdAt',
          title: t('sent.when'),
          sort: 'createdAt',
          render: (row) => <DateText value={row.createdAt} />,
          csv: 'createdAt',
        },
        {
          key: 'channel',
          title: t('sent.channel'),
          render: (row) => (
            <Badge variant="default" component="span">
              {t(`sent.channel.${row.channel}`)}
            </Badge>
          ),
          csv: 'channel',
        },
        { key: 'kind', title: t('sent.kind'), render: kindText, csv: 'kind' },
        { key: 'subject', title: t('sent.subject'), render: (row) => row.subject, csv: 'subject' },
        {
          key: 'recipient',
          title: t('sent.recipient'),
          render: (row) =>
            row.recipient.masked ? t('referral.masked') : (row.recipient.name ?? row.recipient.email ?? '–'),
          csv: ['recipient.name', 'recipient.email'],
        },
        {
          key: 'status',
          title: t('sent.status'),
          render: (row) => (
            <Stack gap={2} align="flex-start">
              <StatusBadge status={row.status} />
              {row.code === null ? null : <Text size="sm">{reason(row.code)}</Text>}
              {row.readAt === null ? null : (
                <Text size="sm" c="dimmed">
                  {t('sent.readAt')} <DateText value={row.readAt} />
                </Text>
              )}
            </Stack>
          ),
          csv: 'status',
        },
      ]}
    />
  );
}
