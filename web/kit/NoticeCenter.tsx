import { Anchor, Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, type UseQueryOptions } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Notice } from '../client/types.gen.js';
import { DateText } from './DateText.js';
import { ErrorView } from './ErrorView.js';
import { BellIcon } from './icons.js';
import { Loaded } from './Loaded.js';
import { EmptyList } from './EmptyList.js';

interface NoticePage {
  readonly data: readonly Notice[];
  readonly nextCursor: string | null;
  readonly counts?: { readonly total: number; readonly byStatus: Readonly<Record<string, number>> };
}

/** The generated query of a surface's notices: `(query) => getNoticesOptions({ query })`. */
export type NoticeQuery = (query: Readonly<Record<string, string>>) => UseQueryOptions<never, never, never, never>;

function useNotices(list: NoticeQuery, query: Readonly<Record<string, string>>) {
  return useQuery({
    ...(list(query) as unknown as UseQueryOptions<NoticePage, Error, NoticePage>),
    refetchInterval: 30_000,
    refetchIntervalInBackground: false,
  });
}

/** The way to the notices from everywhere, with how many are unread. */
export function NoticeBell({ list }: { readonly list: NoticeQuery }): ReactElement {
  const { t } = useTranslation();
  const { data } = useNotices(list, { limit: '1', include: 'counts' });
  const unread = data?.counts?.byStatus['unread'] ?? 0;
  return (
    <Button component={Link} to="/notices" variant="default" size="compact-sm" data-unread={unread}>
      <BellIcon />
      <span className="words-if-room">{t('notice.bell')}</span>
      {unread === 0 ? null : (
        <Badge component="span" size="sm" ml={6} variant="default">
          {unread}
        </Badge>
      )}
    </Button>
  );
}

const pageSize = 25;

/** Unread first; opening one marks it read, and what asks for it is acknowledged with a button (PRT-14). */
export function NoticeCenter({
  list,
  read,
  acknowledge,
}: {
  readonly list: NoticeQuery;
  /** Marks it read; null where the reader may change nothing. */
  readonly read: ((noticeId: string) => Promise<unknown>) | null;
  readonly acknowledge: ((noticeId: string) => Promise<unknown>) | null;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [shown, setShown] = useState(pageSize);
  const unread = useNotices(list, { unread: 'true', limit: '100' });
  const seen = useNotices(list, { unread: 'false', limit: String(shown) });
  const act = useMutation({
    mutationFn: (call: () => Promise<unknown>) => call(),
    onSuccess: () => queries.invalidateQueries(),
  });
  const one = (notice: Notice): ReactElement => (
    <OneNotice
      key={notice.id}
      notice={notice}
      onRead={read === null ? null : () => act.mutate(() => read(notice.id))}
      onAcknowledge={acknowledge === null ? null : () => act.mutate(() => acknowledge(notice.id))}
    />
  );
  return (
    <Stack maw={760}>
      {act.error === null ? null : <ErrorView error={act.error} />}
      <Loaded query={unread}>
        {({ data }) =>
          data.length === 0 ? (
            <Text c="dimmed" role="status">
              {t('notice.allRead')}
            </Text>
          ) : (
            <Stack component="section" aria-label={t('notice.unread')}>
              <Title order={2} size="h4">
                {t('notice.unreadCount', { count: data.length })}
              </Title>
              {data.map(one)}
            </Stack>
          )
        }
      </Loaded>
      <Loaded query={seen}>
        {({ data, nextCursor }) => (
          <>
            {data.length === 0 ? null : (
              <Stack component="section" aria-label={t('notice.earlier')}>
                <Title order={2} size="h4">
                  {t('notice.earlier')}
                </Title>
                {data.map(one)}
              </Stack>
            )}
            {data.length === 0 && unread.data?.data.length === 0 ? (
              <EmptyList title={t('notice.none')} text={t('notice.noneText')} />
            ) : null}
            {nextCursor === null || shown >= 200 ? null : (
              <Group>
                <Button variant="default" onClick={() => setShown(Math.min(200, shown + pageSize))}>
                  {t('notice.more')}
                </Button>
              </Group>
            )}
          </>
        )}
      </Loaded>
    </Stack>
  );
}

function OneNotice({
  notice,
  onRead,
  onAcknowledge,
}: {
  readonly notice: Notice;
  readonly onRead: (() => void) | null;
  readonly onAcknowledge: (() => void) | null;
}): ReactElement {
  const { t } = useTranslation();
  const isUnread = notice.allowedActions.includes('read');
  const [isOpen, setOpen] = useState(false);
  const open = (): void => {
    setOpen(!isOpen);
    // What asks for a word stays among the unread ones until it has it.
    if (isUnread && !isOpen && onRead !== null && !notice.allowedActions.includes('acknowledge')) onRead();
  };
  return (
    <Paper withBorder p="sm" component="article" aria-label={notice.subject}>
      <Group justify="space-between" align="flex-start">
        <Button
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          size="compact-md"
          styles={{ label: { whiteSpace: 'normal', textAlign: 'start' } }}
          h="auto"
          fw={isUnread ? 700 : 400}
          aria-expanded={isOpen}
          onClick={open}
        >
          {notice.subject}
        </Button>
        <Text size="sm" c="dimmed">
          <DateText value={notice.createdAt} />
        </Text>
      </Group>
      {isOpen || notice.allowedActions.includes('acknowledge') ? (
        <Stack gap="xs" mt="xs">
          <Text style={{ whiteSpace: 'pre-wrap' }}>{notice.body}</Text>
          <Group>
            {notice.link === null ? null : (
              <Anchor component={Link} to={notice.link} underline="always">
                {t('notice.goTo')}
              </Anchor>
            )}
            {notice.allowedActions.includes('acknowledge') && onAcknowledge !== null ? (
              <Button size="compact-sm" onClick={onAcknowledge}>
                {t('notice.acknowledge')}
              </Button>
            ) : null}
          </Group>
        </Stack>
      ) : null}
      {notice.acknowledgedAt === null ? null : (
        <Text size="sm" c="dimmed">
          {t('notice.acknowledged')} <DateText value={notice.acknowledgedAt} />
        </Text>
      )}
    </Paper>
  );
}
