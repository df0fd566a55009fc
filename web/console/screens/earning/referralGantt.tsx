import { Box, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getReferralsByReferralIdStoryOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { StoryLine } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { layOut, placeOf, type Stretch } from '../../../kit/ganttLayout.js';
import { Loaded } from '../../../kit/Loaded.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { toneOf } from '../../../kit/StatusPill.js';
import { tones } from '../../../kit/theme.js';
import { storyTitle } from './referralStory.js';

/** A moment is drawn as wide as the eye finds it, in pixels. */
const leastWidth = 8;

/** The entries of the story over time, a row for each, idle time folded (screens.md 4, Gantt). */
export function ReferralGantt({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getReferralsByReferralIdStoryOptions({ path: { referralId }, query: { form: 'gantt' } }));
  return (
    <Loaded query={query} lines={8}>
      {({ data }) => (data.length === 0 ? <Text c="dimmed">{t('referral.noStory')}</Text> : <Rows lines={data} />)}
    </Loaded>
  );
}

function Rows({ lines }: { readonly lines: readonly StoryLine[] }): ReactElement {
  const { t } = useTranslation();
  const [now] = useState(() => Date.now());
  const spans = lines.map((line) => ({ line, from: new Date(line.at).getTime(), to: endOf(line, now) }));
  const stretches = layOut([...spans.flatMap(({ from, to }) => [from, to]), now]);
  return (
    <Stack gap="xs">
      <ScrollRegion label={t('referral.tab.gantt')}>
        <Box component="ol" aria-label={t('referral.tab.gantt')} m={0} p={0} miw={640} style={{ listStyle: 'none' }}>
          {spans.map(({ line, from, to }) => {
            const left = placeOf(stretches, from);
            const tone = tones[line.to === null ? 'neutral' : toneOf(line.to)];
            return (
              <Group component="li" key={`${line.refId}${line.at}${line.event}`} gap="sm" wrap="nowrap" mb={6}>
                <Box w={240} style={{ flexShrink: 0 }}>
                  <Text size="sm">{storyTitle(t, line)}</Text>
                  <Text size="xs" c="dimmed">
                    <DateText value={line.at} />
                    {line.until === line.at ? null : ' – '}
                    {line.until === line.at ? null : typeof line.until === 'string' ? (
                      <DateText value={line.until} />
                    ) : (
                      t('gantt.now')
                    )}
                  </Text>
                </Box>
                <Box pos="relative" h={28} style={{ flexGrow: 1 }} aria-hidden="true">
                  <Folds stretches={stretches} />
                  <Box
                    pos="absolute"
                    top={4}
                    h={20}
                    left={`min(${left}%, calc(100% - ${leastWidth}px))`}
                    w={`max(${placeOf(stretches, to) - left}%, ${leastWidth}px)`}
                    bg={tone.background}
                    c={tone.color}
                    bd={line.planned ? '1px dashed currentColor' : '1px solid currentColor'}
                    style={{ borderRadius: 4 }}
                  />
                </Box>
              </Group>
            );
          })}
        </Box>
      </ScrollRegion>
      {stretches.some(({ folded }) => folded) ? (
        <Text size="sm" c="dimmed">
          {t('gantt.folded')}
        </Text>
      ) : null}
    </Stack>
  );
}

/** In milliseconds; what still stands reaches to the present. */
function endOf(line: StoryLine, now: number): number {
  return typeof line.until === 'string' ? new Date(line.until).getTime() : now;
}

/** Where time is left out: hatched, in every row. */
function Folds({ stretches }: { readonly stretches: readonly Stretch[] }): ReactElement {
  return (
    <>
      {stretches
        .filter(({ folded }) => folded)
        .map(({ from, start, width }) => (
          <Box
            key={from}
            pos="absolute"
            h="100%"
            left={`${start + width / 3}%`}
            w={`${width / 3}%`}
            style={{
              background:
                'repeating-linear-gradient(135deg, var(--mantine-color-default-border) 0 2px, transparent 2px 8px)',
            }}
          />
        ))}
    </>
  );
}
