import { Box, List, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getReferralsByReferralIdStoryOptions } from '../../../client/@tanstack/react-query.gen.js';
import { StatusBadge } from '../../../kit/StatusPill.js';

type Moves = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Move {
  readonly from: string;
  readonly event: string;
  readonly to: string;
}

const node = { width: 118, height: 40, gapX: 62, gapY: 46 };

/** Columns by the fewest moves from the start, rows in the table's order: the same table always makes the same picture. */
function placesOf(moves: Moves): ReadonlyMap<string, { readonly x: number; readonly y: number }> {
  const [start] = Object.keys(moves);
  const depth = new Map<string, number>(start === undefined ? [] : [[start, 0]]);
  for (const [status, at] of depth) {
    for (const next of Object.values(moves[status] ?? {})) if (!depth.has(next)) depth.set(next, at + 1);
  }
  const used = new Map<number, number>();
  return new Map(
    Object.keys(moves).map((status) => {
      const column = depth.get(status) ?? 0;
      const row = used.get(column) ?? 0;
      used.set(column, row + 1);
      return [status, { x: 10 + column * (node.width + node.gapX), y: 10 + row * (node.height + node.gapY) }];
    }),
  );
}

/** The state table as a picture: the present state lit, the path taken drawn, the same in words below (screens.md 4, State diagram). */
export function StateDiagram({
  referralId,
  status,
  moves,
}: {
  readonly referralId: string;
  readonly status: string;
  readonly moves: Moves;
}): ReactElement {
  const { t } = useTranslation();
  const { data } = useQuery(getReferralsByReferralIdStoryOptions({ path: { referralId } }));
  const places = placesOf(moves);
  const all: readonly Move[] = Object.entries(moves).flatMap(([from, events]) =>
    Object.entries(events).map(([event, to]) => ({ from, event, to })),
  );
  // The journey's own moves in their order; each starts where the one before it ended.
  const taken: Move[] = [];
  let here = Object.keys(moves)[0] ?? status;
  for (const line of data?.data ?? []) {
    if (line.refId !== referralId || line.to === null || line.to === here) continue;
    taken.push({ from: here, event: line.event, to: line.to });
    here = line.to;
  }
  const isTaken = (move: Move): boolean => taken.some((one) => one.from === move.from && one.to === move.to);
  const passed = new Set([...taken.flatMap((move) => [move.from, move.to]), status]);
  const word = (name: string): string => t(`status.${name}`);
  const width = Math.max(...[...places.values()].map((place) => place.x)) + node.width + 10;
  const height = Math.max(...[...places.values()].map((place) => place.y)) + node.height + 10;
  const sentence = t('states.sentence', {
    status: word(status),
    path: [Object.keys(moves)[0] ?? status, ...taken.map((move) => move.to)].map(word).join(' → '),
  });
  return (
    <Stack>
      <Text>{sentence}</Text>
      <Box maw={width * 1.6}>
        <svg viewBox={`0 0 ${width} ${height}`} width="100%" role="img" aria-label={sentence} data-testid="states">
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0 8 4 0 8Z" fill="context-stroke" />
            </marker>
          </defs>
          {all.map((move) => (
            <Arrow key={`${move.from}${move.event}`} move={move} places={places} isTaken={isTaken(move)} />
          ))}
          {[...places].map(([name, place]) => (
            <g key={name} data-state={name} data-present={name === status}>
              <rect
                x={place.x}
                y={place.y}
                width={node.width}
                height={node.height}
                rx={8}
                fill={name === status ? 'var(--mantine-primary-color-filled)' : 'var(--mantine-color-body)'}
                stroke={passed.has(name) ? 'var(--mantine-color-text)' : 'var(--mantine-color-dimmed)'}
                strokeWidth={passed.has(name) ? 2.5 : 1}
                strokeDasharray={passed.has(name) ? undefined : '4 3'}
              />
              <text
                x={place.x + node.width / 2}
                y={place.y + node.height / 2 + 5}
                textAnchor="middle"
                fontSize={15}
                fontWeight={name === status ? 700 : 400}
                fill={name === status ? 'var(--mantine-primary-color-contrast)' : 'var(--mantine-color-text)'}
              >
                {word(name)}
              </text>
            </g>
          ))}
        </svg>
      </Box>
      <Title order={2} size="h5">
        {t('states.moves')}
      </Title>
      <List size="sm">
        {all.map((move) => (
          <List.Item key={`${move.from}${move.event}`}>
            <StatusBadge status={move.from} /> → <StatusBadge status={move.to} />{' '}
            {t(`story.referral.${move.event}`, { defaultValue: move.event })}
            {isTaken(move) ? (
              <Text span inherit fw={600}>
                {` (${t('states.taken')})`}
              </Text>
            ) : null}
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}

function Arrow({
  move,
  places,
  isTaken,
}: {
  readonly move: Move;
  readonly places: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly isTaken: boolean;
}): ReactElement | null {
  const from = places.get(move.from);
  const to = places.get(move.to);
  if (from === undefined || to === undefined) return null;
  const middle = node.height / 2;
  // Within a column beside the boxes, back a little lower than forth: two moves between the same states stay two lines.
  const path =
    from.x === to.x
      ? Math.abs(to.y - from.y) > node.height + node.gapY
        ? `M${from.x + node.width} ${from.y + middle} h16 V${to.y + middle} h-16`
        : from.y < to.y
          ? `M${from.x + 44} ${from.y + node.height} V${to.y}`
          : `M${from.x + 74} ${from.y} V${to.y + node.height}`
      : from.x < to.x
        ? `M${from.x + node.width} ${from.y + middle - 6} L${to.x} ${to.y + middle - 6}`
        : `M${from.x} ${from.y + middle + 8} L${to.x + node.width} ${to.y + middle + 8}`;
  return (
    <path
      d={path}
      fill="none"
      stroke={isTaken ? 'var(--mantine-color-text)' : 'var(--mantine-color-dimmed)'}
      strokeWidth={isTaken ? 2.5 : 1}
      strokeDasharray={isTaken ? undefined : '4 3'}
      markerEnd="url(#arrow)"
      data-taken={isTaken}
    />
  );
}
