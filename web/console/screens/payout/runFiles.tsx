import { Button, Group, Paper, Stack, Table, Text, Title, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { getPayoutRunsByRunIdFilesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { getPayoutFilesByFileIdContent } from '../../../client/sdk.gen.js';
import type { GetPayoutRunsByRunIdFilesResponse, PayoutRun } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { saveFile } from '../../../kit/saveFile.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { useCan } from '../../../kit/session.js';
import { useReasonText } from '../../../kit/texts.js';

type PayoutFile = GetPayoutRunsByRunIdFilesResponse['data'][number];
const formats = ['paypal_mass_pay', 'sepa_pain_001', 'generic_csv'] as const;

/** Files of a run: PayPal's mass payment, a bank's transfers, a CSV for the accounts, and who is in neither (PAY-07, PAY-08). */
export function RunFiles({ run }: { readonly run: PayoutRun }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const mayMake = useCan()('payout.execute');
  const queries = useQueryClient();
  const key = useRef(newKey());
  const files = useQuery(getPayoutRunsByRunIdFilesOptions({ path: { runId: run.id } }));
  const make = useMutation({
    mutationFn: (format: (typeof formats)[number]) =>
      postPath<Pick<PayoutFile, 'skipped'>>(`/v1/payout-runs/${run.id}/files`, { format }, key.current),
    onSettled: () => {
      key.current = newKey(); // the next press is a new request: it answers what is there by then
      return queries.invalidateQueries();
    },
  });
  const download = useMutation({
    mutationFn: async (file: PayoutFile) => {
      const { data } = await getPayoutFilesByFileIdContent({
        path: { fileId: file.id },
        parseAs: 'text',
        throwOnError: true,
      });
      const isXml = file.format === 'sepa_pain_001';
      const name = `${file.format}-${file.currency}-${file.part}-${file.id}`;
      saveFile(isXml ? `${name}.xml` : `${name}.csv`, data, isXml ? 'application/xml' : 'text/csv;charset=utf-8');
    },
  });
  const rows = files.data?.data ?? [];
  const leftOut = (skipped: PayoutFile['skipped']): string =>
    skipped.map((one) => `${one.name}: ${reason(one.code)}`).join('; ');
  const error = make.error ?? download.error ?? files.error;
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('run.files')}
        </Title>
        <Text size="sm">{t('run.filesText')}</Text>
        {mayMake ? (
          <Group>
            {formats.map((format) => (
              <Button
                key={format}
                variant="default"
                loading={make.isPending && make.variables === format}
                onClick={() => make.mutate(format)}
              >
                {t(`run.file.${format}`)}
              </Button>
            ))}
          </Group>
        ) : null}
        {error === null ? null : <ErrorView error={error} />}
        {make.data === undefined || make.data.skipped.length === 0 ? null : (
          <Text size="sm" role="status">
            {`${t('run.fileSkipped')}: ${leftOut(make.data.skipped)}`}
          </Text>
        )}
        {rows.length === 0 ? null : (
          <Table.ScrollContainer minWidth={480}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('run.fileKind')}</Table.Th>
                  <Table.Th>{t('run.created')}</Table.Th>
                  <Table.Th>{t('run.filePart')}</Table.Th>
                  <Table.Th ta="right">{t('run.fileRows')}</Table.Th>
                  <Table.Th ta="right">{t('run.fileSum')}</Table.Th>
                  <Table.Th>{t('run.fileSkipped')}</Table.Th>
                  <Table.Th>
                    <VisuallyHidden>{t('run.fileDownload')}</VisuallyHidden>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((file) => (
                  <Table.Tr key={file.id}>
                    <Table.Td>{t(`run.file.${file.format}`)}</Table.Td>
                    <Table.Td>
                      <DateText value={file.createdAt} />
                    </Table.Td>
                    <Table.Td>{`${file.part} / ${file.parts}`}</Table.Td>
                    <Table.Td ta="right">{file.rows}</Table.Td>
                    <Table.Td ta="right">
                      <MoneyText value={file.amount} />
                    </Table.Td>
                    <Table.Td>{file.skipped.length === 0 ? '–' : leftOut(file.skipped)}</Table.Td>
                    <Table.Td>
                      <Button
                        size="compact-sm"
                        variant="default"
                        loading={download.isPending && download.variables.id === file.id}
                        onClick={() => download.mutate(file)}
                      >
                        {t('run.fileDownload')}
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Stack>
    </Paper>
  );
}
