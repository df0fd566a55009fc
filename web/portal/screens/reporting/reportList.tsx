import { Anchor, Group, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeProfileOptions, getMeReportsByReportNameOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnEarningReport, OwnSubIdReport, OwnTrafficReport } from '../../../client/types.gen.js';
import { DateRange } from '../../../kit/DateRange.js';
import { daysOf } from '../../../kit/rangeDays.js';
import { dayText, useZone } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatRate, MoneyList, MoneyText } from '../../../kit/MoneyText.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';
import { FileButton } from '../../../kit/FileButton.js';

const names = ['traffic', 'earnings', 'sub-ids'] as const;
type Name = (typeof names)[number];

/** Own figures by days: traffic, earnings by month and, with the grant for it, sub-ids (screens.md 6, PRT-04). The range is the address. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const zone = useZone();
  const { search, change } = useAddress();
  const { data: profile } = useQuery(getMeProfileOptions());
  // Taken away: neither the report nor a way to it (TRK-16).
  const offered = names.filter((name) => name !== 'sub-ids' || profile?.subIdAccess === true);
  const name = offered.find((one) => one === search['report']) ?? 'traffic';
  const preset = daysOf('last30', zone);
  const days = { from: search['from'] ?? preset.from, to: search['to'] ?? preset.to };
  const path = { reportName: name };
  const report = useQuery(getMeReportsByReportNameOptions({ path, query: days }));
  return (
    <>
      <PageHead title={t('report.title')} text={t('report.text')} />
      <Group component="nav" aria-label={t('report.which')} gap="md" mb="md">
        {offered.map((one) => (
          <Anchor
            key={one}
            component={Link}
            to={`/reports?report=${one}&from=${days.from}&to=${days.to}`}
            aria-current={one === name ? 'page' : undefined}
            {...(one === name ? { fw: 700, td: 'underline' } : {})}
            style={{ minHeight: 24 }}
          >
            {t(`report.${one}`)}
          </Anchor>
        ))}
      </Group>
      <DateRange value={days} onChange={(next) => change({ ...next })} />
      <FileButton
        name={name}
        query={(query) => getMeReportsByReportNameOptions({ path, query: { ...days, ...query } as never }) as never}
      />
      <Loaded query={report}>{(found) => <Report name={name} report={found} />}</Loaded>
    </>
  );
}

function Report({
  name,
  report,
}: {
  readonly name: Name;
  readonly report: OwnSubIdReport | OwnTrafficReport | OwnEarningReport;
}): ReactElement {
  const { t } = useTranslation();
  if (report.rows.length === 0) return <EmptyList title={t('report.none')} text={t('report.noneText')} />;
  switch (report.name) {
    case 'sub-ids':
      return <SubIds report={report} />;
    case 'traffic':
      return <Traffic report={report} />;
    case 'earnings':
      return <Earnings report={report} />;
    default:
      return <EmptyList title={t(`report.${name}`)} />;
  }
}

interface Cell {
  readonly title: string;
  readonly value: ReactNode;
  readonly right?: true;
}

/** Rows of titled cells, the last one being the totals; on a phone each row is a card, unless a row is a few small numbers. */
function Figures({
  label,
  isSlim = false,
  rows,
  totals,
}: {
  readonly label: string;
  readonly isSlim?: boolean;
  readonly rows: readonly { readonly key: string; readonly cells: readonly Cell[] }[];
  readonly totals: readonly (readonly Cell[])[];
}): ReactElement {
  const [first] = rows;
  const line = (cells: readonly Cell[]): ReactElement[] =>
    cells.map(({ title, value, right }) => (
      <Table.Td key={title} data-label={title} data-align={right === true ? 'right' : undefined}>
        <span>{value}</span>
      </Table.Td>
    ));
  return (
    <Table className={isSlim ? 'slim-table' : 'resource-table'} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          {first?.cells.map(({ title, right }) => (
            <Table.Th key={title} data-align={right === true ? 'right' : undefined}>
              {title}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ key, cells }) => (
          <Table.Tr key={key}>{line(cells)}</Table.Tr>
        ))}
      </Table.Tbody>
      <Table.Tfoot>
        {totals.map((cells, index) => (
          <Table.Tr key={index} fw={600}>
            {line(cells)}
          </Table.Tr>
        ))}
      </Table.Tfoot>
    </Table>
  );
}

function SubIds({ report }: { readonly report: OwnSubIdReport }): ReactElement {
  const { t } = useTranslation();
  const cells = (row: OwnSubIdReport['totals'][number], subId: string, perClick: ReactNode): readonly Cell[] => [
    { title: t('report.subId'), value: subId },
    { title: t('home.clicks'), value: row.clicks, right: true },
    { title: t('report.visits'), value: row.visits, right: true },
    { title: t('home.leads'), value: row.leads, right: true },
    { title: t('home.sales'), value: row.sales, right: true },
    {
      title: t('report.conversion'),
      value: row.conversionRatePpm === null ? '–' : formatRate(row.conversionRatePpm),
      right: true,
    },
    {
      title: t('report.earned'),
      value: row.earned.length === 0 ? '–' : <MoneyList values={row.earned} />,
      right: true,
    },
    { title: t('report.perClick'), value: perClick, right: true },
  ];
  return (
    <Figures
      label={t('report.sub-ids')}
      rows={report.rows.map((row) => ({
        key: row.subId ?? '',
        cells: cells(
          row,
          row.subId ?? t('report.unlabelled'),
          row.perClick.length === 0 ? '–' : <MoneyList values={row.perClick} />,
        ),
      }))}
      totals={report.totals.map((row) => cells(row, t('list.sum'), ''))}
    />
  );
}

function Traffic({ report }: { readonly report: OwnTrafficReport }): ReactElement {
  const { t } = useTranslation();
  const cells = (row: OwnTrafficReport['totals'][number], day: string): readonly Cell[] => [
    { title: t('home.day'), value: day },
    { title: t('home.clicks'), value: row.clicks, right: true },
    { title: t('report.visits'), value: row.visits, right: true },
    { title: t('home.leads'), value: row.leads, right: true },
    { title: t('home.sales'), value: row.sales, right: true },
  ];
  return (
    <Figures
      label={t('report.traffic')}
      isSlim
      rows={report.rows.map((row) => ({ key: row.day, cells: cells(row, dayText(row.day)) }))}
      totals={report.totals.map((row) => cells(row, t('list.sum')))}
    />
  );
}

function Earnings({ report }: { readonly report: OwnEarningReport }): ReactElement {
  const { t } = useTranslation();
  const cells = (row: OwnEarningReport['totals'][number], month: ReactNode): readonly Cell[] => [
    { title: t('report.month'), value: month },
    { title: t('report.lines'), value: row.lines, right: true },
    { title: t('report.earned'), value: <MoneyText value={row.earned} />, right: true },
    { title: t('report.takenBack'), value: <MoneyText value={row.takenBack} />, right: true },
    { title: t('report.net'), value: <MoneyText value={row.net} />, right: true },
    { title: t('report.paid'), value: <MoneyText value={row.paid} />, right: true },
  ];
  return (
    <Figures
      label={t('report.earnings')}
      rows={report.rows.map((row) => ({
        key: `${row.month} ${row.net.currency}`,
        cells: cells(
          row,
          <Anchor component={Link} to={`/earnings?status=pending,approved,reversed,paid`} underline="always" inherit>
            {row.month.slice(0, 7)}
          </Anchor>,
        ),
      }))}
      totals={report.totals.map((row) => cells(row, t('list.sum')))}
    />
  );
}
