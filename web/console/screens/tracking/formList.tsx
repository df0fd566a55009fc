import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getLeadFormsOptions,
  getLeadSourcesOptions,
  getProgramsOptions,
  getUsersOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { LeadForm } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Forms: what each asks, whose its leads are, how many came (screens.md 3.12). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('settings.write');
  const sources = useQuery({ ...getLeadSourcesOptions({ query: { limit: 200 } }), enabled: can('lead.read') });
  const people = useQuery({
    ...getUsersOptions({ query: { limit: 200, audience: 'staff', sort: 'name' } }),
    enabled: can('user.read'),
  });
  const nameOf = (id: string | null, of: readonly { readonly id: string; readonly name: string }[] = []): string =>
    id === null ? '–' : (of.find((one) => one.id === id)?.name ?? id);
  const [isCreating, setCreating] = useState(false);
  useKeys({
    c: () => {
      if (mayWrite) setCreating(true);
    },
  });
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('form.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('form.title')} text={t('form.text')} actions={create} />
      <ResourceTable<LeadForm>
        screen="forms"
        label={t('form.title')}
        hasText
        list={(query) => getLeadFormsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name}
        rowHref={(row) => `/forms/${row.id}`}
        empty={{ title: t('form.none'), text: t('form.noneText'), action: create }}
        filters={[
          {
            field: 'active',
            label: t('form.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          { field: 'programId', label: t('commission.filter.programId') },
        ]}
        columns={[
          { key: 'name', title: t('form.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          {
            key: 'program',
            title: t('form.program'),
            render: (row) => <ProgramName id={row.programId} />,
            csv: 'programId',
          },
          {
            key: 'source',
            title: t('form.source'),
            render: (row) => nameOf(row.leadSourceId, sources.data?.data),
            csv: 'leadSourceId',
          },
          {
            key: 'assignee',
            title: t('form.assignee'),
            render: (row) => nameOf(row.assigneeId, people.data?.data),
            csv: 'assigneeId',
          },
          {
            key: 'language',
            title: t('form.language'),
            render: (row) => t(`language.${row.language}`),
            csv: 'language',
          },
          {
            key: 'fields',
            title: t('form.fields'),
            hidden: true,
            render: (row) => row.fields.map(({ label }) => label).join(', '),
          },
          {
            key: 'thanks',
            title: t('form.thanks'),
            hidden: true,
            render: (row) => row.thankYouText ?? row.thankYouUrl ?? '–',
            csv: ['thankYouText', 'thankYouUrl'],
          },
          {
            key: 'submissions',
            title: t('form.submissions'),
            align: 'right',
            render: (row) => String(row.submissions),
            csv: 'submissions',
          },
          {
            key: 'last',
            title: t('form.last'),
            render: (row) => <DateText value={row.lastSubmissionAt} />,
            csv: 'lastSubmissionAt',
          },
          {
            key: 'active',
            title: t('form.active'),
            render: (row) => t(row.active ? 'yes' : 'no'),
            csv: 'active',
          },
        ]}
      />
      {isCreating ? <NewForm onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function NewForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [programId, setProgram] = useState('');
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  return (
    <FormDialog
      title={t('form.new')}
      submit={t('form.create')}
      save={(key) =>
        postPath<LeadForm>(
          '/v1/lead-forms',
          {
            name: name.trim(),
            programId,
            fields: [
              { name: 'name', label: t('contact.name') },
              { name: 'email', label: t('contact.email'), required: true },
            ],
          },
          key,
        )
      }
      onSaved={(form) => {
        navigate({ to: `/forms/${form.id}` }).catch(() => undefined); // overtaken by another navigation
      }}
      onClose={onClose}
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
          <NativeSelect
            label={t('form.program')}
            value={programId}
            onChange={(event) => setProgram(event.currentTarget.value)}
            data={[
              { value: '', label: '–' },
              ...(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
            ]}
            required
          />
        </>
      )}
    </FormDialog>
  );
}
