import {
  Alert,
  Anchor,
  AppShell,
  Badge,
  Box,
  Burger,
  Button,
  Code,
  Group,
  Menu,
  Modal,
  NavLink,
  NativeSelect,
  ScrollArea,
  Stack,
  Switch,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { type ReactElement, type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postAuthSwitch } from '../client/sdk.gen.js';
import { Appearance } from './Appearance.js';
import { currentMode, switchMode } from './api.js';
import { SearchIcon } from './icons.js';
import { sequenceKeys, singleKeysAreOn, switchSingleKeys, useKeys } from './keys.js';
import { useAddress } from './router.js';
import { SearchPalette } from './SearchPalette.js';
import { useCan, useMe, useSignOut } from './session.js';

/** One entry of the menu. It is there when the person holds one of the rights; nothing is greyed (screens.md 2). */
export interface MenuEntry {
  readonly path: string;
  /** Key of its text. */
  readonly text: string;
  /** Any of these rights; none named: everybody. */
  readonly rights?: readonly string[];
  /** Letter after `g`. */
  readonly key?: string;
  /** Name of the count that says how much work waits there. */
  readonly waiting?: string;
  /** Work that waits there, where it is known. */
  readonly count?: number | undefined;
  /** Its list can be of one program: the one that the reader works in. */
  readonly ofProgram?: true;
}

/** The programs to work in, and which one is chosen; an empty id is all of them. */
export interface ProgramSwitch {
  readonly programs: readonly { readonly id: string; readonly name: string }[];
  readonly chosen: string;
  readonly choose: (id: string) => void;
}

export interface MenuGroup {
  readonly text: string | null;
  /** Of the affiliate module: absent while the workspace has it off (PRG-22). */
  readonly ofModule?: true;
  readonly entries: readonly MenuEntry[];
}

/** Menu entries of a person: the same question that the API asks of each call. */
export function visibleMenu(menu: readonly MenuGroup[], can: (permission: string) => boolean): readonly MenuGroup[] {
  return menu
    .map((group) => ({
      ...group,
      entries: group.entries.filter((entry) => entry.rights === undefined || entry.rights.some(can)),
    }))
    .filter((group) => group.entries.length > 0);
}

/** Where an entry leads: to the list of the chosen program, where it can be of one. The filter is then a chip like any other. */
function addressOf(entry: MenuEntry, programId: string | undefined): string {
  const isOne = entry.ofProgram === true && programId !== undefined && programId !== '';
  return isOne ? `${entry.path}?programId=${programId}` : entry.path;
}

/** Head, menu and content of a signed-in surface: the same frame in console and portals. */
export function Shell({
  menu,
  brand,
  bell,
  program,
  hasSearch,
  hasModes,
  children,
}: {
  readonly menu: readonly MenuGroup[];
  /** The product's, or in a portal the merchant's. */
  readonly brand: ReactNode;
  /** The way to the notices. */
  readonly bell?: ReactNode;
  /** The console's: lists are opened of this program (screens.md 3). */
  readonly program?: ProgramSwitch;
  /** Ctrl+K and `?`: the console's. */
  readonly hasSearch: boolean;
  /** A switch between live and test facts. */
  readonly hasModes: boolean;
  readonly children: ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { secondFactor, features } = useMe();
  const needsFactor = secondFactor?.required === true && !secondFactor.enrolled;
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const { search } = useAddress();
  const [isOpen, nav] = useDisclosure(false);
  const [isSearching, searching] = useDisclosure(false);
  const [isHelping, helping] = useDisclosure(false);
  const groups = visibleMenu(menu, can);
  const entries = groups.flatMap((group) => group.entries);
  useEffect(() => nav.close(), [pathname, nav.close]);
  useEffect(() => {
    const targets = Object.fromEntries(
      entries.flatMap((entry) =>
        entry.key === undefined
          ? []
          : [
              [
                entry.key,
                () => {
                  navigate({ to: addressOf(entry, program?.chosen) }).catch(() => undefined); // overtaken by another navigation
                },
              ],
            ],
      ),
    );
    const listen = sequenceKeys(targets);
    document.addEventListener('keydown', listen, { capture: true });
    return () => document.removeEventListener('keydown', listen, { capture: true });
  });
  useKeys({ 'shift+?': helping.open, '?': helping.open });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (!hasSearch || event.key !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      searching.open();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [hasSearch, searching.open]);
  const choices =
    program === undefined || program.programs.length < 2
      ? []
      : [{ id: '', name: t('menu.allPrograms') }, ...program.programs];
  /** The view that is open is then of the other program too; the next ones are opened of it. */
  const switchTo = (id: string): void => {
    program?.choose(id);
    const isPage = /^\/programs\/[^/]+$/.test(pathname);
    const shown = entries.find((entry) => entry.ofProgram === true && entry.path === pathname);
    const { programId: _before, cursor: _cursor, page: _page, ...rest } = search;
    const view = new URLSearchParams(id === '' ? rest : { ...rest, programId: id }).toString();
    const to = isPage && id !== '' ? `/programs/${id}` : shown === undefined ? undefined : `${pathname}?${view}`;
    if (to !== undefined) navigate({ to }).catch(() => undefined); // overtaken by another navigation
  };
  const fits = (path: string): boolean =>
    path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`);
  // The longest that fits: `/settings/team` is the team's, not also the settings'.
  const isCurrent = (path: string): boolean =>
    fits(path) && entries.every((other) => other.path.length <= path.length || !fits(other.path));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'md', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'xs', sm: 'md' }}
    >
      <a className="skip-link" href="#content">
        {t('skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={nav.toggle}
              hiddenFrom="md"
              size="sm"
              aria-label={t('menu.open')}
              aria-expanded={isOpen}
            />
            <Text fw={700} truncate>
              {brand}
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            {program === undefined || program.programs.length < 2 ? null : (
              <NativeSelect
                size="xs"
                w={170}
                visibleFrom="md"
                aria-label={t('menu.program')}
                value={program.chosen}
                onChange={(event) => switchTo(event.currentTarget.value)}
                data={choices.map(({ id, name }) => ({ value: id, label: name }))}
              />
            )}
            {hasSearch ? (
              <Button variant="default" size="compact-sm" onClick={searching.open}>
                <SearchIcon />
                <span className="words-if-room">{t('menu.search')}</span>
                <Text span size="xs" c="dimmed" ml={6} visibleFrom="sm">
                  Ctrl K
                </Text>
              </Button>
            ) : null}
            {bell}
            <AccountMenu hasModes={hasModes} hasKeys={hasSearch} onKeys={helping.open} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={t('menu.main')}>
        <ScrollArea p="xs" viewportProps={{ tabIndex: -1 }}>
          {groups.map((group) => (
            <Box key={group.text ?? 'first'} mb="sm">
              {group.text === null ? null : (
                <Text size="xs" fw={600} c="dimmed" px="xs" tt="uppercase">
                  {t(group.text)}
                </Text>
              )}
              {group.entries.map((entry) => (
                <NavLink
                  key={entry.path}
                  component={Link}
                  to={addressOf(entry, program?.chosen)}
                  // Or the library marks every entry that the address begins with: Messages on the page of the milestones.
                  activeOptions={{ exact: true }}
                  label={t(entry.text)}
                  active={isCurrent(entry.path)}
                  variant="filled"
                  aria-current={isCurrent(entry.path) ? 'page' : undefined}
                  rightSection={
                    entry.count === undefined || entry.count === 0 ? undefined : (
                      <Badge
                        component="span"
                        variant="default"
                        size="sm"
                        data-waiting={entry.count}
                        title={t('menu.waiting', { count: entry.count })}
                      >
                        {entry.count}
                      </Badge>
                    )
                  }
                />
              ))}
            </Box>
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        {needsFactor ? (
          <Alert role="status" color="yellow" variant="outline" mb="sm" c="var(--mantine-color-text)">
            <Link to="/profile">{t('menu.needsFactor')}</Link>
          </Alert>
        ) : null}
        {hasModes && features['demoData'] === true ? <DemoBar /> : null}
        {currentMode() === 'test' ? (
          <Box
            role="status"
            p="xs"
            mb="sm"
            style={{ background: 'light-dark(#fef3c7, #5c3c0b)', color: 'light-dark(#713f12, #fdecc0)' }}
          >
            {t('mode.testBar')}
          </Box>
        ) : null}
        {children}
      </AppShell.Main>
      {isSearching ? (
        <SearchPalette entries={entries} programs={choices} onProgram={switchTo} onClose={searching.close} />
      ) : null}
      <KeyHelp isOpen={isHelping} onClose={helping.close} />
    </AppShell>
  );
}

/** Ledger rows are never deleted in place: the way to start clean is a new data folder (screens.md 9.2). */
function DemoBar(): ReactElement {
  const { t } = useTranslation();
  const [isOpen, details] = useDisclosure(false);
  return (
    <Box
      role="status"
      p="xs"
      mb="sm"
      style={{ background: 'light-dark(#dbeafe, #172554)', color: 'light-dark(#1e3a8a, #dbeafe)' }}
    >
      <Group gap="xs">
        <Text span size="sm">
          {t('demo.bar')}
        </Text>
        <Anchor href="/demo-shop" size="sm" c="inherit" underline="always">
          {t('demo.shop')}
        </Anchor>
        <Button size="compact-sm" variant="default" aria-expanded={isOpen} onClick={details.toggle}>
          {t('demo.clean')}
        </Button>
      </Group>
      {isOpen ? (
        <Text size="sm" mt={4}>
          {t('demo.how')} <Code>npm run reset</Code> {t('demo.then')} <Code>npm start -- --empty</Code>
        </Text>
      ) : null}
    </Box>
  );
}

/** A page's head: one h1, what it is about, its buttons. */
export function PageHead({
  title,
  text,
  actions,
}: {
  readonly title: string;
  readonly text?: string;
  readonly actions?: ReactNode;
}): ReactElement {
  useEffect(() => {
    document.title = `${title} · Tributary`;
  }, [title]);
  return (
    <Group justify="space-between" mb="md" align="flex-start">
      <Stack gap={2}>
        <Title order={1} size="h2">
          {title}
        </Title>
        {text === undefined ? null : <Text c="dimmed">{text}</Text>}
      </Stack>
      {actions === undefined ? null : <Group gap="xs">{actions}</Group>}
    </Group>
  );
}

function AccountMenu({
  hasModes,
  hasKeys,
  onKeys,
}: {
  readonly hasModes: boolean;
  readonly hasKeys: boolean;
  readonly onKeys: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const queries = useQueryClient();
  const signOut = useMutation({ mutationFn: useSignOut() });
  const [isTest, setTest] = useState(currentMode() === 'test');
  const name = me.user?.name ?? '';
  const goTo = useMutation({
    mutationFn: async (membershipId: string) =>
      (await postAuthSwitch({ body: { membershipId }, throwOnError: true })).data,
    onSuccess: (session) => window.location.assign(session.homePath),
  });
  return (
    <Menu position="bottom-end" width={260} closeOnItemClick={false}>
      <Menu.Target>
        <Button variant="default" size="compact-sm" aria-label={t('menu.account', { name })} maw={160}>
          <Text span size="sm" truncate>
            {name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown aria-label={t('menu.account', { name })}>
        <Menu.Label c="var(--mantine-color-dimmed)">{`${me.user?.email ?? ''} · ${me.workspace.name}`}</Menu.Label>
        {me.audience === 'reseller' ? null : (
          <Menu.Item component={Link} to="/profile" closeMenuOnClick>
            {t('menu.profile')}
          </Menu.Item>
        )}
        {me.memberships
          .filter((one) => one.id !== me.user?.id)
          .map((one) => (
            <Menu.Item key={one.id} onClick={() => goTo.mutate(one.id)}>
              {`${one.workspace.name} (${one.audience})`}
            </Menu.Item>
          ))}
        <Menu.Divider />
        <Stack gap="xs" p="xs">
          <Appearance />
          {hasModes ? (
            <Switch
              label={t('menu.mode')}
              checked={isTest}
              onChange={(event) => {
                setTest(event.currentTarget.checked);
                switchMode(event.currentTarget.checked ? 'test' : 'live', queries);
                window.location.reload();
              }}
            />
          ) : null}
        </Stack>
        <Menu.Divider />
        {hasKeys ? (
          <Menu.Item closeMenuOnClick onClick={onKeys}>
            {t('keys.title')}
          </Menu.Item>
        ) : null}
        <Menu.Item onClick={() => signOut.mutate()}>{t('menu.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const keyRows: readonly (readonly [string, string])[] = [
  ['Ctrl K', 'keys.search'],
  ['?', 'keys.help'],
  ['g h / q / a / r / c / p', 'keys.go'],
  ['j / k', 'keys.rows'],
  ['x', 'keys.select'],
  ['Enter', 'keys.open'],
  ['/', 'keys.find'],
  ['c', 'keys.create'],
  ['a / r / h', 'keys.decide'],
  ['e', 'keys.export'],
  ['[ / ]', 'keys.items'],
  ['Esc', 'keys.close'],
];

function KeyHelp({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [isOn, setOn] = useState(singleKeysAreOn());
  return (
    <Modal opened={isOpen} onClose={onClose} title={t('keys.title')} closeButtonProps={{ 'aria-label': t('close') }}>
      <Table>
        <Table.Tbody>
          {keyRows.map(([keys, text]) => (
            <Table.Tr key={keys}>
              <Table.Th scope="row">
                <kbd>{keys}</kbd>
              </Table.Th>
              <Table.Td>{t(text)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label={t('keys.switch')}
        checked={isOn}
        onChange={(event) => {
          switchSingleKeys(event.currentTarget.checked);
          setOn(event.currentTarget.checked);
        }}
      />
    </Modal>
  );
}
