import { Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeReferralsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnReferral } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { Customer } from './earningList.js';

const statuses = ['tracking', 'pending', 'approved', 'rejected', 'expired', 'merged'] as const;

/** Whom I brought, how far they are, what comes next, in plain words; people appear as the program allows (screens.md 6). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <>
      <PageHead title={t('referral.title')} text={t('referral.text')} />
      <ResourceTable<OwnReferral>
        screen="own-referrals"
        label={t('referral.title')}
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
            render: (one) => <Customer customer={one.customer} note={t('referral.visitor')} />,
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
    </>
  );
}
