import { Button, NativeSelect, Text, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCustomerAccountsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchCustomerAccountsByCustomerAccountId } from '../../../client/sdk.gen.js';
import type { CustomerAccount } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

/** Customers with an account: who brought them, what they pay for, whether they chose a password (LED-10 to LED-12, api.md 12). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('contact.write');
  const [edited, setEdited] = useState<CustomerAccount | 'new' | null>(null);
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('customer.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('customer.title')} text={t('customer.text')} actions={create} />
      <ResourceTable<CustomerAccount>
        screen="customer-accounts"
        label={t('customer.title')}
        hasText
        list={(query) => getCustomerAccountsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.name ?? row.email ?? row.id}
        rowActions={(row) => (
          <DecisionMenu
            path={`/v1/customer-accounts/${row.id}`}
            actions={row.allowedActions}
            row={row.name ?? row.email ?? row.id}
            more={
              mayWrite && !row.masked
                ? [{ key: 'edit', text: t('customer.change'), onPress: () => setEdited(row) }]
                : []
            }
          />
        )}
        empty={{ title: t('customer.none'), text: t('customer.noneText'), action: create }}
        filters={[
          {
            field: 'status',
            label: t('customer.status'),
            options: (['active', 'suspended'] as const).map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        columns={[
          {
            key: 'name',
            title: t('contact.name'),
            render: (row) => (
              <NameLink to={`/contacts/${row.contactId}`} name={row.name ?? row.email ?? row.contactId} />
            ),
            csv: ['name', 'contactId'],
          },
          { key: 'email', title: t('contact.email'), render: (row) => row.email ?? '–', csv: 'email' },
          {
            key: 'status',
            title: t('customer.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          {
            key: 'password',
            title: t('customer.password'),
            render: (row) => <Password row={row} />,
            csv: ['hasPassword', 'linkExpiresAt'],
          },
          {
            key: 'affiliate',
            title: t('customer.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'lead',
            title: t('customer.openedBy'),
            render: (row) => t(row.leadId === null ? 'customer.byStaff' : 'customer.byLead'),
            csv: 'leadId',
          },
          {
            key: 'subscriptions',
            title: t('customer.subscriptions'),
            render: (row) => row.subscriptions.map((one) => `${one.externalId} (${one.payments})`).join(', ') || '–',
            csv: 'subscriptions',
          },
          {
            key: 'createdAt',
            title: t('customer.since'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      {edited === 'new' ? <OpenForm onClose={() => setEdited(null)} /> : null}
      {edited === null || edited === 'new' ? null : <EditForm account={edited} onClose={() => setEdited(null)} />}
    </>
  );
}

/** Chosen, or until when the mailed link works, or that it ran out: then the customer asks for another. */
function Password({ row }: { readonly row: CustomerAccount }): ReactElement {
  const { t } = useTranslation();
  if (row.hasPassword) return <>{t('customer.password.chosen')}</>;
  if (row.linkExpiresAt === null) return <>{t('customer.password.late')}</>;
  return (
    <>
      {t('customer.password.until')} <DateText value={row.linkExpiresAt} />
    </>
  );
}

function OpenForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [language, setLanguage] = useState('en');
  const save = (key: string) =>
    postPath(
      '/v1/customer-accounts',
      { email: email.trim(), language, ...(name.trim() === '' ? {} : { name: name.trim() }) },
      key,
    );
  return (
    <FormDialog title={t('customer.new')} submit={t('customer.open')} save={save} onClose={onClose}>
      {(errors) => (
        <>
          <Text size="sm">{t('customer.newText')}</Text>
          <TextInput
            label={t('contact.email')}
            type="email"
            value={email}
            error={errors['email']}
            required
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <TextInput
            label={t('contact.name')}
            value={name}
            error={errors['name']}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('customer.language')}
            value={language}
            data={[
              { value: 'en', label: 'English' },
              { value: 'de', label: 'Deutsch' },
            ]}
            onChange={(event) => setLanguage(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

function EditForm({
  account,
  onClose,
}: {
  readonly account: CustomerAccount;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(account.name ?? '');
  const [email, setEmail] = useState(account.email ?? '');
  const [phone, setPhone] = useState(account.phone ?? '');
  const [company, setCompany] = useState(account.company ?? '');
  const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim());
  const save = () =>
    patchCustomerAccountsByCustomerAccountId({
      path: { customerAccountId: account.id },
      headers: { 'If-Match': `"${account.version}"` } as never,
      body: { name: orNull(name), email: email.trim(), phone: orNull(phone), company: orNull(company) },
      throwOnError: true,
    });
  return (
    <FormDialog title={t('customer.change')} submit={t('customer.save')} save={save} onClose={onClose}>
      {(errors) => (
        <>
          <TextInput
            label={t('contact.name')}
            value={name}
            error={errors['name']}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t('contact.email')}
            type="email"
            value={email}
            error={errors['email']}
            required
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <TextInput
            label={t('contact.phone')}
            value={phone}
            error={errors['phone']}
            onChange={(event) => setPhone(event.currentTarget.value)}
          />
          <TextInput
            label={t('contact.company')}
            value={company}
            error={errors['company']}
            onChange={(event) => setCompany(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
