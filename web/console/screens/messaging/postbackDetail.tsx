import { Button, Code, Group, Paper, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getPostbacksByPostbackIdDeliveriesOptions,
  getPostbacksByPostbackIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { PostbackDelivery } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { DeliveryState, PostbackState, useTestPostback } from '../../../kit/PostbackState.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { EditPostback } from './postbackList.js';

const pollMs = 5_000;
const statuses = ['delivered', 'retrying', 'failed', 'dropped'] as const;

/** One postback and the log of its calls: what was sent, what the other side said, when the next try is. */
export function Screen(): ReactElement {
  const { postbackId = '' } = useParams({ strict: false }) as { postbackId?: string };
  const { t } = useTranslation();
  const mayWrite = useCan()('webhook.write');
  const [isEditing, setEditing] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const sendTest = useTestPostback();
  const query = useQuery({
    ...getPostbacksByPostbackIdOptions({ path: { postbackId } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const press = (): void => {
    setBusy(true);
    sendTest(`/v1/postbacks/${postbackId}`)
      .catch(() => undefined) // it tells of a failure itself
      .finally(() => setBusy(false));
  };
  return (
    <>
      <PageHead
        title={t('postback.one')}
        text={postbackId}
        actions={
          mayWrite && query.data !== undefined ? (
            <Group gap="xs">
              <Button variant="default" onClick={() => setEditing(true)}>
                {t('postback.edit')}
              </Button>
              <Button onClick={press} loading={isBusy}>
                {t('postback.test')}
              </Button>
            </Group>
          ) : undefined
        }
      />
      <Loaded query={query} lines={6}>
        {(postback) => (
          <Stack>
            <Paper withBorder p="md">
              <Facts
                rows={[
                  [
                    t('postback.url'),
                    <Code key="u" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
                      {postback.url}
                    </Code>,
                  ],
                  [t('postback.affiliate'), <AffiliateName key="a" id={postback.affiliateId} />],
                  [
                    t('postback.program'),
                    postback.programId === null ? (
                      t('postback.everyProgram')
                    ) : (
                      <ProgramName key="p" id={postback.programId} />
                    ),
                  ],
                  [t('postback.events'), postback.events.map((event) => t(`postback.event.${event}`)).join(', ')],
                  [t('postback.state'), <PostbackState key="s" postback={postback} />],
                  [t('postback.lastCall'), <DateText key="l" value={postback.lastAt} />],
                ]}
              />
            </Paper>
            <ResourceTable<PostbackDelivery>
              screen="postback-deliveries"
              label={t('postback.log')}
              hasText
              pollMs={pollMs}
              list={(page) =>
                getPostbacksByPostbackIdDeliveriesOptions({ path: { postbackId }, query: page as never }) as never
              }
              rowLabel={(row) => t(`postback.event.${row.event}`)}
              empty={{ title: t('postback.noCalls'), text: t('postback.noCallsText') }}
              filters={[
                {
                  field: 'status',
                  label: t('postback.outcome'),
                  options: statuses.map((value) => ({ value, label: t(`postback.delivery.${value}`) })),
                },
              ]}
              columns={[
                {
                  key: 'lastTryAt',
                  title: t('postback.lastTry'),
                  render: (row) => <DateText value={row.lastTryAt} />,
                  csv: 'lastTryAt',
                },
                {
                  key: 'event',
                  title: t('postback.eventOf'),
                  render: (row) => t(`postback.event.${row.event}`),
                  csv: 'event',
                },
                {
                  key: 'status',
                  title: t('postback.outcome'),
                  render: (row) => <DeliveryState delivery={row} />,
                  csv: ['status', 'responseStatus', 'code'],
                },
                {
                  key: 'attempts',
                  title: t('postback.attempts'),
                  align: 'right',
                  render: (row) => row.attempts,
                  csv: 'attempts',
                },
                {
                  key: 'url',
                  title: t('postback.called'),
                  render: (row) => <Code style={{ overflowWrap: 'anywhere' }}>{row.url}</Code>,
                  csv: 'url',
                },
                {
                  key: 'body',
                  title: t('postback.answer'),
                  hidden: true,
                  render: (row) => <Code style={{ overflowWrap: 'anywhere' }}>{row.responseBody ?? '–'}</Code>,
                  csv: 'responseBody',
                },
              ]}
            />
            {isEditing ? <EditPostback postback={postback} onClose={() => setEditing(false)} /> : null}
          </Stack>
        )}
      </Loaded>
    </>
  );
}
