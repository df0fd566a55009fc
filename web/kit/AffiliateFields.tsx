import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getGroupsOptions, getUsersOptions } from '../client/@tanstack/react-query.gen.js';
import { useCan } from './session.js';

/** What a bulk change sets; what is not named stays as it is. */
export interface SetOfFields {
  readonly groupId?: string | null;
  readonly managerId?: string | null;
  readonly tags?: readonly string[];
}

const kept = 'kept';
const none = 'none';

/** Group, manager and tags for many affiliates at once. Each begins with "as it is". */
export function AffiliateFields({
  value,
  onChange,
}: {
  readonly value: SetOfFields;
  readonly onChange: (next: SetOfFields) => void;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [tags, setTags] = useState('');
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200, sort: 'name' } }), enabled: can('group.read') });
  const staff = useQuery({
    ...getUsersOptions({ query: { audience: 'staff', status: 'active', limit: 200 } }),
    enabled: can('user.read'),
  });
  const choose = (field: 'groupId' | 'managerId', chosen: string): void => {
    const { [field]: _before, ...rest } = value;
    onChange(chosen === kept ? rest : { ...rest, [field]: chosen === none ? null : chosen });
  };
  const chosenOf = (field: 'groupId' | 'managerId'): string => {
    const set = value[field];
    return set === undefined ? kept : (set ?? none);
  };
  const named = (people: readonly { readonly id: string; readonly name: string }[] | undefined) =>
    (people ?? []).map((one) => ({ value: one.id, label: one.name }));
  return (
    <>
      {can('group.read') ? (
        <NativeSelect
          label={t('bulk.group')}
          value={chosenOf('groupId')}
          onChange={(event) => choose('groupId', event.currentTarget.value)}
          data={[
            { value: kept, label: t('bulk.asItIs') },
            { value: none, label: t('bulk.noGroup') },
            ...named(groups.data?.data),
          ]}
        />
      ) : null}
      {can('user.read') ? (
        <NativeSelect
          label={t('bulk.manager')}
          value={chosenOf('managerId')}
          onChange={(event) => choose('managerId', event.currentTarget.value)}
          data={[
            { value: kept, label: t('bulk.asItIs') },
            { value: none, label: t('bulk.noManager') },
            ...named(staff.data?.data),
          ]}
        />
      ) : null}
      <TextInput
        label={t('bulk.tags')}
        description={t('bulk.tagsHint')}
        value={tags}
        onChange={(event) => {
          setTags(event.currentTarget.value);
          const { tags: _before, ...rest } = value;
          const words = event.currentTarget.value
            .split(',')
            .map((tag) => tag.trim())
            .filter((tag) => tag !== '');
          onChange(words.length === 0 ? rest : { ...rest, tags: [...new Set(words)] });
        }}
      />
    </>
  );
}
