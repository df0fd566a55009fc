import { Anchor, Code, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAuditEntriesByEntryIdOptions } from '../../../client/@tanstack/react-query.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PageHead } from '../../../kit/Shell.js';
import { humanize } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useMoveText } from './moveText.js';
import { ObjectHistory } from './objectHistory.js';

/** One entry with everything that is kept of it, and the story of its object around it. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const moveText = useMoveText();
  const { entryId = '' } = useParams({ strict: false }) as { entryId?: string };
  const found = useQuery(getAuditEntriesByEntryIdOptions({ path: { entryId } }));
  return (
    <>
      <PageHead title={t('audit.entry')} text={entryId} />
      <Loaded query={found} lines={8}>
        {(entry) => (
          <Stack>
            <Paper withBorder p="md">
              <Facts
                rows={[
                  [t('audit.event'), t(`event.${entry.event}`, { defaultValue: humanize(entry.event) })],
                  [t('audit.when'), <DateText key="at" value={entry.createdAt} />],
                  [t('audit.who'), entry.actor.name ?? t(`actor.${entry.actor.type}`)],
                  [
                    t('audit.object'),
                    <Anchor key="object" component={Link} to={`/audit?objectId=${entry.objectId}`} underline="always">
                      {entry.objectId}
                    </Anchor>,
                  ],
                  [t('audit.states'), moveText(entry)],
                  [t('audit.viewed'), entry.viewed?.name],
                  [
                    t('audit.reason'),
                    [entry.reasonCode === null ? '' : reason(entry.reasonCode), entry.reason ?? '']
                      .filter((text) => text !== '')
                      .join(' · '),
                  ],
                  [t('audit.cause'), entry.cause === null ? null : `${humanize(entry.cause.type)} ${entry.cause.id}`],
                  [t('audit.request'), entry.requestId],
                  [t('audit.address'), entry.address],
                  [
                    t('audit.leaf'),
                    entry.commit.leaf === null
                      ? t('audit.notSealed')
                      : `${entry.commit.leaf.sequence} · ${entry.commit.leaf.hash}`,
                  ],
                  [
                    t('audit.engine'),
                    entry.workflow === null
                      ? null
                      : [entry.workflow.workflowId, entry.workflow.runId, entry.workflow.activityId]
                          .filter((one) => one !== null)
                          .join(' · '),
                  ],
                ]}
              />
            </Paper>
            <section>
              <Title order={2} size="h4" mb="xs">
                {t('audit.changes')}
              </Title>
              {Object.keys(entry.changes).length === 0 ? (
                <Text>{t('audit.noChanges')}</Text>
              ) : (
                <Code block tabIndex={0} aria-label={t('audit.changes')} role="region">
                  {JSON.stringify(entry.changes, null, 2)}
                </Code>
              )}
            </section>
            <section>
              <Title order={2} size="h4" mb="xs">
                {t('payout.history')}
              </Title>
              <ObjectHistory objectId={entry.objectId} />
            </section>
          </Stack>
        )}
      </Loaded>
    </>
  );
}
