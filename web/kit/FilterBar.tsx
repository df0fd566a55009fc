import { Button, Chip, Group, NativeSelect, Pill, TextInput } from '@mantine/core';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatInstant, useZone } from './DateText.js';
import { useProblemText } from './ErrorView.js';
import { HeldName, idsNamed, useNamedKind, wordsOf } from './filterNames.js';
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

/**
 * Chips `field: value`, counts per status, free text in which `status:approved` and `affiliate:ana` become chips; AND between fields, OR
 * inside one. A list without free text of its own finds its rows by the names of those they belong to.
 */
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
  /** Why a word became no chip, and below which box that is said. */
  const [fault, setFault] = useState<{ readonly at: 'text' | 'value'; readonly words: string } | null>(null);
  const namedKind = useNamedKind();
  const problemText = useProblemText();
  const named = filters.filter((one) => one.options === undefined && namedKind(one.field) !== undefined);
  useKeys({ '/': () => box.current?.focus() });
  const chosen = filters.find((one) => one.field === field);
  const valuesOf = (name: string): readonly string[] => (search[name] ?? '').split(',').filter((one) => one !== '');
  const active = filters.flatMap((one) => valuesOf(one.field).map((held) => ({ filter: one, held })));
  const put = (name: string, ...held: readonly string[]): void => {
    const isDay = filters.find((one) => one.field === name)?.isDay;
    const [only = ''] = held;
    const day = isDay === 'instant' ? startOfDay(only, zone) : only;
    onChange({ [name]: isDay === undefined ? [...new Set([...valuesOf(name), ...held])].join(',') : day });
  };
  const drop = (name: string, held: string): void =>
    onChange({
      [name]: valuesOf(name)
        .filter((one) => one !== held)
        .join(','),
    });

  /** `affiliate` is the field `affiliateId`. */
  const fieldNamed = (name: string): Filter | undefined =>
    filters.find((one) => one.field === name) ?? filters.find((one) => one.field === `${name}Id`);
  /** What a list is asked for: a choice by what it is called, an object by its name. */
  const heldFor = async (filter: Filter, word: string): ReturnType<typeof idsNamed> => {
    const kind = namedKind(filter.field);
    if (filter.options === undefined)
      return kind === undefined ? word.split(',') : await idsNamed(word, filter.field, kind);
    const { options } = filter;
    return word
      .split(',')
      .map((part) => options.find((one) => one.label.toLowerCase() === part.toLowerCase())?.value ?? part);
  };
  const read = (at: 'text' | 'value', work: () => Promise<string | null>): void => {
    work()
      .then((words) => setFault(words === null ? null : { at, words }))
      .catch((error: unknown) => setFault({ at, words: problemText(error).title }));
  };
  const faultOf = (found: 'nobody' | 'too_many', name: string): string =>
    t(found === 'nobody' ? 'list.nobodyNamed' : 'list.tooManyNamed', { name });

  const take = async (): Promise<string | null> => {
    const next: Record<string, string> = {};
    const add = (name: string, held: readonly string[]): void => {
      const before = next[name] === undefined ? valuesOf(name) : next[name].split(',');
      next[name] = [...new Set([...before, ...held])].join(',');
    };
    const rest: string[] = [];
    for (const { field: name, value: word } of wordsOf(text)) {
      const filter = name === null ? undefined : fieldNamed(name);
      if (filter === undefined) rest.push(name === null ? word : `${name}:${word}`);
      else if (filter.isDay !== undefined)
        next[filter.field] = filter.isDay === 'instant' ? startOfDay(word, zone) : word;
      else {
        const found = await heldFor(filter, word);
        if (typeof found === 'string') return faultOf(found, word);
        add(filter.field, found);
      }
    }
    const q = rest.join(' ').trim();
    if (!hasText && q !== '') {
      // The first kind that has one of this name: its chip says how the word was understood.
      let worst: 'nobody' | 'too_many' = 'nobody';
      const founds = [];
      for (const filter of named) {
        const found = await heldFor(filter, q);
        if (found === 'too_many') worst = found;
        else if (found !== 'nobody') founds.push({ filter, found });
      }
      const [first] = founds;
      if (first === undefined) return faultOf(worst, q);
      add(first.filter.field, first.found);
    }
    setText(hasText ? q : '');
    onChange({ ...next, ...(hasText ? { q } : {}) });
    return null;
  };
  const find = (event: FormEvent): void => {
    event.preventDefault();
    read('text', take);
  };
  const add = (event: FormEvent): void => {
    event.preventDefault();
    const word = value.trim();
    if (word === '' || chosen === undefined) return;
    read('value', async () => {
      const found = namedKind(field) === undefined ? [word] : await heldFor(chosen, word);
      if (typeof found === 'string') return faultOf(found, word);
      put(field, ...found);
      setValue('');
      return null;
    });
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
      {hasText || named.length > 0 ? (
        <form onSubmit={find}>
          <TextInput
            ref={box}
            type="search"
            aria-label={t('list.search')}
            placeholder={t('list.search')}
            value={text}
            maxLength={100}
            error={fault?.at === 'text' ? fault.words : undefined}
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
                maxLength={100}
                error={fault?.at === 'value' ? fault.words : undefined}
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
          {`${filter.label}: `}
          <Held filter={filter} held={held} kind={namedKind(filter.field)} />
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

/** A chip's value as people call it. */
function Held({
  filter,
  held,
  kind,
}: {
  readonly filter: Filter;
  readonly held: string;
  readonly kind: string | undefined;
}): ReactElement {
  const zone = useZone();
  if (filter.isDay === 'instant') return <>{formatInstant(held, zone, false)}</>;
  const label = filter.options?.find((one) => one.value === held)?.label;
  if (label !== undefined) return <>{label}</>;
  return kind === undefined ? <>{held}</> : <HeldName id={held} kind={kind} />;
}
