import { Box, Button, Group, Paper, Stack, Text } from '@mantine/core';
import { type ReactElement, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DateText } from './DateText.js';

/** One thing that happened, or is planned to happen. */
export interface TimelineEntry {
  readonly id: string;
  readonly at: string;
  readonly title: ReactNode;
  /** Who did it, in words. */
  readonly actor?: string | null;
  readonly detail?: ReactNode;
  /** Where the evidence is. */
  readonly href?: string | undefined;
  readonly planned?: boolean;
  /** Entries in a row with the same group fold into one with a count: clicks, visits, retries. */
  readonly foldAs?: string | undefined;
}

type Line =
  | { readonly kind: 'one'; readonly entry: TimelineEntry }
  | { readonly kind: 'fold'; readonly entries: readonly TimelineEntry[] };

function foldRuns(entries: readonly TimelineEntry[]): readonly Line[] {
  const lines: Line[] = [];
  for (const entry of entries) {
    const last = lines.at(-1);
    const before = last?.kind === 'fold' ? last.entries.at(-1) : last?.entry;
    if (entry.foldAs === undefined || before?.foldAs !== entry.foldAs || last === undefined)
      lines.push({ kind: 'one', entry });
    else
      lines[lines.length - 1] = {
        kind: 'fold',
        entries: [...(last.kind === 'fold' ? last.entries : [last.entry]), entry],
      };
  }
  return lines;
}

/** "2 days later": the time since the entry before, in its largest unit. */
function useGap(): (from: string, to: string) => string | null {
  const { t } = useTranslation();
  return (from, to) => {
    const seconds = Math.round(Math.abs(new Date(to).getTime() - new Date(from).getTime()) / 1_000);
    if (seconds < 60) return null;
    if (seconds < 3_600) return t('timeline.minutesLater', { count: Math.round(seconds / 60) });
    if (seconds < 86_400) return t('timeline.hoursLater', { count: Math.round(seconds / 3_600) });
    return t('timeline.daysLater', { count: Math.round(seconds / 86_400) });
  };
}

/** The story of one thing in plain words; what is still to come is dashed (screens.md 4). Oldest first unless the reader turns it. */
export function Timeline({
  entries,
  label,
}: {
  readonly entries: readonly TimelineEntry[];
  readonly label: string;
}): ReactElement {
  const { t } = useTranslation();
  const gap = useGap();
  const [newestFirst, setNewestFirst] = useState(false);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const lines = foldRuns(entries).flatMap((line): readonly Line[] => {
    if (line.kind === 'one' || !open.has(line.entries[0]?.id ?? '')) return [line];
    return line.entries.map((entry) => ({ kind: 'one', entry }));
  });
  const previous = new Map(entries.map((entry, index) => [entry.id, entries[index - 1]]));
  return (
    <Stack gap="xs">
      <Group justify="flex-end">
        <Button size="compact-sm" variant="default" onClick={() => setNewestFirst(!newestFirst)}>
          {t(newestFirst ? 'timeline.oldestFirst' : 'timeline.newestFirst')}
        </Button>
      </Group>
      <Box component="ol" aria-label={label} m={0} p={0} style={{ listStyle: 'none' }}>
        {(newestFirst ? [...lines].reverse() : lines).map((line) => {
          const entry = line.kind === 'one' ? line.entry : line.entries[0];
          if (entry === undefined) return null;
          const before = previous.get(entry.id);
          const later = before === undefined || entry.planned === true ? null : gap(before.at, entry.at);
          return (
            <Paper
              component="li"
              key={entry.id}
              withBorder
              p="sm"
              mb="xs"
              style={entry.planned === true ? { borderStyle: 'dashed' } : undefined}
            >
              <Text fw={500}>
                {entry.href === undefined ? (
                  entry.title
                ) : (
                  <Text component="a" inherit href={entry.href} c="var(--mantine-color-anchor)" td="underline">
                    {entry.title}
                  </Text>
                )}
              </Text>
              <Text size="sm" c="dimmed">
                {entry.planned === true ? `${t('timeline.planned')} · ` : ''}
                <DateText value={entry.at} relative={entry.planned === true} />
                {entry.actor === null || entry.actor === undefined ? '' : ` · ${entry.actor}`}
                {later === null ? '' : ` · ${later}`}
              </Text>
              {entry.detail === undefined ? null : <Text size="sm">{entry.detail}</Text>}
              {line.kind === 'fold' ? (
                <Button
                  size="compact-sm"
                  variant="default"
                  mt={4}
                  onClick={() => setOpen(new Set([...open, entry.id]))}
                >
                  {t('timeline.more', { count: line.entries.length - 1 })}
                </Button>
              ) : null}
            </Paper>
          );
        })}
      </Box>
    </Stack>
  );
}
