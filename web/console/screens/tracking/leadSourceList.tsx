import { Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLeadSourcesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { LeadSource } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { isProblem } from '../../../kit/problem.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Lead sources: where leads come from, and who gets them (LED-01, LED-02). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('settings.write');
  const [isCreating, setCreating] = useState(false);
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('leadSource.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('leadSource.title')} text={t('leadSource.text')} actions={create} />
      <ResourceTable<LeadSource>
        screen="lead-sources"
        label={t('leadSource.title')}
        hasText
        list={(query) => getLeadSourcesOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name}
        empty={{ title: t('leadSource.none'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          {
            key: 'department',
            title: t('leadSource.department'),
            render: (row) => row.department ?? '–',
            csv: 'department',
          },
          {
            key: 'acceptance',
            title: t('leadSource.acceptance'),
            render: (row) => t(`leadSource.acceptance.${row.leadAcceptance ?? 'null'}`),
            csv: 'leadAcceptance',
          },
          {
            key: 'active',
            title: t('form.active'),
            render: (row) => t(row.active ? 'yes' : 'no'),
            csv: 'active',
          },
        ]}
      />
      {isCreating ? <NewSource onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function NewSource({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [name, setName] = useState('');
  const [department, setDepartment] = useState('');
  const [acceptance, setAcceptance] = useState('null');
  const create = useMutation({
    mutationFn: () =>
      postPath(
        '/v1/lead-sources',
        {
          name: name.trim(),
          department: department.trim() === '' ? null : department.trim(),
          leadAcceptance: acceptance === 'null' ? null : acceptance,
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
    <Modal opened onClose={onClose} title={t('leadSource.new')} closeButtonProps={{ 'aria-label': t('close') }}>
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
            label={t('leadSource.department')}
            value={department}
            onChange={(event) => setDepartment(event.currentTarget.value)}
            error={errors['department']}
          />
          <NativeSelect
            label={t('leadSource.acceptance')}
            value={acceptance}
            onChange={(event) => setAcceptance(event.currentTarget.value)}
            data={(['null', 'automatic', 'manual'] as const).map((value) => ({
              value,
              label: t(`leadSource.acceptance.${value}`),
            }))}
          />
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('leadSource.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
