import { Badge, Button, Code, Group, List, Paper, Slider, Stack, Text, TextInput, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getReferralsByReferralIdHistoryOptions,
  getReferralsByReferralIdStateOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { HistoryEvent, ReferralHistory, StateAtEvent } from '../../../client/types.gen.js';
import { saveFile } from '../../../kit/saveFile.js';
import { DateText } from '../../../kit/DateText.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { useAddress } from '../../../kit/router.js';
import { StatusBadge } from '../../../kit/StatusPill.js';

const shownAtOnce = 100;

/** Every recorded event of the whole chain of runs, and the state after any of them (screens.md 4, History). */
export function ReferralHistoryTab({ referralId }: { readonly referralId: string }): ReactElement {
  const query = useQuery(getReferralsByReferralIdHistoryOptions({ path: { referralId } }));
  return (
    <Loaded query={query} lines={10}>
      {(history) => <Recorded referralId={referralId} history={history} />}
    </Loaded>
  );
}

/** Why there is no history to look at, in words. */
export function NoHistory({ reason }: { readonly reason: ReferralHistory['reason'] }): ReactElement {
  const { t } = useTranslation();
  return <EmptyList title={t('history.none')} text={t(`history.none.${reason ?? 'not_recorded'}`)} />;
}

function Recorded({
  referralId,
  history,
}: {
  readonly referralId: string;
  readonly history: ReferralHistory;
}): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const [text, setText] = useState('');
  const [most, setMost] = useState(shownAtOnce);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  if (history.source === 'none') return <NoHistory reason={history.reason} />;
  const keyOf = (event: HistoryEvent): string => `${event.runId}#${event.event}`;
  const wanted = text.trim().toLowerCase();
  const matching = history.events.filter(
    (event) =>
      wanted === '' ||
      `${event.event} ${event.type} ${event.name ?? ''} ${JSON.stringify(event.attributes)}`
        .toLowerCase()
        .includes(wanted),
  );
  const chosen = history.events.find((event) => keyOf(event) === search['event']);
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="xs">
          <Badge variant="default">{t(`history.source.${history.source}`)}</Badge>
          <Text size="sm" c="dimmed">
            {t('history.runs', { count: history.runs.length })}, {t('history.events', { count: history.events.length })}
          </Text>
        </Group>
        <Button
          variant="default"
          size="compact-sm"
          onClick={() => saveFile(`${referralId}.history.json`, JSON.stringify(history, null, 2))}
        >
          {t('history.download')}
        </Button>
      </Group>
      <StateAt
        referralId={referralId}
        events={history.events}
        chosen={chosen}
        onChoose={(event) => change({ event: keyOf(event) }, { replace: true })}
      />
      <TextInput
        type="search"
        label={t('history.search')}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Text size="sm" role="status" c="dimmed">
        {t('history.found', { count: matching.length })}
      </Text>
      <Stack component="ol" gap={6} m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('referral.tab.history')}>
        {matching.slice(0, most).map((event) => {
          const key = keyOf(event);
          const isOpen = open.has(key);
          return (
            <Paper component="li" key={key} withBorder p="xs">
              <Group justify="space-between" gap="xs">
                <Text size="sm">
                  <Text span inherit c="dimmed">{`${event.event} `}</Text>
                  <Text span inherit fw={500}>
                    {event.type}
                  </Text>
                  {event.name === null ? '' : ` · ${event.name}`}
                </Text>
                <Group gap="xs">
                  <Text size="sm" c="dimmed">
                    <DateText value={event.at} />
                  </Text>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={t('history.stateFor', { event: event.event })}
                    onClick={() => change({ event: key }, { replace: true })}
                  >
                    {t('history.state')}
                  </Button>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-expanded={isOpen}
                    aria-label={t('history.jsonFor', { event: event.event })}
                    onClick={() => {
                      const next = new Set(open);
                      if (!next.delete(key)) next.add(key);
                      setOpen(next);
                    }}
                  >
                    JSON
                  </Button>
                </Group>
              </Group>
              {isOpen ? (
                <Code block mt="xs" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                  {JSON.stringify(event.attributes, null, 2)}
                </Code>
              ) : null}
            </Paper>
          );
        })}
      </Stack>
      {matching.length > most ? (
        <Button variant="default" onClick={() => setMost(most + shownAtOnce)}>
          {t('history.more', { count: matching.length - most })}
        </Button>
      ) : null}
    </Stack>
  );
}

/** The slider: what the referral's process knew and waited for after event N, from the record alone. */
function StateAt({
  referralId,
  events,
  chosen,
  onChoose,
}: {
  readonly referralId: string;
  readonly events: readonly HistoryEvent[];
  readonly chosen: HistoryEvent | undefined;
  readonly onChoose: (event: HistoryEvent) => void;
}): ReactElement | null {
  const { t } = useTranslation();
  const at = chosen ?? events.at(-1);
  const index = at === undefined ? -1 : events.indexOf(at);
  const [dragged, setDragged] = useState<number | null>(null);
  const query = useQuery({
    ...getReferralsByReferralIdStateOptions({
      path: { referralId },
      query: { event: at?.event ?? 1, runId: at?.runId ?? '' },
    }),
    placeholderData: keepPreviousData,
    enabled: at !== undefined,
  });
  if (at === undefined) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('history.stateTitle')}>
      <Title order={2} size="h5" mb="xs">
        {t('history.stateAt', { event: at.event, type: at.type })}
      </Title>
      <Slider
        min={0}
        max={events.length - 1}
        value={dragged ?? index}
        onChange={setDragged}
        onChangeEnd={(value) => {
          setDragged(null);
          const next = events[value];
          if (next !== undefined) onChoose(next);
        }}
        label={(value) => events[value]?.event}
        thumbLabel={t('history.slider')}
        mb="md"
      />
      <Loaded query={query} lines={3}>
        {(state) => <State state={state} />}
      </Loaded>
    </Paper>
  );
}

function State({ state }: { readonly state: StateAtEvent }): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Facts
        rows={[
          [t('history.status'), state.status === null ? null : <StatusBadge key="s" status={state.status} />],
          [t('history.at'), <DateText key="a" value={state.at} />],
          [t('history.isClosed'), t(state.closed ? 'yes' : 'no')],
          [t('history.replayed'), t(`verdict.${state.replay.result}`)],
        ]}
      />
      {state.replay.message === null ? null : <Text size="sm">{state.replay.message}</Text>}
      <Text size="sm" fw={500}>
        {t('history.timers')}
      </Text>
      <List size="sm">
        {state.timers.length === 0 ? <List.Item>{t('history.noTimer')}</List.Item> : null}
        {state.timers.map((timer) => (
          <List.Item key={timer.timerId}>
            {t('history.timer', { timer: timer.timerId })} <DateText value={timer.firesAt} />
          </List.Item>
        ))}
      </List>
      <Text size="sm" fw={500}>
        {t('history.pending')}
      </Text>
      <List size="sm">
        {state.pending.length === 0 ? <List.Item>{t('history.noPending')}</List.Item> : null}
        {state.pending.map((work) => (
          <List.Item key={`${work.kind}${work.event}`}>
            {`${t(`history.work.${work.kind}`)}${work.name === null ? '' : `: ${work.name}`}`} ·{' '}
            <DateText value={work.since} />
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
