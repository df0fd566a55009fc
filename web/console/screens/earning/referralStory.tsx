import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getReferralsByReferralIdStoryOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { StoryLine } from '../../../client/types.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { screenOf } from '../../../kit/SearchPalette.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { Timeline, type TimelineEntry } from '../../../kit/Timeline.js';

const pollMs = 5_000;

/** Words that no catalogue knows yet come from the API, in English; a link's name stands beside the click. */
export function storyTitle(t: TFunction, line: StoryLine): string {
  const plain = t(`story.${line.kind}.${line.event}`, { defaultValue: '' });
  if (plain === '') return line.text;
  return line.slug === null ? plain : `${plain} ${line.slug}`;
}

/** What happened and what is still to come, in plain words (screens.md 4, Story). */
export function ReferralStory({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const query = useQuery({
    ...getReferralsByReferralIdStoryOptions({ path: { referralId } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const entriesOf = (lines: readonly StoryLine[]): readonly TimelineEntry[] => {
    const known = new Map<string, string>();
    return lines.map((line, index) => {
      const isNew = line.to !== null && known.get(line.refId) !== line.to;
      if (line.to !== null) known.set(line.refId, line.to);
      return entryOf(line, index, isNew ? line.to : null);
    });
  };
  const entryOf = (line: StoryLine, index: number, became: string | null): TimelineEntry => {
    return {
      id: `${line.refId}-${index}`,
      at: line.at,
      title: storyTitle(t, line),
      actor: line.actor.name ?? t(`actor.${line.actor.type}`),
      detail:
        line.reason === null && became === null ? undefined : (
          <>
            {became === null ? null : <StatusBadge status={became} />}{' '}
            {line.reason === null ? null : (
              <Text span size="sm">
                {reason(line.reason)}
              </Text>
            )}
          </>
        ),
      href: line.refId === referralId ? undefined : screenOf(line.refId),
      planned: line.planned,
      // Clicks and visits after each other, and what is tried again and again, fold into one.
      foldAs: line.to === null && !line.planned && line.reason === null ? `${line.kind}.${line.event}` : undefined,
    };
  };
  return (
    <Loaded query={query} lines={8}>
      {({ data }) =>
        data.length === 0 ? (
          <Text c="dimmed">{t('referral.noStory')}</Text>
        ) : (
          <Timeline label={t('referral.tab.story')} entries={entriesOf(data)} />
        )
      }
    </Loaded>
  );
}
