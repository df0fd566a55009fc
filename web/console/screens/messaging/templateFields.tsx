import { Code, List, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMergeFieldsOptions } from '../../../client/@tanstack/react-query.gen.js';

/** What stands for itself in a text until a reader's own words take its place (NTF-08). */
function MergeFieldList(): ReactElement | null {
  const { t } = useTranslation();
  const fields = useQuery({ ...getMergeFieldsOptions(), staleTime: 300_000 });
  const usable = fields.data?.data.filter((field) => field.usedIn.includes('message')) ?? [];
  if (usable.length === 0) return null;
  return (
    <details>
      <Text component="summary" size="sm">
        {t('template.fields')}
      </Text>
      <List size="sm" mt="xs">
        {usable.map((field) => (
          <List.Item key={field.name}>
            <Code>{`{{${field.name}}}`}</Code> {t(`mergeField.${field.name}`, { defaultValue: field.meaning })}
          </List.Item>
        ))}
      </List>
      <Text size="sm" c="dimmed">
        {t('template.fieldsHint', { example: '{{affiliate_name|friend}}' })}
      </Text>
    </details>
  );
}

interface TemplateText {
  readonly subject: string;
  readonly body: string;
}

/** Subject and body, with what may stand in them. */
export function TemplateFields({
  value,
  errors,
  onChange,
}: {
  readonly value: TemplateText;
  readonly errors: Readonly<Record<string, string>>;
  readonly onChange: (next: TemplateText) => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack>
      <TextInput
        label={t('template.subject')}
        value={value.subject}
        error={errors['subject']}
        maxLength={200}
        required
        onChange={(event) => onChange({ ...value, subject: event.currentTarget.value })}
      />
      <Textarea
        label={t('template.body')}
        value={value.body}
        error={errors['body']}
        autosize
        minRows={5}
        maxRows={16}
        required
        onChange={(event) => onChange({ ...value, body: event.currentTarget.value })}
      />
      <MergeFieldList />
    </Stack>
  );
}
