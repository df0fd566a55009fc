import { Alert, Button, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeAgreementsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postMeAgreementsByAgreementIdAccept } from '../../../client/sdk.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';

/** Nothing else answers until the new terms are accepted (api.md 17). */
export function needsAgreement(error: unknown): boolean {
  return isProblem(error, 'requirements_open');
}

/** Terms that wait to be accepted, with their text. */
export function Agreements(): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const agreements = useQuery(getMeAgreementsOptions());
  const accept = useMutation({
    mutationFn: (agreementId: string) =>
      postMeAgreementsByAgreementIdAccept({ path: { agreementId }, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <Loaded query={agreements}>
      {({ data }) => (
        <Stack>
          {data
            .filter((one) => one.mustAccept && one.acceptedAt === null)
            .map((one) => (
              <Paper key={one.id} withBorder p="md" component="section" aria-label={one.title}>
                <Title order={2} size="h4">
                  {one.title}
                </Title>
                <Text size="sm" c="dimmed">
                  {t('agreement.of', { program: one.programName, number: one.number })}
                </Text>
                <Text my="sm" style={{ whiteSpace: 'pre-wrap' }}>
                  {one.text}
                </Text>
                {accept.error === null ? null : <ErrorView error={accept.error} />}
                <Button onClick={() => accept.mutate(one.id)} loading={accept.isPending}>
                  {t('agreement.accept')}
                </Button>
              </Paper>
            ))}
          {data.every((one) => !one.mustAccept || one.acceptedAt !== null) ? (
            <Alert variant="outline" color="river" c="var(--mantine-color-text)" title={t('agreement.none')} />
          ) : null}
        </Stack>
      )}
    </Loaded>
  );
}
