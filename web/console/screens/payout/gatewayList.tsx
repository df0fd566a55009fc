import {
  Alert,
  Badge,
  Button,
  Group,
  NativeSelect,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getGatewaysOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { GetGatewaysResponse } from '../../../client/types.gen.js';
import { postPath, putPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

type Gateway = GetGatewaysResponse['data'][number];
type Environment = 'production' | 'sandbox';

interface Tried {
  readonly ok: boolean;
  readonly code: string | null;
  readonly balances: readonly { readonly amount: string; readonly currency: string }[];
}

/** Fields that nobody should read over a shoulder. */
const hidden: ReadonlySet<string> = new Set(['clientSecret', 'apiToken', 'secretKey', 'webhookSecret']);

/** Settings → Payout gateways: what pays by itself, with which account, and connecting it (INT-05, api.md 10.1). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const gateways = useQuery(getGatewaysOptions());
  return (
    <>
      <PageHead title={t('gateway.title')} text={t('gateway.text')} />
      <Loaded query={gateways}>
        {({ data }) => (
          <Stack>
            {data.map((gateway) => (
              <GatewayCard key={gateway.id} gateway={gateway} />
            ))}
          </Stack>
        )}
      </Loaded>
    </>
  );
}

function useGatewayName(): (id: string) => string {
  const { t } = useTranslation();
  return (id) => t(`gateway.name.${id}`);
}

function GatewayCard({ gateway }: { readonly gateway: Gateway }): ReactElement {
  const { t } = useTranslation();
  const name = useGatewayName()(gateway.id);
  const mayWrite = useCan()('settings.write');
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const [isConnecting, setConnecting] = useState(false);
  const tried = useMutation({
    mutationFn: () => withStepUp(() => postPath<Tried>(`/v1/gateways/${gateway.id}/test`, {})),
    onSuccess: () => queries.invalidateQueries(),
  });
  const { credentials } = gateway;
  const facts: (readonly [string, ReactNode])[] = [
    [t('gateway.pays'), gateway.methodTypes.map((type) => t(`method.${type}`)).join(', ')],
    [t('gateway.cash'), <MoneyList key="cash" values={gateway.cash} kind="balance" />],
  ];
  if (credentials !== null)
    facts.push(
      [t('gateway.account'), <Long key="account" text={credentials.account} />],
      [t('gateway.environment'), t(`gateway.environment.${credentials.environment}`)],
      [t('gateway.setAt'), <DateText key="set" value={credentials.setAt} />],
      [t('gateway.tried'), credentials.triedAt === null ? '–' : <DateText key="tried" value={credentials.triedAt} />],
    );
  if (gateway.hookUrl !== null) facts.push([t('gateway.hook'), <Long key="hook" text={gateway.hookUrl} />]);
  const takesCredentials = gateway.credentialFields.length > 0;
  return (
    <Paper withBorder p="md" component="section" aria-label={name}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={2} size="h4">
              {name}
            </Title>
            <Badge variant="outline" color="gray" tt="none">
              {gateway.frozen
                ? t('gateway.frozen')
                : gateway.connected
                  ? t('gateway.connected')
                  : t('gateway.notConnected')}
            </Badge>
          </Group>
          {mayWrite && takesCredentials ? (
            <Group gap="sm">
              {credentials === null ? null : (
                <Button
                  variant="default"
                  loading={tried.isPending}
                  aria-label={t('gateway.tryOne', { name })}
                  onClick={() => tried.mutate()}
                >
                  {t('gateway.try')}
                </Button>
              )}
              <Button
                variant={credentials === null ? 'filled' : 'default'}
                aria-label={t(credentials === null ? 'gateway.connectOne' : 'gateway.changeOne', { name })}
                onClick={() => setConnecting(true)}
              >
                {t(credentials === null ? 'gateway.connect' : 'gateway.change')}
              </Button>
            </Group>
          ) : null}
        </Group>
        <Facts rows={facts} />
        {tried.data === undefined ? null : <TriedView tried={tried.data} />}
        {tried.error === null ? null : <ErrorView error={tried.error} />}
        {isConnecting ? <Connect gateway={gateway} name={name} onClose={() => setConnecting(false)} /> : null}
      </Stack>
    </Paper>
  );
}

/** An id or an address: broken anywhere, so that it never widens a phone's page. */
function Long({ text }: { readonly text: string }): ReactElement {
  return (
    <Text span style={{ overflowWrap: 'anywhere' }}>
      {text}
    </Text>
  );
}

function TriedView({ tried }: { readonly tried: Tried }): ReactElement {
  const { t } = useTranslation();
  const balances = tried.balances.map(({ amount, currency }) => `${amount} ${currency}`).join(', ');
  const text = tried.ok
    ? balances === ''
      ? t('gateway.try.okEmpty')
      : t('gateway.try.ok', { balances })
    : t(`gateway.try.${tried.code ?? 'no_answer'}`);
  return (
    <Alert role="status" variant="outline" color="gray">
      {text}
    </Alert>
  );
}

function Connect({
  gateway,
  name,
  onClose,
}: {
  readonly gateway: Gateway;
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [environment, setEnvironment] = useState<Environment>(gateway.credentials?.environment ?? 'production');
  const [fields, setFields] = useState<Readonly<Record<string, string>>>({});
  const path = `/v1/gateways/${gateway.id}/credentials`;
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value.trim() !== ''));
  const isConnected = gateway.credentials !== null;
  return (
    <FormDialog
      title={t(isConnected ? 'gateway.changeOne' : 'gateway.connectOne', { name })}
      submit={t(isConnected ? 'gateway.change' : 'gateway.connect')}
      save={() => withStepUp(() => putPath(path, { environment, credentials: given }))}
      onSaved={() => notifications.show({ message: t('gateway.saved'), color: 'river' })}
      onClose={onClose}
      isReady={gateway.credentialFields.every((field) => !field.required || given[field.name] !== undefined)}
      remove={
        isConnected
          ? {
              text: t('gateway.disconnect'),
              run: async () => {
                await withStepUp(() => putPath(path, { credentials: null }));
                notifications.show({ message: t('gateway.disconnected'), color: 'river' });
              },
            }
          : undefined
      }
    >
      {(errors) => (
        <>
          <Text size="sm">{t('gateway.writeOnly')}</Text>
          <NativeSelect
            label={t('gateway.environment')}
            value={environment}
            onChange={(event) => setEnvironment(event.currentTarget.value as Environment)}
            error={errors['environment']}
            data={(['production', 'sandbox'] as const).map((value) => ({
              value,
              label: t(`gateway.environment.${value}`),
            }))}
          />
          {gateway.credentialFields.map((field) => {
            const common = {
              label: t(`gateway.field.${field.name}`),
              value: fields[field.name] ?? '',
              required: field.required,
              autoComplete: 'off',
              error: errors[`credentials.${field.name}`],
            };
            const set = (value: string): void => setFields((before) => ({ ...before, [field.name]: value }));
            if (field.name === 'webhookPublicKey')
              return (
                <Textarea
                  key={field.name}
                  {...common}
                  autosize
                  minRows={3}
                  onChange={(event) => set(event.currentTarget.value)}
                />
              );
            return hidden.has(field.name) ? (
              <PasswordInput
                key={field.name}
                {...common}
                autoComplete="new-password"
                onChange={(event) => set(event.currentTarget.value)}
              />
            ) : (
              <TextInput key={field.name} {...common} onChange={(event) => set(event.currentTarget.value)} />
            );
          })}
        </>
      )}
    </FormDialog>
  );
}
