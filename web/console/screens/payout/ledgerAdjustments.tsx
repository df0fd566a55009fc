import { Button, Group, List, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLedgerAccountsOptions, getLedgerAdjustmentsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { GetLedgerAccountsResponse, LedgerAdjustment } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { formatMoney, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { humanize, StatusBadge } from '../../../kit/StatusPill.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

type Account = GetLedgerAccountsResponse['data'][number];
const kinds = ['write_off', 'suspense_clearing'] as const;
type Kind = (typeof kinds)[number];
const statuses = ['pending', 'approved', 'rejected'] as const;
/** Which accounts the API takes for each kind, and where cleared money may belong (api.md 11). */
const accountsOf = {
  write_off: ['affiliate_receivable', 'reseller_receivable'],
  suspense_clearing: ['suspense'],
} as const;
const clearedTo = ['cash', 'merchant_funding', 'payout_fee_expense', 'bad_debt_expense'] as const;

/** Entries into the books by hand: asked for by one person, posted when a second one approves (BEY-04). */
export function LedgerAdjustments(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('ledger.write');
  const [isAsking, setAsking] = useState(false);
  const [approving, setApproving] = useState<LedgerAdjustment | null>(null);
  const [rejecting, setRejecting] = useState<LedgerAdjustment | null>(null);
  const ask = mayWrite ? <Button onClick={() => setAsking(true)}>{t('entry.new')}</Button> : undefined;
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm">{t('entry.text')}</Text>
        {ask}
      </Group>
      <ResourceTable<LedgerAdjustment>
        screen="ledger-adjustments"
        label={t('ledger.adjustments')}
        hasText
        list={(query) => getLedgerAdjustmentsOptions({ query }) as never}
        rowLabel={(row) => row.reason}
        rowActions={(row) => (
          <RowMenu
            row={row.reason}
            actions={[
              ...(row.allowedActions.includes('approve')
                ? [{ key: 'approve', text: t('action.approve'), onPress: () => setApproving(row) }]
                : []),
              ...(row.allowedActions.includes('reject')
                ? [{ key: 'reject', text: t('entry.reject'), isNegative: true, onPress: () => setRejecting(row) }]
                : []),
            ]}
          />
        )}
        filters={[
          {
            field: 'status',
            label: t('entry.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'kind',
            label: t('ledger.kind'),
            options: kinds.map((value) => ({ value, label: t(`entry.kind.${value}`) })),
          },
        ]}
        empty={{ title: t('entry.none'), text: t('entry.noneText') }}
        columns={[
          {
            key: 'createdAt',
            title: t('entry.asked'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
          { key: 'kind', title: t('ledger.kind'), render: (row) => t(`entry.kind.${row.kind}`), csv: 'kind' },
          {
            key: 'status',
            title: t('entry.status'),
            render: (row) => <StatusBadge status={row.status} />,
            csv: 'status',
          },
          {
            key: 'account',
            title: t('ledger.account'),
            render: (row) => <AccountName account={row.account} />,
            csv: ['account.kind', 'account.ownerId', 'accountId'],
          },
          {
            key: 'counter',
            title: t('entry.counter'),
            render: (row) =>
              row.counterAccount === null ? (
                t(`entry.counterOf.${row.kind}`)
              ) : (
                <AccountName account={row.counterAccount} />
              ),
            csv: 'counterAccountId',
          },
          {
            key: 'amount',
            title: t('ledger.amount'),
            align: 'right',
            render: (row) => <MoneyText value={row.amount} />,
            csv: 'amount',
          },
          { key: 'reason', title: t('entry.reason'), render: (row) => row.reason, csv: 'reason' },
          { key: 'by', title: t('entry.by'), render: (row) => row.createdByName ?? '–', csv: 'createdByName' },
          {
            key: 'approvedBy',
            title: t('entry.approvedBy'),
            render: (row) =>
              row.approvedByName === null
                ? '–'
                : `${row.approvedByName}${row.secondPerson === 'single_person' ? ` (${t('secondPerson.single_person')})` : ''}`,
            csv: ['approvedByName', 'secondPerson'],
          },
          {
            key: 'rejectedBy',
            title: t('entry.rejectedBy'),
            render: (row) =>
              row.rejectedAt === null ? '–' : `${row.rejectedByName ?? '–'} (${row.rejectionReason ?? ''})`,
            csv: ['rejectedByName', 'rejectionReason'],
          },
        ]}
      />
      {isAsking ? <AskForm onClose={() => setAsking(false)} /> : null}
      {approving === null ? null : <ApproveDialog entry={approving} onClose={() => setApproving(null)} />}
      {rejecting === null ? null : <RejectDialog entry={rejecting} onClose={() => setRejecting(null)} />}
    </Stack>
  );
}

function AccountName({
  account,
}: {
  readonly account: { readonly kind: string; readonly ownerId: string | null };
}): ReactElement {
  const { kind, ownerId } = account;
  return (
    <>
      {humanize(kind)}
      {ownerId === null ? null : ' · '}
      {ownerId === null ? null : ownerId.startsWith('aff_') ? <AffiliateName id={ownerId} /> : ownerId}
    </>
  );
}

function AskForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [kind, setKind] = useState<Kind>('write_off');
  const [accountId, setAccountId] = useState('');
  const [counterAccountId, setCounter] = useState('');
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  const accounts = useQuery(
    getLedgerAccountsOptions({ query: { kind: accountsOf[kind].join(','), limit: 200 } as never }),
  );
  const counters = useQuery({
    ...getLedgerAccountsOptions({ query: { kind: clearedTo.join(','), limit: 200 } as never }),
    enabled: kind === 'suspense_clearing',
  });
  const account = accounts.data?.data.find((one) => one.id === accountId);
  const choices = (found: readonly Account[] | undefined) =>
    (found ?? []).map((one) => ({
      value: one.id,
      label: [humanize(one.kind), one.ownerId ?? '', formatMoney(one.balance)]
        .filter((text) => text !== '')
        .join(' · '),
    }));
  return (
    <FormDialog
      title={t('entry.new')}
      submit={t('entry.ask')}
      isReady={account !== undefined && amount.trim() !== '' && reason.trim() !== ''}
      save={(key) =>
        withStepUp(() =>
          postPath(
            '/v1/ledger-adjustments',
            {
              kind,
              accountId,
              amount: { amount: amount.trim(), currency: account?.currency ?? '' },
              reason: reason.trim(),
              ...(counterAccountId === '' ? {} : { counterAccountId }),
            },
            key,
          ),
        )
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('ledger.kind')}
            description={t(`entry.kindHint.${kind}`)}
            value={kind}
            onChange={(event) => {
              setKind(event.currentTarget.value as Kind);
              setAccountId('');
              setCounter('');
            }}
            data={kinds.map((value) => ({ value, label: t(`entry.kind.${value}`) }))}
          />
          <NativeSelect
            label={t('ledger.account')}
            value={accountId}
            error={errors['accountId']}
            onChange={(event) => {
              setAccountId(event.currentTarget.value);
              setCounter('');
            }}
            data={[{ value: '', label: '–' }, ...choices(accounts.data?.data)]}
            required
          />
          {kind === 'suspense_clearing' ? (
            <NativeSelect
              label={t('entry.counter')}
              value={counterAccountId}
              error={errors['counterAccountId']}
              onChange={(event) => setCounter(event.currentTarget.value)}
              data={[
                { value: '', label: t('entry.counterOf.suspense_clearing') },
                ...choices(counters.data?.data.filter((one) => one.currency === account?.currency)),
              ]}
            />
          ) : null}
          <TextInput
            label={account === undefined ? t('ledger.amount') : `${t('ledger.amount')} (${account.currency})`}
            inputMode="decimal"
            value={amount}
            error={errors['amount'] ?? errors['amount.amount']}
            required
            onChange={(event) => setAmount(event.currentTarget.value)}
          />
          <Textarea
            label={t('entry.reason')}
            value={reason}
            error={errors['reason']}
            maxLength={500}
            required
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** A confirmation repeats the figures (screens.md 1.9). */
function ApproveDialog({
  entry,
  onClose,
}: {
  readonly entry: LedgerAdjustment;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  return (
    <FormDialog
      title={t('entry.approve')}
      submit={t('entry.approveDo', { amount: formatMoney(entry.amount) })}
      save={(key) => withStepUp(() => postPath(`/v1/ledger-adjustments/${entry.id}/approve`, {}, key))}
      onClose={onClose}
    >
      {() => (
        <>
          <Figures entry={entry} />
          <Text size="sm">{t('entry.approveText')}</Text>
        </>
      )}
    </FormDialog>
  );
}

/** Who asked takes it back, a second person says no: nothing is posted either way. */
function RejectDialog({
  entry,
  onClose,
}: {
  readonly entry: LedgerAdjustment;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t('entry.reject')}
      submit={t('entry.rejectDo')}
      isReady={reason.trim() !== ''}
      save={(key) => postPath(`/v1/ledger-adjustments/${entry.id}/reject`, { reason: reason.trim() }, key)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Figures entry={entry} />
          <Text size="sm">{t('entry.rejectText')}</Text>
          <Textarea
            label={t('entry.whyNot')}
            value={reason}
            error={errors['reason']}
            maxLength={500}
            required
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

function Figures({ entry }: { readonly entry: LedgerAdjustment }): ReactElement {
  const { t } = useTranslation();
  return (
    <List size="sm">
      <List.Item>
        {t(`entry.kind.${entry.kind}`)}: <MoneyText value={entry.amount} />
      </List.Item>
      <List.Item>
        {t('ledger.account')}: <AccountName account={entry.account} />
      </List.Item>
      <List.Item>
        {t('entry.reason')}: {entry.reason}
      </List.Item>
      <List.Item>
        {t('entry.by')}: {entry.createdByName ?? '–'}
      </List.Item>
    </List>
  );
}
