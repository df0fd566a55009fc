import { Button, Checkbox, NativeSelect, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getGroupsOptions,
  getMessagesOptions,
  getMessageTemplatesOptions,
  getSegmentsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Message } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { Loaded } from '../../../kit/Loaded.js';
import { instantOf } from '../../../kit/localField.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

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

interface DryRun {
  readonly recipients: number;
  readonly optedOut: number;
}

function MessageForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [to, setTo] = useState('');
  const [chosen, setTemplate] = useState('');
  const [byMail, setByMail] = useState(true);
  const [inApp, setInApp] = useState(true);
  const [mustConfirm, setMustConfirm] = useState(false);
  const [at, setAt] = useState('');
  const segments = useQuery(getSegmentsOptions({ query: { sort: 'name', limit: 200 } }));
  const groups = useQuery(getGroupsOptions({ query: { limit: 200 } }));
  const templates = useQuery(getMessageTemplatesOptions({ query: { sort: 'name', limit: 200 } }));
  const written = templates.data?.data ?? [];
  const templateId = chosen === '' ? (written[0]?.id ?? '') : chosen;
  const sendAt = instantOf(at, null);
  const body = {
    ...(to.startsWith('grp_') ? { groupId: to } : { segmentId: to }),
    templateId,
    channels: [...(byMail ? ['email'] : []), ...(inApp || mustConfirm ? ['in_app'] : [])],
    requireAcknowledgement: mustConfirm,
    ...(sendAt === null ? {} : { sendAt }),
  };
  const preview = useQuery({
    queryKey: ['message-dry-run', to, templateId, mustConfirm],
    enabled: to !== '' && templateId !== '',
    queryFn: () =>
      postPath<DryRun>('/v1/messages', { ...body, channels: ['email', 'in_app'], sendAt: undefined, dryRun: true }),
  });
  return (
    <FormDialog
      title={t('message.new')}
      submit={t(sendAt === null ? 'message.send' : 'message.plan')}
      isReady={to !== '' && templateId !== '' && body.channels.length > 0}
      save={(key) => postPath('/v1/messages', body, key)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('message.to')}
            description={t('message.toHint')}
            value={to}
            error={errors['segmentId'] ?? errors['groupId']}
            required
            onChange={(event) => setTo(event.currentTarget.value)}
            data={[
              { value: '', label: '–' },
              ...(segments.data?.data ?? []).map((one) => ({
                value: one.id,
                label: t('message.segment', { name: one.name }),
              })),
              ...(groups.data?.data ?? []).map((one) => ({
                value: one.id,
                label: t('message.group', { name: one.name }),
              })),
            ]}
          />
          <NativeSelect
            label={t('message.what')}
            description={t(written.length === 0 ? 'bulk.noTemplate' : 'milestone.templateHint')}
            value={templateId}
            error={errors['templateId']}
            required
            onChange={(event) => setTemplate(event.currentTarget.value)}
            data={written.map((one) => ({ value: one.id, label: `${one.name} (${one.language})` }))}
          />
          <Checkbox
            label={t('message.byMail')}
            checked={byMail}
            onChange={(event) => setByMail(event.currentTarget.checked)}
          />
          <Checkbox
            label={t('message.inApp')}
            checked={inApp || mustConfirm}
            disabled={mustConfirm}
            onChange={(event) => setInApp(event.currentTarget.checked)}
          />
          <Checkbox
            label={t('message.mustConfirm')}
            description={t('message.mustConfirmHint')}
            checked={mustConfirm}
            onChange={(event) => setMustConfirm(event.currentTarget.checked)}
          />
          <TextInput
            type="datetime-local"
            label={t('message.sendAt')}
            description={t('message.sendAtHint')}
            value={at}
            error={errors['sendAt']}
            onChange={(event) => setAt(event.currentTarget.value)}
          />
          {to === '' || templateId === '' ? null : (
            <Loaded query={preview}>
              {({ recipients, optedOut }) => (
                <Text size="sm" role="status">
                  {t('message.preview', { count: recipients })}{' '}
                  {optedOut === 0 ? '' : t('message.optedOut', { count: optedOut })}
                </Text>
              )}
            </Loaded>
          )}
        </>
      )}
    </FormDialog>
  );
}
