import { Button, Chip, Group, NativeSelect, Pill, TextInput } from '@mantine/core';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatInstant, useZone } from './DateText.js';
import { useKeys } from './keys.js';
import type { Search } from './router.js';
import { startOfDay } from './startOfDay.js';

/** One field that a list can be filtered by; with options it is a choice, else free text. */
export interface Filter {
  readonly field: string;
  readonly label: string;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  /** A bound of a range of days, or of instants that is given by the day in the workspace's zone: one value at a time. */
  readonly isDay?: true | 'instant';
}

export interface Counts {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
}

/** Chips `field: value`, counts per status, free text in which `status:approved` becomes a chip; AND between fields, OR inside one. */
export function FilterBar({
  filters,
  search,
  counts,
  hasText,
  onChange,
}: {
  readonly filters: readonly Filter[];
  readonly search: Search;
  readonly counts: Counts | undefined;
  readonly hasText: boolean;
  readonly onChange: (next: Readonly<Record<string, string>>) => void;
}): ReactElement {
  const { t } = useTranslation();
  const zone = useZone();
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(search['q'] ?? '');
  const [field, setField] = useState(filters[0]?.field ?? '');
  const [value, setValue] = useState('');
  useKeys({ '/': () => box.current?.focus() });
  const chosen = filters.find((one) => one.field === field);
  const valuesOf = (name: string): readonly string[] => (search[name] ?? '').split(',').filter((one) => one !== '');
  const active = filters.flatMap((one) => valuesOf(one.field).map((held) => ({ filter: one, held })));
  const put = (name: string, held: string): void => {
    const isDay = filters.find((one) => one.field === name)?.isDay;
    const day = isDay === 'instant' ? startOfDay(held, zone) : held;
    onChange({ [name]: isDay === undefined ? [...new Set([...valuesOf(name), held])].join(',') : day });
  };
  const drop = (name: string, held: string): void =>
    onChange({
      [name]: valuesOf(name)
        .filter((one) => one !== held)
        .join(','),
    });

  const find = (event: FormEvent): void => {
    event.preventDefault();
    const next: Record<string, string> = {};
    const rest = text.split(/\s+/).filter((word) => {
      const [name = '', ...held] = word.split(':');
      if (held.length === 0 || !filters.some((one) => one.field === name)) return true;
      next[name] = [...new Set([...valuesOf(name), ...held.join(':').split(',')])].join(',');
      return false;
    });
    const q = rest.join(' ').trim();
    setText(q);
    onChange({ ...next, ...(hasText ? { q } : {}) });
  };
  const add = (event: FormEvent): void => {
    event.preventDefault();
    const held = value.trim();
    if (held !== '') put(field, held);
    setValue('');
  };
  return (
    <Group gap="sm" className="no-print" role="search" aria-label={t('list.filters')}>
      {counts === undefined ? null : (
        <Group gap={6}>
          {Object.entries(counts.byStatus)
            .filter(([, count]) => count > 0)
            .map(([status, count]) => (
              <Chip
                key={status}
                size="sm"
                checked={valuesOf('status').includes(status)}
                onChange={(isOn) => (isOn ? put('status', status) : drop('status', status))}
              >
                {`${t(`status.${status}`, { defaultValue: status })} ${count}`}
              </Chip>
            ))}
        </Group>
      )}
      {hasText ? (
        <form onSubmit={find}>
          <TextInput
            ref={box}
            type="search"
            aria-label={t('list.search')}
            placeholder={t('list.search')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </form>
      ) : null}
      {filters.length === 0 ? null : (
        <form onSubmit={add}>
          <Group gap={6}>
            <NativeSelect
              aria-label={t('list.filterField')}
              value={field}
              onChange={(event) => {
                setField(event.currentTarget.value);
                setValue('');
              }}
              data={filters.map((one) => ({ value: one.field, label: one.label }))}
            />
            {chosen?.options === undefined ? (
              <TextInput
                type={chosen?.isDay === undefined ? 'text' : 'date'}
                aria-label={t('list.filterValue')}
                value={value}
                onChange={(event) => setValue(event.currentTarget.value)}
              />
            ) : (
              <NativeSelect
                aria-label={t('list.filterValue')}
                value={value}
                onChange={(event) => setValue(event.currentTarget.value)}
                data={[{ value: '', label: t('list.chooseValue') }, ...chosen.options]}
              />
            )}
            <Button type="submit" variant="default">
              {t('list.addFilter')}
            </Button>
          </Group>
        </form>
      )}
      {active.map(({ filter, held }) => (
        <Pill
          key={`${filter.field}:${held}`}
          size="lg"
          withRemoveButton
          onRemove={() => drop(filter.field, held)}
          removeButtonProps={
            {
              'aria-label': t('list.removeFilter', { filter: filter.label }),
              tabIndex: 0,
              'aria-hidden': false,
            } as never
          }
        >
          {`${filter.label}: ${filter.isDay === 'instant' ? formatInstant(held, zone, false) : (filter.options?.find((one) => one.value === held)?.label ?? held)}`}
        </Pill>
      ))}
      {active.length > 0 || (search['q'] ?? '') !== '' ? (
        <Button
          variant="subtle"
          color="gray"
          c="var(--mantine-color-anchor)"
          size="compact-sm"
          onClick={() => {
            setText('');
            onChange({ q: '', ...Object.fromEntries(filters.map((one) => [one.field, ''])) });
          }}
        >
          {t('list.clearAll')}
        </Button>
      ) : null}
    </Group>
  );
}
