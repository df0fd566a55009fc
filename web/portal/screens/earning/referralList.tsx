import { Anchor, Drawer, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeReferralsByReferralIdOptions, getMeReferralsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnReferral } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList, MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { AppealOf } from './appealOf.js';
import { Customer } from './earningList.js';

const statuses = ['tracking', 'pending', 'approved', 'rejected', 'expired', 'merged'] as const;

/** Whom I brought, how far they are, what comes next, in plain words; people appear as the program allows (screens.md 6). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const { search, change } = useAddress();
  const open = search['referral'] ?? null;
  return (
    <>
      <PageHead title={t('referral.title')} text={t('referral.text')} />
      <ResourceTable<OwnReferral>
        screen="own-referrals"
        label={t('referral.title')}
        hasText
        include="counts"
        list={(query) => getMeReferralsOptions({ query: query as never }) as never}
        rowLabel={(one) => one.customer?.name ?? one.customer?.reference ?? one.id}
        filters={[
          {
            field: 'status',
            label: t('referral.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        empty={{ title: t('referral.none'), text: t('referral.noneText') }}
        columns={[
          {
            key: 'customer',
            title: t('referral.who'),
            render: (one) => (
              <Stack gap={2} align="flex-start">
                <Customer customer={one.customer} note={t('referral.visitor')} />
                {one.stage === 'sale' ? (
                  <Anchor component="button" type="button" size="sm" onClick={() => change({ referral: one.id })}>
                    {t('referral.purchases')}
                  </Anchor>
                ) : null}
              </Stack>
            ),
            csv: 'customer.reference',
          },
          {
            key: 'status',
            title: t('referral.status'),
            render: (one) => (
              <Stack gap={2} align="flex-start">
                <StatusBadge status={one.status} />
                <Text size="sm">{t(`referral.says.${one.status}`)}</Text>
                {one.reason === null ? null : (
                  <Text size="sm">{one.reason.text ?? (one.reason.code === null ? '' : reason(one.reason.code))}</Text>
                )}
                {one.status === 'rejected' ? (
                  <AppealOf
                    objectId={one.id}
                    name={one.customer?.name ?? one.customer?.reference ?? t('referral.visitor')}
                  />
                ) : null}
              </Stack>
            ),
            csv: 'status',
          },
          {
            key: 'expected',
            title: t('referral.expected'),
            align: 'right',
            render: (one) => <MoneyList values={one.expected} />,
          },
          {
            key: 'next',
            title: t('referral.next'),
            render: (one) =>
              one.next === null ? (
                '–'
              ) : (
                <Text size="sm">
                  {one.next.text} <DateText value={one.next.at} time={false} />
                </Text>
              ),
          },
          {
            key: 'createdAt',
            title: t('referral.since'),
            sort: 'createdAt',
            render: (one) => <DateText value={one.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      <Drawer
        opened={open !== null}
        onClose={() => change({ referral: '' })}
        position="right"
        size="md"
        title={t('referral.purchases')}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        {open === null ? null : <Purchases referralId={open} />}
      </Drawer>
    </>
  );
}

/** What the customer bought, as far as the program shows it (PRG-05, PRG-06). */
function Purchases({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const found = useQuery(getMeReferralsByReferralIdOptions({ path: { referralId } }));
  return (
    <Loaded query={found}>
      {({ purchases }) => (
        <Table className="resource-table">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('referral.bought')}</Table.Th>
              <Table.Th>{t('referral.status')}</Table.Th>
              <Table.Th data-align="right">{t('referral.price')}</Table.Th>
              <Table.Th data-align="right">{t('referral.earned')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {purchases.map((one) => (
              <Table.Tr key={`${one.at}-${one.amount.amount}-${one.status}`}>
                <Table.Td data-label={t('referral.bought')}>
                  <DateText value={one.at} time={false} />
                </Table.Td>
                <Table.Td data-label={t('referral.status')}>
                  <StatusBadge status={one.status} />
                  {one.code === null ? null : <Text size="sm">{reason(one.code)}</Text>}
                </Table.Td>
                <Table.Td data-label={t('referral.price')} data-align="right">
                  <MoneyText value={one.amount} />
                </Table.Td>
                <Table.Td data-label={t('referral.earned')} data-align="right">
                  <MoneyText value={one.commission} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Loaded>
  );
}
