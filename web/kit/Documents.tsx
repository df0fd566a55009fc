import { Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { OwnDocument } from '../client/types.gen.js';
import { readFile } from './api.js';
import { dayText } from './DateText.js';
import { ErrorView } from './ErrorView.js';
import { FormDialog } from './FormDialog.js';
import { saveFile } from './saveFile.js';
import { StatusBadge } from './StatusPill.js';

// Supporting documents (AFF-24), as staff and their owner see them.

export interface Asked {
  readonly type: string;
  readonly label: string;
  readonly hint: string | null;
  readonly required: boolean;
  readonly expires: boolean;
  readonly state: 'missing' | 'waiting' | 'accepted' | 'refused' | 'expired';
  readonly programNames: readonly string[];
}

export interface SentDocument {
  readonly file: File;
  readonly type: string;
  readonly expiresOn?: string;
}

const types = 'application/pdf,image/png,image/jpeg,image/webp';

/** What the programs ask to see, each with how it stands and, where it can be sent, its button. */
export function AskedDocuments({
  asked,
  send,
}: {
  readonly asked: readonly Asked[];
  /** Absent: only to look at. */
  readonly send?: ((sent: SentDocument, idempotencyKey: string) => Promise<unknown>) | undefined;
}): ReactElement | null {
  const { t } = useTranslation();
  const [sending, setSending] = useState<Asked | null>(null);
  if (asked.length === 0) return null;
  return (
    <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: 'none' }} aria-label={t('document.asked')}>
      {asked.map((one) => (
        <Paper component="li" withBorder p="sm" key={one.type}>
          <Group justify="space-between" align="flex-start">
            <div style={{ minWidth: 0 }}>
              <Title order={2} size="h5" style={{ overflowWrap: 'anywhere' }}>
                {one.label}
              </Title>
              <Text size="sm">
                {t(`document.state.${one.state}`)}
                {one.required ? '' : ` · ${t('document.optional')}`}
              </Text>
              {one.hint === null ? null : (
                <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                  {one.hint}
                </Text>
              )}
              <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {t('document.askedBy', { programs: one.programNames.join(', ') })}
              </Text>
            </div>
            {send === undefined ? null : (
              <Button
                size="compact-md"
                variant={one.state === 'accepted' || one.state === 'waiting' ? 'default' : 'filled'}
                aria-label={t('document.sendOne', { label: one.label })}
                onClick={() => setSending(one)}
              >
                {t('document.send')}
              </Button>
            )}
          </Group>
        </Paper>
      ))}
      {sending === null || send === undefined ? null : (
        <SendDialog asked={sending} send={send} onClose={() => setSending(null)} />
      )}
    </Stack>
  );
}

function SendDialog({
  asked,
  send,
  onClose,
}: {
  readonly asked: Asked;
  readonly send: (sent: SentDocument, idempotencyKey: string) => Promise<unknown>;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [day, setDay] = useState('');
  return (
    <FormDialog
      title={t('document.sendOne', { label: asked.label })}
      submit={t('document.send')}
      isReady={file !== null && (!asked.expires || day !== '')}
      save={async (key) => {
        if (file === null) return;
        await send({ file, type: asked.type, ...(day === '' ? {} : { expiresOn: day }) }, key);
      }}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            type="file"
            label={t('document.file')}
            description={t('document.fileHint')}
            accept={types}
            error={errors['file']}
            required
            onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
          />
          <TextInput
            type="date"
            label={t('document.expiresOn')}
            value={day}
            error={errors['expiresOn']}
            required={asked.expires}
            onChange={(event) => setDay(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

const endings: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
};

/** Fetches the file to keep it: nothing of it is ever shown inside the page. */
export function DocumentFile({
  path,
  document,
}: {
  /** Of the content. */
  readonly path: string;
  readonly document: Pick<OwnDocument, 'id' | 'label' | 'fileName' | 'contentType' | 'status'>;
}): ReactElement {
  const { t } = useTranslation();
  const fetched = useMutation({
    mutationFn: async () => {
      const name = `${document.id}.${endings[document.contentType] ?? 'bin'}`;
      saveFile(name, await readFile(path, {}), document.contentType);
    },
  });
  if (document.status === 'replaced') return <Text size="sm">{document.fileName}</Text>;
  return (
    <>
      <Button
        variant="default"
        size="compact-sm"
        loading={fetched.isPending}
        aria-label={t('document.fetchOne', { label: document.label, file: document.fileName })}
        onClick={() => fetched.mutate()}
      >
        {t('document.fetch')}
      </Button>
      {fetched.error === null ? null : <ErrorView error={fetched.error} />}
    </>
  );
}

/** A day as a reader writes it, or a dash. */
export function dayOrDash(day: string | null): string {
  return day === null ? '–' : dayText(day);
}

/** State and, of a refusal, what was written for the affiliate. */
export function OwnState({ document }: { readonly document: OwnDocument }): ReactElement {
  return (
    <>
      <StatusBadge status={document.status} />
      {document.publicReason === null ? null : (
        <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {document.publicReason}
        </Text>
      )}
    </>
  );
}
