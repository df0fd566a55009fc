import { Button } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMessagesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Message } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { useKeys } from '../../../kit/keys.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { MessageForm } from './messageForm.js';

/** Messages → Sent to many: what segments and groups were written, how many it reached and who confirmed (screens.md 3.13, NTF-11). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const maySend = useCan()('message.send');
  const [isOpen, setOpen] = useState(false);
  useKeys({
    c: () => {
      if (maySend) setOpen(true);
    },
  });
  const create = maySend ? <Button onClick={() => setOpen(true)}>{t('message.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('message.title')} text={t('message.text')} actions={create} />
      <ResourceTable<Message>
        screen="messages"
        label={t('message.title')}
        hasText
        list={(query) => getMessagesOptions({ query: query as never }) as never}
        rowLabel={(row) => row.templateName}
        rowHref={(row) => `/messages/sent/${row.id}`}
        empty={{ title: t('message.none'), text: t('message.noneText'), action: create }}
        columns={[
          {
            key: 'template',
            title: t('message.what'),
            render: (row) =>
              row.remindsId === null ? row.templateName : t('message.reminder', { name: row.templateName }),
            csv: 'templateName',
          },
          {
            key: 'to',
            title: t('message.to'),
            render: (row) => row.segmentName ?? t('message.chosen'),
            csv: 'segmentName',
          },
          {
            key: 'status',
            title: t('mailLog.status'),
            render: (row) => <StatusPill status={row.status} />,
            csv: 'status',
          },
          {
            key: 'recipients',
            title: t('message.recipients'),
            align: 'right',
            render: (row) => row.recipients,
            csv: 'recipients',
          },
          { key: 'told', title: t('message.told'), align: 'right', render: (row) => row.told, csv: 'told' },
          {
            key: 'acknowledged',
            title: t('message.acknowledged'),
            align: 'right',
            render: (row) => (row.requiresAcknowledgement ? row.acknowledged : '–'),
            csv: 'acknowledged',
          },
          {
            key: 'at',
            title: t('message.at'),
            render: (row) => <DateText time value={row.sendAt ?? row.createdAt} />,
            csv: 'createdAt',
          },
          { key: 'by', title: t('message.by'), render: (row) => row.createdByName ?? '–', csv: 'createdByName' },
        ]}
      />
      {isOpen ? <MessageForm onClose={() => setOpen(false)} /> : null}
    </>
  );
}
