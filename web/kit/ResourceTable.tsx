import { Button, Drawer, Group, NativeSelect, Stack, Switch, Text } from '@mantine/core';
import { keepPreviousData, useQuery, type UseQueryOptions } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type BulkAction, BulkDialog, type Selection } from './BulkDialog.js';
import { DateText } from './DateText.js';
import { ErrorView } from './ErrorView.js';
import { ExportMenu } from './ExportMenu.js';
import { Facts } from './Facts.js';
import { type Counts, type Filter, FilterBar } from './FilterBar.js';
import { locale } from './i18n.js';
import { useKeys } from './keys.js';
import type { Money } from './MoneyText.js';
import { OrderChoice } from './OrderChoice.js';
import { usePreference } from './preference.js';
import { type Search, useAddress } from './router.js';
import { type Counted, SavedViews } from './SavedViews.js';
import { ScrollRegion } from './ScrollRegion.js';
import { useCan, useMe } from './session.js';
import { useExport } from './useExport.js';
import { EmptyList } from './EmptyList.js';
import { ResourceRows } from './ResourceRows.js';
import { SelectionBar } from './SelectionBar.js';
import type { Column } from './resourceColumns.js';

interface Page<Row> {
  readonly data: readonly Row[];
  readonly nextCursor: string | null;
  readonly counts?: Counts;
  readonly sums?: readonly Money[];
  readonly sumsByStatus?: Readonly<Record<string, readonly Money[]>>;
}

interface TableProps<Row extends { readonly id: string }> {
  /** Under this name columns, page size and density are kept per person. */
  readonly screen: string;
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly filters?: readonly Filter[];
  /** The list takes `q`. */
  readonly hasText?: boolean;
  /** `counts`, `counts,sums`. */
  readonly include?: string;
  /** Always part of the filter and never in the address: the affiliate of a tab. */
  readonly fixed?: Readonly<Record<string, string>>;
  /** The generated query of the collection: `(query) => getReferralsOptions({ query })`. */
  readonly list: (query: Readonly<Record<string, string>>) => UseQueryOptions<never, never, never, never>;
  /** A row in a few words, for screen readers and the eye. */
  readonly rowLabel: (row: Row) => string;
  /** The row's own page. */
  readonly rowHref?: (row: Row) => string;
  /** More of a row in the drawer that the eye opens where it has no page of its own: its columns are there anyway. */
  readonly rowDetail?: (row: Row) => ReactNode;
  /** The row's one menu: a `RowMenu` or a `DecisionMenu`. */
  readonly rowActions?: (row: Row) => ReactNode;
  readonly bulk?: readonly BulkAction[];
  /** What a single key does to the row that j and k are on. */
  readonly rowKeys?: Readonly<Record<string, (row: Row) => void>>;
  readonly empty: { readonly title: string; readonly text?: string; readonly action?: ReactNode };
  /** 5 s on queue, run and tester screens, 30 s elsewhere (screens.md). */
  readonly pollMs?: number;
}

interface Choice {
  readonly limit?: string;
  readonly columns?: readonly string[];
  readonly dense?: boolean;
}

const sizes = ['10', '25', '50', '100'];

/** The one list of the product: filters, sort, columns and page are the address; selection, bulk, export, keys, three kinds of empty (screens.md 1.1). */
export function ResourceTable<Row extends { readonly id: string }>(props: TableProps<Row>): ReactElement {
  const {
    screen,
    label,
    columns,
    filters = [],
    hasText = false,
    include,
    fixed = {},
    rowLabel,
    rowHref,
    rowDetail,
    rowActions,
    rowKeys = {},
  } = props;
  const { bulk = [], empty, pollMs = 30_000 } = props;
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const can = useCan();
  const me = useMe();
  const choice = usePreference<Choice>(`table.${screen}`);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isAllSelected, setAllSelected] = useState(false);
  const [running, setRunning] = useState<BulkAction | null>(null);
  // By id: what is decided by a letter must be the row one went to, wherever a poll has moved it since.
  const [at, setAt] = useState<{ readonly id: string; readonly index: number } | null>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const known = useRef<string[]>([]);

  // Every list of the console opens its rows by the eye (ADM-10): on their own page, or in a drawer that is part of the address.
  const hasEye = rowHref !== undefined || me.audience === 'staff';
  const limit = search['limit'] ?? choice.value.limit ?? '25';
  const filterFields = [...filters.map((one) => one.field), ...(hasText ? ['q'] : [])];
  const filter = Object.fromEntries(filterFields.flatMap((name) => (search[name] ? [[name, search[name]]] : [])));
  const query = {
    ...filter,
    ...fixed,
    limit,
    ...(search['sort'] === undefined ? {} : { sort: search['sort'] }),
    ...(search['cursor'] === undefined ? {} : { cursor: search['cursor'] }),
    ...(include === undefined ? {} : { include }),
  };
  /** A view's list, one row of it: only its counts are looked at. */
  const countOf = (kept: Search): UseQueryOptions<Counted> => {
    const held = filterFields.flatMap((name) => (kept[name] ? [[name, kept[name]]] : []));
    const asked = { ...(Object.fromEntries(held) as Record<string, string>), ...fixed, limit: '1', include: 'counts' };
    return props.list(asked) as unknown as UseQueryOptions<Counted>;
  };
  const options = props.list(query) as unknown as UseQueryOptions<Page<Row>, Error, Page<Row>>;
  const { data, error, isFetching, refetch, dataUpdatedAt } = useQuery({
    ...options,
    placeholderData: keepPreviousData,
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const rows = data?.data ?? [];
  const current = at === null ? -1 : rows.findIndex((row) => row.id === at.id);
  const setCurrent = (index: number): void => {
    const row = rows[index];
    setAt(row === undefined ? null : { id: row.id, index });
  };
  const pageNumber = Number(search['page'] ?? '1');
  const order =
    search['cols']?.split(',') ??
    choice.value.columns ??
    columns.filter((one) => one.hidden !== true).map((one) => one.key);
  const shown = order.flatMap((key) => columns.find((one) => one.key === key) ?? []);
  const isFiltered = Object.keys(filter).length > 0;
  const retry = (): void => {
    refetch().catch(() => undefined); // shown by the query itself
  };

  const forget = (): void => {
    setSelected(new Set());
    setAllSelected(false);
    setAt(null);
  };
  const go = (next: Readonly<Record<string, string>>): void => {
    forget();
    change({ cursor: '', page: '', ...next });
  };
  const forward = (): void => {
    if (data?.nextCursor === null || data === undefined) return;
    known.current[pageNumber] = data.nextCursor;
    go({ cursor: data.nextCursor, page: String(pageNumber + 1) });
  };
  // A shared address knows no pages before its own: from there back is to the first one.
  const back = (): void => {
    const cursor = known.current[pageNumber - 2];
    if (pageNumber > 2 && cursor !== undefined) go({ cursor, page: String(pageNumber - 1) });
    else go({});
  };
  const step = (by: number): void => {
    // Where the row has gone, decided perhaps, the next one stands in its place.
    const from = current >= 0 || at === null ? current : by > 0 ? at.index - 1 : at.index;
    const next = Math.min(Math.max(from + by, 0), rows.length - 1);
    setCurrent(next);
    const row = body.current?.querySelectorAll<HTMLElement>('tr[data-row]')[next];
    // The eye rather than the box before it: Enter opens (screens.md 1.4).
    (row?.querySelector<HTMLElement>('a, button') ?? row?.querySelector('input') ?? row)?.focus();
    row?.scrollIntoView({ block: 'nearest' });
  };
  const toggle = (id: string): void => {
    setAllSelected(false);
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };
  const exportColumns = shown.flatMap((one) => one.csv ?? []);
  const { cursor: _cursor, include: _include, limit: _limit, ...filtered } = query as Record<string, string>;
  // What a row has beside its own fields is in the file as on the screen; counts and sums are of the list.
  const ofRows = include?.split(',').filter((one) => one !== 'counts' && one !== 'sums') ?? [];
  const asShown = ofRows.length === 0 ? filtered : { ...filtered, include: ofRows.join(',') };
  const exportFields = [...new Set<string>(exportColumns)];
  const exporting = useExport({ name: screen, list: props.list, query: asShown, columns: exportFields });
  // An affiliate's own rows are its own to take along; staff need a right for it.
  const canExport = (me.audience === 'affiliate' || can('export.create')) && exportColumns.length > 0;
  const onCurrent = (act: (row: Row) => void) => () => {
    const row = rows[current];
    if (row !== undefined) act(row);
  };
  useKeys({
    ...Object.fromEntries(Object.entries(rowKeys).map(([key, act]) => [key, onCurrent(act)])),
    j: () => step(1),
    k: () => step(-1),
    x: onCurrent((row) => {
      if (bulk.length > 0) toggle(row.id);
    }),
    e: () => {
      if (canExport) exporting.save('csv');
    },
  });

  const total = data?.counts?.total;
  const first = (pageNumber - 1) * Number(limit) + 1;
  const range =
    rows.length === 0
      ? ''
      : t(total === undefined ? 'list.range' : 'list.rangeOf', {
          from: format(first),
          to: format(first + rows.length - 1),
          total: format(total ?? 0),
        });
  const isPageSelected = rows.every((row) => selected.has(row.id));
  const selection: Selection = isAllSelected
    ? { filter: { ...filter, ...fixed }, ...(total === undefined ? {} : { expectedCount: total }) }
    : { ids: [...selected] };
  const selectedCount = isAllSelected ? (total ?? selected.size) : selected.size;
  const ended = (isDone: boolean): void => {
    setRunning(null);
    if (isDone) forget();
  };
  const opened = rowHref !== undefined ? undefined : rows.find((row) => row.id === search['open']);

  return (
    <Stack gap="sm">
      <FilterBar filters={filters} search={search} counts={data?.counts} hasText={hasText} onChange={go} />
      <Group justify="space-between" className="no-print">
        <Text size="sm" c="dimmed" role="status">
          {range}
          {Date.now() - dataUpdatedAt > 30_000 && dataUpdatedAt > 0 ? (
            <>
              {' · '}
              {t('list.asOf')} <DateText value={new Date(dataUpdatedAt).toISOString()} />
            </>
          ) : null}
        </Text>
        <Group gap="xs">
          {canExport ? <ExportMenu exporting={exporting} columns={exportFields.length} /> : null}
          <SavedViews
            screen={screen}
            columns={order}
            counted={include?.includes('counts') === true ? countOf : undefined}
          />
          <OrderChoice
            label={t('list.columns')}
            choices={columns}
            order={order}
            onOrder={(next) => {
              choice.keep({ columns: next });
              change({ cols: next.join(',') }, { replace: true });
            }}
          >
            <Switch
              label={t('list.dense')}
              checked={choice.value.dense === true}
              onChange={(event) => choice.keep({ dense: event.currentTarget.checked })}
            />
          </OrderChoice>
        </Group>
      </Group>
      {selectedCount > 0 ? (
        <SelectionBar
          count={selectedCount}
          bulk={bulk}
          onRun={setRunning}
          onForget={forget}
          all={
            !isAllSelected && total !== undefined && isPageSelected && total > rows.length
              ? { count: total, select: () => setAllSelected(true) }
              : undefined
          }
        />
      ) : null}
      {error !== null ? <ErrorView error={error} onRetry={retry} /> : null}
      {data !== undefined && rows.length === 0 ? (
        <EmptyList
          title={isFiltered ? t('list.nothingMatches') : empty.title}
          text={isFiltered ? t('list.nothingMatchesText') : empty.text}
          action={
            isFiltered ? (
              <Button variant="default" onClick={() => go(Object.fromEntries(filterFields.map((name) => [name, ''])))}>
                {t('list.clearAll')}
              </Button>
            ) : (
              empty.action
            )
          }
        />
      ) : null}
      {rows.length > 0 || (data === undefined && error === null) ? (
        <ScrollRegion label={label} isBusy={isFetching}>
          <ResourceRows
            label={label}
            rows={data === undefined ? undefined : rows}
            columns={shown}
            sums={data?.sums ?? []}
            sumsByStatus={data?.sumsByStatus ?? {}}
            isDense={choice.value.dense === true}
            sort={search['sort'] ?? ''}
            onSort={(sort) => go({ sort })}
            selection={
              bulk.length === 0
                ? undefined
                : {
                    has: (id) => isAllSelected || selected.has(id),
                    ofPage: rows.length > 0 && isPageSelected ? 'all' : selected.size > 0 ? 'some' : 'none',
                    toggle,
                    togglePage: (isOn) => {
                      setAllSelected(false);
                      setSelected(new Set(isOn ? rows.map((row) => row.id) : []));
                    },
                  }
            }
            current={current}
            onCurrent={setCurrent}
            rowLabel={rowLabel}
            open={hasEye ? { hrefOf: rowHref, show: (id) => change({ open: id }) } : undefined}
            rowActions={rowActions}
            body={body}
          />
        </ScrollRegion>
      ) : null}
      <Group justify="space-between" className="no-print">
        <NativeSelect
          label={t('list.perPage')}
          size="xs"
          value={limit}
          data={sizes}
          onChange={(event) => {
            choice.keep({ limit: event.currentTarget.value });
            go({ limit: event.currentTarget.value });
          }}
        />
        <Group gap="xs">
          <Button variant="default" disabled={pageNumber <= 1} onClick={back}>
            {t('list.previous')}
          </Button>
          <Button variant="default" disabled={data?.nextCursor === null || data === undefined} onClick={forward}>
            {t('list.next')}
          </Button>
        </Group>
      </Group>
      <Drawer
        opened={opened !== undefined}
        onClose={() => change({ open: '' })}
        position="right"
        size="lg"
        title={opened === undefined ? '' : rowLabel(opened)}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        {opened === undefined ? null : (
          <Stack>
            <Facts rows={columns.map((column) => [column.title, column.render(opened)] as const)} />
            {rowDetail?.(opened)}
          </Stack>
        )}
      </Drawer>
      {running === null ? null : running.dialog === undefined ? (
        <BulkDialog action={running} selection={selection} onClose={ended} />
      ) : (
        running.dialog(selection, ended)
      )}
    </Stack>
  );
}

function format(count: number): string {
  return new Intl.NumberFormat(locale()).format(count);
}
