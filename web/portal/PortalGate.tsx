import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeProfileOptions } from '../client/@tanstack/react-query.gen.js';
import { isProblem } from '../kit/problem.js';
import { PageHead } from '../kit/Shell.js';

/** With the portal switched off whoever signs in reads why, and that nothing is lost (PRT-10). Everything else answers for itself. */
export function PortalGate({ children }: { readonly children: ReactElement }): ReactElement {
  const { t } = useTranslation();
  const { error } = useQuery({ ...getMeProfileOptions(), staleTime: 60_000, retry: false });
  if (!isProblem(error, 'not_enabled')) return children;
  return (
    <>
      <PageHead title={t('portal.off')} />
      <Alert role="status" variant="outline" color="yellow" c="var(--mantine-color-text)" maw={640}>
        {t('portal.offText')}
      </Alert>
    </>
  );
}
