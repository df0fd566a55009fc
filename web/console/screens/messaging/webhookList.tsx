import { Badge, Button, Checkbox, Code, Group, Stack, Switch, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getEventTypesOptions, getWebhookEndpointsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteWebhookEndpointsByEndpointId, patchWebhookEndpointsByEndpointId } from '../../../client/sdk.gen.js';
import type { WebhookEndpoint, WebhookEndpointWithSecret, WebhookReplay } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { useFaultText, useTestPostback } from '../../../kit/PostbackState.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { SecretOnce } from '../../../kit/SecretOnce.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

type Open = { readonly kind: 'edit' | 'rotate' | 'replay'; readonly of: WebhookEndpoint } | { readonly kind: 'new' };

const logOf = (id: string): string => `/developers/deliveries?endpointId=${id}`;

/** Developers → Webhooks: the merchant's own systems that are told of events (screens.md 3.21, BEY-23). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('webhook.write');
  const [open, setOpen] = useState<Open | null>(null);
  const [shown, setShown] = useState<WebhookEndpointWithSecret | null>(null);
  const sendTest = useTestPostback();
  const close = (): void => setOpen(null);
  useKeys({
    c: () => {
      if (mayWrite) setOpen({ kind: 'new' });
    },
  });
  const create = mayWrite ? <Button onClick={() => setOpen({ kind: 'new' })}>{t('webhook.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('webhook.title')} text={t('webhook.text')} actions={create} />
      <ResourceTable<WebhookEndpoint>
        screen="webhooks"
        label={t('webhook.title')}
        hasText
        list={(query) => getWebhookEndpointsOptions({ query: query as never }) as never}
        rowLabel={(row) => new URL(row.url).host}
        rowActions={(row) => (
          <RowMenu
            row={new URL(row.url).host}
            actions={
              mayWrite
                ? [
                    {
                      key: 'test',
                      text: t('webhook.test'),
                      onPress: () => void sendTest(`/v1/webhook-endpoints/${row.id}`),
                    },
                    { key: 'edit', text: t('webhook.edit'), onPress: () => setOpen({ kind: 'edit', of: row }) },
                    { key: 'rotate', text: t('webhook.rotate'), onPress: () => setOpen({ kind: 'rotate', of: row }) },
                    ...(row.active
                      ? [
                          {
                            key: 'replay',
                            text: t('webhook.replay'),
                            onPress: () => setOpen({ kind: 'replay' as const, of: row }),
                          },
                        ]
                      : []),
                  ]
                : []
            }
          />
        )}
        empty={{ title: t('webhook.none'), text: t('webhook.noneText'), action: create }}
        filters={[
          {
            field: 'active',
            label: t('webhook.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          {
            field: 'failing',
            label: t('webhook.onlyFailing'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
        ]}
        columns={[
          {
            key: 'url',
            title: t('webhook.url'),
            render: (row) => <NameLink to={logOf(row.id)} name={row.url} />,
            csv: 'url',
          },
          {
            key: 'events',
            title: t('webhook.events'),
            render: (row) =>
              row.events.length > 3 ? t('webhook.eventCount', { count: row.events.length }) : row.events.join(', '),
          },
          {
            key: 'state',
            title: t('webhook.state'),
            render: (row) => <EndpointState endpoint={row} />,
            csv: ['active', 'disabledAt', 'lastCode'],
          },
          {
            key: 'rate',
            title: t('webhook.rate'),
            render: ({ lastWeek: { delivered, failed } }) =>
              delivered + failed === 0 ? '–' : t('webhook.rateOf', { delivered, total: delivered + failed }),
          },
          {
            key: 'p95',
            title: t('webhook.p95'),
            align: 'right',
            render: ({ lastWeek: { p95Ms } }) => (p95Ms === null ? '–' : t('webhook.ms', { ms: p95Ms })),
          },
          {
            key: 'lastAt',
            title: t('webhook.lastCall'),
            render: (row) => <DateText value={row.lastAt} />,
            csv: 'lastAt',
          },
        ]}
      />
      {open?.kind === 'new' ? <EndpointForm onMade={setShown} onClose={close} /> : null}
      {open?.kind === 'edit' ? <EndpointForm endpoint={open.of} onMade={setShown} onClose={close} /> : null}
      {open?.kind === 'rotate' ? (
        <FormDialog
          title={t('webhook.rotate')}
          submit={t('webhook.rotate')}
          save={(key) =>
            postPath<WebhookEndpointWithSecret>(`/v1/webhook-endpoints/${open.of.id}/rotate-secret`, {}, key)
          }
          onSaved={setShown}
          onClose={close}
        >
          {() => <Text>{t('webhook.rotateText')}</Text>}
        </FormDialog>
      ) : null}
      {open?.kind === 'replay' ? <ReplayForm endpoint={open.of} onClose={close} /> : null}
      {shown === null ? null : (
        <SecretOnce
          title={new URL(shown.url).host}
          text={t('webhook.onceText')}
          secrets={[{ label: t('webhook.secret'), value: shown.secret }]}
          onClose={() => setShown(null)}
        />
      )}
    </>
  );
}

function EndpointState({ endpoint }: { readonly endpoint: WebhookEndpoint }): ReactElement {
  const { t } = useTranslation();
  const why = useFaultText();
  const { active, disabledAt, lastCode, failedInRow, previousSecretUntil } = endpoint;
  const state = disabledAt === null ? (active ? 'on' : 'off') : 'disabled';
  return (
    <Stack gap={2} align="flex-start">
      <Badge variant="default" component="span" data-state={state}>
        {t(`webhook.state.${state}`)}
      </Badge>
      {disabledAt === null ? null : (
        <Text size="sm">
          {t('webhook.since')} <DateText value={disabledAt} />
        </Text>
      )}
      {lastCode === null ? null : (
        <Text size="sm">
          {failedInRow > 1
            ? t('webhook.failing', { count: failedInRow, why: why(lastCode) })
            : t('webhook.lastFailure', { why: why(lastCode) })}
        </Text>
      )}
      {previousSecretUntil === null || Date.parse(previousSecretUntil) < Date.now() ? null : (
        <Text size="sm">
          {t('webhook.oldUntil')} <DateText value={previousSecretUntil} />
        </Text>
      )}
    </Stack>
  );
}

function EndpointForm({
  endpoint,
  onMade,
  onClose,
}: {
  /** Undefined: a new one. */
  readonly endpoint?: WebhookEndpoint;
  readonly onMade: (made: WebhookEndpointWithSecret) => void;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const types = useQuery(getEventTypesOptions());
  const [url, setUrl] = useState(endpoint?.url ?? '');
  const [events, setEvents] = useState<readonly string[]>(endpoint?.events ?? []);
  const [isActive, setActive] = useState(endpoint?.active ?? true);
  const all = (types.data?.data ?? []).map(({ type }) => type);
  const objects = [...new Set(all.map((type) => type.split('.')[0] ?? ''))];
  const draft = { url: url.trim(), events: all.filter((type) => events.includes(type)) };
  const save = (key: string): Promise<unknown> =>
    endpoint === undefined
      ? postPath<WebhookEndpointWithSecret>('/v1/webhook-endpoints', draft, key).then(onMade)
      : patchWebhookEndpointsByEndpointId({
          path: { endpointId: endpoint.id },
          // Unsaid it stays as it is: said anew it would start the count of failures anew.
          body: { ...draft, ...(isActive === endpoint.active ? {} : { active: isActive }) },
          headers: { 'If-Match': `"${endpoint.version}"` } as never,
          throwOnError: true,
        });
  return (
    <FormDialog
      title={t(endpoint === undefined ? 'webhook.new' : 'webhook.edit')}
      size="lg"
      submit={t(endpoint === undefined ? 'webhook.create' : 'save')}
      save={save}
      onClose={onClose}
      isReady={draft.events.length > 0}
      remove={
        endpoint === undefined
          ? undefined
          : {
              text: t('webhook.delete'),
              run: () =>
                deleteWebhookEndpointsByEndpointId({
                  path: { endpointId: endpoint.id },
                  headers: { 'If-Match': `"${endpoint.version}"` } as never,
                  throwOnError: true,
                }),
            }
      }
    >
      {(errors) => (
        <>
          <TextInput
            label={t('webhook.url')}
            description={t('webhook.urlHint')}
            placeholder="https://shop.example/hooks/tributary"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
            error={errors['url']}
            maxLength={2000}
            required
            data-autofocus
          />
          <Checkbox
            label={t('webhook.all')}
            checked={all.length > 0 && draft.events.length === all.length}
            indeterminate={draft.events.length > 0 && draft.events.length < all.length}
            onChange={(event) => setEvents(event.currentTarget.checked ? all : [])}
          />
          <Checkbox.Group label={t('webhook.events')} value={[...events]} onChange={setEvents} error={errors['events']}>
            <Stack gap="sm" mt={4}>
              {objects.map((object) => (
                <Group key={object} gap="md">
                  {all
                    .filter((type) => type.startsWith(`${object}.`))
                    .map((type) => (
                      <Checkbox key={type} value={type} label={<Code>{type}</Code>} />
                    ))}
                </Group>
              ))}
            </Stack>
          </Checkbox.Group>
          {endpoint === undefined ? null : (
            <Switch
              label={t('webhook.active')}
              checked={isActive}
              onChange={(event) => setActive(event.currentTarget.checked)}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}

/** What the field shows of an instant: the reader's own clock, to the minute. */
function fieldText(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

const dayMs = 86_400_000;

function ReplayForm({
  endpoint,
  onClose,
}: {
  readonly endpoint: WebhookEndpoint;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [from, setFrom] = useState(() =>
    fieldText(endpoint.failingSince === null ? Date.now() - dayMs : Date.parse(endpoint.failingSince)),
  );
  const [to, setTo] = useState(() => fieldText(Date.now() + 60_000));
  return (
    <FormDialog
      title={t('webhook.replay')}
      submit={t('webhook.resend')}
      save={(key) =>
        postPath<WebhookReplay>(
          `/v1/webhook-endpoints/${endpoint.id}/replay`,
          { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
          key,
        )
      }
      onSaved={({ events }) =>
        notifications.show({ message: t('webhook.replayed', { count: events }), color: 'river' })
      }
      onClose={onClose}
      isReady={from !== '' && to !== ''}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('webhook.replayText')}</Text>
          <TextInput
            label={t('webhook.from')}
            type="datetime-local"
            value={from}
            error={errors['from']}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            label={t('webhook.to')}
            type="datetime-local"
            value={to}
            error={errors['to']}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
