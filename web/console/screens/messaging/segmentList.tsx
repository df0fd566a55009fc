import { Button, Checkbox, NativeSelect, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getGroupsOptions,
  getProgramsOptions,
  getSegmentsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deleteSegmentsBySegmentId, patchSegmentsBySegmentId } from '../../../client/sdk.gen.js';
import type { Segment } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { Loaded } from '../../../kit/Loaded.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const statuses = ['pending', 'approved', 'suspended', 'declined', 'terminated'] as const;
type Filter = Readonly<Record<string, string>>;

/** Messages → Segments: kept filters of the affiliate list, each with how many it holds now (screens.md 3.13, AFF-21). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('message.write');
  const [edited, setEdited] = useState<Segment | 'new' | null>(null);
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('segment.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('segment.title')} text={t('segment.text')} actions={create} />
      <ResourceTable<Segment>
        screen="segments"
        label={t('segment.title')}
        hasText
        list={(query) => getSegmentsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={mayWrite ? [{ key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
        empty={{ title: t('segment.none'), text: t('segment.noneText'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), render: (row) => row.name, csv: 'name', sort: 'name' },
          {
            key: 'members',
            title: t('segment.members'),
            align: 'right',
            render: (row) => <NameLink to={`/affiliates?segmentId=${row.id}`} name={String(row.memberCount)} />,
            csv: 'memberCount',
          },
          {
            key: 'changed',
            title: t('template.changed'),
            render: (row) => <DateText time value={row.updatedAt} />,
            csv: 'updatedAt',
          },
        ]}
      />
      {edited === null ? null : (
        <SegmentForm segment={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
    </>
  );
}

function SegmentForm({
  segment,
  onClose,
}: {
  readonly segment: Segment | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(segment?.name ?? '');
  const [filter, setFilter] = useState<Filter>(segment?.filter ?? {});
  const groups = useQuery(getGroupsOptions({ query: { limit: 200 } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  // What the filter holds that this form has no field for stays as it is.
  const set = (field: string, value: string): void => {
    const { [field]: _before, ...rest } = filter;
    setFilter(value === '' ? rest : { ...rest, [field]: value });
  };
  const listOf = (text: string): string =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .join(',');
  const asked = {
    ...filter,
    ...Object.fromEntries(
      ['tag', 'country'].flatMap((one) => (filter[one] === undefined ? [] : [[one, listOf(filter[one])]])),
    ),
  };
  const preview = useQuery({
    ...getAffiliatesOptions({ query: { ...asked, limit: 1, include: 'counts' } as never }),
    retry: false,
  });
  const of =
    segment === undefined
      ? undefined
      : { path: { segmentId: segment.id }, headers: { 'If-Match': `"${segment.version}"` } as never };
  const save = async (key: string): Promise<void> => {
    const body = { name: name.trim(), filter: asked };
    if (of === undefined) await postPath('/v1/segments', body, key);
    else await patchSegmentsBySegmentId({ ...of, body, throwOnError: true });
  };
  const errorOf = (errors: Readonly<Record<string, string>>, field: string): string | undefined =>
    errors[`filter.${field}`];
  const any = { value: '', label: t('segment.any') };
  return (
    <FormDialog
      title={t(segment === undefined ? 'segment.new' : 'desk.change')}
      submit={t(segment === undefined ? 'segment.create' : 'desk.save')}
      isReady={name.trim() !== ''}
      save={save}
      onClose={onClose}
      remove={
        of === undefined
          ? undefined
          : { text: t('desk.delete'), run: () => deleteSegmentsBySegmentId({ ...of, throwOnError: true }) }
      }
    >
      {(errors) => (
        <>
          <TextInput
            label={t('form.name')}
            value={name}
            error={errors['name']}
            required
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('segment.status')}
            value={filter['status'] ?? ''}
            error={errorOf(errors, 'status')}
            onChange={(event) => set('status', event.currentTarget.value)}
            data={[any, ...statuses.map((value) => ({ value, label: t(`status.${value}`) }))]}
          />
          <NativeSelect
            label={t('segment.group')}
            value={filter['groupId'] ?? ''}
            error={errorOf(errors, 'groupId')}
            onChange={(event) => set('groupId', event.currentTarget.value)}
            data={[any, ...(groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }))]}
          />
          <NativeSelect
            label={t('segment.program')}
            value={filter['programId'] ?? ''}
            error={errorOf(errors, 'programId')}
            onChange={(event) => set('programId', event.currentTarget.value)}
            data={[any, ...(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }))]}
          />
          <TextInput
            label={t('segment.tag')}
            description={t('segment.listHint')}
            value={filter['tag'] ?? ''}
            error={errorOf(errors, 'tag')}
            onChange={(event) => set('tag', event.currentTarget.value)}
          />
          <TextInput
            label={t('segment.country')}
            description={t('segment.countryHint')}
            value={filter['country'] ?? ''}
            error={errorOf(errors, 'country')}
            onChange={(event) => set('country', event.currentTarget.value.toUpperCase())}
          />
          <Checkbox
            label={t('segment.belowStandard')}
            checked={filter['belowStandard'] === 'true'}
            onChange={(event) => set('belowStandard', event.currentTarget.checked ? 'true' : '')}
          />
          <Checkbox
            label={t('segment.neverLoggedIn')}
            checked={filter['neverLoggedIn'] === 'true'}
            onChange={(event) => set('neverLoggedIn', event.currentTarget.checked ? 'true' : '')}
          />
          <Loaded query={preview}>
            {(page) => (
              <Text size="sm" role="status">
                {t('segment.preview', { count: page.counts?.total ?? 0 })}
              </Text>
            )}
          </Loaded>
        </>
      )}
    </FormDialog>
  );
}
