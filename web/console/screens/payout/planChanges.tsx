import { Alert, Anchor, List, NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getPayoutRunsByRunIdChangesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { PayoutRun, PayoutRunChange, PayoutRunPlan } from '../../../client/types.gen.js';
import { formatInstant, useZone } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { formatMoney, MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useReasonText } from '../../../kit/texts.js';

type Row = PayoutRunChange & { readonly id: string };
type Side = NonNullable<PayoutRunChange['before']>;

/** The present plan and those before it, the newest first; undefined while there is nothing to compare. */
export interface PlanHistory {
  readonly present: PayoutRunPlan;
  readonly earlier: readonly [PayoutRunPlan, ...PayoutRunPlan[]];
}

export function planHistoryOf(plans: readonly PayoutRunPlan[]): PlanHistory | undefined {
  const present = plans.find((plan) => plan.isCurrent);
  if (present === undefined) return undefined;
  const [before, ...others] = plans.filter((plan) => plan.planVersion < present.planVersion);
  return before === undefined ? undefined : { present, earlier: [before, ...others] };
}

/** Says beside the head that the plan is another one than before, and what it pays more or less (screens.md 5). */
export function PlanChanged({
  run,
  history,
  onShow,
}: {
  readonly run: PayoutRun;
  readonly history: PlanHistory;
  readonly onShow: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const {
    present,
    earlier: [before],
  } = history;
  // One line is asked for; what is looked at is how many there are.
  const changes = useQuery({
    ...getPayoutRunsByRunIdChangesOptions({
      path: { runId: run.id },
      query: { since: before.planVersion, limit: 1, include: 'counts' },
    }),
    refetchInterval: 30_000,
    refetchIntervalInBackground: false,
  });
  const currencies = [...new Set([...before.payable, ...present.payable].map((one) => one.currency))].sort();
  const sums = currencies.flatMap((currency) => {
    const of = (plan: PayoutRunPlan): string =>
      formatMoney(plan.payable.find((one) => one.currency === currency)?.amount ?? { amount: '0', currency });
    return of(before) === of(present) ? [] : [`${of(before)} → ${of(present)}`];
  });
  return (
    <Alert variant="outline" color="river" c="var(--mantine-color-text)" title={t('run.changed')}>
      {changes.data?.counts === undefined ? null : (
        <Text size="sm">
          {t('run.changedText', {
            before: before.planVersion,
            after: present.planVersion,
            count: changes.data.counts.total,
          })}
        </Text>
      )}
      {changes.error === null ? null : <ErrorView error={changes.error} />}
      {sums.length === 0 ? (
        <Text size="sm">{t('run.changedSame')}</Text>
      ) : (
        <List size="sm">
          {sums.map((sum) => (
            <List.Item key={sum}>{sum}</List.Item>
          ))}
        </List>
      )}
      {before.approvedAt === null ? null : (
        <Text size="sm">{t('run.changedApproval', { before: before.planVersion })}</Text>
      )}
      <Anchor component="button" type="button" size="sm" underline="always" onClick={onShow}>
        {t('run.changesShow')}
      </Anchor>
    </Alert>
  );
}

/** Everybody whose line is another one than in an earlier plan: that before, or one of the choice. */
export function PlanChanges({
  run,
  history,
}: {
  readonly run: PayoutRun;
  readonly history: PlanHistory;
}): ReactElement {
  const { t } = useTranslation();
  const zone = useZone();
  const [chosen, setChosen] = useState<string | null>(null);
  const isThere = history.earlier.some((plan) => String(plan.planVersion) === chosen);
  const since = isThere && chosen !== null ? chosen : String(history.earlier[0].planVersion);
  const list = (query: Readonly<Record<string, string>>) => ({
    ...getPayoutRunsByRunIdChangesOptions({ path: { runId: run.id }, query: query as never }),
    select: (page: { readonly data: readonly PayoutRunChange[] }) => ({
      ...page,
      data: page.data.map((change) => ({ ...change, id: `${change.affiliateId}-${change.currency}` })),
    }),
  });
  return (
    <Stack>
      {history.earlier.length > 1 ? (
        <NativeSelect
          label={t('run.changesSince')}
          maw={420}
          value={since}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={history.earlier.map((plan) => ({
            value: String(plan.planVersion),
            label: t(plan.approvedAt === null ? 'run.changesPlan' : 'run.changesPlanApproved', {
              version: plan.planVersion,
              when: formatInstant(plan.plannedAt, zone, true),
            }),
          }))}
        />
      ) : null}
      <ResourceTable<Row>
        key={`${since}-${history.present.planHash}`}
        screen="run-changes"
        label={t('run.tab.changes')}
        fixed={{ since }}
        include="counts"
        list={(query) => list(query) as never}
        rowLabel={(row) => row.name}
        rowHref={(row) => `/affiliates/${row.affiliateId}`}
        empty={{ title: t('run.changesNone') }}
        columns={[
          {
            key: 'affiliate',
            title: t('run.affiliate'),
            sort: 'affiliateId',
            render: (row) => row.name,
            csv: 'name',
          },
          {
            key: 'before',
            title: t('run.changeBefore'),
            align: 'right',
            render: (row) => <SideText side={row.before} />,
            csv: 'before.net',
          },
          {
            key: 'after',
            title: t('run.changeAfter'),
            align: 'right',
            render: (row) => <SideText side={row.after} />,
            csv: 'after.net',
          },
          {
            key: 'difference',
            title: t('run.changeDifference'),
            align: 'right',
            render: (row) => <MoneyText value={row.difference} kind="difference" />,
            csv: 'difference',
          },
          {
            key: 'what',
            title: t('run.changeWhat'),
            render: (row) => <What row={row} />,
          },
        ]}
      />
    </Stack>
  );
}

function SideText({ side }: { readonly side: PayoutRunChange['before'] }): ReactElement {
  const { t } = useTranslation();
  if (side === null) return <Text span>{t('run.changeNotThere')}</Text>;
  return side.outcome === 'paid' ? <MoneyText value={side.net} /> : <Text span>{t('run.changeNotPaid')}</Text>;
}

/** Of one line all that is different, in words. */
function What({ row }: { readonly row: Row }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const { before, after } = row;
  const words = (side: Side): string => side.reasons.map((code) => reason(code)).join(', ');
  const method = (side: Side): string =>
    side.method === null ? '–' : `${t(`method.${side.method.type}`)} ${side.method.masked}`;
  const said: string[] = [];
  if (before !== null && after !== null) {
    if (words(before) !== words(after))
      said.push(
        after.outcome === 'paid'
          ? t('run.changeNoReason', { reasons: words(before) })
          : t('run.changeReasons', { reasons: words(after) }),
      );
    if (before.commissions !== after.commissions)
      said.push(t('run.changeCount', { before: before.commissions, after: after.commissions }));
    if (before.owed.amount !== after.owed.amount)
      said.push(t('run.changeOwed', { before: formatMoney(before.owed), after: formatMoney(after.owed) }));
    if (before.outcome === after.outcome && method(before) !== method(after))
      said.push(t('run.changeMethod', { before: method(before), after: method(after) }));
  } else if (after?.outcome === 'not_paid') said.push(t('run.changeReasons', { reasons: words(after) }));
  if (said.length === 0 && before !== null && after !== null) said.push(t('run.changeParts'));
  return (
    <List size="sm" listStyleType="none">
      {said.map((one) => (
        <List.Item key={one}>{one}</List.Item>
      ))}
    </List>
  );
}
