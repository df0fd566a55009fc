import { Badge, Drawer, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeCommissionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnCommission } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { tones } from '../../../kit/theme.js';
import { AppealOf } from './appealOf.js';
import { EarningTabs } from './earningTabs.js';
import { OwnExplanation } from './ownExplanation.js';

const statuses = ['pending', 'approved', 'paid', 'rejected', 'reversed'] as const;
const lists = ['pending', 'payable', 'history'] as const;

/** Every line of what is earned, with why this amount, what it waits for and, where it was refused, the reason (screens.md 6). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const open = search['explain'] ?? null;
  return (
    <>
      <PageHead title={t('earning.title')} text={t('earning.text')} />
      <EarningTabs current="commissions" />
      <ResourceTable<OwnCommission>
        screen="own-earnings"
        label={t('earning.title')}
        hasText
        include="counts,sums"
        list={(query) => getMeCommissionsOptions({ query: query as never }) as never}
        rowLabel={(line) => line.customer?.name ?? line.customer?.reference ?? line.id}
        filters={[
          {
            field: 'status',
            label: t('earning.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'list',
            label: t('earning.list'),
            options: lists.map((value) => ({ value, label: t(`earning.list.${value}`) })),
          },
        ]}
        empty={{ title: t('earning.none'), text: t('earning.noneText') }}
        columns={[
          {
            key: 'createdAt',
            title: t('earning.date'),
            sort: 'createdAt',
            render: (line) => <DateText value={line.createdAt} time={false} />,
            csv: 'createdAt',
          },
          {
            key: 'customer',
            title: t('earning.customer'),
            render: (line) => <Customer customer={line.customer} note={line.note ?? t(`kind.${line.kind}`)} />,
            csv: 'customer.reference',
          },
          {
            key: 'net',
            title: t('earning.amount'),
            align: 'right',
            render: (line) => <MoneyText value={line.net} onExplain={() => change({ explain: line.id })} />,
            csv: 'net',
          },
          {
            key: 'status',
            title: t('earning.status'),
            render: (line) => <LineStatus line={line} />,
            csv: 'status',
          },
          {
            key: 'paidAt',
            title: t('earning.paidAt'),
            hidden: true,
            render: (line) => <DateText value={line.paidAt} time={false} />,
            csv: 'paidAt',
          },
        ]}
      />
      <Drawer
        opened={open !== null}
        onClose={() => change({ explain: '' })}
        position="right"
        size="md"
        title={t('explain.title')}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        {open === null ? null : <OwnExplanation commissionId={open} />}
      </Drawer>
    </>
  );
}

/** A customer as the program lets affiliates see them; a masked one says that it is. */
export function Customer({
  customer,
  note = '–',
}: {
  readonly customer: OwnCommission['customer'];
  /** What stands there without a customer. */
  readonly note?: string;
}): ReactElement {
  const { t } = useTranslation();
  if (customer === null) return <Text span>{note}</Text>;
  return (
    <Stack gap={0} align="flex-start">
      <Text span>{customer.name ?? customer.reference}</Text>
      {customer.email === null ? null : (
        <Text span size="sm" c="dimmed">
          {customer.email}
        </Text>
      )}
      {customer.masked ? (
        <Text span size="sm" c="dimmed">
          {t('earning.masked')}
        </Text>
      ) : null}
    </Stack>
  );
}

function LineStatus({ line }: { readonly line: OwnCommission }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge status={line.status} />
      {line.onHold ? (
        <Badge autoContrast={false} styles={{ root: { ...tones.wait, border: 0 } }} component="span">
          {t('status.on_hold')}
        </Badge>
      ) : null}
      {line.waitsFor.map((one) => (
        <Text key={one.code} size="sm" c="dimmed">
          {reason(one.code)}
          {one.until === null ? null : (
            <>
              {' '}
              {t('earning.until')} <DateText value={one.until} time={false} />
            </>
          )}
        </Text>
      ))}
      {line.reason === null ? null : (
        <Text size="sm">{line.reason.text ?? (line.reason.code === null ? '' : reason(line.reason.code))}</Text>
      )}
      {line.status === 'rejected' ? (
        <AppealOf objectId={line.id} name={line.customer?.name ?? line.customer?.reference ?? t(`kind.${line.kind}`)} />
      ) : null}
    </Stack>
  );
}
