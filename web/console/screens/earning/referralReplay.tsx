import { Button, Code, Group, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getReferralsByReferralIdHistoryOptions,
  getReferralsByReferralIdReplaysOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Replay } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { type Tone, tones } from '../../../kit/theme.js';
import { NoHistory } from './referralHistory.js';

const lines = ['record', 'replay', 'arguments', 'books'] as const;
const looks: Readonly<Record<string, readonly [icon: string, tone: Tone]>> = {
  pass: ['✓', 'good'],
  fail: ['✕', 'bad'],
  not_possible: ['–', 'neutral'],
};

/** One button, one verdict, four lines under it; who asked and when is kept (screens.md 4, Replay). */
export function ReferralReplayTab({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const history = useQuery(getReferralsByReferralIdHistoryOptions({ path: { referralId } }));
  const replays = useQuery(getReferralsByReferralIdReplaysOptions({ path: { referralId } }));
  const replay = useMutation({
    mutationFn: () => postPath<Replay>(`/v1/referrals/${referralId}/replays`, undefined, key.current),
    onSettled: () => {
      key.current = newKey();
      return queries.invalidateQueries({
        queryKey: getReferralsByReferralIdReplaysOptions({ path: { referralId } }).queryKey,
      });
    },
  });
  if (history.data?.source === 'none') return <NoHistory reason={history.data.reason} />;
  const runs = history.data?.runs ?? [];
  const isLive = runs.some((run) => run.historyId === null);
  return (
    <Stack>
      <Text>{t('replay.text')}</Text>
      {isLive ? <Text size="sm">{t('replay.live')}</Text> : null}
      {can('audit.verify') && runs.length > 0 ? (
        <Group>
          <Button onClick={() => replay.mutate()} loading={replay.isPending} data-action="replay">
            {t('replay.now')}
          </Button>
        </Group>
      ) : null}
      {replay.error === null ? null : <ErrorView error={replay.error} />}
      <Loaded query={replays} lines={5}>
        {({ data }) => {
          const [newest, ...before] = data;
          if (newest === undefined) return <Text c="dimmed">{t('replay.never')}</Text>;
          return (
            <Stack>
              <Verdict replay={newest} />
              {before.length === 0 ? null : (
                <>
                  <Title order={2} size="h5">
                    {t('replay.before')}
                  </Title>
                  <List size="sm">
                    {before.map((one) => (
                      <List.Item key={one.id}>
                        <DateText value={one.at} /> · {one.requestedBy.name ?? t(`actor.${one.requestedBy.type}`)} ·{' '}
                        {t(`verdict.${one.verdict}`)}
                      </List.Item>
                    ))}
                  </List>
                </>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </Stack>
  );
}

function Result({ result }: { readonly result: string }): ReactElement {
  const { t } = useTranslation();
  const [icon, tone] = looks[result] ?? ['–', 'neutral'];
  return (
    <Text span size="sm" fw={600} px={8} py={2} style={{ ...tones[tone], borderRadius: 8 }}>
      <span aria-hidden="true">{icon}</span> {t(`verdict.${result}`)}
    </Text>
  );
}

export function Verdict({ replay }: { readonly replay: Replay }): ReactElement {
  const { t } = useTranslation();
  const { change } = useAddress();
  const { firstDifference: difference } = replay;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('replay.verdict')} data-verdict={replay.verdict}>
      <Group mb="xs">
        <Title order={2} size="h4">
          {t('replay.verdict')}
        </Title>
        <Result result={replay.verdict} />
      </Group>
      <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }} role="status">
        {lines.map((line) => (
          <Group component="li" key={line} justify="space-between" gap="xs" data-check={line}>
            <Text size="sm">
              {t(`replay.line.${line}`, { recorded: replay.recordedBuild ?? '–', checked: replay.checkedBuild })}
            </Text>
            <Result result={replay.checks[line]} />
          </Group>
        ))}
      </Stack>
      {replay.throughEvent === null ? null : (
        <Text size="sm" mt="xs">
          {t('replay.open', { event: replay.throughEvent })}
        </Text>
      )}
      {difference === null ? null : (
        <Stack gap={4} mt="md">
          <Text fw={500}>
            {difference.eventId === null
              ? t('replay.difference', { field: difference.field })
              : t('replay.differenceAt', { event: difference.eventId, field: difference.field })}
          </Text>
          <Text size="sm">{t('replay.recorded')}</Text>
          <Code block style={{ whiteSpace: 'pre-wrap' }}>
            {JSON.stringify(difference.recorded ?? null, null, 2)}
          </Code>
          <Text size="sm">{t('replay.replayed')}</Text>
          <Code block style={{ whiteSpace: 'pre-wrap' }}>
            {JSON.stringify(difference.replayed ?? null, null, 2)}
          </Code>
          <Group>
            <Button size="compact-sm" variant="default" onClick={() => change({ tab: 'history' })}>
              {t('replay.openEvent')}
            </Button>
          </Group>
        </Stack>
      )}
      <Text size="sm" c="dimmed" mt="xs">
        {t('replay.asked', { name: replay.requestedBy.name ?? t(`actor.${replay.requestedBy.type}`) })}{' '}
        <DateText value={replay.at} />
      </Text>
    </Paper>
  );
}
