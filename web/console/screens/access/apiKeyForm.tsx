import { Checkbox, Group, NativeSelect, Switch, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getRolesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { NewApiKey } from '../../../client/types.gen.js';
import { addressList } from '../../../kit/addressList.js';
import { postPath } from '../../../kit/api.js';
import { AddressesInput, ExpiryInput } from '../../../kit/apiKeyParts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { ApiKeyLeadFields, changedLeadFields, noLeadFields } from './apiKeyLeadFields.js';
import { PermissionPicker } from './permissionPicker.js';

/** What an API user may do unless somebody ticks otherwise (LED-08). */
const apiUserDefaults: readonly string[] = ['lead.write', 'lead.read'];

/** `{"txn_id":"order"}` as lines of `txn_id = order`. */
export function fieldMapText(fieldMap: Readonly<Record<string, string>>): string {
  return Object.entries(fieldMap)
    .map(([ours, theirs]) => `${ours} = ${theirs}`)
    .join('\n');
}

/** A line without a name on one side is sent as it stands: the API says what is wrong with it. */
export function parseFieldMap(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [ours = '', theirs = ''] = line.split('=', 2);
      return [ours.trim(), theirs.trim()];
    }),
  );
}

/** What another system calls the parameters of its postbacks (BEY-20). */
export function FieldMapInput({
  value,
  onChange,
  errors,
}: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly errors: Readonly<Record<string, string>>;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Textarea
      label={t('apiKey.fieldMap')}
      description={t('apiKey.fieldMapHint')}
      placeholder={'txn_id = order\namount = total'}
      autosize
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={Object.entries(errors).find(([at]) => at.startsWith('fieldMap'))?.[1]}
    />
  );
}

/** A new key: for a machine of ours, an affiliate's API user, or a public one for pages (api.md 15). */
export function ApiKeyForm({
  ownerId = '',
  onClose,
  onMade,
}: {
  /** The affiliate whose it is, where that is settled; else the form asks. */
  readonly ownerId?: string;
  readonly onClose: () => void;
  readonly onMade: (key: NewApiKey) => void;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const withStepUp = useWithStepUp();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<'secret' | 'public'>('secret');
  const [isTest, setTest] = useState(false);
  const [roleId, setRoleId] = useState('');
  const [permissions, setPermissions] = useState<readonly string[]>(ownerId === '' ? [] : apiUserDefaults);
  const [affiliateId, setAffiliateId] = useState(ownerId);
  const [leadFields, setLeadFields] = useState(noLeadFields);
  const [expiresOn, setExpiresOn] = useState('');
  const [addresses, setAddresses] = useState('');
  const [fieldMap, setFieldMap] = useState('');
  const roles = useQuery({ ...getRolesOptions(), enabled: can('user.read') });
  const affiliates = useQuery({
    ...getAffiliatesOptions({ query: { limit: 200 } }),
    enabled: can('affiliate.read') && kind === 'secret',
  });
  const list = addressList(addresses);
  return (
    <FormDialog
      title={t('apiKey.new')}
      size="lg"
      submit={t('apiKey.create')}
      save={(key) =>
        withStepUp(() =>
          postPath<NewApiKey>(
            '/v1/api-keys',
            {
              name: name.trim(),
              kind,
              test: isTest,
              ...(kind === 'public' ? {} : roleId === '' ? { permissions } : { roleId }),
              ...(affiliateId === '' || kind === 'public' ? {} : { affiliateId }),
              ...(kind === 'public' && fieldMap.trim() !== '' ? { fieldMap: parseFieldMap(fieldMap) } : {}),
              ...(kind === 'public' ? {} : changedLeadFields(noLeadFields, leadFields)),
              ...(expiresOn === '' ? {} : { expiresOn }),
              ipRestricted: list.length > 0,
              ipAllowList: list,
            },
            key,
          ),
        )
      }
      onSaved={onMade}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('apiKey.name')}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          <NativeSelect
            label={t('apiKey.kind')}
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as 'secret' | 'public')}
            data={(['secret', 'public'] as const).map((value) => ({ value, label: t(`apiKey.kind.${value}`) }))}
          />
          <Switch
            label={t('apiKey.testMode')}
            checked={isTest}
            onChange={(event) => setTest(event.currentTarget.checked)}
          />
          {kind === 'public' ? (
            <FieldMapInput value={fieldMap} onChange={setFieldMap} errors={errors} />
          ) : (
            <>
              <NativeSelect
                label={t('apiKey.rightsFrom')}
                value={roleId}
                onChange={(event) => setRoleId(event.currentTarget.value)}
                data={[
                  { value: '', label: t('apiKey.ticked') },
                  ...(roles.data?.data ?? []).map((role) => ({ value: role.id, label: role.name })),
                ]}
                error={errors['roleId']}
              />
              {roleId === '' ? <PermissionPicker value={permissions} onChange={setPermissions} /> : null}
              {affiliates.data === undefined || ownerId !== '' ? null : (
                <NativeSelect
                  label={t('apiKey.affiliate')}
                  description={t('apiKey.affiliateHint')}
                  value={affiliateId}
                  onChange={(event) => {
                    const chosen = event.currentTarget.value;
                    setAffiliateId(chosen);
                    if (chosen !== '' && permissions.length === 0) setPermissions(apiUserDefaults);
                    if (chosen === '') setLeadFields({ ...leadFields, contactId: null });
                  }}
                  data={[
                    { value: '', label: t('apiKey.noAffiliate') },
                    ...affiliates.data.data.map((one) => ({ value: one.id, label: one.name })),
                  ]}
                  error={errors['affiliateId']}
                />
              )}
              <ApiKeyLeadFields
                value={leadFields}
                onChange={setLeadFields}
                hasAffiliate={affiliateId !== ''}
                errors={errors}
              />
              {affiliateId === '' || roleId !== '' ? null : (
                <Checkbox.Group value={[...permissions]} onChange={setPermissions} label={t('apiKey.portalRights')}>
                  <Group mt="xs">
                    {['me.read', 'me.write'].map((permission) => (
                      <Checkbox key={permission} value={permission} label={<code>{permission}</code>} />
                    ))}
                  </Group>
                </Checkbox.Group>
              )}
            </>
          )}
          <ExpiryInput value={expiresOn} onChange={setExpiresOn} errors={errors} hint={t('apiKey.expiresHint')} />
          <AddressesInput value={addresses} onChange={setAddresses} errors={errors} />
        </>
      )}
    </FormDialog>
  );
}
