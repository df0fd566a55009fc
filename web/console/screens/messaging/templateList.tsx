import { Button, Group, Modal, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getMessageTemplatesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteMessageTemplatesByTemplateId, patchMessageTemplatesByTemplateId } from '../../../client/sdk.gen.js';
import type { MessagePreview, MessageTemplate, MessageTest } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { locale } from '../../../kit/i18n.js';
import { useKeys } from '../../../kit/keys.js';
import { Loaded } from '../../../kit/Loaded.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { TemplateFields } from './templateFields.js';

/** Languages that a template is offered in; another one that a template has stays in its list. */
const languages = ['en', 'de', 'fr', 'es', 'it', 'nl', 'pl', 'pt', 'cs', 'da', 'sv', 'fi', 'nb', 'hu', 'ro', 'tr'];

function languageName(code: string): string {
  return new Intl.DisplayNames([locale()], { type: 'language' }).of(code) ?? code;
}

/** Programs → Messages: what is written to affiliates, per language, with a preview on real data and a test send (screens.md 3.13). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('message.write');
  const [edited, setEdited] = useState<MessageTemplate | 'new' | null>(null);
  const [previewed, setPreviewed] = useState<MessageTemplate | null>(null);
  const problemText = useProblemText();
  const test = useMutation({
    mutationFn: (id: string) => postPath<MessageTest>(`/v1/message-templates/${id}/test-send`, {}),
    onSuccess: ({ to }) => notifications.show({ message: t('template.tested', { to }), color: 'river' }),
    onError: (error) => {
      const { title, detail } = problemText(error);
      notifications.show({ title, message: detail, color: 'red' });
    },
  });
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('template.new')}</Button> : undefined;
  const actionsOf = (row: MessageTemplate) => [
    { key: 'preview', text: t('template.preview'), onPress: () => setPreviewed(row) },
    ...(mayWrite
      ? [
          { key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) },
          {
            key: 'test',
            text: t('template.test'),
            isBusy: test.isPending && test.variables === row.id,
            onPress: () => test.mutate(row.id),
          },
        ]
      : []),
  ];
  return (
    <>
      <PageHead title={t('template.title')} text={t('template.text')} actions={create} />
      <ResourceTable<MessageTemplate>
        screen="message-templates"
        label={t('template.title')}
        hasText
        list={(query) => getMessageTemplatesOptions({ query }) as never}
        rowLabel={(row) => `${row.name} (${languageName(row.language)})`}
        rowDetail={(row) => <Words subject={row.subject} body={row.body} />}
        rowActions={(row) => <RowMenu row={`${row.name} (${languageName(row.language)})`} actions={actionsOf(row)} />}
        empty={{ title: t('template.none'), text: t('template.noneText'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          {
            key: 'language',
            title: t('template.language'),
            render: (row) => languageName(row.language),
            csv: 'language',
          },
          { key: 'subject', title: t('template.subject'), render: (row) => row.subject, csv: 'subject' },
          {
            key: 'updatedAt',
            title: t('template.changed'),
            render: (row) => <DateText value={row.updatedAt} time={false} />,
            csv: 'updatedAt',
          },
        ]}
      />
      {edited === null ? null : (
        <TemplateForm template={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
      {previewed === null ? null : <PreviewDialog template={previewed} onClose={() => setPreviewed(null)} />}
    </>
  );
}

function TemplateForm({
  template,
  onClose,
}: {
  readonly template: MessageTemplate | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(template?.name ?? '');
  const [language, setLanguage] = useState(template?.language ?? 'en');
  const [words, setWords] = useState({ subject: template?.subject ?? '', body: template?.body ?? '' });
  const of =
    template === undefined
      ? undefined
      : { path: { templateId: template.id }, headers: { 'If-Match': `"${template.version}"` } as never };
  const save = async (key: string): Promise<void> => {
    const body = { name: name.trim(), language, ...words };
    if (of === undefined) await postPath('/v1/message-templates', body, key);
    else await patchMessageTemplatesByTemplateId({ ...of, body, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(template === undefined ? 'template.new' : 'desk.change')}
      submit={t(template === undefined ? 'template.create' : 'desk.save')}
      save={save}
      onClose={onClose}
      remove={
        of === undefined
          ? undefined
          : { text: t('desk.delete'), run: () => deleteMessageTemplatesByTemplateId({ ...of, throwOnError: true }) }
      }
    >
      {(errors) => (
        <>
          <TextInput
            label={t('form.name')}
            description={t('template.nameHint')}
            value={name}
            error={errors['name']}
            required
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('template.language')}
            value={language}
            error={errors['language']}
            onChange={(event) => setLanguage(event.currentTarget.value)}
            data={[...new Set([...languages, language])].map((value) => ({ value, label: languageName(value) }))}
          />
          <TemplateFields value={words} errors={errors} onChange={setWords} />
        </>
      )}
    </FormDialog>
  );
}

/** The template as somebody reads it: with the newest commissions of an affiliate, or with examples. */
function PreviewDialog({
  template,
  onClose,
}: {
  readonly template: MessageTemplate;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayChoose = can('affiliate.read') && can('commission.read');
  const [affiliateId, setAffiliateId] = useState('');
  const affiliates = useQuery({ ...getAffiliatesOptions({ query: { limit: 200 } }), enabled: mayChoose });
  const preview = useQuery({
    queryKey: ['message-preview', template.id, template.version, affiliateId],
    queryFn: () =>
      postPath<MessagePreview>(
        `/v1/message-templates/${template.id}/preview`,
        affiliateId === '' ? {} : { affiliateId },
      ),
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('template.previewOf', { name: template.name })}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Stack>
        {mayChoose ? (
          <NativeSelect
            label={t('template.as')}
            description={t('template.asHint')}
            value={affiliateId}
            onChange={(event) => setAffiliateId(event.currentTarget.value)}
            data={[
              { value: '', label: t('template.examples') },
              ...(affiliates.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
            ]}
          />
        ) : null}
        <Loaded query={preview} lines={4}>
          {({ subject, body }) => <Words subject={subject} body={body} />}
        </Loaded>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('close')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Words({ subject, body }: { readonly subject: string; readonly body: string }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="sm" component="section" aria-label={t('template.message')}>
      <Text fw={600}>{subject}</Text>
      <Text size="sm" mt="xs" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {body}
      </Text>
    </Paper>
  );
}
