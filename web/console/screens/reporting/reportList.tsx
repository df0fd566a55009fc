import { Anchor, Button, Group, NativeSelect, Table, Text } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getGroupsOptions,
  getProgramsOptions,
  getSegmentsOptions,
  getReportsByReportNameOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { DateRange } from '../../../kit/DateRange.js';
import { daysOf } from '../../../kit/rangeDays.js';
import { DateText, useZone } from '../../../kit/DateText.js';
import { FileButton } from '../../../kit/FileButton.js';
import { type Filter, FilterBar } from '../../../kit/FilterBar.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatRate, type Money, MoneyList } from '../../../kit/MoneyText.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { useAddress } from '../../../kit/router.js';
import { SavedViews } from '../../../kit/SavedViews.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { screenOf } from './home.js';

/** Columns of each report and fields that it is ordered by, the first without being asked. */
const reports = {
  'affiliate-performance': {
    columns: [
      'name',
      'clicks',
      'visits',
      'leads',
      'uniqueLeads',
      'sales',
      'totalSales',
      'earned',
      'owed',
      'commissionPaid',
      'refunds',
      'totalRefunds',
      'conversionRate',
      'joinedAt',
      'lastActivityAt',
    ],
    orders: ['sales', 'clicks', 'visits', 'leads', 'earned', 'lastActivityAt', 'name'],
  },
  'lead-senders': {
    columns: ['name', 'leads', 'uniqueLeads', 'acceptedLeads', 'acceptRate'],
    orders: ['leads', 'name'],
  },
  quality: {
    columns: [
      'name',
      'leads',
      'accepted',
      'acceptRate',
      'sales',
      'refunds',
      'refundShare',
      'conversionRate',
      'flags',
      'standard',
    ],
    orders: ['sales', 'leads', 'name'],
  },
  funnel: {
    columns: ['title', 'clicks', 'visits', 'leads', 'sales', 'visitRate', 'leadRate', 'saleRate'],
    orders: ['sales', 'clicks', 'visits', 'leads'],
  },
} as const;
/** What a row of the funnel can be (api.md 13). */
const funnelSteps = ['link', 'program', 'campaign', 'ad', 'source', 'sub1', 'sub2', 'sub3', 'sub4', 'sub5'] as const;
type Name = keyof typeof reports;
const names = Object.keys(reports) as readonly Name[];

type Row = Readonly<Record<string, unknown>>;
interface Report {
  readonly rows: readonly Row[];
  readonly totals: readonly Row[];
  readonly compared: { readonly from: string; readonly to: string; readonly totals: readonly Row[] } | null;
  readonly nextCursor: string | null;
}

/** One of the reports, by days (screens.md 3.20). Report, days, order and page are the address. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const zone = useZone();
  const { search, change } = useAddress();
  const name = names.find((one) => one === search['report']) ?? 'affiliate-performance';
  const { orders } = reports[name];
  const order = orders.find((one) => one === search['order']) ?? orders[0];
  const compare = search['compare'] === 'year' || search['compare'] === 'previous' ? search['compare'] : 'none';
  const by = funnelSteps.find((one) => one === search['by']) ?? 'link';
  const preset = daysOf('last30', zone);
  const filters = useFilters();
  const days = { from: search['from'] ?? preset.from, to: search['to'] ?? preset.to };
  const chosen = Object.fromEntries(
    ['q', ...filters.map((filter) => filter.field)].flatMap((field) => {
      const value = search[field] ?? '';
      return value === '' ? [] : [[field, value]];
    }),
  );
  const query = {
    ...days,
    ...chosen,
    sort: order === 'name' ? 'name' : `-${order}`,
    compare,
    ...(name === 'funnel' ? { by } : {}),
  } as const;
  const options = (more: Readonly<Record<string, string>>) =>
    getReportsByReportNameOptions({ path: { reportName: name }, query: { ...query, ...more } as never });
  const page: Readonly<Record<string, string>> = search['cursor'] === undefined ? {} : { cursor: search['cursor'] };
  const report = useQuery({ ...options(page), placeholderData: keepPreviousData });
  const next = report.data?.nextCursor;
  return (
    <>
      <PageHead title={t('report.title')} text={t('report.text')} />
      <Group component="nav" aria-label={t('report.which')} gap="md" mb="md">
        {names.map((one) => (
          <Anchor
            key={one}
            component={Link}
            to={`/reports?${new URLSearchParams({ report: one, ...days, ...chosen }).toString()}`}
            aria-current={one === name ? 'page' : undefined}
            {...(one === name ? { fw: 700, td: 'underline' } : {})}
            style={{ minHeight: 24 }}
          >
            {t(`report.${one}`)}
          </Anchor>
        ))}
      </Group>
      <Group align="flex-end">
        <DateRange value={days} onChange={(next) => change({ ...next, cursor: '' })} />
        {name === 'funnel' ? (
          <NativeSelect
            label={t('report.by')}
            value={by}
            onChange={(event) => change({ by: event.currentTarget.value, cursor: '' })}
            data={funnelSteps.map((value) => ({ value, label: t(`report.by.${value}`) }))}
          />
        ) : null}
        <NativeSelect
          label={t('report.order')}
          value={order}
          onChange={(event) => change({ order: event.currentTarget.value, cursor: '' })}
          data={orders.map((value) => ({ value, label: t(`report.column.${value}`) }))}
        />
        <NativeSelect
          label={t('report.compare')}
          value={compare}
          onChange={(event) => change({ compare: event.currentTarget.value })}
          data={(['none', 'previous', 'year'] as const).map((value) => ({
            value,
            label: t(`report.compare.${value}`),
          }))}
        />
      </Group>
      <FilterBar
        key={name}
        filters={filters}
        search={search}
        counts={undefined}
        hasText
        onChange={(next) => change({ ...next, cursor: '' })}
      />
      <Group justify="flex-end" className="no-print">
        <SavedViews screen="reports" columns={[]} />
        <CopyCall path={`/v1/reports/${name}`} query={query} />
        <FileButton name={name} query={(more) => options(more) as never} />
      </Group>
      <Loaded query={report}>{(found) => <ReportTable name={name} report={found as unknown as Report} />}</Loaded>
      <Group mt="sm">
        {search['cursor'] === undefined ? null : (
          <Button variant="default" onClick={() => window.history.back()}>
            {t('list.previous')}
          </Button>
        )}
        {typeof next === 'string' ? (
          <Button variant="default" onClick={() => change({ cursor: next })}>
            {t('list.next')}
          </Button>
        ) : null}
      </Group>
    </>
  );
}

/** What is on screen as a call of the API: the same report, days and filters (screens.md 3.20). */
function CopyCall({
  path,
  query,
}: {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}): ReactElement {
  const { t } = useTranslation();
  const clipboard = useClipboard({ timeout: 2_000 });
  const address = `${window.location.origin}${path}?${new URLSearchParams(query).toString()}`;
  return (
    <Group gap="xs">
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => clipboard.copy(`curl '${address}' -H 'Authorization: Bearer YOUR_KEY'`)}
      >
        {t('report.copyCall')}
      </Button>
      <span role="status">{clipboard.copied ? t('apiLog.copied') : ''}</span>
    </Group>
  );
}

/** Whose figures: by name where the reader may read the names. */
function useFilters(): readonly Filter[] {
  const { t } = useTranslation();
  const can = useCan();
  const programs = useQuery({
    ...getProgramsOptions({ query: { limit: 200, sort: 'name' } }),
    enabled: can('program.read'),
  });
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200, sort: 'name' } }), enabled: can('group.read') });
  const segments = useQuery({
    ...getSegmentsOptions({ query: { limit: 200, sort: 'name' } }),
    enabled: can('message.read'),
  });
  const named = (rows: readonly { readonly id: string; readonly name: string }[] | undefined) =>
    rows === undefined ? {} : { options: rows.map(({ id, name }) => ({ value: id, label: name })) };
  return [
    { field: 'programId', label: t('report.filter.programId'), ...named(programs.data?.data) },
    { field: 'groupId', label: t('report.filter.groupId'), ...named(groups.data?.data) },
    { field: 'segmentId', label: t('report.filter.segmentId'), ...named(segments.data?.data) },
    { field: 'affiliateId', label: t('report.filter.affiliateId') },
  ];
}

function ReportTable({ name, report }: { readonly name: Name; readonly report: Report }): ReactElement {
  const { t } = useTranslation();
  const { columns } = reports[name];
  if (report.rows.length === 0) return <EmptyList title={t('report.none')} text={t('report.noneText')} />;
  const line = (key: string, first: ReactNode, row: Row, isTotal: boolean): ReactElement => (
    <Table.Tr key={key} {...(isTotal ? { fw: 600 } : {})}>
      {columns.map((column, index) => (
        <Table.Td key={column} data-label={t(`report.column.${column}`)} data-align={index === 0 ? undefined : 'right'}>
          <span>{index === 0 ? first : <Cell column={column} row={row} />}</span>
        </Table.Td>
      ))}
    </Table.Tr>
  );
  return (
    <ScrollRegion label={t(`report.${name}`)}>
      <Table className="resource-table" aria-label={t(`report.${name}`)}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column, index) => (
              <Table.Th key={column} data-align={index === 0 ? undefined : 'right'}>
                {t(`report.column.${column}`)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {report.rows.map((row, index) => line(String(index), <Whose row={row} />, row, false))}
        </Table.Tbody>
        <Table.Tfoot>
          {report.totals.map((row, index) => line(`sum${index}`, t('list.sum'), row, true))}
          {report.compared?.totals.map((row) =>
            line(
              'compared',
              t('report.comparedSum', { from: report.compared?.from, to: report.compared?.to }),
              row,
              true,
            ),
          )}
        </Table.Tfoot>
      </Table>
    </ScrollRegion>
  );
}

/** The first column: who the row is of, with its address (RPT-06). */
function Whose({ row }: { readonly row: Row }): ReactElement {
  const { t } = useTranslation();
  if (typeof row['affiliateId'] !== 'string')
    return typeof row['title'] === 'string' ? (
      <Opens list={row['detail']}>{row['title']}</Opens>
    ) : (
      <>{t('report.unassigned')}</>
    );
  return (
    <>
      <Anchor component={Link} to={`/affiliates/${row['affiliateId']}`} underline="always" inherit>
        {String(row['name'])}
      </Anchor>
      <Text size="xs" c="dimmed" component="span" display="block">
        {String(row['email'])}
      </Text>
    </>
  );
}

function Opens({ list, children }: { readonly list: unknown; readonly children: ReactNode }): ReactElement {
  const to = typeof list === 'string' ? screenOf(list) : null;
  return to === null ? (
    <>{children}</>
  ) : (
    <Anchor component={Link} to={to} underline="always" inherit>
      {children}
    </Anchor>
  );
}

const shares: ReadonlySet<string> = new Set([
  'conversionRate',
  'acceptRate',
  'refundShare',
  'visitRate',
  'leadRate',
  'saleRate',
]);

/** One figure; it opens its rows where the report names them. */
function Cell({ column, row }: { readonly column: string; readonly row: Row }): ReactElement {
  const { t } = useTranslation();
  const value = row[column];
  if (value === null || value === undefined) return <>–</>;
  const list = (row['lists'] as Readonly<Record<string, string>> | undefined)?.[column];
  if (Array.isArray(value))
    return value.length === 0 ? (
      <>–</>
    ) : (
      <Opens list={list}>
        <MoneyList values={value as readonly Money[]} />
      </Opens>
    );
  if (column === 'standard') return <>{t(`quality.standard.${value === 'below' ? 'below' : 'met'}`)}</>;
  if (typeof value === 'string') return <DateText value={value} time={false} />;
  if (typeof value !== 'number') return <>–</>;
  return <Opens list={list}>{shares.has(column) ? formatRate(value) : value}</Opens>;
}
