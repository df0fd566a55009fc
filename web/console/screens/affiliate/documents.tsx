import { Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesByAffiliateIdDocumentsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postAffiliatesByAffiliateIdDocuments } from '../../../client/sdk.gen.js';
import type { Affiliate, AffiliateDocument } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { DecisionLine } from '../../../kit/DecisionLine.js';
import { AskedDocuments, dayOrDash, DocumentFile } from '../../../kit/Documents.js';
import { Loaded } from '../../../kit/Loaded.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { StatusPill } from '../../../kit/StatusPill.js';

const columns = ['label', 'status', 'expiresOn', 'sent', 'file', 'verdict'] as const;

/** What this affiliate must show, what it has sent, and the verdict (AFF-24). */
export function Documents({ affiliate }: { readonly affiliate: Affiliate }): ReactElement {
  const { t } = useTranslation();
  const isOver = affiliate.status === 'terminated' || affiliate.status === 'declined';
  const maySend = useCan()('affiliate.write') && !isOver;
  const path = { affiliateId: affiliate.id };
  const query = useQuery(getAffiliatesByAffiliateIdDocumentsOptions({ path, query: { limit: 100 } }));
  return (
    <Loaded query={query}>
      {({ data, asked }) => (
        <Stack>
          <AskedDocuments
            asked={asked}
            send={
              maySend
                ? (body, key) =>
                    postAffiliatesByAffiliateIdDocuments({
                      path,
                      body,
                      headers: { 'Idempotency-Key': key } as never,
                      throwOnError: true,
                    })
                : undefined
            }
          />
          {asked.length === 0 && data.length === 0 ? <Text c="dimmed">{t('document.none')}</Text> : null}
          {data.length === 0 ? null : <DocumentTable documents={data} />}
        </Stack>
      )}
    </Loaded>
  );
}

/** What was sent, until when it holds, and the verdict. */
export function DocumentTable({ documents }: { readonly documents: readonly AffiliateDocument[] }): ReactElement {
  const { t } = useTranslation();
  return (
    <ScrollRegion label={t('document.title')}>
      <Table className="resource-table" aria-label={t('document.title')}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column}>{t(`document.${column}`)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {documents.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td data-label={t('document.label')}>{one.label}</Table.Td>
              <Table.Td data-label={t('document.status')}>
                <StatusPill status={one.status} objectId={one.id} />
              </Table.Td>
              <Table.Td data-label={t('document.expiresOn')}>{dayOrDash(one.expiresOn)}</Table.Td>
              <Table.Td data-label={t('document.sent')}>
                <DateText value={one.createdAt} /> · {one.uploadedBy.name ?? t(`actor.${one.uploadedBy.type}`)}
              </Table.Td>
              <Table.Td data-label={t('document.file')}>
                <DocumentFile path={`/v1/documents/${one.id}/content`} document={one} />
              </Table.Td>
              <Table.Td data-label={t('document.verdict')}>
                {one.decision === null && one.allowedActions.length === 0 ? '–' : null}
                <DecisionLine decision={one.decision} />
                <DecisionButtons path={`/v1/documents/${one.id}`} actions={one.allowedActions} size="compact-sm" />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollRegion>
  );
}
