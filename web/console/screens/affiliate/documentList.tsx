import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getDocumentsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { AffiliateDocument } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { dayOrDash, DocumentFile } from '../../../kit/Documents.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

const statuses = ['waiting', 'accepted', 'refused', 'expired', 'replaced'] as const;

/** Affiliates → Documents: what waits for a verdict, and what has expired (AFF-24). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead
        title={t('document.title')}
        text={t('document.text')}
        actions={<NameLink to="/documents?status=waiting" name={t('document.waiting')} />}
      />
      <ResourceTable<AffiliateDocument>
        screen="documents"
        label={t('document.title')}
        hasText
        list={(query) => getDocumentsOptions({ query: query as never }) as never}
        rowLabel={(row) => `${row.label}, ${row.affiliateName}`}
        rowActions={(row) => (
          <DecisionMenu
            row={`${row.label}, ${row.affiliateName}`}
            path={`/v1/documents/${row.id}`}
            actions={row.allowedActions}
          />
        )}
        empty={{ title: t('document.empty'), text: t('document.emptyText') }}
        filters={[
          {
            field: 'status',
            label: t('document.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        columns={[
          {
            key: 'createdAt',
            title: t('document.sent'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'affiliate',
            title: t('link.affiliate'),
            render: (row) => <NameLink to={`/affiliates/${row.affiliateId}?tab=documents`} name={row.affiliateName} />,
            csv: 'affiliateName',
          },
          { key: 'label', title: t('document.label'), render: (row) => row.label, csv: 'label' },
          {
            key: 'status',
            title: t('document.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          {
            key: 'expiresOn',
            title: t('document.expiresOn'),
            render: (row) => dayOrDash(row.expiresOn),
            csv: 'expiresOn',
          },
          {
            key: 'file',
            title: t('document.file'),
            render: (row) => <DocumentFile path={`/v1/documents/${row.id}/content`} document={row} />,
          },
        ]}
      />
    </>
  );
}
