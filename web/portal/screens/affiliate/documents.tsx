import { Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeDocumentsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postMeDocuments } from '../../../client/sdk.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { AskedDocuments, dayOrDash, DocumentFile, OwnState } from '../../../kit/Documents.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PageHead } from '../../../kit/Shell.js';
import { Agreements, needsAgreement } from './agreements.js';

const columns = ['label', 'status', 'expiresOn', 'sent', 'file'] as const;

/** What is missing first, with the button that sends it; then what was sent and what became of it (AFF-24). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getMeDocumentsOptions({ query: { limit: 100 } }));
  return (
    <>
      <PageHead title={t('documents.title')} text={t('documents.text')} />
      {needsAgreement(query.error) ? (
        <Agreements />
      ) : (
        <Loaded query={query}>
          {({ data, asked }) => (
            <Stack>
              <AskedDocuments
                asked={asked}
                send={(body, key) =>
                  postMeDocuments({ body, headers: { 'Idempotency-Key': key } as never, throwOnError: true })
                }
              />
              {asked.length === 0 && data.length === 0 ? <Text>{t('documents.none')}</Text> : null}
              {data.length === 0 ? null : (
                <Table className="resource-table" aria-label={t('documents.sent')}>
                  <Table.Thead>
                    <Table.Tr>
                      {columns.map((column) => (
                        <Table.Th key={column}>{t(`document.${column}`)}</Table.Th>
                      ))}
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {data.map((one) => (
                      <Table.Tr key={one.id}>
                        <Table.Td data-label={t('document.label')}>{one.label}</Table.Td>
                        <Table.Td data-label={t('document.status')}>
                          <OwnState document={one} />
                        </Table.Td>
                        <Table.Td data-label={t('document.expiresOn')}>{dayOrDash(one.expiresOn)}</Table.Td>
                        <Table.Td data-label={t('document.sent')}>
                          <DateText value={one.createdAt} />
                        </Table.Td>
                        <Table.Td data-label={t('document.file')}>
                          <DocumentFile path={`/v1/me/documents/${one.id}/content`} document={one} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              )}
            </Stack>
          )}
        </Loaded>
      )}
    </>
  );
}
