import { Checkbox, NativeSelect, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getGroupsOptions,
  getMessageTemplatesOptions,
  getSegmentsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Message } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import type { Selection } from '../../../kit/BulkDialog.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { instantOf } from '../../../kit/localField.js';

function namedBy(to: string) {
  return to.startsWith('grp_') ? { groupId: to } : { segmentId: to };
}

/** Chosen rows by their ids; all that a filter matches, by the filter. */
function chosenBy({ ids, filter }: Selection) {
  return ids === undefined ? { filter: filter ?? {} } : { affiliateIds: ids };
}

interface DryRun {
  readonly recipients: number;
  readonly optedOut: number;
}

/** Writes to a segment or a group, or to the rows that were chosen in the list of affiliates. */
export function MessageForm({
  selection,
  onClose,
}: {
  readonly selection?: Selection;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
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
    ...(selection === undefined ? namedBy(to) : chosenBy(selection)),
    templateId,
    channels: [...(byMail ? ['email'] : []), ...(inApp || mustConfirm ? ['in_app'] : [])],
    requireAcknowledgement: mustConfirm,
    ...(sendAt === null ? {} : { sendAt }),
  };
  const isAddressed = selection !== undefined || to !== '';
  const preview = useQuery({
    queryKey: ['message-dry-run', selection ?? to, templateId, mustConfirm],
    enabled: isAddressed && templateId !== '',
    queryFn: () =>
      postPath<DryRun>('/v1/messages', { ...body, channels: ['email', 'in_app'], sendAt: undefined, dryRun: true }),
  });
  return (
    <FormDialog
      title={t('message.new')}
      submit={t(sendAt === null ? 'message.send' : 'message.plan')}
      isReady={isAddressed && templateId !== '' && body.channels.length > 0}
      save={(key) => postPath<Message>('/v1/messages', body, key)}
      onSaved={({ id }) => {
        // From the list of affiliates: to whom it goes and who is told is on the message's own page.
        if (selection !== undefined) navigate({ to: `/messages/sent/${id}` }).catch(() => undefined); // overtaken by another navigation
      }}
      onClose={onClose}
    >
      {(errors) => (
        <>
          {selection === undefined ? (
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
          ) : null}
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
          {!isAddressed || templateId === '' ? null : (
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
