import { Grid, Group, List, Paper, Stack, Switch, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getCommissionsByCommissionIdChangesOptions,
  getCommissionsByCommissionIdExplanationOptions,
  getCommissionsByCommissionIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { DecisionLine } from '../../../kit/DecisionLine.js';
import { Explanation } from '../../../kit/Explain.js';
import { Facts } from '../../../kit/Facts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatMoney, formatRate, type Money, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { PageHead } from '../../../kit/Shell.js';
import { humanize, StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { useReasonText } from '../../../kit/texts.js';
import { Timeline } from '../../../kit/Timeline.js';
import { UsedRules } from '../program/ruleVersion.js';
import type { Commission } from './commissionList.js';

/** One commission: what stands in its way, why this amount, what happened to it (screens.md 3.10). */
export function Screen(): ReactElement {
  const { commissionId = '' } = useParams({ strict: false }) as { commissionId?: string };
  const { t } = useTranslation();
  const [isAdjusting, setAdjusting] = useState(false);
  const query = useQuery(getCommissionsByCommissionIdOptions({ path: { commissionId } }));
  const line = query.data;
  return (
    <>
      <PageHead
        title={t('commission.one')}
        text={commissionId}
        actions={
          line === undefined ? undefined : (
            <DecisionButtons
              path={`/v1/commissions/${line.id}`}
              actions={line.allowedActions}
              custom={{ adjust: () => setAdjusting(true) }}
            />
          )
        }
      />
      <Loaded query={query} lines={8}>
        {(commission) => <Detail commission={commission} />}
      </Loaded>
      {isAdjusting && line !== undefined ? (
        <AdjustDialog commission={line} onClose={() => setAdjusting(false)} />
      ) : null}
    </>
  );
}

function Detail({ commission }: { readonly commission: Commission }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const changes = useQuery(getCommissionsByCommissionIdChangesOptions({ path: { commissionId: commission.id } }));
  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 7 }}>
        <Stack>
          <Paper withBorder p="md">
            <Group mb="sm" gap="xs">
              <StatusPill status={commission.status} objectId={commission.id} />
              {commission.onHold ? <StatusBadge status="on_hold" /> : null}
            </Group>
            <DecisionLine decision={commission.decision} />
            <Facts
              rows={[
                [t('commission.amount'), <MoneyText key="a" value={commission.amount} />],
                [t('commission.reversed'), <MoneyText key="r" value={commission.reversed} />],
                [t('commission.clawedBack'), <MoneyText key="c" value={commission.clawedBack} />],
                [t('commission.net'), <MoneyText key="n" value={commission.net} />],
                [t('commission.base'), <MoneyText key="b" value={commission.base} />],
                [t('commission.rate'), commission.ratePpm === null ? null : formatRate(commission.ratePpm)],
                [t('commission.kind'), t(`commission.kind.${commission.kind}`)],
                [t('commission.level'), commission.level],
                [t('commission.affiliate'), <AffiliateName key="f" id={commission.affiliateId} />],
                [t('commission.program'), <ProgramName key="p" id={commission.programId} />],
                [t('commission.customer'), commission.customer?.name ?? commission.customer?.reference],
                [t('commission.eligible'), <DateText key="e" value={commission.eligibleAt} />],
                [t('commission.paidAt'), <DateText key="d" value={commission.paidAt} />],
                [t('commission.referral'), linkTo('referrals', commission.referralId)],
                [t('commission.sale'), linkTo('sales', commission.saleId)],
                [t('commission.payout'), linkTo('payouts', commission.payoutId)],
              ]}
            />
          </Paper>
          {commission.blockers.length === 0 ? null : (
            <Paper withBorder p="md" component="section" aria-label={t('commission.blockers')}>
              <Title order={2} size="h4" mb="xs">
                {t('commission.blockers')}
              </Title>
              <List>
                {commission.blockers.map((one) => (
                  <List.Item key={one.code}>
                    {reason(one.code)} {one.until === null ? null : <DateText value={one.until} />}
                  </List.Item>
                ))}
              </List>
            </Paper>
          )}
          <Title order={2} size="h4">
            {t('commission.changes')}
          </Title>
          <Loaded query={changes}>
            {({ data }) => (
              <Timeline
                label={t('commission.changes')}
                entries={data.map((change) => ({
                  id: String(change.seq),
                  at: change.at,
                  title: t(`story.commission.${change.event}`, { defaultValue: humanize(change.event) }),
                  actor: t(`actor.${change.actor.type}`, { defaultValue: change.actor.type }),
                  detail: (
                    <>
                      {change.to === null ? null : <StatusBadge status={change.to} />}{' '}
                      {change.reasonCode === null ? '' : reason(change.reasonCode)}
                    </>
                  ),
                }))}
              />
            )}
          </Loaded>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 5 }}>
        <Paper withBorder p="md" component="section" aria-label={t('explain.title')}>
          <Title order={2} size="h4" mb="xs">
            {t('explain.title')}
          </Title>
          <Explanation commissionId={commission.id} />
          <UsedRules parts={commission.parts} />
        </Paper>
      </Grid.Col>
    </Grid>
  );
}

function linkTo(folder: string, id: string | null): ReactElement | null {
  return id === null ? null : <NameLink to={`/${folder}/${id}`} name={id} />;
}

/**
 * The new net of a commission: the API books a cut or a raise as entries of its own (api.md 9.2). It is set for the line and what it was
 * raised by together, so that is what the dialog begins with: the line's own net, sent back unchanged, would cut the raise.
 */
export function AdjustDialog({
  commission,
  onClose,
}: {
  readonly commission: Commission;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const explained = useQuery(getCommissionsByCommissionIdExplanationOptions({ path: { commissionId: commission.id } }));
  const now = (explained.data as { readonly netWithRaises?: Money } | undefined)?.netWithRaises;
  const [wanted, setWanted] = useState<string | null>(null);
  const amount = wanted ?? now?.amount ?? '';
  const [reason, setReason] = useState('');
  const [skipHold, setSkipHold] = useState(false);
  return (
    <FormDialog
      title={t('commission.adjust')}
      submit={t('action.adjust')}
      save={(key) =>
        withStepUp(() =>
          postPath(
            `/v1/commissions/${commission.id}/adjust`,
            { amount: { amount: amount.trim(), currency: commission.net.currency }, reason, skipHold },
            key,
          ),
        )
      }
      onClose={onClose}
    >
      {() => (
        <>
          <Text size="sm">{t('commission.adjustText')}</Text>
          {now === undefined || now.amount === commission.net.amount ? null : (
            <Text size="sm">
              {t('commission.adjustRaised', { net: formatMoney(commission.net), all: formatMoney(now) })}
            </Text>
          )}
          <TextInput
            label={t('commission.newNet', { currency: commission.net.currency })}
            value={amount}
            onChange={(event) => setWanted(event.currentTarget.value)}
            inputMode="decimal"
            required
          />
          <Textarea
            label={t('commission.adjustReason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            required
          />
          <Switch
            label={t('commission.skipHold')}
            checked={skipHold}
            onChange={(event) => setSkipHold(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
