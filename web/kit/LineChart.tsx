import { Box, Table, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type ReactElement, useId } from 'react';
import { useTranslation } from 'react-i18next';
import { dayText } from './DateText.js';

export interface ChartPoint {
  readonly day: string;
  /** For the height only. */
  readonly value: number;
  /** As it is read. */
  readonly text: string;
  readonly isUnusual?: boolean;
}

/** Until the place is measured. In pixels, as everything here: drawn at its own size, words are as large on a phone as anywhere. */
const usualWidth = 900;
const leastWidth = 240;
const height = 220;
const margin = { top: 12, right: 8, bottom: 24, left: 44 };

/**
 * One line by day, the period before as a dashed one, unusual days marked by a ring and a word. Plain SVG: a chart library would triple what
 * the page loads. The same as a table on request, and as a sentence always (screens.md 1.7).
 */
export function LineChart({
  label,
  points,
  before,
  isTable,
}: {
  readonly label: string;
  readonly points: readonly ChartPoint[];
  /** The same number of days before; empty: nothing to compare with. */
  readonly before: readonly ChartPoint[];
  readonly isTable: boolean;
}): ReactElement {
  const { t } = useTranslation();
  const titleId = useId();
  const { ref, width: measured } = useElementSize();
  const width = measured === 0 ? usualWidth : Math.max(leastWidth, Math.floor(measured));
  if (isTable) return <ChartTable label={label} points={points} before={before} />;
  const most = Math.max(1, ...points.map((point) => point.value), ...before.map((point) => point.value));
  const top = niceTop(most);
  const count = Math.max(points.length, before.length);
  const x = (index: number): number =>
    margin.left + (count < 2 ? 0 : (index / (count - 1)) * (width - margin.left - margin.right));
  const y = (value: number): number =>
    height - margin.bottom - (Math.max(0, value) / top) * (height - margin.top - margin.bottom);
  const path = (of: readonly ChartPoint[]): string =>
    of.map((point, index) => `${index === 0 ? 'M' : 'L'}${x(index).toFixed(1)} ${y(point.value).toFixed(1)}`).join(' ');
  const last = points.at(-1);
  const middle = points[Math.floor(points.length / 2)];
  const labels = [points[0], middle, last].flatMap((point) => (point === undefined ? [] : [point]));
  return (
    <Box data-chart ref={ref}>
      <svg viewBox={`0 0 ${width} ${height}`} width="100%" role="img" aria-labelledby={titleId}>
        <title id={titleId}>{label}</title>
        {[0, top / 2, top].map((line) => (
          <g key={line}>
            <line
              x1={margin.left}
              x2={width - margin.right}
              y1={y(line)}
              y2={y(line)}
              stroke="var(--mantine-color-default-border)"
            />
            <text x={margin.left - 6} y={y(line) + 4} textAnchor="end" fontSize="12" fill="var(--mantine-color-text)">
              {line}
            </text>
          </g>
        ))}
        {before.length === 0 ? null : (
          <path
            d={path(before)}
            fill="none"
            stroke="var(--mantine-color-dimmed)"
            strokeWidth="1.5"
            strokeDasharray="5 4"
          />
        )}
        <path d={path(points)} fill="none" stroke="var(--mantine-color-anchor)" strokeWidth="2.5" />
        {points.map((point, index) =>
          point.isUnusual === true ? (
            <g key={point.day}>
              <circle
                cx={x(index)}
                cy={y(point.value)}
                r="6"
                fill="none"
                stroke="var(--mantine-color-text)"
                strokeWidth="2"
              />
              <text
                x={x(index) - 10}
                y={y(point.value) + 4}
                textAnchor="end"
                fontSize="12"
                fill="var(--mantine-color-text)"
              >
                {t('chart.unusual')}
              </text>
            </g>
          ) : null,
        )}
        {labels.map((point) => {
          const index = points.indexOf(point);
          const anchor = index === 0 ? 'start' : index === points.length - 1 ? 'end' : 'middle';
          return (
            <text
              key={point.day}
              x={x(index)}
              y={height - 6}
              textAnchor={anchor}
              fontSize="12"
              fill="var(--mantine-color-text)"
            >
              {dayText(point.day)}
            </text>
          );
        })}
      </svg>
      {before.length === 0 ? null : (
        <Text size="xs" c="dimmed">
          {t('chart.dashed')}
        </Text>
      )}
    </Box>
  );
}

function ChartTable({
  label,
  points,
  before,
}: {
  readonly label: string;
  readonly points: readonly ChartPoint[];
  readonly before: readonly ChartPoint[];
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Box mah={320} style={{ overflow: 'auto' }} tabIndex={0} role="region" aria-label={label}>
      <Table fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('chart.day')}</Table.Th>
            <Table.Th ta="right">{label}</Table.Th>
            {before.length === 0 ? null : <Table.Th ta="right">{t('chart.before')}</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {points.map((point, index) => (
            <Table.Tr key={point.day}>
              <Table.Td>{`${dayText(point.day)}${point.isUnusual === true ? ` · ${t('chart.unusual')}` : ''}`}</Table.Td>
              <Table.Td ta="right">{point.text}</Table.Td>
              {before.length === 0 ? null : <Table.Td ta="right">{before[index]?.text ?? '–'}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  );
}

/** A round number at or above the largest: 1, 2 or 5 times a power of ten. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 4, 6, 8, 10].find((one) => one * power >= most) ?? 10;
  return Math.max(2, step * power);
}
