import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { patchApiKeysByKeyId, postApiKeysByKeyIdRevoke, postApiKeysByKeyIdRotate } from '../../../client/sdk.gen.js';
import type { ApiKey, NewApiKey } from '../../../client/types.gen.js';
import { addressList } from '../../../kit/addressList.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { AddressesInput, ExpiryInput } from '../../../kit/apiKeyParts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { FieldMapInput, fieldMapText, parseFieldMap } from './apiKeyForm.js';
import { ApiKeyLeadFields, changedLeadFields, type LeadFields } from './apiKeyLeadFields.js';

export type KeyAction = 'change' | 'rotate' | 'revoke';

interface DialogProps {
  readonly apiKey: ApiKey;
  readonly onClose: () => void;
}

/** The dialog of one action on one key. */
export function KeyDialog({
  action,
  apiKey,
  onClose,
  onSecret,
}: DialogProps & { readonly action: KeyAction; readonly onSecret: (key: NewApiKey) => void }): ReactElement {
  switch (action) {
    case 'change':
      return <Change apiKey={apiKey} onClose={onClose} />;
    case 'rotate':
      return (
        <Rotate
          apiKey={apiKey}
          onClose={onClose}
          onSecret={(key) => {
            onClose();
            onSecret(key);
          }}
        />
      );
    case 'revoke':
      return <Revoke apiKey={apiKey} onClose={onClose} />;
    default:
      return action satisfies never;
  }
}

/** Name, expiry, addresses, and what its leads belong to and open (LED-10, LED-13). A later day revives an expired key at once (BEY, api.md 15). */
function Change({ apiKey, onClose }: DialogProps): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(apiKey.name);
  const [expiresOn, setExpiresOn] = useState(apiKey.expiresOn ?? '');
  const [isRestricted, setRestricted] = useState(apiKey.ipRestricted);
  const [addresses, setAddresses] = useState(apiKey.ipAllowList.join('\n'));
  const before: LeadFields = {
    leadSourceId: apiKey.leadSourceId,
    acquisitionModel: apiKey.acquisitionModel,
    openAccount: apiKey.openAccount,
    contactId: apiKey.contactId,
  };
  const [leadFields, setLeadFields] = useState(before);
  const [fieldMap, setFieldMap] = useState(fieldMapText(apiKey.fieldMap));
  return (
    <FormDialog
      title={t('apiKey.changeFor', { name: apiKey.name })}
      submit={t('save')}
      save={() =>
        patchApiKeysByKeyId({
          path: { keyId: apiKey.id },
          body: {
            name: name.trim(),
            expiresOn: expiresOn === '' ? null : expiresOn,
            ipRestricted: isRestricted,
            ipAllowList: [...addressList(addresses)],
            ...changedLeadFields(before, leadFields),
            ...(apiKey.kind === 'public' ? { fieldMap: parseFieldMap(fieldMap) } : {}),
          },
          headers: { 'If-Match': `"${apiKey.version}"` } as never,
          throwOnError: true,
        })
      }
      onSaved={() => notifications.show({ message: t('settings.saved'), color: 'river' })}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('apiKey.name')}
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          <ExpiryInput value={expiresOn} onChange={setExpiresOn} errors={errors} hint={t('apiKey.extendHint')} />
          <Checkbox
            label={t('apiKey.restrict')}
            checked={isRestricted}
            onChange={(event) => setRestricted(event.currentTarget.checked)}
          />
          <AddressesInput value={addresses} onChange={setAddresses} errors={errors} />
          {apiKey.kind === 'public' ? (
            <FieldMapInput value={fieldMap} onChange={setFieldMap} errors={errors} />
          ) : (
            <ApiKeyLeadFields
              value={leadFields}
              onChange={setLeadFields}
              hasAffiliate={apiKey.affiliateId !== null}
              errors={errors}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}

const hourMs = 3_600_000;

/** A second secret; the old one works on for a while, so that nothing stops while it is being replaced. */
function Rotate({
  apiKey,
  onClose,
  onSecret,
}: DialogProps & { readonly onSecret: (key: NewApiKey) => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const [hours, setHours] = useState('24');
  const rotate = useMutation({
    mutationFn: async () => {
      const graceUntil = new Date(Date.now() + Number(hours) * hourMs).toISOString();
      const { data } = await withStepUp(() =>
        postApiKeysByKeyIdRotate({ path: { keyId: apiKey.id }, body: { graceUntil }, throwOnError: true }),
      );
      return data;
    },
    onSuccess: (key) => {
      onSecret(key);
      return queries.invalidateQueries();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('apiKey.rotateFor', { name: apiKey.name })}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Stack>
        <NativeSelect
          label={t('apiKey.grace')}
          value={hours}
          onChange={(event) => setHours(event.currentTarget.value)}
          data={['0', '1', '24', '168'].map((value) => ({ value, label: t(`apiKey.grace.${value}`) }))}
        />
        {rotate.error === null ? null : <ErrorView error={rotate.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button onClick={() => rotate.mutate()} loading={rotate.isPending}>
            {t('apiKey.rotate')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** For good: the name is typed, because whatever uses the key stops within a second. */
function Revoke({ apiKey, onClose }: DialogProps): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [typed, setTyped] = useState('');
  return (
    <FormDialog
      title={t('apiKey.revokeFor', { name: apiKey.name })}
      submit={t('apiKey.revoke')}
      color="red"
      save={() => withStepUp(() => postApiKeysByKeyIdRevoke({ path: { keyId: apiKey.id }, throwOnError: true }))}
      onSaved={() => notifications.show({ message: t('apiKey.revoked', { name: apiKey.name }), color: 'river' })}
      onClose={onClose}
      isReady={typed.trim() === apiKey.name}
    >
      {() => (
        <>
          <Text size="sm">{t('apiKey.revokeText')}</Text>
          <TextInput
            label={t('apiKey.typeName', { name: apiKey.name })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
          />
        </>
      )}
    </FormDialog>
  );
}
