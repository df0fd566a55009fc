import { Button } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Program } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { useKeys } from '../../../kit/keys.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { CloseDialog } from './programDetail.js';
import { ProgramForm } from './programForm.js';
import { RateForAll } from './rateForAll.js';

const statuses = ['draft', 'active', 'paused', 'closed'] as const;

/** Programs (screens.md 3.9). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayCreate = can('program.write');
  const [isRating, setRating] = useState(false);
  const [isCreating, setCreating] = useState(false);
  const [closing, setClosing] = useState<Program | null>(null);
  useKeys({
    c: () => {
      if (mayCreate) setCreating(true);
    },
  });
  const create = mayCreate ? <Button onClick={() => setCreating(true)}>{t('program.new')}</Button> : undefined;
  return (
    <>
      <PageHead
        title={t('program.title')}
        text={t('program.text')}
        actions={
          <>
            {can('rule.write') ? (
              <Button variant="default" onClick={() => setRating(true)}>
                {t('rateForAll.title')}
              </Button>
            ) : null}
            {create}
          </>
        }
      />
      <ResourceTable<Program>
        screen="programs"
        label={t('program.title')}
        hasText
        list={(query) => getProgramsOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowHref={(row) => `/programs/${row.id}`}
        rowActions={(row) => (
          <DecisionMenu
            row={row.name}
            path={`/v1/programs/${row.id}`}
            actions={row.allowedActions}
            custom={{ close: () => setClosing(row) }}
          />
        )}
        empty={{ title: t('program.none'), text: t('program.noneText'), action: create }}
        filters={[
          {
            field: 'status',
            label: t('program.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        columns={[
          { key: 'name', title: t('program.name'), render: (row) => row.name, csv: 'name' },
          {
            key: 'status',
            title: t('program.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          { key: 'currency', title: t('program.currency'), render: (row) => row.currency, csv: 'currency' },
          {
            key: 'gates',
            title: t('program.gates'),
            render: (row) =>
              t('program.gatesShort', {
                referral: t(`program.approval.${row.referralApproval}`),
                commission: t(`program.approval.${row.commissionApproval}`),
              }),
          },
          { key: 'levels', title: t('program.levels'), render: (row) => row.levels, csv: 'levels' },
          {
            key: 'visibility',
            title: t('program.visibility'),
            render: (row) => t(`program.visibility.${row.customerVisibility}`),
            csv: 'customerVisibility',
          },
          {
            key: 'createdAt',
            title: t('program.created'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      {isCreating ? <ProgramForm onClose={() => setCreating(false)} /> : null}
      {isRating ? <RateForAll onClose={() => setRating(false)} /> : null}
      {closing === null ? null : <CloseDialog program={closing} onClose={() => setClosing(null)} />}
    </>
  );
}
