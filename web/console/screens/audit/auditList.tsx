import { Alert, Anchor, Button, Group, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAuditEntriesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postAuditVerifications } from '../../../client/sdk.gen.js';
import type { AuditEntry, AuditVerification } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { humanize } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useMoveText } from './moveText.js';

const filters = ['objectId', 'objectType', 'event', 'actorId', 'causeId', 'requestId'] as const;

/** The one history, and whether nobody has touched it (screens.md 3.23). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const reason = useReasonText();
  const verify = useMutation({
    mutationFn: async () => (await postAuditVerifications({ throwOnError: true })).data,
  });
  const stateText = useMoveText();
  return (
    <>
      <PageHead
        title={t('audit.title')}
        text={t('audit.text')}
        actions={
          can('audit.verify') ? (
            <>
              <Button component="a" href="/v1/audit-bundle" download="audit-bundle.json" variant="default">
                {t('audit.bundle')}
              </Button>
              <Button onClick={() => verify.mutate()} loading={verify.isPending}>
                {t('audit.verify')}
              </Button>
            </>
          ) : null
        }
      />
      {verify.isPending ? <Text role="status">{t('audit.verifying')}</Text> : null}
      {verify.error === null ? null : <ErrorView error={verify.error} onRetry={() => verify.mutate()} />}
      {verify.data === undefined ? null : <Verdict verdict={verify.data} />}
      <ResourceTable<AuditEntry>
        screen="audit"
        label={t('audit.title')}
        hasText
        list={(query) => getAuditEntriesOptions({ query }) as never}
        rowLabel={(entry) => `${entry.event} ${entry.objectId}`}
        rowHref={(entry) => `/audit/${entry.id}`}
        filters={[
          ...filters.map((field) => ({ field, label: t(`audit.${field}`) })),
          { field: 'createdAt[gte]', label: t('audit.from'), isDay: 'instant' as const },
          { field: 'createdAt[lt]', label: t('audit.before'), isDay: 'instant' as const },
        ]}
        empty={{ title: t('audit.none') }}
        columns={[
          {
            key: 'createdAt',
            title: t('audit.when'),
            sort: 'createdAt',
            render: (entry) => <DateText value={entry.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'actor',
            title: t('audit.who'),
            render: (entry) => entry.actor.name ?? t(`actor.${entry.actor.type}`),
            csv: ['actor.name', 'actor.type'],
          },
          {
            key: 'address',
            title: t('audit.address'),
            hidden: true,
            render: (entry) => entry.address ?? '–',
            csv: 'address',
          },
          {
            key: 'event',
            title: t('audit.event'),
            render: (entry) => t(`event.${entry.event}`, { defaultValue: humanize(entry.event) }),
            csv: 'event',
          },
          {
            key: 'object',
            title: t('audit.object'),
            render: (entry) => (
              <Anchor component={Link} to={`/audit?objectId=${entry.objectId}`} underline="always" inherit>
                {entry.objectId}
              </Anchor>
            ),
            csv: 'objectId',
          },
          { key: 'states', title: t('audit.states'), render: stateText, csv: ['from', 'to'] },
          {
            key: 'reason',
            title: t('audit.reason'),
            render: (entry) =>
              [entry.reasonCode === null ? '' : reason(entry.reasonCode), entry.reason ?? '']
                .filter((text) => text !== '')
                .join(' · ') || '–',
            csv: ['reason', 'reasonCode'],
          },
          {
            key: 'leaf',
            title: t('audit.leaf'),
            hidden: true,
            render: (entry) => entry.commit.leaf?.sequence ?? t('audit.notSealed'),
            csv: 'commit.leaf.sequence',
          },
        ]}
      />
    </>
  );
}

function Verdict({ verdict }: { readonly verdict: AuditVerification }): ReactElement {
  const { t } = useTranslation();
  return (
    <Alert
      mb="md"
      variant="outline"
      color={verdict.holds ? 'river' : 'red'}
      c="var(--mantine-color-text)"
      role="status"
      title={verdict.holds ? `✓ ${t('audit.holds')}` : `✕ ${t('audit.broken')}`}
    >
      <Group gap="xs">
        <Text size="sm">
          {verdict.holds
            ? t('audit.holdsText', { leaf: verdict.holdsTo, entries: verdict.entries, heads: verdict.headsChecked })
            : t('audit.brokenText', {
                leaf: verdict.holdsTo,
                bad: verdict.firstBadSequence ?? '–',
                code: verdict.code === null ? '' : t(`audit.code.${verdict.code}`),
              })}
        </Text>
        {verdict.firstBadEntryId === null ? null : (
          <Anchor component={Link} to={`/audit/${verdict.firstBadEntryId}`} underline="always" size="sm">
            {t('audit.firstBad')}
          </Anchor>
        )}
      </Group>
    </Alert>
  );
}
