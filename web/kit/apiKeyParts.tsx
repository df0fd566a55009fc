import { Textarea, TextInput } from '@mantine/core';
import type { TFunction } from 'i18next';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiKey } from '../client/types.gen.js';
import { DateText, dayText } from './DateText.js';
import type { Column } from './resourceColumns.js';
import { StatusBadge } from './StatusPill.js';

// What the keys of staff (console) and an affiliate's own ones (portal) have in common: how long they live and from where they work.

export function keyLifeColumns(t: TFunction): readonly Column<ApiKey>[] {
  return [
    { key: 'state', title: t('apiKey.state'), render: (key) => <StatusBadge status={key.state} />, csv: 'state' },
    {
      key: 'expires',
      title: t('apiKey.expires'),
      render: (key) => (key.expiresOn === null ? t('apiKey.never') : dayText(key.expiresOn)),
      csv: 'expiresOn',
    },
    {
      key: 'ip',
      title: t('apiKey.addresses'),
      render: (key) => (key.ipRestricted ? key.ipAllowList.join(', ') : t('apiKey.anyAddress')),
      csv: 'ipAllowList',
    },
    {
      key: 'lastUsed',
      title: t('apiKey.lastUsed'),
      render: (key) => <DateText value={key.lastUsedAt} />,
      csv: 'lastUsedAt',
    },
  ];
}

interface InputProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly errors: Readonly<Record<string, string>>;
}

export function ExpiryInput({ value, onChange, errors, hint }: InputProps & { readonly hint: string }): ReactElement {
  const { t } = useTranslation();
  return (
    <TextInput
      type="date"
      label={t('apiKey.expires')}
      description={hint}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={errors['expiresOn']}
    />
  );
}

/** One address or network a line; a fault stands at the field, whichever line has it. */
export function AddressesInput({ value, onChange, errors }: InputProps): ReactElement {
  const { t } = useTranslation();
  return (
    <Textarea
      label={t('apiKey.addresses')}
      description={t('apiKey.addressesHint')}
      autosize
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={Object.entries(errors).find(([at]) => at.startsWith('ipAllowList'))?.[1]}
    />
  );
}
