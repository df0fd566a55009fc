import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCustomFieldsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { CustomField } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { isProblem } from '../../../kit/problem.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const types = ['text', 'number', 'date', 'choice', 'checkbox'] as const;

/** Fields of the workspace's own on leads (SET-13). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('settings.write');
  const [isCreating, setCreating] = useState(false);
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('customField.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('customField.title')} text={t('customField.text')} actions={create} />
      <ResourceTable<CustomField>
        screen="custom-fields"
        label={t('customField.title')}
        list={(query) => getCustomFieldsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name}
        empty={{ title: t('customField.none'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          { key: 'key', title: t('customField.key'), render: (row) => row.key, csv: 'key' },
          {
            key: 'type',
            title: t('customField.type'),
            render: (row) => t(`customField.type.${row.type}`),
            csv: 'type',
          },
          {
            key: 'required',
            title: t('form.required'),
            render: (row) => t(row.required ? 'yes' : 'no'),
            csv: 'required',
          },
        ]}
      />
      {isCreating ? <NewField onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function NewField({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [name, setName] = useState('');
  const [apiName, setApiName] = useState('');
  const [type, setType] = useState<CustomField['type']>('text');
  const [options, setOptions] = useState('');
  const [required, setRequired] = useState(false);
  const create = useMutation({
    mutationFn: () =>
      postPath(
        '/v1/custom-fields',
        {
          target: 'lead',
          name: name.trim(),
          key: apiName.trim(),
          type,
          required,
          ...(type === 'choice'
            ? { options: options.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])) }
            : {}),
        },
        key.current,
      ),
    onSuccess: () => {
      onClose();
      return queries.invalidateQueries();
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const errors = isProblem(create.error) ? create.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('customField.new')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t('form.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
            required
          />
          <TextInput
            label={t('customField.key')}
            value={apiName}
            onChange={(event) => setApiName(event.currentTarget.value)}
            error={errors['key']}
            required
          />
          <NativeSelect
            label={t('customField.type')}
            value={type}
            onChange={(event) => setType(event.currentTarget.value as CustomField['type'])}
            data={types.map((value) => ({ value, label: t(`customField.type.${value}`) }))}
          />
          {type === 'choice' ? (
            <Textarea
              label={t('customField.options')}
              value={options}
              onChange={(event) => setOptions(event.currentTarget.value)}
              error={errors['options']}
              autosize
              required
            />
          ) : null}
          <Checkbox
            label={t('form.required')}
            checked={required}
            onChange={(event) => setRequired(event.currentTarget.checked)}
          />
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('customField.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
