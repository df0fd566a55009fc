import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLeadSourcesOptions, getUsersOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteLeadSourcesByLeadSourceId, patchLeadSourcesByLeadSourceId } from '../../../client/sdk.gen.js';
import type { LeadSource } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Lead sources: where leads come from, and who gets them (LED-01, LED-02). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('settings.write');
  const [edited, setEdited] = useState<LeadSource | 'new' | null>(null);
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('leadSource.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('leadSource.title')} text={t('leadSource.text')} actions={create} />
      <ResourceTable<LeadSource>
        screen="lead-sources"
        label={t('leadSource.title')}
        hasText
        list={(query) => getLeadSourcesOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={mayWrite ? [{ key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
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
      {edited === null ? null : (
        <SourceForm source={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
    </>
  );
}

function SourceForm({
  source,
  onClose,
}: {
  readonly source: LeadSource | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const maySeePeople = useCan()('user.read');
  const people = useQuery({
    ...getUsersOptions({ query: { limit: 200, status: 'active', audience: 'staff', sort: 'name' } }),
    enabled: maySeePeople,
  });
  const [name, setName] = useState(source?.name ?? '');
  const [department, setDepartment] = useState(source?.department ?? '');
  const [assigneeId, setAssignee] = useState(source?.assigneeId ?? '');
  const [acceptance, setAcceptance] = useState<string>(source?.leadAcceptance ?? 'null');
  const [active, setActive] = useState(source?.active ?? true);
  const save = async (key: string): Promise<void> => {
    const body = {
      name: name.trim(),
      department: department.trim() === '' ? null : department.trim(),
      leadAcceptance: acceptance === 'automatic' || acceptance === 'manual' ? acceptance : null,
      active,
      ...(maySeePeople ? { assigneeId: assigneeId === '' ? null : assigneeId } : {}),
    } as const;
    if (source === undefined) await postPath('/v1/lead-sources', body, key);
    else await patchLeadSourcesByLeadSourceId({ path: { leadSourceId: source.id }, body, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(source === undefined ? 'leadSource.new' : 'desk.change')}
      submit={t(source === undefined ? 'leadSource.create' : 'desk.save')}
      save={save}
      onClose={onClose}
      remove={
        source === undefined
          ? undefined
          : {
              text: t('desk.delete'),
              run: () => deleteLeadSourcesByLeadSourceId({ path: { leadSourceId: source.id }, throwOnError: true }),
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
          <TextInput
            label={t('leadSource.department')}
            value={department}
            onChange={(event) => setDepartment(event.currentTarget.value)}
            error={errors['department']}
          />
          {maySeePeople ? (
            <NativeSelect
              label={t('leadSource.assignee')}
              value={assigneeId}
              onChange={(event) => setAssignee(event.currentTarget.value)}
              data={[
                { value: '', label: t('leadSource.nobody') },
                ...(people.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
              error={errors['assigneeId']}
            />
          ) : null}
          <NativeSelect
            label={t('leadSource.acceptance')}
            value={acceptance}
            onChange={(event) => setAcceptance(event.currentTarget.value)}
            data={(['null', 'automatic', 'manual'] as const).map((value) => ({
              value,
              label: t(`leadSource.acceptance.${value}`),
            }))}
          />
          <Checkbox
            label={t('form.active')}
            checked={active}
            onChange={(event) => setActive(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
