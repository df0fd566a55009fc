import {
  Anchor,
  Badge,
  Button,
  Code,
  CopyButton,
  Grid,
  Group,
  List,
  Paper,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getPaymentSourcesBySourceIdEventsOptions,
  getPaymentSourcesBySourceIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { patchPaymentSourcesBySourceId } from '../../../client/sdk.gen.js';
import type { GetPaymentSourcesBySourceIdEventsResponse } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';
import type { PaymentSource } from './paymentSourceList.js';

type PaymentEvent = GetPaymentSourcesBySourceIdEventsResponse['data'][number] & { readonly createdAt?: never };

const pollMs = 5_000;
const outcomes = ['applied', 'no_effect', 'ignored', 'parked', 'refused'] as const;

/** One payment source: what to enter at the other system, its secret, and every event with what became of it. */
export function Screen(): ReactElement {
  const { sourceId = '' } = useParams({ strict: false }) as { sourceId?: string };
  const { t } = useTranslation();
  const reason = useReasonText();
  const query = useQuery({
    ...getPaymentSourcesBySourceIdOptions({ path: { sourceId } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  return (
    <>
      <PageHead title={query.data?.name ?? t('paymentSource.one')} text={sourceId} />
      <Loaded query={query} lines={6}>
        {(source) => (
          <Stack>
            <Grid>
              <Grid.Col span={{ base: 12, lg: 6 }}>
                <Address source={source} />
              </Grid.Col>
              <Grid.Col span={{ base: 12, lg: 6 }}>
                <State source={source} />
              </Grid.Col>
            </Grid>
            <ResourceTable<PaymentEvent>
              screen="payment-events"
              label={t('paymentSource.events')}
              hasText
              list={(page) =>
                getPaymentSourcesBySourceIdEventsOptions({ path: { sourceId }, query: page as never }) as never
              }
              rowLabel={(event) => event.id}
              empty={{ title: t('paymentSource.noEvents'), text: t('paymentSource.noEventsText') }}
              filters={[
                {
                  field: 'outcome',
                  label: t('paymentSource.outcome'),
                  options: outcomes.map((value) => ({ value, label: t(`paymentSource.outcome.${value}`) })),
                },
              ]}
              columns={[
                {
                  key: 'received',
                  title: t('paymentSource.received'),
                  render: (event) => <DateText value={event.receivedAt} />,
                  csv: 'receivedAt',
                },
                {
                  key: 'type',
                  title: t('paymentSource.type'),
                  render: (event) => <Code>{event.type}</Code>,
                  csv: 'type',
                },
                {
                  key: 'outcome',
                  title: t('paymentSource.outcome'),
                  render: (event) => (
                    <Badge variant="default" component="span">
                      {t(`paymentSource.outcome.${event.outcome ?? 'open'}`)}
                    </Badge>
                  ),
                  csv: 'outcome',
                },
                {
                  key: 'code',
                  title: t('paymentSource.code'),
                  render: (event) => (event.code === null ? '–' : reason(event.code)),
                  csv: 'code',
                },
                {
                  key: 'id',
                  title: t('paymentSource.eventId'),
                  render: (event) => <Code>{event.id}</Code>,
                  csv: 'id',
                },
              ]}
            />
          </Stack>
        )}
      </Loaded>
    </>
  );
}

function Address({ source }: { readonly source: PaymentSource }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t(source.adapter === 'stripe' ? 'paymentSource.enterAtStripe' : 'paymentSource.enterThere')}
        </Title>
        <div>
          <Text size="sm" fw={600}>
            {t('paymentSource.address')}
          </Text>
          <Group gap="xs" wrap="nowrap">
            <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', flex: 1 }}>
              {source.hookUrl}
            </Code>
            <CopyButton value={source.hookUrl}>
              {({ copied, copy }) => (
                <Button
                  size="compact-sm"
                  variant="default"
                  onClick={copy}
                  aria-label={`${t('copy')}: ${t('paymentSource.address')}`}
                >
                  {copied ? t('copied') : t('copy')}
                </Button>
              )}
            </CopyButton>
          </Group>
        </div>
        <div>
          <Text size="sm" fw={600}>
            {t('paymentSource.eventTypes')}
          </Text>
          <List size="sm" withPadding>
            {source.events.map((type) => (
              <List.Item key={type}>
                <Code>{type}</Code>
              </List.Item>
            ))}
          </List>
        </div>
        {source.adapter === 'stripe' ? null : (
          <Anchor href="https://www.standardwebhooks.com/" target="_blank" rel="noopener noreferrer" size="sm">
            {t('paymentSource.standard')}
          </Anchor>
        )}
      </Stack>
    </Paper>
  );
}

function State({ source }: { readonly source: PaymentSource }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const mayWrite = useCan()('webhook.write');
  const queries = useQueryClient();
  const [secret, setSecret] = useState('');
  const save = useMutation({
    mutationFn: (change: { readonly secret?: string; readonly active?: boolean }) =>
      patchPaymentSourcesBySourceId({
        path: { sourceId: source.id },
        body: change,
        headers: { 'If-Match': `"${source.version}"` } as never,
        throwOnError: true,
      }),
    onSuccess: () => {
      setSecret('');
      notifications.show({ message: t('settings.saved'), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate({ secret: secret.trim() });
  };
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('paymentSource.state')}
        </Title>
        <Facts
          rows={[
            [t('paymentSource.adapter'), t(`paymentSource.adapter.${source.adapter}`)],
            [t('paymentSource.active'), t(source.active ? 'yes' : 'no')],
            [
              t('paymentSource.secretSet'),
              source.secretSetAt === null ? (
                t('paymentSource.noSecret')
              ) : (
                <DateText key="s" value={source.secretSetAt} />
              ),
            ],
            [t('paymentSource.lastEvent'), <DateText key="l" value={source.lastEventAt} />],
            [t('paymentSource.lastCode'), source.lastCode === null ? null : reason(source.lastCode)],
          ]}
        />
        {mayWrite && source.adapter === 'stripe' ? (
          <form onSubmit={submit}>
            <Group align="flex-end">
              <TextInput
                style={{ flex: 1 }}
                label={t(source.secretSetAt === null ? 'paymentSource.stripeSecret' : 'paymentSource.newStripeSecret')}
                description={t('paymentSource.stripeSecretHint')}
                value={secret}
                autoComplete="off"
                onChange={(event) => setSecret(event.currentTarget.value)}
                error={errors['secret']}
              />
              <Button type="submit" disabled={secret.trim() === ''} loading={save.isPending}>
                {t('save')}
              </Button>
            </Group>
          </form>
        ) : null}
        {mayWrite ? (
          <Group>
            <Button variant="default" loading={save.isPending} onClick={() => save.mutate({ active: !source.active })}>
              {t(source.active ? 'paymentSource.switchOff' : 'paymentSource.switchOn')}
            </Button>
          </Group>
        ) : null}
        {save.error === null ? null : <ErrorView error={save.error} />}
      </Stack>
    </Paper>
  );
}
