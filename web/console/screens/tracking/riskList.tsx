import { SegmentedControl } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getRiskFlagsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { RiskFlag } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { Evidence } from '../../../kit/Evidence.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { RiskByAffiliate } from './riskByAffiliate.js';

const codes = [
  'self_referral',
  'click_burst',
  'lead_burst',
  'late_click',
  'throwaway_mail',
  'click_flood',
  'refund_share',
  'paid_ads',
  'place_mismatch',
  'ring',
  'chain_abuse',
  'manual_review',
  'affiliate_conflict',
  'shared_destination',
] as const;

/** Risk: what looks odd, with its evidence (screens.md 3.16). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const isByFinding = search['shape'] === 'findings';
  return (
    <>
      <PageHead
        title={t('risk.title')}
        text={t('risk.text')}
        actions={<NameLink to="/risk/cases" name={t('nav.riskCases')} />}
      />
      <SegmentedControl
        aria-label={t('risk.shape')}
        mb="sm"
        value={isByFinding ? 'findings' : ''}
        onChange={(shape) => change({ shape, cursor: '', page: '', sort: '', open: '' })}
        data={[
          { value: '', label: t('risk.byAffiliate') },
          { value: 'findings', label: t('risk.byFinding') },
        ]}
      />
      {isByFinding ? <RiskTable /> : <RiskByAffiliate codes={codes} />}
    </>
  );
}

/** In the address `open` is the row whose drawer is open, so the API's filter of that name has another one there; both states are no filter. */
function flagQuery({ state, ...query }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return state === 'open' || state === 'dismissed' ? { ...query, open: String(state === 'open') } : query;
}

/** The flags of a workspace, or of one affiliate as a part of its screen. */
export function RiskTable({ fixed = {} }: { readonly fixed?: Readonly<Record<string, string>> }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('risk.write');
  const openCase = useOpenCase();
  return (
    <ResourceTable<RiskFlag>
      fixed={fixed}
      screen="risk"
      label={t('risk.title')}
      list={(query) => getRiskFlagsOptions({ query: flagQuery(query) as never }) as never}
      rowLabel={(row) => `${t(`riskCode.${row.code}`)} ${row.affiliate?.name ?? ''}`}
      rowActions={(row) => (
        <DecisionMenu
          row={`${t(`riskCode.${row.code}`)} ${row.affiliate?.name ?? ''}`}
          path={`/v1/risk-flags/${row.id}`}
          actions={row.allowedActions}
          more={
            mayWrite && row.dismissedAt === null && row.referralId !== null && row.affiliate !== null
              ? [{ key: 'open_case', text: t('risk.openCase'), onPress: () => openCase.mutate(row) }]
              : []
          }
        />
      )}
      empty={{ title: t('risk.none') }}
      filters={[
        {
          field: 'code',
          label: t('risk.code'),
          options: codes.map((value) => ({ value, label: t(`riskCode.${value}`) })),
        },
        {
          field: 'state',
          label: t('risk.open'),
          options: [
            { value: 'open', label: t('risk.isOpen') },
            { value: 'dismissed', label: t('risk.dismissed') },
          ],
        },
        ...('affiliateId' in fixed ? [] : [{ field: 'affiliateId', label: t('risk.affiliate') }]),
      ]}
      columns={[
        {
          key: 'code',
          title: t('risk.code'),
          render: (row) => t(`riskCode.${row.code}`),
          csv: 'code',
        },
        {
          key: 'affiliate',
          title: t('risk.affiliate'),
          render: (row) => <AffiliateName id={row.affiliate?.id ?? null} />,
          csv: 'affiliate.id',
        },
        {
          key: 'referral',
          title: t('risk.referral'),
          render: (row) =>
            row.referralId === null ? '–' : <NameLink to={`/referrals/${row.referralId}`} name={t('lead.story')} />,
          csv: 'referralId',
        },
        {
          key: 'effect',
          title: t('risk.effect'),
          render: (row) => t(row.blocking ? 'risk.blocks' : 'risk.shows'),
          csv: 'blocking',
        },
        {
          key: 'evidence',
          title: t('risk.evidence'),
          render: (row) => <Evidence of={row.evidence} />,
          csv: 'evidence',
        },
        {
          key: 'at',
          title: t('risk.at'),
          render: (row) => <DateText value={row.at} />,
          csv: 'at',
        },
        {
          key: 'note',
          title: t('risk.note'),
          render: (row) => (row.dismissedAt === null ? '–' : (row.note ?? t('risk.dismissed'))),
          csv: 'note',
        },
      ]}
    />
  );
}

/** Holds the money of the flag's referral in a case. */
function useOpenCase() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  return useMutation({
    mutationFn: (flag: RiskFlag) =>
      postPath('/v1/risk-cases', {
        affiliateId: flag.affiliate?.id,
        kind: flag.code,
        referralIds: [flag.referralId],
      }),
    onSuccess: () => {
      notifications.show({ message: t('risk.caseOpened'), color: 'river' });
      return queries.invalidateQueries();
    },
    onError: (error) => {
      notifications.show({ message: problemText(error).title, color: 'red' });
    },
  });
}
