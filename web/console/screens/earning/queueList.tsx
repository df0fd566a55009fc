import {
  Button,
  Chip,
  Grid,
  Group,
  NativeSelect,
  Paper,
  Progress,
  Stack,
  Text,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getConsoleQueueOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchReferralsByReferralId } from '../../../client/sdk.gen.js';
import type { QueueItem } from '../../../client/types.gen.js';
import { readPath } from '../../../kit/api.js';
import { type BulkAction, BulkDialog } from '../../../kit/BulkDialog.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons, ReasonDialog, useDecide } from '../../../kit/DecisionButtons.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { useKeys } from '../../../kit/keys.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { useAddress } from '../../../kit/router.js';
import { screenOf } from '../../../kit/SearchPalette.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useStaff } from '../access/useStaff.js';
import { referralBulk } from './referralList.js';
import { ReferralStory } from './referralStory.js';

const pollMs = 5_000;
/** What each key asks for, in the words of the different objects; the first one that the object allows now is taken. */
const keyVerbs = {
  a: ['approve', 'accept', 'confirm', 'uphold'],
  r: ['reject', 'decline', 'invalidate', 'dismiss'],
  h: ['hold'],
} as const;
const riskLevels = ['none', 'low', 'high'] as const;
/** Positive answers that are given with a reason all the same (api.md 1.8). */
const saysWhy: ReadonlySet<string> = new Set(['uphold']);

/** Everything that waits for a person: list left, facts right, a key per decision (screens.md 3.3). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const kind = search['kind'] ?? '';
  const assignee = search['assignee'] ?? '';
  const risk = search['risk'] ?? '';
  // Beside each other only where there is room: on a phone the list, or the item that was opened in it.
  const isWide = useMediaQuery('(min-width: 62em)', true, { getInitialValueInEffect: false });
  const people = useStaff();
  const query = useQuery({
    ...getConsoleQueueOptions({
      query: {
        limit: 100,
        ...(kind === '' ? {} : { kind }),
        ...(assignee === '' ? {} : { assignee }),
        ...(risk === '' ? {} : { risk }),
      },
    }),
    placeholderData: keepPreviousData,
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const items = query.data?.data ?? [];
  const index = Math.max(
    0,
    items.findIndex((item) => item.id === search['item']),
  );
  const item = items[index];
  const isOpened = item !== undefined && item.id === search['item'];
  const go = (to: number): void => {
    const next = items[Math.min(Math.max(to, 0), items.length - 1)];
    if (next !== undefined) change({ item: next.id }, { replace: true });
  };
  useKeys({
    j: () => go(index + 1),
    k: () => go(index - 1),
    ']': () => go(index + 1),
    '[': () => go(index - 1),
  });
  return (
    <>
      <PageHead title={t('queue.title')} text={t('queue.text')} />
      <Loaded query={query} lines={8}>
        {({ counts }) => (
          <Stack>
            <Group gap="xs" role="group" aria-label={t('queue.kinds')}>
              {Object.entries(counts.byKind)
                .filter(([name, count]) => count > 0 || name === kind)
                .map(([name, count]) => (
                  <Chip
                    key={name}
                    size="sm"
                    checked={name === kind}
                    onChange={(isOn) => change({ kind: isOn ? name : '', item: '' })}
                  >
                    {`${t(`queue.kind.${name}`)} ${count}`}
                  </Chip>
                ))}
            </Group>
            <Group align="flex-end">
              <NativeSelect
                label={t('queue.assignee')}
                w={240}
                value={assignee}
                onChange={(event) => change({ assignee: event.currentTarget.value, item: '' })}
                data={[
                  { value: '', label: t('queue.anybody') },
                  { value: 'me', label: t('queue.mine') },
                  ...people,
                  ...(['', 'me', ...people.map((one) => one.value)].includes(assignee)
                    ? []
                    : [{ value: assignee, label: assignee }]),
                ]}
              />
              <NativeSelect
                label={t('queue.risk')}
                w={240}
                value={risk}
                onChange={(event) => change({ risk: event.currentTarget.value, item: '' })}
                data={[
                  { value: '', label: t('queue.risk.any') },
                  ...riskLevels.map((value) => ({ value, label: t(`queue.risk.${value}`) })),
                ]}
              />
              {risk === '' ? null : <BulkOfReferrals items={items} />}
            </Group>
            <Text size="sm" c="dimmed" role="status" data-waiting={counts.total}>
              {t('queue.waiting', { count: counts.total })}
            </Text>
            {item === undefined ? (
              <EmptyList
                title={`${assignee}${kind}${risk}` === '' ? t('queue.empty') : t('list.nothingMatches')}
                text={`${assignee}${kind}${risk}` === '' ? t('queue.emptyText') : t('list.nothingMatchesText')}
              />
            ) : (
              <Grid>
                {isWide || !isOpened ? (
                  <Grid.Col span={{ base: 12, md: 5 }}>
                    <Stack
                      component="ol"
                      gap={6}
                      m={0}
                      p={0}
                      style={{ listStyle: 'none' }}
                      aria-label={t('queue.title')}
                    >
                      {items.map((one) => (
                        <li key={one.id}>
                          <Row
                            item={one}
                            isCurrent={one.id === item.id}
                            onOpen={() => change({ item: one.id }, { replace: true })}
                          />
                        </li>
                      ))}
                    </Stack>
                  </Grid.Col>
                ) : null}
                {/* Not there while it is not seen: its keys decide it. */}
                {isWide || isOpened ? (
                  <Grid.Col span={{ base: 12, md: 7 }}>
                    {isWide ? null : (
                      <Button variant="default" mb="sm" onClick={() => change({ item: '' })}>
                        {t('queue.back')}
                      </Button>
                    )}
                    <Item
                      key={item.id}
                      item={item}
                      onDecided={() => change({ item: items[index + 1]?.id ?? '' }, { replace: true })}
                    />
                  </Grid.Col>
                ) : null}
              </Grid>
            )}
          </Stack>
        )}
      </Loaded>
    </>
  );
}

/** The referrals of the chosen risk decided at once, by the same four steps as on their own list (screens.md 1.1). */
function BulkOfReferrals({ items }: { readonly items: readonly QueueItem[] }): ReactElement | null {
  const { t } = useTranslation();
  const mayDecide = useCan()('referral.decide');
  // With those it was pressed for: the decided ones leave the list while their outcome is still read.
  const [running, setRunning] = useState<{ readonly action: BulkAction; readonly ids: readonly string[] } | null>(null);
  const ids = items.filter((one) => one.kind === 'referral').map((one) => one.id);
  if (!mayDecide) return null;
  return (
    <>
      {ids.length === 0
        ? null
        : referralBulk.map((action) => (
            <Button key={action.kind} variant="default" onClick={() => setRunning({ action, ids })}>
              {t(`queue.bulk.${action.verb}`, { count: ids.length })}
            </Button>
          ))}
      {running === null ? null : (
        <BulkDialog action={running.action} selection={{ ids: running.ids }} onClose={() => setRunning(null)} />
      )}
    </>
  );
}

function Row({
  item,
  isCurrent,
  onOpen,
}: {
  readonly item: QueueItem;
  readonly isCurrent: boolean;
  readonly onOpen: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const title = useTitle()(item);
  return (
    <UnstyledButton
      w="100%"
      p="xs"
      onClick={onOpen}
      aria-current={isCurrent ? 'true' : undefined}
      data-item={item.id}
      style={{
        border: `${isCurrent ? 2 : 1}px solid ${isCurrent ? 'var(--mantine-color-anchor)' : 'var(--mantine-color-default-border)'}`,
        borderRadius: 8,
      }}
    >
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <MoneyOrNothing item={item} />
      </Group>
      {item.customer === null ? null : <Text size="sm">{customerOf(item.customer)}</Text>}
      <Text size="sm" c="dimmed">
        {t('queue.arrived')} <DateText value={item.waitingSince} relative />
        {item.dueAt === null ? null : (
          <>
            {' · '}
            {t('queue.due')} <DateText value={item.dueAt} relative />
          </>
        )}
      </Text>
      {item.dueAt === null ? null : <DueBar from={item.waitingSince} to={item.dueAt} />}
    </UnstyledButton>
  );
}

const customerOf = ({ name, email }: NonNullable<QueueItem['customer']>): string =>
  [name, email].filter((part) => part !== null).join(', ');

/** How much of the time to decide is over. */
function DueBar({ from, to }: { readonly from: string; readonly to: string }): ReactElement {
  const { t } = useTranslation();
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const share = end <= start ? 1 : Math.min(Math.max((Date.now() - start) / (end - start), 0), 1);
  return (
    <Progress
      mt={4}
      size="sm"
      value={Math.round(share * 100)}
      color={share >= 1 ? 'red' : share >= 0.75 ? 'orange' : 'blue'}
      aria-label={t('queue.timeUsed')}
    />
  );
}

/** Whose work the item is: a referral is given to somebody here, an application goes with the affiliate's manager. */
function Assignee({ item, version }: { readonly item: QueueItem; readonly version: number | undefined }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  const mayAssign = useCan()('referral.write') && item.kind === 'referral' && version !== undefined;
  const people = useStaff();
  const held = item.assigneeId ?? '';
  const known = held === '' || people.some((one) => one.value === held) ? [] : [{ value: held, label: held }];
  if (!mayAssign || people.length === 0)
    return <>{held === '' ? t('queue.nobody') : (people.find((one) => one.value === held)?.label ?? held)}</>;
  const give = (assigneeId: string): void => {
    patchReferralsByReferralId({
      path: { referralId: item.id },
      body: { assigneeId: assigneeId === '' ? null : assigneeId },
      headers: { 'If-Match': `"${version}"` } as never,
      throwOnError: true,
    })
      .then(() => queries.invalidateQueries())
      .catch((error: unknown) => {
        const { title, detail } = problemText(error);
        notifications.show({ title, message: detail, color: 'red' });
      });
  };
  return (
    <NativeSelect
      aria-label={t('queue.assignTo')}
      size="xs"
      value={held}
      onChange={(event) => give(event.currentTarget.value)}
      data={[{ value: '', label: t('queue.nobody') }, ...people, ...known]}
    />
  );
}

/** What waits, and whose it is; the API names a referral by its stage and a commission by its kind. */
function useTitle(): (item: QueueItem) => string {
  const { t } = useTranslation();
  return ({ kind, title, affiliate }) => {
    const word =
      kind === 'appeal'
        ? t(`appeal.object.${title}`)
        : t(`stage.${title}`, { defaultValue: t(`commission.kind.${title}`, { defaultValue: title }) });
    const names = affiliate === null || affiliate.name === title ? [word] : [word, affiliate.name];
    return `${t(`queue.kind.${kind}`)}: ${names.join(' · ')}`;
  };
}

function MoneyOrNothing({ item }: { readonly item: QueueItem }): ReactElement | null {
  return item.amount === null ? null : <MoneyText value={item.amount} />;
}

interface Decidable {
  readonly version?: number;
  readonly status?: string;
  readonly allowedActions: readonly string[];
  /** Of an appeal: what was rejected, and the words against it. */
  readonly objectType?: string;
  readonly objectId?: string;
  readonly text?: string;
}

/** The resource of an item. An appeal has no address of its own to read: it stands in the list of open ones. */
async function readItem(item: QueueItem): Promise<Decidable> {
  if (item.kind !== 'appeal') return readPath<Decidable>(item.path);
  const { data } = await readPath<{ readonly data: readonly (Decidable & { readonly id: string })[] }>(
    '/v1/appeals?status=open&limit=200',
  );
  return data.find((one) => one.id === item.id) ?? { allowedActions: [] };
}

/** The item's own resource says what may be done; nothing here does. */
function Item({ item, onDecided }: { readonly item: QueueItem; readonly onDecided: () => void }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const adviceText = (code: string): string => t(`queue.advice.${code}`, { defaultValue: '' }) || reason(code);
  const title = useTitle()(item);
  const navigate = useNavigate();
  const decide = useDecide();
  const problemText = useProblemText();
  const [asking, setAsking] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const query = useQuery<Decidable>({
    queryKey: ['queue', item.path],
    queryFn: () => readItem(item),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const { objectType, objectId, text } = query.data ?? {};
  const screen = screenOf(objectId ?? item.id);
  const actions = query.data?.allowedActions ?? [];
  // A run is approved on its own screen, where the plan is shown that the approval names.
  const opensFirst = item.kind === 'payout_run' || item.kind === 'payout';
  const open = (): void => {
    if (screen !== undefined) navigate({ to: screen }).catch(() => undefined); // overtaken by another navigation
  };
  const take = (verb: string): void => {
    if (isBusy) return;
    setBusy(true);
    decide({ path: item.path, verb })
      .then(onDecided)
      .catch((error: unknown) => {
        const { title, detail } = problemText(error);
        notifications.show({ title, message: detail, color: 'red' });
      })
      .finally(() => setBusy(false));
  };
  const pressed = (key: keyof typeof keyVerbs): void => {
    const verb = keyVerbs[key].find((one) => actions.includes(one));
    if (verb === undefined) return;
    if (opensFirst) open();
    else if (key === 'a' && !saysWhy.has(verb)) take(verb);
    else setAsking(verb);
  };
  useKeys({ a: () => pressed('a'), r: () => pressed('r'), h: () => pressed('h') });
  const own = Object.fromEntries(
    actions.map((verb) => [
      verb,
      () => {
        if (opensFirst) open();
        else if ((keyVerbs.a as readonly string[]).includes(verb) && !saysWhy.has(verb)) take(verb);
        else setAsking(verb);
      },
    ]),
  );
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">
            {title}
          </Title>
          <StatusPill status={item.status} objectId={item.id} />
        </Group>
        <Facts
          rows={[
            [t('queue.kind'), t(`queue.kind.${item.kind}`)],
            [
              t('referral.affiliate'),
              item.affiliate === null ? null : (
                <NameLink key="a" to={`/affiliates/${item.affiliate.id}`} name={item.affiliate.name} />
              ),
            ],
            [t('referral.customer'), item.customer === null ? null : customerOf(item.customer)],
            [t('queue.assignee'), <Assignee key="as" item={item} version={query.data?.version} />],
            [t('referral.program'), <ProgramName key="p" id={item.programId} />],
            [t('commission.amount'), <MoneyText key="m" value={item.amount} />],
            ...(objectType === undefined || objectId === undefined
              ? []
              : ([[t('appeal.object'), t(`appeal.object.${objectType}`)]] as const)),
            ...(text === undefined ? [] : ([[t('appeal.words'), text]] as const)),
            [t('queue.waitingSince'), <DateText key="w" value={item.waitingSince} />],
            [t('referral.due'), <DateText key="d" value={item.dueAt} />],
            [t('referral.flags'), item.flags.map(reason).join(', ')],
            ...(item.suggestion === null
              ? []
              : ([
                  [
                    t('queue.suggestion'),
                    `${t(`queue.suggestion.${item.suggestion.verdict}`)}: ${item.suggestion.reasons.map(adviceText).join(', ')}`,
                  ],
                ] as const)),
          ]}
        />
        <Loaded query={query} lines={1}>
          {() => <DecisionButtons path={item.path} actions={actions} custom={own} />}
        </Loaded>
        <Text size="sm" c="dimmed">
          {t('queue.keys')}
        </Text>
        {screen === undefined ? null : (
          <Group>
            <Button component={Link} to={screen} variant="default" size="compact-sm">
              {t('queue.open')}
            </Button>
          </Group>
        )}
        {item.kind === 'referral' ? <ReferralStory referralId={item.id} /> : null}
      </Stack>
      <ReasonDialog path={item.path} verb={asking} onClose={() => setAsking(null)} onDecided={onDecided} />
    </Paper>
  );
}
