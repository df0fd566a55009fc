import { Anchor, Badge, Button, Code, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getApiKeysOptions, getLeadSourcesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { ApiKey, NewApiKey } from '../../../client/types.gen.js';
import { keyLifeColumns } from '../../../kit/apiKeyParts.js';
import { DateText } from '../../../kit/DateText.js';
import { useKeys } from '../../../kit/keys.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { SecretOnce } from '../../../kit/SecretOnce.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { ApiKeyForm } from './apiKeyForm.js';
import { type KeyAction, KeyDialog } from './apiKeyDialogs.js';

/** Developers → API keys: made once, seen once, extended, rotated, revoked (screens.md 3.21). */
export function Screen(): ReactElement {
  return <ApiKeyTable />;
}

/** All keys under their heading, or those of one affiliate as a part of its screen. */
export function ApiKeyTable({ affiliateId }: { readonly affiliateId?: string }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('key.write');
  const [isCreating, setCreating] = useState(false);
  const [shown, setShown] = useState<NewApiKey | null>(null);
  const [action, setAction] = useState<{ readonly kind: KeyAction; readonly key: ApiKey } | null>(null);
  useKeys({
    c: () => {
      if (mayWrite) setCreating(true);
    },
  });
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('apiKey.new')}</Button> : undefined;
  const sources = useQuery({ ...getLeadSourcesOptions({ query: { limit: 200 } }), enabled: can('lead.read') });
  const sourceName = (id: string | null): string =>
    id === null ? '–' : (sources.data?.data.find((one) => one.id === id)?.name ?? id);
  const actionsOf = (key: ApiKey): readonly KeyAction[] =>
    key.state === 'revoked' ? [] : key.kind === 'public' ? ['change', 'revoke'] : ['change', 'rotate', 'revoke'];
  return (
    <>
      {affiliateId === undefined ? (
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
      ) : (
        <Group mb="sm">{create}</Group>
      )}
      <ResourceTable<ApiKey>
        screen="api-keys"
        fixed={affiliateId === undefined ? {} : { affiliateId }}
        label={t('apiKey.title')}
        hasText
        list={(query) => getApiKeysOptions({ query: query as never }) as never}
        rowLabel={(key) => key.name}
        empty={{ title: t('apiKey.none'), text: t('apiKey.noneText'), action: create }}
        filters={[
          {
            field: 'kind',
            label: t('apiKey.kind'),
            options: (['secret', 'public'] as const).map((value) => ({ value, label: t(`apiKey.kind.${value}`) })),
          },
          {
            field: 'test',
            label: t('apiKey.mode'),
            options: [
              { value: 'false', label: t('apiKey.live') },
              { value: 'true', label: t('apiKey.test') },
            ],
          },
        ]}
        {...(mayWrite
          ? {
              rowActions: (key: ApiKey) => (
                <RowMenu
                  row={key.name}
                  actions={actionsOf(key).map((kind) => ({
                    key: kind,
                    text: t(`apiKey.${kind}`),
                    isNegative: kind === 'revoke',
                    onPress: () => setAction({ kind, key }),
                  }))}
                />
              ),
            }
          : {})}
        columns={[
          { key: 'name', title: t('apiKey.name'), sort: 'name', render: (key) => key.name, csv: 'name' },
          {
            key: 'hint',
            title: t('apiKey.hint'),
            render: (key) => (key.publicKey === null ? <Code>{`…${key.hint}`}</Code> : <Code>{key.publicKey}</Code>),
            csv: ['publicKey', 'hint'],
          },
          {
            key: 'mode',
            title: t('apiKey.mode'),
            render: (key) => (
              <Badge variant="default" component="span">
                {t(key.test ? 'apiKey.test' : 'apiKey.live')}
              </Badge>
            ),
            csv: 'test',
          },
          {
            key: 'rights',
            title: t('apiKey.rights'),
            render: (key) =>
              key.kind === 'public'
                ? t('apiKey.publicRights')
                : (key.roleId ?? (key.permissions.length === 0 ? t('apiKey.noRights') : key.permissions.join(', '))),
            csv: ['roleId', 'permissions'],
          },
          {
            key: 'affiliate',
            title: t('apiKey.affiliate'),
            render: (key) => <AffiliateName id={key.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'source',
            title: t('apiKey.source'),
            render: (key) => sourceName(key.leadSourceId),
            csv: 'leadSourceId',
          },
          ...keyLifeColumns(t),
          {
            key: 'createdAt',
            title: t('apiKey.created'),
            sort: 'createdAt',
            hidden: true,
            render: (key) => <DateText value={key.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      {isCreating ? (
        <ApiKeyForm
          {...(affiliateId === undefined ? {} : { ownerId: affiliateId })}
          onClose={() => setCreating(false)}
          onMade={(key) => {
            setCreating(false);
            setShown(key);
          }}
        />
      ) : null}
      {action === null ? null : (
        <KeyDialog action={action.kind} apiKey={action.key} onClose={() => setAction(null)} onSecret={setShown} />
      )}
      {shown === null ? null : (
        <SecretOnce
          title={shown.name}
          text={t('apiKey.onceText')}
          secrets={[
            ...(shown.secret === null ? [] : [{ label: t('apiKey.secret'), value: shown.secret }]),
            ...(shown.publicKey === null ? [] : [{ label: t('apiKey.publicKey'), value: shown.publicKey }]),
            ...(shown.signingSecret === null ? [] : [{ label: t('apiKey.signingSecret'), value: shown.signingSecret }]),
          ]}
          onClose={() => setShown(null)}
        />
      )}
    </>
  );
}
