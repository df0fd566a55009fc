import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCustomFieldsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteCustomFieldsByFieldId, patchCustomFieldsByFieldId } from '../../../client/sdk.gen.js';
import type { CustomField } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const types = ['text', 'number', 'date', 'choice', 'checkbox'] as const;

/** Fields of the workspace's own on leads (SET-13). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('settings.write');
  const [edited, setEdited] = useState<CustomField | 'new' | null>(null);
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('customField.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('customField.title')} text={t('customField.text')} actions={create} />
      <ResourceTable<CustomField>
        screen="custom-fields"
        label={t('customField.title')}
        hasText
        list={(query) => getCustomFieldsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={mayWrite ? [{ key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
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
      {edited === null ? null : (
        <FieldForm field={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
    </>
  );
}

function FieldForm({
  field,
  onClose,
}: {
  readonly field: CustomField | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(field?.name ?? '');
  const [apiName, setApiName] = useState(field?.key ?? '');
  const [type, setType] = useState<CustomField['type']>(field?.type ?? 'text');
  const [options, setOptions] = useState((field?.options ?? []).join('\n'));
  const [required, setRequired] = useState(field?.required ?? false);
  const [order, setOrder] = useState(String(field?.order ?? 0));
  const save = async (key: string): Promise<void> => {
    const body = {
      name: name.trim(),
      required,
      order: Number(order),
      ...(type === 'choice'
        ? { options: options.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])) }
        : {}),
    };
    if (field === undefined)
      await postPath('/v1/custom-fields', { target: 'lead', key: apiName.trim(), type, ...body }, key);
    else await patchCustomFieldsByFieldId({ path: { fieldId: field.id }, body, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(field === undefined ? 'customField.new' : 'desk.change')}
      submit={t(field === undefined ? 'customField.create' : 'desk.save')}
      save={save}
      onClose={onClose}
      remove={
        field === undefined
          ? undefined
          : {
              text: t('desk.delete'),
              run: () => deleteCustomFieldsByFieldId({ path: { fieldId: field.id }, throwOnError: true }),
            }
      }
    >
      {(errors) => (
        <>
          <TextInput
            label={t('form.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
            required
          />
          {field === undefined ? (
            <>
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
            </>
          ) : null}
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
          <TextInput
            label={t('customField.order')}
            value={order}
            inputMode="numeric"
            onChange={(event) => setOrder(event.currentTarget.value)}
            error={errors['order']}
            required
          />
          <Checkbox
            label={t('form.required')}
            checked={required}
            onChange={(event) => setRequired(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
