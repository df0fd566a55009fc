import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { Sessions } from './sessions.js';

/** Who is signed in for the reseller, and where (screens.md 7). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <>
      <PageHead
        title={t('profile.title')}
        text={`${me.user?.name ?? ''} · ${me.user?.email ?? ''} · ${me.workspace.name}`}
      />
      <Sessions />
    </>
  );
}
