import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { PageHead } from '../../../kit/Shell.js';
import { OwnPayouts } from '../payout/payoutList.js';
import { EarningTabs } from './earningTabs.js';

/** What was paid of the earnings, beside them (PRT-03). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('earning.title')} text={t('payout.text')} />
      <EarningTabs current="payments" />
      <OwnPayouts />
    </>
  );
}
