import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getConsoleQueueOptions,
  getNoticesOptions,
  getProgramsOptions,
  getWorkspaceOptions,
} from '../client/@tanstack/react-query.gen.js';
import { startApp } from '../kit/App.js';
import { ZoneContext } from '../kit/DateText.js';
import type { Catalogues } from '../kit/i18n.js';
import { createSurface } from '../kit/screens.js';
import { NoticeBell } from '../kit/NoticeCenter.js';
import { usePreference } from '../kit/preference.js';
import { RequireSession, useCan } from '../kit/session.js';
import { type ProgramSwitch, Shell } from '../kit/Shell.js';
import { StepUpProvider } from '../kit/stepUp.js';
import { en } from './texts.en.js';
import { menu } from './navigation.js';
import { screens } from './screens.js';

const catalogues: Catalogues = { en, de: async () => (await import('./texts.de.js')).de };

function Frame({ children }: { readonly children: ReactElement }): ReactElement {
  return (
    <RequireSession audience="staff">
      <StepUpProvider>
        <Zone>
          <ModuleShell>{children}</ModuleShell>
        </Zone>
      </StepUpProvider>
    </RequireSession>
  );
}

/** With the module switched off its menu is gone; money, record and settings stay (PRG-22). */
function ModuleShell({ children }: { readonly children: ReactElement }): ReactElement {
  const { t } = useTranslation();
  const { data } = useQuery({ ...getWorkspaceOptions(), staleTime: 300_000 });
  const isOff = data?.moduleEnabled === false;
  const counts = useWaiting();
  const program = useProgram();
  const shown = (isOff ? menu.filter((group) => group.ofModule !== true) : menu).map((group) => ({
    ...group,
    entries: group.entries.map((entry) => ({ ...entry, count: counts[entry.waiting ?? ''] })),
  }));
  return (
    <Shell
      menu={shown}
      brand="Tributary"
      bell={<NoticeBell list={(query) => getNoticesOptions({ query: query as never }) as never} />}
      program={program}
      hasSearch
      hasModes
    >
      <>
        {isOff ? (
          <Alert role="status" color="yellow" variant="outline" mb="sm" c="var(--mantine-color-text)">
            {t('module.off')}
          </Alert>
        ) : null}
        {children}
      </>
    </Shell>
  );
}

/** The program a person works in, kept for the next visit; with a program that is gone it is all of them. */
function useProgram(): ProgramSwitch {
  const mayRead = useCan()('program.read');
  const { data } = useQuery({
    ...getProgramsOptions({ query: { limit: 200, sort: 'name' } }),
    staleTime: 60_000,
    enabled: mayRead,
  });
  const { value, keep } = usePreference<{ readonly programId: string }>('program');
  const programs = data?.data ?? [];
  const chosen = programs.find((one) => one.id === value.programId)?.id ?? '';
  return { programs, chosen, choose: (programId) => keep({ programId }) };
}

/** How much waits where, for the menu (ADM-15): the queue's own counts; nothing is shown that is done. */
function useWaiting(): Readonly<Record<string, number>> {
  const { data } = useQuery({
    ...getConsoleQueueOptions({ query: { limit: 1 } }),
    staleTime: 30_000,
    refetchInterval: 30_000,
    refetchIntervalInBackground: false,
  });
  if (data === undefined) return {};
  const { total, byKind, beside } = data.counts;
  // Payouts that are not paid yet, the failed ones among them: the list has them all.
  return { ...byKind, ...beside, total };
}

/** The workspace's zone decides until the reader has chosen another one in the profile. */
function Zone({ children }: { readonly children: ReactElement }): ReactElement {
  const { data } = useQuery({ ...getWorkspaceOptions(), staleTime: 300_000 });
  const own = localStorage.getItem('zone');
  return <ZoneContext value={own ?? data?.timeZone ?? 'UTC'}>{children}</ZoneContext>;
}

startApp({
  reader: 'staff',
  catalogues,
  content: createSurface({ basepath: '/', screens, frame: Frame }),
}).catch((error: unknown) => {
  throw error; // shown by the browser: nothing of ours is there yet to show it
});
