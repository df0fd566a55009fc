import { Tooltip, Text } from '@mantine/core';
import { createContext, type ReactElement, useContext } from 'react';
import { useTranslation } from 'react-i18next';
import { locale } from './i18n.js';

/** The zone in which dates are shown: the workspace's, the reader's own, or UTC (screens.md 1.2). */
export const ZoneContext = createContext<string>('UTC');

export function useZone(): string {
  return useContext(ZoneContext);
}

/** An instant in a zone, as the reader writes it. */
export function formatInstant(instant: string, timeZone: string, withTime: boolean): string {
  const parts: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', year: 'numeric', timeZone };
  const time: Intl.DateTimeFormatOptions = withTime ? { hour: '2-digit', minute: '2-digit' } : {};
  return new Intl.DateTimeFormat(locale(), { ...parts, ...time }).format(new Date(instant));
}

/** "2026-12-15" as the reader writes a day; a day has no zone. */
export function dayText(day: string): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeZone: 'UTC' }).format(
    new Date(Date.UTC(year, month - 1, date)),
  );
}

/** `Europe/Warsaw, UTC+1`: the name is always printed beside the offset of that day. */
export function zoneLabel(timeZone: string, at: Date = new Date()): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'shortOffset' }).formatToParts(at);
  const offset = parts.find((part) => part.type === 'timeZoneName')?.value.replace('GMT', 'UTC') ?? 'UTC';
  return timeZone === 'UTC' ? 'UTC' : `${timeZone}, ${offset}`;
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** "in 3 days", "2 hours ago". */
export function relativeTime(instant: string, now: number = Date.now()): string {
  const seconds = Math.round((new Date(instant).getTime() - now) / 1_000);
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** An instant in the chosen zone; the hint has the relative time, the zone and UTC. */
export function DateText({
  value,
  time = true,
  relative = false,
}: {
  readonly value: string | null | undefined;
  /** Show the time of day. */
  readonly time?: boolean;
  /** Show "in 3 days" and put the date into the hint. */
  readonly relative?: boolean;
}): ReactElement {
  const zone = useZone();
  const { t } = useTranslation();
  if (value === null || value === undefined)
    return (
      <Text span inherit>
        –
      </Text>
    );
  const shown = formatInstant(value, zone, time);
  const label = `${relative ? shown : relativeTime(value)} · ${zoneLabel(zone, new Date(value))} · ${t('date.utc', { at: formatInstant(value, 'UTC', true) })}`;
  return (
    <Tooltip label={label} multiline>
      <Text span inherit component="time" dateTime={value}>
        {relative ? relativeTime(value) : shown}
      </Text>
    </Tooltip>
  );
}
