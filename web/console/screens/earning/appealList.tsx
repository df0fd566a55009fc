import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { Text } from '@mantine/core';
import { getAppealsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Appeal } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

const statuses = ['open', 'upheld', 'dismissed', 'withdrawn'] as const;

/** Activity → Appeals: what affiliates object to, and by when it must be answered (BEY-15). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('appeal.title')} text={t('appeal.text')} />
      <ResourceTable<Appeal>
        screen="appeals"
        label={t('appeal.title')}
        hasText
        list={(query) => getAppealsOptions({ query: query as never }) as never}
        rowLabel={(row) => row.objectId}
        rowDetail={(row) => <Text style={{ whiteSpace: 'pre-wrap' }}>{row.text}</Text>}
        rowActions={(row) => (
          <DecisionMenu row={row.objectId} path={`/v1/appeals/${row.id}`} actions={row.allowedActions} />
        )}
        empty={{ title: t('appeal.none'), text: t('appeal.noneText') }}
        filters={[
          {
            field: 'status',
            label: t('appeal.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        columns={[
          {
            key: 'createdAt',
            title: t('appeal.since'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'affiliate',
            title: t('link.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'object',
            title: t('appeal.object'),
            render: (row) => (
              <NameLink to={`/${row.objectType}s/${row.objectId}`} name={t(`appeal.object.${row.objectType}`)} />
            ),
            csv: 'objectId',
          },
          {
            key: 'text',
            title: t('appeal.words'),
            render: (row) => (row.text.length > 120 ? `${row.text.slice(0, 120)}…` : row.text),
            csv: 'text',
          },
          {
            key: 'status',
            title: t('appeal.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          {
            key: 'answerBy',
            title: t('appeal.answerBy'),
            render: (row) => (
              <>
                <DateText value={row.answerBy} /> {row.escalated ? t('appeal.escalated') : ''}
              </>
            ),
            csv: 'answerBy',
          },
          {
            key: 'answer',
            title: t('appeal.answer'),
            render: (row) => row.answer ?? '–',
            csv: 'answer',
          },
        ]}
      />
    </>
  );
}
