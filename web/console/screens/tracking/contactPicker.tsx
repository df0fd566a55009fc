import { Group, NativeSelect, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getContactsByContactIdOptions, getContactsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Contact } from '../../../client/types.gen.js';

const nameOf = (contact: Contact): string =>
  [contact.name, contact.email].filter((part) => part !== null).join(', ') || contact.id;

/** A person found by name, e-mail or phone; '' is nobody. The chosen one stays in the list, whatever is searched. */
export function ContactPicker({
  value,
  onChange,
  label,
  description,
  error,
}: {
  readonly value: string;
  readonly onChange: (contactId: string) => void;
  readonly label: string;
  readonly description?: string;
  readonly error?: string | undefined;
}): ReactElement {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const found = useQuery({
    ...getContactsOptions({ query: { limit: 20, ...(search.trim() === '' ? {} : { q: search.trim() }) } }),
    placeholderData: keepPreviousData,
  });
  const chosen = useQuery({ ...getContactsByContactIdOptions({ path: { contactId: value } }), enabled: value !== '' });
  const listed = found.data?.data ?? [];
  const isListed = listed.some((one) => one.id === value);
  return (
    <Group grow align="flex-start">
      <TextInput
        label={t('contact.search')}
        value={search}
        maxLength={100}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <NativeSelect
        label={label}
        description={description}
        error={error}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        data={[
          { value: '', label: t('contact.nobody') },
          ...(value === '' || isListed
            ? []
            : [{ value, label: chosen.data === undefined ? value : nameOf(chosen.data) }]),
          ...listed.map((one) => ({ value: one.id, label: nameOf(one) })),
        ]}
      />
    </Group>
  );
}
