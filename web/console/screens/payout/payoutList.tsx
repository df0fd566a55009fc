import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { PageHead } from '../../../kit/Shell.js';
import { PayoutCards } from './payoutCards.js';
import { PayoutTable } from './payoutTable.js';

/** Every payout, with what is wrong beside its status (screens.md 3.17). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('payout.listTitle')} text={t('payout.listText')} />
      <PayoutCards />
      <PayoutTable screen="payouts" />
    </>
  );
}
