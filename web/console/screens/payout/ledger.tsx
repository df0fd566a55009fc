import { Alert, Anchor, Button, Group, NativeSelect, Paper, Stack, Table, Tabs, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getLedgerAccountsByAccountIdPostingsOptions,
  getLedgerAccountsOptions,
  getLedgerPostingsOptions,
  getLedgerTrialBalanceOptions,
  getWorkspaceOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { postLedgerChecks } from '../../../client/sdk.gen.js';
import type {
  GetLedgerAccountsByAccountIdPostingsResponse,
  GetLedgerAccountsResponse,
} from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { humanize } from '../../../kit/StatusPill.js';
import { LedgerAdjustments } from './ledgerAdjustments.js';
import { LedgerPeriods } from './ledgerPeriods.js';

/** As an account's own list has them; the list of all has no balance, and no column for it. */
type Posting = GetLedgerAccountsByAccountIdPostingsResponse['data'][number];
type Account = GetLedgerAccountsResponse['data'][number];
const tabs = ['trial', 'postings', 'accounts', 'adjustments', 'periods'] as const;

/** Control totals now or as of any moment, every posting with its cause, every account (screens.md 3.18). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const tab = tabs.find((one) => one === search['tab']) ?? 'trial';
  const check = useMutation({
    mutationFn: async () => (await postLedgerChecks({ body: {}, throwOnError: true })).data,
  });
  const bad = check.data?.filter((one) => one.violations > 0) ?? [];
  return (
    <>
      <PageHead
        title={t('ledger.title')}
        text={t('ledger.text')}
        actions={
          can('audit.verify') ? (
            <Button variant="default" loading={check.isPending} onClick={() => check.mutate()}>
              {t('ledger.check')}
            </Button>
          ) : null
        }
      />
      <Stack>
        {check.error === null ? null : <ErrorView error={check.error} onRetry={() => check.mutate()} />}
        {check.data === undefined ? null : (
          <Alert
            variant="outline"
            color={bad.length === 0 ? 'river' : 'red'}
            c="var(--mantine-color-text)"
            role="status"
            title={
              bad.length === 0
                ? `✓ ${t('ledger.checkHolds', { count: check.data.length })}`
                : bad.map((one) => t('ledger.violations', { id: one.id, count: one.violations })).join(' · ')
            }
          >
            {t('ledger.checkText')}
          </Alert>
        )}
        <Tabs
          value={tab}
          onChange={(next) =>
            change({ tab: next ?? 'trial', q: '', cursor: '', page: '', sort: '', cols: '', kind: '', status: '' })
          }
          keepMounted={false}
        >
          <Tabs.List>
            {tabs.map((one) => (
              <Tabs.Tab key={one} value={one}>
                {t(`ledger.${one}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value="trial" pt="sm">
            <TrialBalance />
          </Tabs.Panel>
          <Tabs.Panel value="postings" pt="sm">
            <Postings />
          </Tabs.Panel>
          <Tabs.Panel value="accounts" pt="sm">
            <Accounts />
          </Tabs.Panel>
          <Tabs.Panel value="adjustments" pt="sm">
            <LedgerAdjustments />
          </Tabs.Panel>
          <Tabs.Panel value="periods" pt="sm">
            <LedgerPeriods />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </>
  );
}

function TrialBalance(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const workspace = useQuery({ ...getWorkspaceOptions(), staleTime: 300_000 });
  const currency = search['currency'] ?? workspace.data?.defaultCurrency ?? '';
  const asOf = search['asOf'] ?? '';
  const effectiveThrough = search['effectiveThrough'] ?? '';
  const groupBy = search['groupBy'] === 'account' ? 'account' : 'kind';
  const balance = useQuery({
    ...getLedgerTrialBalanceOptions({
      query: {
        currency,
        groupBy,
        ...(asOf === '' ? {} : { asOf }),
        ...(effectiveThrough === '' ? {} : { effectiveThrough }),
      },
    }),
    enabled: currency !== '',
  });
  // What the field shows is the reader's own clock; the address and the API have the instant.
  const local = asOf === '' ? '' : localField(asOf);
  return (
    <Stack>
      <Group align="flex-end">
        <TextInput
          label={t('ledger.currency')}
          value={currency}
          maxLength={3}
          w={100}
          onChange={(event) => change({ currency: event.currentTarget.value.toUpperCase() }, { replace: true })}
        />
        <TextInput
          label={t('ledger.asOf')}
          description={t('ledger.asOfHint')}
          type="datetime-local"
          value={local}
          onChange={(event) => {
            const { value } = event.currentTarget;
            change({ asOf: value === '' ? '' : new Date(value).toISOString() }, { replace: true });
          }}
        />
        <TextInput
          label={t('ledger.effectiveThrough')}
          description={t('ledger.effectiveThroughHint')}
          type="date"
          value={effectiveThrough}
          onChange={(event) => change({ effectiveThrough: event.currentTarget.value }, { replace: true })}
        />
        <NativeSelect
          label={t('ledger.groupBy')}
          value={groupBy}
          onChange={(event) => change({ groupBy: event.currentTarget.value })}
          data={[
            { value: 'kind', label: t('ledger.byKind') },
            { value: 'account', label: t('ledger.byAccount') },
          ]}
        />
      </Group>
      {currency.length < 3 ? null : (
        <Loaded query={balance} lines={6}>
          {(found) =>
            found.rows.length === 0 ? (
              <Text>{t('ledger.noRows')}</Text>
            ) : (
              <Paper withBorder p="md">
                <Text role="status" mb="xs">
                  {found.balanced ? `✓ ${t('ledger.balanced')}` : `✕ ${t('ledger.notBalanced')}`} {t('ledger.asOf')}{' '}
                  <DateText value={found.asOf} />
                </Text>
                <ScrollRegion label={t('ledger.trial')}>
                  <Table className="resource-table">
                    <Table.Thead>
                      <Table.Tr>
                        <Table.Th>{t('ledger.account')}</Table.Th>
                        <Table.Th data-align="right">{t('ledger.debit')}</Table.Th>
                        <Table.Th data-align="right">{t('ledger.credit')}</Table.Th>
                      </Table.Tr>
                    </Table.Thead>
                    <Table.Tbody>
                      {found.rows.map((row) => (
                        <Table.Tr key={`${row.kind}-${row.ownerId ?? ''}`}>
                          <Table.Td data-label={t('ledger.account')}>
                            {humanize(row.kind)}
                            {row.ownerId === null ? '' : ` · ${row.ownerId}`}
                          </Table.Td>
                          <Table.Td data-label={t('ledger.debit')} data-align="right">
                            <MoneyText value={row.debit} />
                          </Table.Td>
                          <Table.Td data-label={t('ledger.credit')} data-align="right">
                            <MoneyText value={row.credit} />
                          </Table.Td>
                        </Table.Tr>
                      ))}
                      <Table.Tr fw={600}>
                        <Table.Td data-label="">{t('ledger.total')}</Table.Td>
                        <Table.Td data-label={t('ledger.debit')} data-align="right">
                          <MoneyText value={found.totalDebit} />
                        </Table.Td>
                        <Table.Td data-label={t('ledger.credit')} data-align="right">
                          <MoneyText value={found.totalCredit} />
                        </Table.Td>
                      </Table.Tr>
                    </Table.Tbody>
                  </Table>
                </ScrollRegion>
              </Paper>
            )
          }
        </Loaded>
      )}
    </Stack>
  );
}

/** An instant as a `datetime-local` field has it: the reader's clock, to the minute. */
function localField(instant: string): string {
  const at = new Date(instant);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function Postings(): ReactElement {
  const { t } = useTranslation();
  const { search } = useAddress();
  // Of one account its own list is read, which says what was on it after each posting.
  const accountId = /^[\w]+$/.test(search['accountId'] ?? '') ? search['accountId'] : undefined;
  return (
    <ResourceTable<Posting>
      screen={accountId === undefined ? 'ledger-postings' : 'ledger-account-postings'}
      label={t('ledger.postings')}
      hasText
      list={(query) =>
        (accountId === undefined
          ? getLedgerPostingsOptions({ query })
          : getLedgerAccountsByAccountIdPostingsOptions({ path: { accountId }, query })) as never
      }
      rowLabel={(posting) => posting.id}
      filters={(['causeId', 'accountId', 'transferId', 'kind'] as const).map((field) => ({
        field,
        label: t(
          field === 'causeId'
            ? 'ledger.causeId'
            : `ledger.${field === 'accountId' ? 'account' : field === 'transferId' ? 'transfer' : 'kind'}`,
        ),
      }))}
      empty={{ title: t('ledger.none') }}
      columns={[
        {
          key: 'recordedAt',
          title: t('ledger.recordedAt'),
          sort: 'recordedAt',
          render: (posting) => <DateText value={posting.recordedAt} />,
          csv: 'recordedAt',
        },
        {
          key: 'effectiveAt',
          title: t('ledger.effectiveAt'),
          hidden: true,
          render: (posting) => <DateText value={posting.effectiveAt} />,
          csv: 'effectiveAt',
        },
        {
          key: 'kind',
          title: t('ledger.kind'),
          render: (posting) => humanize(posting.kind),
          csv: 'kind',
        },
        {
          key: 'debit',
          title: t('ledger.debit'),
          render: (posting) => posting.debitAccountId,
          csv: 'debitAccountId',
        },
        {
          key: 'credit',
          title: t('ledger.credit'),
          render: (posting) => posting.creditAccountId,
          csv: 'creditAccountId',
        },
        {
          key: 'amount',
          title: t('ledger.amount'),
          align: 'right',
          render: (posting) => <MoneyText value={posting.amount} />,
          csv: 'amount',
        },
        ...(accountId === undefined
          ? []
          : [
              {
                key: 'runningBalance',
                title: t('ledger.runningBalance'),
                hint: t('ledger.runningHint'),
                align: 'right' as const,
                render: (posting: Posting) => <MoneyText value={posting.runningBalance} kind="balance" />,
                csv: 'runningBalance' as const,
              },
            ]),
        {
          key: 'cause',
          title: t('ledger.cause'),
          render: (posting) => (
            <Anchor component={Link} to={`/audit?objectId=${posting.causeId}`} underline="always" inherit>
              {humanize(posting.causeType)}
            </Anchor>
          ),
          csv: 'causeId',
        },
        {
          key: 'corrects',
          title: t('ledger.corrects'),
          hidden: true,
          render: (posting) => posting.correctsTransferId ?? '–',
          csv: 'correctsTransferId',
        },
      ]}
    />
  );
}

function Accounts(): ReactElement {
  const { t } = useTranslation();
  return (
    <ResourceTable<Account>
      screen="ledger-accounts"
      label={t('ledger.accounts')}
      hasText
      list={(query) => getLedgerAccountsOptions({ query }) as never}
      rowLabel={(account) => account.id}
      rowActions={(account) => (
        <Anchor component={Link} to={`/ledger?tab=postings&accountId=${account.id}`} underline="always" size="sm">
          {t('ledger.postings')}
        </Anchor>
      )}
      filters={[
        { field: 'currency', label: t('ledger.currency') },
        { field: 'ownerId', label: t('ledger.owner') },
      ]}
      empty={{ title: t('ledger.none') }}
      columns={[
        {
          key: 'kind',
          title: t('ledger.account'),
          render: (account) => humanize(account.kind),
          csv: 'kind',
        },
        {
          key: 'owner',
          title: t('ledger.owner'),
          render: (account) => account.ownerId ?? '–',
          csv: 'ownerId',
        },
        {
          key: 'balance',
          title: t('ledger.balance'),
          align: 'right',
          render: (account) => <MoneyText value={account.balance} kind="balance" />,
          csv: 'balance',
        },
      ]}
    />
  );
}
