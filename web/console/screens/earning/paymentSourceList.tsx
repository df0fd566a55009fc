import { Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getPaymentSourcesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { GetPaymentSourcesResponse, PostPaymentSourcesResponse } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { SecretOnce } from '../../../kit/SecretOnce.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';

export type PaymentSource = GetPaymentSourcesResponse['data'][number];
type NewSource = PostPaymentSourcesResponse;

/** Developers → Payment sources: Stripe by one pasted secret, other systems by our own envelope (screens.md 3.21). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const mayWrite = useCan()('webhook.write');
  const [isCreating, setCreating] = useState(false);
  const [made, setMade] = useState<NewSource | null>(null);
  useKeys({
    c: () => {
      if (mayWrite) setCreating(true);
    },
  });
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('paymentSource.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('paymentSource.title')} text={t('paymentSource.text')} actions={create} />
      <ResourceTable<PaymentSource>
        screen="payment-sources"
        label={t('paymentSource.title')}
        hasText
        list={(query) => getPaymentSourcesOptions({ query: query as never }) as never}
        rowLabel={(source) => source.name}
        empty={{ title: t('paymentSource.none'), text: t('paymentSource.noneText'), action: create }}
        filters={[]}
        columns={[
          {
            key: 'name',
            title: t('paymentSource.name'),
            render: (source) => <NameLink to={`/developers/payment-sources/${source.id}`} name={source.name} />,
            csv: 'name',
          },
          {
            key: 'adapter',
            title: t('paymentSource.adapter'),
            render: (source) => t(`paymentSource.adapter.${source.adapter}`),
            csv: 'adapter',
          },
          {
            key: 'secret',
            title: t('paymentSource.secret'),
            render: (source) =>
              source.secretSetAt === null ? t('paymentSource.noSecret') : <DateText value={source.secretSetAt} />,
            csv: 'secretSetAt',
          },
          {
            key: 'active',
            title: t('paymentSource.active'),
            render: (source) => t(source.active ? 'yes' : 'no'),
            csv: 'active',
          },
          {
            key: 'lastEvent',
            title: t('paymentSource.lastEvent'),
            render: (source) => <DateText value={source.lastEventAt} />,
            csv: 'lastEventAt',
          },
          {
            key: 'lastCode',
            title: t('paymentSource.lastCode'),
            render: (source) => (source.lastCode === null ? '–' : reason(source.lastCode)),
            csv: 'lastCode',
          },
        ]}
      />
      {isCreating ? (
        <SourceForm
          onClose={() => setCreating(false)}
          onMade={(source) => {
            setCreating(false);
            setMade(source);
          }}
        />
      ) : null}
      {made === null ? null : (
        <SecretOnce
          title={made.name}
          text={t('paymentSource.onceText')}
          secrets={[
            { label: t('paymentSource.address'), value: made.hookUrl },
            ...(made.secret === null ? [] : [{ label: t('paymentSource.secret'), value: made.secret }]),
          ]}
          onClose={() => setMade(null)}
        />
      )}
    </>
  );
}

function SourceForm({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (source: NewSource) => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState('Stripe');
  const [adapter, setAdapter] = useState<'stripe' | 'standard'>('stripe');
  const [secret, setSecret] = useState('');
  const [isTest, setTest] = useState(false);
  return (
    <FormDialog
      title={t('paymentSource.new')}
      submit={t('paymentSource.create')}
      save={(key) =>
        postPath<NewSource>(
          '/v1/payment-sources',
          {
            name: name.trim(),
            adapter,
            ...(adapter === 'stripe' && secret.trim() !== '' ? { secret: secret.trim() } : {}),
            ...(adapter === 'standard' ? { test: isTest } : {}),
          },
          key,
        )
      }
      onSaved={onMade}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('paymentSource.adapter')}
            value={adapter}
            onChange={(event) => setAdapter(event.currentTarget.value as 'stripe' | 'standard')}
            data={(['stripe', 'standard'] as const).map((value) => ({
              value,
              label: t(`paymentSource.adapter.${value}`),
            }))}
          />
          <TextInput
            label={t('paymentSource.name')}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          {adapter === 'stripe' ? (
            <TextInput
              label={t('paymentSource.stripeSecret')}
              description={t('paymentSource.stripeSecretHint')}
              value={secret}
              autoComplete="off"
              onChange={(event) => setSecret(event.currentTarget.value)}
              error={errors['secret']}
            />
          ) : (
            <Switch
              label={t('paymentSource.test')}
              checked={isTest}
              onChange={(event) => setTest(event.currentTarget.checked)}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}
