import { ActionIcon, Checkbox, Group, Skeleton, Table, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode, Ref } from 'react';
import { useTranslation } from 'react-i18next';
import { CurrentRow } from './currentRow.js';
import { EyeIcon } from './icons.js';
import { type Money, MoneyList } from './MoneyText.js';
import type { Column } from './resourceColumns.js';

/** What of the rows is selected, for the boxes. */
interface Selecting {
  readonly has: (id: string) => boolean;
  /** Of the rows shown. */
  readonly ofPage: 'all' | 'some' | 'none';
  readonly toggle: (id: string) => void;
  readonly togglePage: (isOn: boolean) => void;
}

interface RowsProps<Row extends { readonly id: string }> {
  readonly label: string;
  /** undefined: not known yet. */
  readonly rows: readonly Row[] | undefined;
  /** Those that are shown, in their order. */
  readonly columns: readonly Column<Row>[];
  readonly sums: readonly Money[];
  readonly sumsByStatus: Readonly<Record<string, readonly Money[]>>;
  readonly isDense: boolean;
  /** The field that the list is sorted by, with `-` before it where downwards. */
  readonly sort: string;
  readonly onSort: (sort: string) => void;
  /** undefined: rows cannot be selected. */
  readonly selection: Selecting | undefined;
  /** The row that the keys stand on, from 0. */
  readonly current: number;
  readonly onCurrent: (index: number) => void;
  readonly rowLabel: (row: Row) => string;
  /** The eye: to the row's page, or `show`. undefined: no eye. */
  readonly open:
    | { readonly hrefOf: ((row: Row) => string) | undefined; readonly show: (id: string) => void }
    | undefined;
  readonly rowActions: ((row: Row) => ReactNode) | undefined;
  /** Where the keys find the rows. */
  readonly body: Ref<HTMLTableSectionElement>;
}

/** The rows of a list with their heads, boxes, eyes, menus and sums. What is selected, sorted and open is the list's (`ResourceTable`). */
export function ResourceRows<Row extends { readonly id: string }>({
  label,
  rows,
  columns,
  sums,
  sumsByStatus,
  isDense,
  sort,
  onSort,
  selection,
  current,
  onCurrent,
  rowLabel,
  open,
  rowActions,
  body,
}: RowsProps<Row>): ReactElement {
  const { t } = useTranslation();
  const more = [selection, open, rowActions].filter((one) => one !== undefined).length;
  const width = columns.length + more;
  // What is worth nothing, as what was rejected, is no line of its own; and one status alone is the sum itself.
  const worth = Object.entries(sumsByStatus).filter(([, values]) => values.some(({ amount }) => /[1-9]/.test(amount)));
  const sumLines = [
    ...(worth.length < 2 ? [] : worth.map(([status, values]) => ({ name: t(`status.${status}`), values }))),
    { name: t('list.sum'), values: sums },
  ];
  return (
    <Table className="resource-table" aria-label={label} verticalSpacing={isDense ? 4 : 'xs'} highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          {selection === undefined ? null : (
            <Table.Th w={40}>
              <Checkbox
                aria-label={t('list.selectPage')}
                checked={selection.ofPage === 'all'}
                indeterminate={selection.ofPage === 'some'}
                onChange={(event) => selection.togglePage(event.currentTarget.checked)}
              />
            </Table.Th>
          )}
          {open === undefined ? null : (
            <Table.Th w={40}>
              <Text span fz="xs" c="dimmed">
                {t('list.open')}
              </Text>
            </Table.Th>
          )}
          {columns.map((column, place) => (
            <HeadCell key={column.key} column={column} isFirst={place === 0} sort={sort} onSort={onSort} />
          ))}
          {rowActions === undefined ? null : <Table.Th>{t('list.actions')}</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody ref={body}>
        {rows === undefined
          ? Array.from({ length: 6 }, (_, index) => (
              <Table.Tr key={index}>
                <Table.Td colSpan={width} data-label="">
                  <Skeleton height={18} aria-label={index === 0 ? t('loading') : undefined} aria-hidden={index > 0} />
                </Table.Td>
              </Table.Tr>
            ))
          : rows.map((row, index) => (
              <Table.Tr
                key={row.id}
                data-row={row.id}
                {...(index === current ? { 'data-current': true } : {})}
                onFocusCapture={() => onCurrent(index)}
              >
                {selection === undefined ? null : (
                  <Table.Td data-label={t('list.select')}>
                    <Checkbox
                      aria-label={t('list.selectRow', { row: rowLabel(row) })}
                      checked={selection.has(row.id)}
                      onChange={() => selection.toggle(row.id)}
                    />
                  </Table.Td>
                )}
                {open === undefined ? null : (
                  <Table.Td data-label={t('list.open')}>
                    <Eye
                      label={t('list.openRow', { row: rowLabel(row) })}
                      to={open.hrefOf?.(row)}
                      onOpen={() => open.show(row.id)}
                    />
                  </Table.Td>
                )}
                {columns.map((column, place) => (
                  <Table.Td
                    key={column.key}
                    data-label={column.title}
                    data-align={column.align}
                    {...(place === 0 ? { 'data-first': true } : {})}
                  >
                    <span>{column.render(row)}</span>
                  </Table.Td>
                ))}
                {rowActions === undefined ? null : (
                  <Table.Td data-label={t('list.actions')}>
                    <CurrentRow.Provider value={index === current}>{rowActions(row)}</CurrentRow.Provider>
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
      </Table.Tbody>
      {sums.length === 0 ? null : (
        <Table.Tfoot>
          {sumLines.map(({ name, values }) => (
            <Table.Tr key={name}>
              <Table.Td colSpan={width} data-label={name}>
                {/* A table that is wider than its place scrolls; its sums stay in sight. */}
                <Group gap="sm" pos="sticky" left={0} w="fit-content">
                  <Text fw={500} visibleFrom="sm">
                    {name}
                  </Text>
                  <MoneyList values={values} />
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tfoot>
      )}
    </Table>
  );
}

function HeadCell<Row>({
  column,
  isFirst,
  sort,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly isFirst: boolean;
  readonly sort: string;
  readonly onSort: (sort: string) => void;
}): ReactElement {
  const field = column.sort;
  const direction =
    field === undefined ? undefined : sort === field ? 'ascending' : sort === `-${field}` ? 'descending' : 'none';
  const title = (
    <Text span inherit fw={600}>
      {column.title}
      {direction === 'ascending' ? ' ↑' : direction === 'descending' ? ' ↓' : ''}
    </Text>
  );
  const cell =
    field === undefined ? (
      title
    ) : (
      <UnstyledButton mih={24} fz="inherit" onClick={() => onSort(sort === `-${field}` ? field : `-${field}`)}>
        {title}
      </UnstyledButton>
    );
  return (
    <Table.Th aria-sort={direction} data-align={column.align} {...(isFirst ? { 'data-first': true } : {})}>
      {column.hint === undefined ? cell : <Tooltip label={column.hint}>{cell}</Tooltip>}
    </Table.Th>
  );
}

/** The eye of a row: leads to its page, or opens its drawer. */
function Eye({
  label,
  to,
  onOpen,
}: {
  readonly label: string;
  readonly to: string | undefined;
  readonly onOpen: () => void;
}): ReactElement {
  const look = { variant: 'subtle', color: 'gray', c: 'var(--mantine-color-anchor)', 'aria-label': label } as const;
  return to === undefined ? (
    <ActionIcon {...look} onClick={onOpen}>
      <EyeIcon />
    </ActionIcon>
  ) : (
    <ActionIcon {...look} component={Link} to={to}>
      <EyeIcon />
    </ActionIcon>
  );
}
