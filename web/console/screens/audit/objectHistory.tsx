import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAuditEntriesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { humanize } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { Timeline } from '../../../kit/Timeline.js';
import { useMoveText } from './moveText.js';

/** An object's own story from the one history: who did what, why, and what it was before and after. */
export function ObjectHistory({ objectId }: { readonly objectId: string }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const moveText = useMoveText();
  const entries = useQuery(getAuditEntriesOptions({ query: { objectId, sort: 'sequence', limit: 100 } as never }));
  return (
    <Loaded query={entries}>
      {({ data }) =>
        data.length === 0 ? (
          <Text>{t('audit.noneOfObject')}</Text>
        ) : (
          <Timeline
            label={t('payout.history')}
            entries={data.map((entry) => ({
              id: entry.id,
              at: entry.createdAt,
              title: t(`event.${entry.event}`, { defaultValue: humanize(entry.event) }),
              actor: entry.actor.name ?? t(`actor.${entry.actor.type}`),
              detail: [
                entry.viewed === null ? '' : `${t('audit.viewed')} ${entry.viewed.name}`,
                moveText(entry),
                entry.reasonCode === null ? '' : reason(entry.reasonCode),
                entry.reason ?? '',
              ]
                .filter((text) => text !== '')
                .join(' · '),
              href: `/audit/${entry.id}`,
            }))}
          />
        )
      }
    </Loaded>
  );
}
