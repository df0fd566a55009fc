import { Badge, Code, Group, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getWebhookDeliveriesOptions, getWebhookEndpointsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { WebhookDelivery } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { DeliveryState } from '../../../kit/PostbackState.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const pollMs = 5_000;
const statuses = ['delivered', 'retrying', 'failed', 'dropped'] as const;

/** Developers → Deliveries: each call with request and response; sent again by a press (screens.md 3.21, BEY-23). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('webhook.write');
  const [shown, setShown] = useState<WebhookDelivery | null>(null);
  const resend = useResend();
  const endpoints = useQuery(getWebhookEndpointsOptions({ query: { limit: 200 } }));
  const urlOf = (id: string): string | undefined => endpoints.data?.data.find((one) => one.id === id)?.url;
  return (
    <>
      <PageHead title={t('webhook.deliveries')} text={t('webhook.deliveriesText')} />
      <ResourceTable<WebhookDelivery>
        screen="webhook-deliveries"
        label={t('webhook.deliveries')}
        hasText
        pollMs={pollMs}
        list={(query) => getWebhookDeliveriesOptions({ query: query as never }) as never}
        rowLabel={(row) => `${row.type} ${row.eventId}`}
        rowActions={(row) => (
          <RowMenu
            row={`${row.type} ${row.eventId}`}
            actions={[
              { key: 'show', text: t('webhook.show'), onPress: () => setShown(row) },
              ...(mayWrite ? [{ key: 'resend', text: t('webhook.resend'), onPress: () => void resend(row.id) }] : []),
            ]}
          />
        )}
        empty={{ title: t('webhook.noDeliveries'), text: t('webhook.noDeliveriesText') }}
        filters={[
          {
            field: 'status',
            label: t('webhook.outcome'),
            options: statuses.map((value) => ({ value, label: t(`postback.delivery.${value}`) })),
          },
          {
            field: 'endpointId',
            label: t('webhook.endpoint'),
            options: (endpoints.data?.data ?? []).map(({ id, url }) => ({ value: id, label: url })),
          },
        ]}
        columns={[
          {
            key: 'lastTryAt',
            title: t('webhook.lastTry'),
            render: (row) => <DateText value={row.lastTryAt} />,
            csv: 'lastTryAt',
          },
          {
            key: 'type',
            title: t('webhook.type'),
            render: (row) => (
              <Group gap={6}>
                <Code>{row.type}</Code>
                {row.test ? (
                  <Badge variant="default" component="span">
                    {t('webhook.isTest')}
                  </Badge>
                ) : null}
              </Group>
            ),
            csv: 'type',
          },
          {
            key: 'status',
            title: t('webhook.outcome'),
            render: (row) => <DeliveryState delivery={row} />,
            csv: ['status', 'responseStatus', 'code'],
          },
          {
            key: 'attempts',
            title: t('webhook.tries'),
            align: 'right',
            render: (row) => row.attempts,
            csv: 'attempts',
          },
          {
            key: 'endpoint',
            title: t('webhook.endpoint'),
            render: (row) => urlOf(row.endpointId) ?? row.url,
            csv: 'url',
          },
          {
            key: 'eventId',
            title: t('webhook.event'),
            render: (row) => <Code>{row.eventId}</Code>,
            csv: 'eventId',
          },
        ]}
      />
      {shown === null ? null : <Exchange delivery={shown} onClose={() => setShown(null)} />}
    </>
  );
}

function useResend(): (id: string) => Promise<void> {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  return async (id) => {
    try {
      await postPath(`/v1/webhook-deliveries/${id}/replay`, {}, newKey());
      notifications.show({ message: t('webhook.resent'), color: 'river' });
      await queries.invalidateQueries();
    } catch (error) {
      const { title, detail } = problemText(error);
      notifications.show({ title, message: detail, color: 'red' });
    }
  };
}

/** What was sent and what came back, as the log has it. */
function Exchange({
  delivery,
  onClose,
}: {
  readonly delivery: WebhookDelivery;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const wrap = { overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' } as const;
  return (
    <Modal opened onClose={onClose} title={delivery.type} size="lg" closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <DeliveryState delivery={delivery} />
        <div>
          <Text size="sm" fw={600}>
            {t('webhook.request')}
          </Text>
          <Code block style={wrap} data-part="request">
            {[
              `POST ${delivery.url}`,
              `webhook-id: ${delivery.eventId}`,
              '',
              JSON.stringify(JSON.parse(delivery.body), null, 2),
            ].join('\n')}
          </Code>
        </div>
        <div>
          <Text size="sm" fw={600}>
            {t('webhook.response')}
          </Text>
          <Code block style={wrap} data-part="response">
            {delivery.responseStatus === null
              ? t('webhook.noResponse')
              : [`HTTP ${delivery.responseStatus}`, delivery.responseBody ?? ''].join('\n')}
          </Code>
        </div>
      </Stack>
    </Modal>
  );
}
