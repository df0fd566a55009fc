import { ActionIcon, Anchor, Badge, Button, Group, Popover, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, type UseQueryOptions } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getSavedViewsOptions } from '../client/@tanstack/react-query.gen.js';
import { deleteSavedViewsByViewId, postSavedViews } from '../client/sdk.gen.js';
import type { SavedView } from '../client/types.gen.js';
import { ErrorView } from './ErrorView.js';
import { locale } from './i18n.js';
import { type Search, useAddress } from './router.js';
import { useMe } from './session.js';

/** What is one moment's and no view: the page one was on. */
const momentary = new Set(['cursor', 'page']);

function queryOf(search: Search): string {
  return new URLSearchParams(Object.entries(search).filter(([name]) => !momentary.has(name))).toString();
}

/** Kept views of one list: use one, keep the present one, share it, forget it (screens.md 1.1). Staff only; portals have none. */
export function SavedViews(props: ViewsProps): ReactElement | null {
  const me = useMe();
  return me.audience === 'staff' ? <Views {...props} /> : null;
}

interface ViewsProps {
  readonly screen: string;
  /** The columns that are shown now, in their order: a view keeps them, whatever its reader has chosen elsewhere (BEY-34). */
  readonly columns: readonly string[];
  /** The list as a view's address filters it, with its counts; left out where the list counts nothing. */
  readonly counted?: ((search: Search) => UseQueryOptions<Counted>) | undefined;
}

/** Of a list, what a view's count is read from. */
export interface Counted {
  readonly counts?: { readonly total: number };
}

function Views({ screen, columns, counted }: ViewsProps): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { search, change } = useAddress();
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const [isDefault, setDefault] = useState(false);
  const options = getSavedViewsOptions({ query: { screen, sort: 'name', limit: 100 } });
  const { data } = useQuery({ ...options, staleTime: 60_000 });
  const views = data?.data ?? [];
  const now = queryOf(search);
  const whole = queryOf({ ...search, cols: columns.join(',') });
  const use = (view: SavedView): void => {
    setOpen(false);
    const wanted = Object.fromEntries(new URLSearchParams(view.query));
    // What the present address has beside it goes away: a view is the whole of it.
    change({ ...Object.fromEntries(Object.keys(search).map((key) => [key, ''])), ...wanted });
  };
  // An address that names nothing opens the reader's own default; one that was sent by somebody stays what it is.
  const isFirst = useRef(true);
  useEffect(() => {
    if (data === undefined || !isFirst.current) return;
    isFirst.current = false;
    const own = data.data.find((view) => view.isDefault);
    if (own !== undefined && own.query !== '' && Object.keys(search).length === 0)
      change(Object.fromEntries(new URLSearchParams(own.query)), { replace: true });
  }, [data, search, change]);
  const refresh = () => queries.invalidateQueries({ queryKey: options.queryKey });
  const keep = useMutation({
    mutationFn: () =>
      postSavedViews({
        body: { screen, name: name.trim(), query: whole, shared: isShared, isDefault },
        throwOnError: true,
      }),
    onSuccess: () => {
      setName('');
      setDefault(false);
      setShared(false);
      return refresh();
    },
  });
  const forget = useMutation({
    mutationFn: (viewId: string) => deleteSavedViewsByViewId({ path: { viewId }, throwOnError: true }),
    onSuccess: refresh,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    keep.mutate();
  };
  const problem = keep.error ?? forget.error;
  return (
    <Popover position="bottom-end" withArrow trapFocus opened={isOpen} onChange={setOpen}>
      <Popover.Target>
        <Button size="compact-sm" variant="default" onClick={() => setOpen(!isOpen)}>
          {t('views.title')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('views.title')} maw={320}>
        <Stack gap="xs">
          {views.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t('views.none')}
            </Text>
          ) : null}
          {views.map((view) => (
            <Group key={view.id} justify="space-between" wrap="nowrap" data-view={view.name}>
              <Anchor
                component="button"
                type="button"
                mih={24}
                ta="left"
                onClick={() => use(view)}
                aria-current={view.query === now || view.query === whole ? 'true' : undefined}
              >
                {view.name}
                {view.isDefault ? ` · ${t('views.isDefault')}` : ''}
                {view.own ? '' : ` · ${t('views.shared')}`}
              </Anchor>
              {counted === undefined ? null : <ViewCount view={view} counted={counted} />}
              {view.own ? (
                <ActionIcon
                  variant="default"
                  aria-label={t('views.forget', { name: view.name })}
                  onClick={() => forget.mutate(view.id)}
                >
                  <span aria-hidden="true">✕</span>
                </ActionIcon>
              ) : null}
            </Group>
          ))}
          <form onSubmit={submit}>
            <Stack gap="xs">
              <TextInput
                label={t('views.name')}
                required
                maxLength={200}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Switch
                label={t('views.share')}
                checked={isShared}
                onChange={(event) => setShared(event.currentTarget.checked)}
              />
              <Switch
                label={t('views.default')}
                checked={isDefault}
                onChange={(event) => setDefault(event.currentTarget.checked)}
              />
              {problem === null ? null : <ErrorView error={problem} />}
              <Button type="submit" size="compact-sm" loading={keep.isPending}>
                {t('views.keep')}
              </Button>
            </Stack>
          </form>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** How many rows the view has now: what its list will say (BEY-34). */
function ViewCount({
  view,
  counted,
}: {
  readonly view: SavedView;
  readonly counted: NonNullable<ViewsProps['counted']>;
}): ReactElement | null {
  const { t } = useTranslation();
  const { data } = useQuery({ ...counted(Object.fromEntries(new URLSearchParams(view.query))), staleTime: 30_000 });
  const total = data?.counts?.total;
  if (total === undefined) return null;
  return (
    <Badge variant="default" component="span" ml="auto" aria-label={t('views.rows', { name: view.name, total })}>
      {total.toLocaleString(locale())}
    </Badge>
  );
}
