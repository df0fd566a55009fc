import { Alert, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { providerProblem } from './providerProblem.js';
import { VisitorPage } from './VisitorPage.js';

/** Back from confirming at the company's provider that it is you: this window has done its work. */
export function Confirmed(): ReactElement {
  const { t } = useTranslation();
  const problem = providerProblem();
  return problem === null ? (
    <VisitorPage title={t('confirmed.title')}>
      <Text role="status">{t('confirmed.text')}</Text>
    </VisitorPage>
  ) : (
    <VisitorPage title={t('confirmed.notTitle')}>
      <Alert variant="outline" color="red" role="alert" c="var(--mantine-color-text)">
        {t(`provider.problem.${problem}`)}
      </Alert>
      <Text>{t('confirmed.notText')}</Text>
    </VisitorPage>
  );
}
