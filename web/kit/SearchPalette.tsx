import { Loader, Modal, NavLink, Stack, Text, TextInput, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getSearch } from '../client/sdk.gen.js';
import type { GetSearchResponse } from '../client/types.gen.js';
import type { ProblemError } from './problem.js';
import { ErrorView } from './ErrorView.js';

type Hit = GetSearchResponse['data'][number];

/** Where an object of this id is shown, by the prefix of the id (api.md 1.1); undefined when there is no such screen. */
export function screenOf(id: string): string | undefined {
  const folder = {
    aff: 'affiliates',
    ref: 'referrals',
    com: 'commissions',
    pay: 'payouts',
    run: 'payout-runs',
    prg: 'programs',
    sal: 'sales',
    lnk: 'links',
    con: 'contacts',
    frm: 'forms',
    rec: 'reconciliations',
    aud: 'audit',
    pbk: 'developers/postbacks',
    msg: 'messages/sent',
  }[id.split('_')[0] ?? ''];
  if (folder !== undefined) return `/${folder}/${id}`;
  // What has no page of its own stands in its list, which finds it by its id.
  const list = { led: 'leads', cpn: 'coupons', grp: 'groups', doc: 'documents' }[id.split('_')[0] ?? ''];
  return list === undefined ? undefined : `/${list}?q=${id}`;
}

/** Where a hit is seen; what has no page of its own stands in its list, found by its name. */
function screenOfHit({ id, kind, title }: Hit): string | undefined {
  const list = { coupon: '/coupons', group: '/groups', user: '/settings/team', api_key: '/developers/api-keys' }[kind];
  return list === undefined ? screenOf(id) : `${list}?q=${encodeURIComponent(title)}`;
}

interface Choice {
  readonly key: string;
  readonly label: string;
  readonly take: () => void;
}

/**
 * What may be done with the object in view: exactly the buttons of its page, so that rights, dialogs and reasons are those of the page
 * (screens.md 1.4). Rows of lists have theirs in a menu that is closed.
 */
function actionsInView(): readonly HTMLButtonElement[] {
  return [...document.querySelectorAll<HTMLButtonElement>('#content button[data-action]:not([disabled])')];
}

const mostChoices = 12;
const themes = ['light', 'dark', 'auto'] as const;

/** As it comes: the frame's own focus comes a moment later, and what is typed until then would be taken as keys of the page. */
function focusAtOnce(field: HTMLInputElement | null): void {
  field?.focus();
}

/**
 * Ctrl+K: each object by id, e-mail, number, coupon or name, the actions on the object in view, the program to work in, the theme, and every screen
 * of the menu.
 */
export function SearchPalette({
  entries,
  programs,
  onProgram,
  onClose,
}: {
  readonly entries: readonly { readonly path: string; readonly text: string }[];
  /** Those to choose from; an empty id stands for all of them. */
  readonly programs: readonly { readonly id: string; readonly name: string }[];
  readonly onProgram: (id: string) => void;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [asked] = useDebouncedValue(text.trim(), 200);
  const [at, setAt] = useState(0);
  const { setColorScheme } = useMantineColorScheme();
  const [offered] = useState(actionsInView);
  const isId = /^[a-z]{2,4}_[0-9a-z]{26}$/.test(text.trim());
  const direct = isId ? screenOf(text.trim()) : undefined;
  const { data, error, isFetching } = useQuery<{ readonly data: readonly Hit[] }, ProblemError>({
    queryKey: ['search', asked],
    queryFn: async ({ signal }) => (await getSearch({ query: { q: asked }, signal, throwOnError: true })).data,
    enabled: asked.length >= 2 && direct === undefined,
    placeholderData: keepPreviousData,
  });
  const open = (to: string): void => {
    onClose();
    navigate({ to }).catch(() => undefined); // overtaken by another navigation
  };
  const screens = entries
    .filter((entry) => text === '' || t(entry.text).toLowerCase().includes(text.toLowerCase()))
    .map((entry) => ({
      key: entry.path,
      label: t('search.goTo', { screen: t(entry.text) }),
      take: () => open(entry.path),
    }));
  const isAsked = (label: string): boolean => label.toLowerCase().includes(text.trim().toLowerCase());
  // Offered to those who look for them: an empty field lists what is most often wanted.
  const actions = offered
    .map(
      (button, index): Choice => ({
        key: `action-${index}`,
        label: t('search.action', { action: button.textContent }),
        take: () => {
          onClose();
          // When the palette has given the focus back: a dialog of the action takes it from there.
          window.setTimeout(() => button.click(), 0);
        },
      }),
    )
    .filter(({ label }) => isAsked(label));
  const looks = themes
    .map(
      (theme): Choice => ({
        key: `theme-${theme}`,
        label: t('search.theme', { theme: t(`theme.${theme}`) }),
        take: () => {
          onClose();
          setColorScheme(theme);
        },
      }),
    )
    .filter(({ label }) => text.trim() !== '' && isAsked(label));
  const switches = programs
    .map(
      ({ id, name }): Choice => ({
        key: `program-${id}`,
        label: t('search.program', { program: name }),
        take: () => {
          onClose();
          onProgram(id);
        },
      }),
    )
    .filter(({ label }) => text.trim() !== '' && isAsked(label));
  const hits = (direct === undefined ? (data?.data ?? []) : []).flatMap((hit) => {
    const to = screenOfHit(hit);
    return to === undefined
      ? []
      : [
          {
            key: hit.id,
            label: [hit.title, hit.detail ?? '', t(`search.kind.${hit.kind}`, { defaultValue: hit.kind })]
              .filter((part) => part !== '')
              .join(' · '),
            take: () => open(to),
          },
        ];
  });
  const choices: readonly Choice[] = [
    ...(direct === undefined ? [] : [{ key: direct, label: text.trim(), take: () => open(direct) }]),
    ...actions,
    ...hits,
    ...switches,
    ...looks,
    ...screens,
  ].slice(0, mostChoices); // what is not shown cannot be gone to
  const move = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setAt(Math.min(Math.max(at + (event.key === 'ArrowDown' ? 1 : -1), 0), choices.length - 1));
    } else if (event.key === 'Enter') {
      const chosen = choices[Math.min(at, choices.length - 1)];
      if (chosen !== undefined) chosen.take();
    }
  };
  return (
    <Modal opened onClose={onClose} title={t('search.title')} size="lg" closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack gap="xs">
        <TextInput
          ref={focusAtOnce}
          data-autofocus
          aria-label={t('search.title')}
          placeholder={t('search.placeholder')}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={move}
          rightSection={isFetching ? <Loader size="xs" role="progressbar" aria-label={t('loading')} /> : undefined}
          role="combobox"
          aria-expanded
          aria-controls="search-choices"
          aria-activedescendant={choices[at] === undefined ? undefined : `choice-${at}`}
        />
        {error === null ? null : <ErrorView error={error} />}
        <div id="search-choices" role="listbox" aria-label={t('search.results')}>
          {choices.map((choice, index) => (
            <NavLink
              key={choice.key}
              id={`choice-${index}`}
              component="button"
              role="option"
              aria-selected={index === at}
              label={choice.label}
              active={index === at}
              variant="filled"
              onClick={choice.take}
            />
          ))}
        </div>
        {choices.length === 0 && !isFetching ? <Text role="status">{t('search.none')}</Text> : null}
      </Stack>
    </Modal>
  );
}
