import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getMessagesByMessageIdOptions,
  getMessagesByMessageIdRecipientsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Message, MessageRecipient } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

/** A message to many: what became of it at each affiliate, and a reminder to those who have not confirmed (NTF-11, NTF-12). */
export function Screen(): ReactElement {
  const { messageId = '' } = useParams({ strict: false }) as { messageId?: string };
  const query = useQuery({ ...getMessagesByMessageIdOptions({ path: { messageId } }), refetchInterval: 5_000 });
  return <Loaded query={query}>{(message) => <Detail message={message} />}</Loaded>;
}

function Detail({ message }: { readonly message: Message }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  const { id, allowedActions } = message;
  const act = useMutation({
    mutationFn: (path: string) => postPath(path, {}),
    onSuccess: () => queries.invalidateQueries(),
    onError: (error) => {
      const { title, detail } = problemText(error);
      notifications.show({ title, message: detail, color: 'red' });
    },
  });
  const facts = [
    message.segmentName ?? t('message.chosen'),
    t('message.toldOf', { told: message.told, count: message.recipients }),
    ...(message.requiresAcknowledgement ? [t('message.confirmedOf', { count: message.acknowledged })] : []),
  ];
  return (
    <>
      <PageHead
        title={
          message.remindsId === null ? message.templateName : t('message.reminder', { name: message.templateName })
        }
        text={facts.join(' · ')}
        actions={
          <Group>
            <StatusPill status={message.status} />
            <NameLink to="/messages/sent" name={t('message.title')} />
            {allowedActions.includes('remind') ? (
              <Button loading={act.isPending} onClick={() => act.mutate(`/v1/messages/${id}/remind`)}>
                {t('message.remind')}
              </Button>
            ) : null}
            {allowedActions.includes('cancel') ? (
              <Button
                variant="default"
                loading={act.isPending}
                onClick={() => act.mutate(`/v1/operations/${message.operationId}/cancel`)}
              >
                {t('message.cancel')}
              </Button>
            ) : null}
          </Group>
        }
      />
      <ResourceTable<MessageRecipient>
        screen="message-recipients"
        label={t('message.recipients')}
        list={(query) =>
          getMessagesByMessageIdRecipientsOptions({ path: { messageId: id }, query: query as never }) as never
        }
        rowLabel={(row) => row.affiliateName ?? row.affiliateId}
        filters={
          message.requiresAcknowledgement
            ? [
                {
                  field: 'acknowledged',
                  label: t('message.acknowledged'),
                  options: [
                    { value: 'true', label: t('yes') },
                    { value: 'false', label: t('no') },
                  ],
                },
              ]
            : []
        }
        empty={{ title: t('message.nobody') }}
        columns={[
          {
            key: 'affiliate',
            title: t('risk.affiliate'),
            render: (row) => (
              <NameLink to={`/affiliates/${row.affiliateId}`} name={row.affiliateName ?? row.affiliateId} />
            ),
          },
          {
            key: 'outcome',
            title: t('message.outcome'),
            render: (row) =>
              row.outcome === null
                ? t('mailLog.status.waiting')
                : row.outcome === 'succeeded'
                  ? t('message.told')
                  : t(`message.skipped.${row.code ?? 'other'}`, { defaultValue: t('message.skipped.other') }),
          },
          {
            key: 'mail',
            title: t('message.byMail'),
            render: (row) => (row.mail === null ? '–' : t(`mailLog.status.${row.mail.status}`)),
          },
          {
            key: 'read',
            title: t('message.read'),
            render: (row) => (row.notice?.readAt == null ? '–' : <DateText time value={row.notice.readAt} />),
          },
          ...(message.requiresAcknowledgement
            ? [
                {
                  key: 'acknowledged',
                  title: t('message.acknowledged'),
                  render: (row: MessageRecipient) =>
                    row.notice?.acknowledgedAt == null ? '–' : <DateText time value={row.notice.acknowledgedAt} />,
                },
              ]
            : []),
        ]}
      />
    </>
  );
}
