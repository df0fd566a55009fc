import { Button, Group, NativeSelect, Paper, Switch, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMessageTemplatesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchProgramsByProgramId } from '../../../client/sdk.gen.js';
import type { Program } from '../../../client/types.gen.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';

/** Whether each commission is told by mail, and with which template (PRG-07). */
export function CommissionMail({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('program.write') && can('message.read') && program.status !== 'closed';
  const [isChanging, setChanging] = useState(false);
  const { enabled, templateId } = program.commissionEmail;
  const templates = useQuery({
    ...getMessageTemplatesOptions({ query: { sort: 'name', limit: 200 } }),
    enabled: can('message.read'),
  });
  const name = templates.data?.data.find((one) => one.id === templateId)?.name ?? templateId ?? '–';
  return (
    <Paper withBorder p="md" mt="sm" component="section" aria-label={t('program.mail')}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t('program.mail')}
        </Title>
        {mayWrite ? (
          <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
            {t('program.mailChange')}
          </Button>
        ) : null}
      </Group>
      <Text size="sm" mt="xs">
        {enabled ? t('program.mailOn', { name }) : t('program.mailOff')}
      </Text>
      {isChanging ? (
        <MailForm
          program={program}
          choices={(templates.data?.data ?? []).map((one) => ({
            value: one.id,
            label: `${one.name} (${one.language})`,
          }))}
          onClose={() => setChanging(false)}
        />
      ) : null}
    </Paper>
  );
}

function MailForm({
  program,
  choices,
  onClose,
}: {
  readonly program: Program;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [enabled, setEnabled] = useState(program.commissionEmail.enabled);
  const [templateId, setTemplateId] = useState(program.commissionEmail.templateId ?? '');
  return (
    <FormDialog
      title={t('program.mail')}
      submit={t('desk.save')}
      save={() =>
        patchProgramsByProgramId({
          path: { programId: program.id },
          body: { commissionEmail: { enabled, templateId: templateId === '' ? null : templateId } },
          headers: { 'If-Match': `"${program.version}"` } as never,
          throwOnError: true,
        })
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Switch
            label={t('program.mailSwitch')}
            checked={enabled}
            onChange={(event) => setEnabled(event.currentTarget.checked)}
          />
          <NativeSelect
            label={t('bulk.template')}
            description={choices.length === 0 ? t('bulk.noTemplate') : t('bulk.templateHint')}
            value={templateId}
            error={errors['commissionEmail.templateId']}
            onChange={(event) => setTemplateId(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...choices]}
          />
        </>
      )}
    </FormDialog>
  );
}
