import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getContactsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Contact } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';

const roles = ['lead', 'customer', 'affiliate'] as const;

/** Contacts: one person, all roles (screens.md 3.8). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('contact.title')} text={t('contact.text')} />
      <ResourceTable<Contact>
        screen="contacts"
        label={t('contact.title')}
        hasText
        list={(query) => getContactsOptions({ query }) as never}
        rowLabel={(row) => row.name ?? row.email ?? row.id}
        rowHref={(row) => `/contacts/${row.id}`}
        empty={{ title: t('contact.none'), text: t('contact.noneText') }}
        filters={[
          {
            field: 'role',
            label: t('contact.roles'),
            options: roles.map((value) => ({ value, label: t(`contact.role.${value}`) })),
          },
        ]}
        columns={[
          { key: 'name', title: t('contact.name'), render: (row) => row.name ?? '–', csv: 'name' },
          { key: 'email', title: t('contact.email'), render: (row) => row.email ?? '–', csv: 'email' },
          { key: 'phone', title: t('contact.phone'), render: (row) => row.phone ?? '–', csv: 'phone' },
          {
            key: 'roles',
            title: t('contact.roles'),
            render: (row) => row.roles.map((role) => t(`contact.role.${role}`)).join(', ') || '–',
            csv: 'roles',
          },
          {
            key: 'last',
            title: t('contact.last'),
            render: (row) => <AffiliateName id={row.referrals.at(-1)?.last?.affiliateId ?? null} />,
            csv: 'referrals',
          },
          {
            key: 'createdAt',
            title: t('contact.since'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
    </>
  );
}
