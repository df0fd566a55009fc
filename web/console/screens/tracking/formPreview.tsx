import { Button, Checkbox, NativeSelect, Paper, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { LeadForm } from '../../../client/types.gen.js';

const sends: Readonly<Record<LeadForm['language'], string>> = { en: 'Send', de: 'Absenden' };

/** What visitors see once it is published: the same fields, labels, order and demands as the hosted page; a test compares the two. */
export function FormPreview({ form }: { readonly form: LeadForm }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md" component="section" aria-label={t('form.preview')}>
      <Stack>
        <Text size="sm">{t('form.previewText')}</Text>
        <Title order={2} size="h4" lang={form.language}>
          {form.name}
        </Title>
        {form.fields.map((field) => (
          <Control key={field.name} field={field} />
        ))}
        {form.consentText === null || form.consentText === '' ? null : <Checkbox label={form.consentText} />}
        <Button type="button" variant="default" style={{ alignSelf: 'flex-start' }}>
          {sends[form.language]}
        </Button>
      </Stack>
    </Paper>
  );
}

function Control({ field }: { readonly field: LeadForm['fields'][number] }): ReactElement {
  const common = { label: field.label, withAsterisk: field.required, 'data-preview': field.name };
  switch (field.type) {
    case 'choice':
      return <NativeSelect {...common} data={['', ...field.options]} />;
    case 'checkbox':
      // Mantine marks every other control as required, but not this one.
      return <Checkbox label={field.required ? `${field.label} *` : field.label} data-preview={field.name} />;
    case 'longText':
      return <Textarea {...common} rows={4} />;
    case 'email':
    case 'phone':
    case 'text':
    case 'number':
    case 'date':
      return <TextInput {...common} type={field.type === 'date' ? 'date' : 'text'} />;
    default:
      return field.type satisfies never;
  }
}
