import { Alert, Button, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { postMePayoutMethodsByMethodIdVerify } from '../../../client/sdk.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';

/** Where the mail leads: confirmed by a tap, never by a mail scanner's visit. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { methodId = '' } = useParams({ strict: false }) as { methodId?: string };
  const { search } = useAddress();
  const queries = useQueryClient();
  const confirm = useMutation({
    mutationFn: () =>
      postMePayoutMethodsByMethodIdVerify({
        path: { methodId },
        body: { token: search['token'] ?? '' },
        throwOnError: true,
      }),
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <>
      <PageHead title={t('confirm.title')} text={t('confirm.text')} />
      <Stack maw={480} align="flex-start">
        {confirm.error === null ? null : <ErrorView error={confirm.error} />}
        {confirm.data === undefined ? (
          <Button onClick={() => confirm.mutate()} loading={confirm.isPending}>
            {t('confirm.button')}
          </Button>
        ) : (
          <Alert variant="outline" color="river" c="var(--mantine-color-text)" title={t('confirm.done')} role="status">
            <Text size="sm">{t('confirm.doneText')}</Text>
          </Alert>
        )}
        <Button component={Link} to="/profile" variant="default">
          {t('confirm.toProfile')}
        </Button>
      </Stack>
    </>
  );
}
