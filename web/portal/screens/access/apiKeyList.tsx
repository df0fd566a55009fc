import { Anchor, Button, Checkbox, Code, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeApiKeysOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postMeApiKeysByKeyIdRevoke } from '../../../client/sdk.gen.js';
import type { ApiKey, NewApiKey } from '../../../client/types.gen.js';
import { addressList } from '../../../kit/addressList.js';
import { postPath } from '../../../kit/api.js';
import { AddressesInput, ExpiryInput, keyLifeColumns } from '../../../kit/apiKeyParts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { SecretOnce } from '../../../kit/SecretOnce.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

/** Own keys: the affiliate's programs read what the portal shows, and may make links and send leads (screens.md 6, BEY-22). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('me.write');
  const [isCreating, setCreating] = useState(false);
  const [shown, setShown] = useState<NewApiKey | null>(null);
  const [ended, setEnded] = useState<ApiKey | null>(null);
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('apiKey.new')}</Button> : null;
  return (
    <>
      <PageHead
        title={t('apiKey.title')}
        text={t('apiKey.text')}
        actions={
          <>
            <Anchor href="/docs" target="_blank" rel="noopener">
              {t('apiKey.reference')}
            </Anchor>
            {create}
          </>
        }
      />
      <ResourceTable<ApiKey>
        screen="own-api-keys"
        label={t('apiKey.title')}
        hasText
        list={(query) => getMeApiKeysOptions({ query: query as never }) as never}
        rowLabel={(key) => key.name}
        empty={{ title: t('apiKey.none'), text: t('apiKey.noneText'), action: create }}
        {...(mayWrite
          ? {
              rowActions: (key: ApiKey) =>
                key.state === 'revoked' ? null : (
                  <RowMenu
                    row={key.name}
                    actions={[
                      { key: 'revoke', text: t('apiKey.revoke'), isNegative: true, onPress: () => setEnded(key) },
                    ]}
                  />
                ),
            }
          : {})}
        columns={[
          { key: 'name', title: t('apiKey.name'), sort: 'name', render: (key) => key.name, csv: 'name' },
          { key: 'hint', title: t('apiKey.hint'), render: (key) => <Code>{`…${key.hint}`}</Code>, csv: 'hint' },
          {
            key: 'rights',
            title: t('apiKey.rights'),
            render: (key) => t(key.permissions.includes('me.write') ? 'apiKey.writes' : 'apiKey.reads'),
            csv: 'permissions',
          },
          ...keyLifeColumns(t),
        ]}
      />
      {isCreating ? <NewKey onClose={() => setCreating(false)} onMade={setShown} /> : null}
      {ended === null ? null : <End apiKey={ended} onClose={() => setEnded(null)} />}
      {shown === null ? null : (
        <SecretOnce
          title={shown.name}
          text={t('apiKey.onceText')}
          secrets={shown.secret === null ? [] : [{ label: t('apiKey.secret'), value: shown.secret }]}
          onClose={() => setShown(null)}
        />
      )}
    </>
  );
}

function NewKey({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (key: NewApiKey) => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [name, setName] = useState('');
  const [mayWrite, setMayWrite] = useState(false);
  const [expiresOn, setExpiresOn] = useState('');
  const [addresses, setAddresses] = useState('');
  return (
    <FormDialog
      title={t('apiKey.new')}
      submit={t('apiKey.create')}
      save={(key) =>
        withStepUp(() =>
          postPath<NewApiKey>(
            '/v1/me/api-keys',
            {
              name: name.trim(),
              mayWrite,
              ...(expiresOn === '' ? {} : { expiresOn }),
              ipAllowList: addressList(addresses),
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
            description={t('apiKey.nameHint')}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          <Checkbox
            label={t('apiKey.mayWrite')}
            description={t('apiKey.mayWriteHint')}
            checked={mayWrite}
            onChange={(event) => setMayWrite(event.currentTarget.checked)}
          />
          <ExpiryInput value={expiresOn} onChange={setExpiresOn} errors={errors} hint={t('apiKey.expiresHint')} />
          <AddressesInput value={addresses} onChange={setAddresses} errors={errors} />
        </>
      )}
    </FormDialog>
  );
}

/** For good: what uses the key is refused from now on. */
function End({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  return (
    <FormDialog
      title={t('apiKey.revokeFor', { name: apiKey.name })}
      submit={t('apiKey.revoke')}
      color="red"
      save={() => withStepUp(() => postMeApiKeysByKeyIdRevoke({ path: { keyId: apiKey.id }, throwOnError: true }))}
      onSaved={() => notifications.show({ message: t('apiKey.revoked', { name: apiKey.name }), color: 'river' })}
      onClose={onClose}
    >
      {() => <Text size="sm">{t('apiKey.revokeText')}</Text>}
    </FormDialog>
  );
}
