import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getEmailsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Email } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { humanize, StatusBadge } from '../../../kit/StatusPill.js';

const statuses = ['waiting', 'sent', 'failed'] as const;

/** Messages → Mail log: everything that was written, what became of it, and once more where it got lost (screens.md 3.13). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const seesPeople = useCan()('pii.read');
  const queries = useQueryClient();
  const problemText = useProblemText();
  const resend = useMutation({
    mutationFn: (id: string) => postPath<Email>(`/v1/emails/${id}/resend`, {}),
    onSuccess: () => {
      notifications.show({ message: t('mailLog.resent'), color: 'river' });
      return queries.invalidateQueries();
    },
    onError: (error) => {
      const { title, detail } = problemText(error);
      notifications.show({ title, message: detail, color: 'red' });
    },
  });
  return (
    <>
      <PageHead
        title={t('mailLog.title')}
        text={t('mailLog.text')}
        actions={<NameLink to="/messages" name={t('nav.messages')} />}
      />
      <ResourceTable<Email>
        screen="emails"
        label={t('mailLog.title')}
        hasText
        list={(query) => getEmailsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.subject}
        rowDetail={(row) => (
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {row.text ?? t('mailLog.masked')}
          </Text>
        )}
        rowActions={(row) => (
          <RowMenu
            row={row.subject}
            actions={row.allowedActions.map((verb) => ({
              key: verb,
              text: t(`mailLog.${verb}`),
              isBusy: resend.isPending && resend.variables === row.id,
              onPress: () => resend.mutate(row.id),
            }))}
          />
        )}
        empty={{ title: t('mailLog.none'), text: t('mailLog.noneText') }}
        filters={[
          {
            field: 'status',
            label: t('mailLog.status'),
            options: statuses.map((value) => ({ value, label: t(`mailLog.status.${value}`) })),
          },
          ...(seesPeople ? [{ field: 'to', label: t('mailLog.to') }] : []),
          { field: 'kind', label: t('mailLog.kind') },
          { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
        ]}
        columns={[
          {
            key: 'createdAt',
            title: t('mailLog.at'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'to',
            title: t('mailLog.to'),
            render: (row) => (row.recipient.masked ? t('mailLog.maskedAddress') : (row.recipient.email ?? '–')),
            csv: 'recipient.email',
          },
          { key: 'subject', title: t('template.subject'), render: (row) => row.subject, csv: 'subject' },
          { key: 'kind', title: t('mailLog.kind'), render: (row) => humanize(row.kind), csv: 'kind' },
          {
            key: 'status',
            title: t('mailLog.status'),
            render: (row) => <StatusBadge status={row.status} />,
            csv: ['status', 'code'],
          },
          {
            key: 'sentAt',
            title: t('mailLog.sentAt'),
            hidden: true,
            render: (row) => <DateText value={row.sentAt} />,
            csv: 'sentAt',
          },
        ]}
      />
    </>
  );
}
