import { Stack, Text, Textarea } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getRiskCasesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchRiskCasesByCaseId } from '../../../client/sdk.gen.js';
import type { RiskCase } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { Evidence } from '../../../kit/Evidence.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

const statuses = ['open', 'released', 'rejected'] as const;

/** Risk → Cases: money that is held, and its release or rejection (screens.md 3.16). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('risk.write');
  const [noted, setNoted] = useState<RiskCase | null>(null);
  return (
    <>
      <PageHead
        title={t('riskCase.title')}
        text={t('riskCase.text')}
        actions={<NameLink to="/risk" name={t('nav.risk')} />}
      />
      <ResourceTable<RiskCase>
        screen="risk-cases"
        label={t('riskCase.title')}
        list={(query) => getRiskCasesOptions({ query }) as never}
        rowLabel={(row) => `${t(`riskCode.${row.kind}`)} ${row.affiliate.name}`}
        rowActions={(row) => (
          <DecisionMenu
            row={t(`riskCode.${row.kind}`)}
            path={`/v1/risk-cases/${row.id}`}
            actions={row.allowedActions}
            more={
              mayWrite && row.status === 'open'
                ? [{ key: 'note', text: t('riskCase.note'), onPress: () => setNoted(row) }]
                : []
            }
          />
        )}
        rowDetail={(row) => (Object.keys(row.evidence).length === 0 ? null : <Evidence of={row.evidence} />)}
        empty={{ title: t('riskCase.none') }}
        filters={[
          {
            field: 'status',
            label: t('riskCase.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          { field: 'affiliateId', label: t('risk.affiliate') },
        ]}
        columns={[
          {
            key: 'kind',
            title: t('riskCase.kind'),
            render: (row) => t(`riskCode.${row.kind}`),
            csv: 'kind',
          },
          {
            key: 'affiliate',
            title: t('risk.affiliate'),
            render: (row) => <AffiliateName id={row.affiliate.id} />,
            csv: 'affiliate.id',
          },
          {
            key: 'status',
            title: t('riskCase.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.id} />,
            csv: 'status',
          },
          {
            key: 'held',
            title: t('riskCase.held'),
            align: 'right',
            render: (row) => <MoneyList values={row.held} />,
          },
          {
            key: 'lines',
            title: t('riskCase.lines'),
            render: (row) => (
              <Stack gap={0}>
                {[
                  ...row.referralIds.map((id) => `/referrals/${id}`),
                  ...row.commissionIds.map((id) => `/commissions/${id}`),
                ]
                  .slice(0, 6)
                  .map((to) => (
                    <NameLink key={to} to={to} name={to.slice(to.lastIndexOf('/') + 1)} />
                  ))}
              </Stack>
            ),
            csv: ['referralIds', 'commissionIds'],
          },
          { key: 'notes', title: t('risk.note'), render: (row) => row.notes ?? '–', csv: 'notes' },
          {
            key: 'createdAt',
            title: t('riskCase.opened'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
        ]}
      />
      {noted === null ? null : <NotesDialog of={noted} onClose={() => setNoted(null)} />}
    </>
  );
}

/** What was found out so far: the case stays open, and its money held. */
function NotesDialog({ of, onClose }: { readonly of: RiskCase; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [notes, setNotes] = useState(of.notes ?? '');
  return (
    <FormDialog
      title={t('riskCase.note')}
      submit={t('desk.save')}
      save={() =>
        patchRiskCasesByCaseId({
          path: { caseId: of.id },
          headers: { 'If-Match': `"${of.version}"` } as never,
          body: { notes: notes.trim() === '' ? null : notes.trim() },
          throwOnError: true,
        })
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('riskCase.noteText')}</Text>
          <Textarea
            label={t('risk.note')}
            value={notes}
            error={errors['notes']}
            onChange={(event) => setNotes(event.currentTarget.value)}
            maxLength={10_000}
            autosize
            minRows={3}
          />
        </>
      )}
    </FormDialog>
  );
}
