import { Badge, Group, NativeSelect, Stack, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCommissionsOptions, getConsoleRiskOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { RiskAffiliate } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { StatusPill } from '../../../kit/StatusPill.js';

/** As many lines as one case takes in from here; of more the newest, and the dialog says so. */
const most = 200;

/** What is open against each affiliate, the money held, and the way to what showed it (screens.md 3.16). */
export function RiskByAffiliate({ codes }: { readonly codes: readonly string[] }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayHold = can('risk.write') && can('commission.read');
  const [holding, setHolding] = useState<RiskAffiliate | null>(null);
  return (
    <>
      <ResourceTable<RiskAffiliate>
        screen="risk-affiliates"
        label={t('risk.byAffiliate')}
        list={(query) => getConsoleRiskOptions({ query: query as never }) as never}
        rowLabel={(row) => row.affiliate.name}
        rowActions={(row) => (
          <DecisionMenu
            row={row.affiliate.name}
            path={`/v1/affiliates/${row.id}`}
            actions={row.allowedActions}
            more={mayHold ? [{ key: 'hold_money', text: t('risk.openCase'), onPress: () => setHolding(row) }] : []}
          />
        )}
        empty={{ title: t('risk.none') }}
        filters={[
          {
            field: 'code',
            label: t('risk.code'),
            options: codes.map((value) => ({ value, label: t(`riskCode.${value}`) })),
          },
          { field: 'affiliateId', label: t('risk.affiliate') },
        ]}
        columns={[
          {
            key: 'affiliate',
            title: t('risk.affiliate'),
            render: (row) => <AffiliateName id={row.id} />,
            csv: ['affiliate.id', 'affiliate.name'],
          },
          {
            key: 'status',
            title: t('risk.affiliateStatus'),
            render: (row) => <StatusPill status={row.affiliate.status} objectId={row.id} />,
            csv: 'affiliate.status',
          },
          {
            key: 'findings',
            title: t('risk.findings'),
            render: (row) => (
              <Stack gap={4}>
                {row.findings.length === 0 ? '–' : null}
                {row.findings.map(({ code, open, blocking }) => (
                  <Group key={code} gap="xs">
                    <NameLink
                      to={`/risk?shape=findings&state=open&affiliateId=${row.id}&code=${code}`}
                      name={t('risk.hits', { what: t(`riskCode.${code}`), count: open })}
                    />
                    {blocking ? (
                      <Badge variant="outline" color="red" tt="none">
                        {t('risk.blocks')}
                      </Badge>
                    ) : null}
                  </Group>
                ))}
              </Stack>
            ),
            csv: 'findings',
          },
          {
            key: 'held',
            title: t('riskCase.held'),
            align: 'right',
            render: (row) => <MoneyList values={row.held} />,
            csv: 'held',
          },
          {
            key: 'cases',
            title: t('risk.openCases'),
            align: 'right',
            render: (row) =>
              row.openCases === 0 ? (
                '0'
              ) : (
                <NameLink to={`/risk/cases?status=open&affiliateId=${row.id}`} name={String(row.openCases)} />
              ),
            csv: 'openCases',
          },
          {
            key: 'lastAt',
            title: t('risk.lastAt'),
            sort: 'lastAt',
            render: (row) => <DateText value={row.lastAt} />,
            csv: 'lastAt',
          },
        ]}
      />
      {holding === null ? null : <HoldDialog of={holding} codes={codes} onClose={() => setHolding(null)} />}
    </>
  );
}

/** Puts everything of an affiliate that is not paid yet and not held yet into a case (FRD-09). */
function HoldDialog({
  of,
  codes,
  onClose,
}: {
  readonly of: RiskAffiliate;
  readonly codes: readonly string[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [kind, setKind] = useState<string>(of.findings[0]?.code ?? 'manual_review');
  const [notes, setNotes] = useState('');
  const lines = useQuery(
    getCommissionsOptions({
      query: {
        affiliateId: of.id,
        status: 'pending,approved',
        onHold: 'false',
        include: 'counts,sums',
        limit: most,
      },
    }),
  );
  const commissionIds = (lines.data?.data ?? []).map((line) => line.id);
  const save = (key: string): Promise<unknown> =>
    postPath(
      '/v1/risk-cases',
      { affiliateId: of.id, kind, commissionIds, ...(notes.trim() === '' ? {} : { notes: notes.trim() }) },
      key,
    );
  return (
    <FormDialog
      title={t('risk.holdTitle', { name: of.affiliate.name })}
      submit={t('risk.holdDo')}
      save={save}
      onSaved={() => notifications.show({ message: t('risk.caseOpened'), color: 'river' })}
      onClose={onClose}
      isReady={commissionIds.length > 0}
    >
      {(errors) => (
        <>
          <Loaded query={lines} lines={2}>
            {({ data, counts, sums }) =>
              data.length === 0 ? (
                <Text size="sm">{t('risk.nothingToHold')}</Text>
              ) : (
                <Text size="sm">
                  {t(data.length < (counts?.total ?? 0) ? 'risk.holdsSome' : 'risk.holds', {
                    count: data.length,
                    total: counts?.total ?? data.length,
                  })}{' '}
                  <MoneyList values={sums ?? []} />
                </Text>
              )
            }
          </Loaded>
          <NativeSelect
            label={t('riskCase.kind')}
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value)}
            data={codes.map((value) => ({ value, label: t(`riskCode.${value}`) }))}
          />
          <Textarea
            label={t('risk.note')}
            value={notes}
            error={errors['notes']}
            onChange={(event) => setNotes(event.currentTarget.value)}
            maxLength={2_000}
            autosize
          />
        </>
      )}
    </FormDialog>
  );
}
