import { Anchor, Code, Group, NativeSelect, Paper, Stack, Table, Tabs, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getPayoutsByPayoutIdAttemptsOptions,
  getPayoutsByPayoutIdLinesOptions,
  getPayoutsByPayoutIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Payout } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { ExplainDrawer } from '../../../kit/Explain.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatMoney, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatementButtons } from '../../../kit/StatementButtons.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { ObjectHistory } from '../audit/objectHistory.js';
import { PayoutStatus } from './payoutTable.js';
import { ConfirmDialog } from './confirmDialog.js';

const outcomes = ['paid', 'refused', 'returned'] as const;

/** One payout: its lines, every attempt with the key it was sent under, and the ways on that are open now (screens.md 3.17). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { payoutId = '' } = useParams({ strict: false }) as { payoutId?: string };
  const payout = useQuery({
    ...getPayoutsByPayoutIdOptions({ path: { payoutId } }),
    refetchInterval: 5_000,
    refetchIntervalInBackground: false,
  });
  return (
    <>
      <PageHead title={t('payout.title')} text={payoutId} />
      <Loaded query={payout} lines={6}>
        {(found) => <OnePayout payout={found} />}
      </Loaded>
    </>
  );
}

function OnePayout({ payout }: { readonly payout: Payout }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const reason = useReasonText();
  const [asking, setAsking] = useState<'mark_paid' | 'resolve' | 'approve' | null>(null);
  const path = `/v1/payouts/${payout.id}`;
  const close = (): void => setAsking(null);
  return (
    <Stack>
      <Group>
        <PayoutStatus payout={payout} />
        <DecisionButtons
          path={path}
          actions={payout.allowedActions}
          custom={{
            mark_paid: () => setAsking('mark_paid'),
            resolve: () => setAsking('resolve'),
            approve: () => setAsking('approve'),
          }}
        />
      </Group>
      <Text fz="1.9rem" fw={600}>
        <MoneyText value={payout.amount} />
      </Text>
      {payout.attempt?.nextLookAt === null || payout.attempt === null ? null : (
        <Text role="status">
          {t('payout.nextLook')} <DateText value={payout.attempt.nextLookAt} />
        </Text>
      )}
      {payout.attempt?.proposal === null || payout.attempt === null ? null : (
        <Text fw={600}>
          {t('payout.proposed', {
            by: payout.attempt.proposal.by ?? '–',
            outcome: t(`status.${payout.attempt.proposal.outcome}`),
          })}
        </Text>
      )}
      {payout.problem === null ? null : (
        <Text role="status">
          {t(`payout.problemText.${payout.problem}`)}
          {payout.attempt?.code === null || payout.attempt === null ? '' : ` ${reason(payout.attempt.code)}.`}
        </Text>
      )}
      <Paper withBorder p="md">
        <Facts
          rows={[
            [t('run.affiliate'), <AffiliateName id={payout.affiliateId} />],
            [
              t('run.title'),
              payout.runId === null ? (
                '–'
              ) : (
                <Anchor component={Link} to={`/payout-runs/${payout.runId}`} underline="always">
                  {payout.runId}
                </Anchor>
              ),
            ],
            [t('run.method'), `${t(`method.${payout.method.type}`)} ${payout.method.masked ?? ''}`],
            [t('run.commissions'), payout.commissions],
            [t('payout.dueOn'), payout.dueOn ?? '–'],
            [t('payout.paidOn'), payout.paidOn ?? '–'],
            [t('payout.reference'), payout.reference ?? '–'],
            [t('payout.secondPerson'), t(`secondPerson.${payout.secondPerson}`)],
            ...(payout.returned === null
              ? []
              : [
                  [
                    t('payout.returned'),
                    <>
                      <MoneyText value={payout.returned.amount} /> <DateText value={payout.returned.at} />
                    </>,
                  ] as const,
                ]),
          ]}
        />
      </Paper>
      <StatementButtons path={`${path}/statement`} name={`statement-${payout.id}`} />
      <Tabs defaultValue="attempts" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="attempts">{t('payout.attempts')}</Tabs.Tab>
          <Tabs.Tab value="lines">{t('payout.lines')}</Tabs.Tab>
          {can('audit.read') ? <Tabs.Tab value="history">{t('payout.history')}</Tabs.Tab> : null}
        </Tabs.List>
        <Tabs.Panel value="attempts" pt="sm">
          <Attempts payoutId={payout.id} />
        </Tabs.Panel>
        <Tabs.Panel value="lines" pt="sm">
          <Lines payoutId={payout.id} />
        </Tabs.Panel>
        <Tabs.Panel value="history" pt="sm">
          <ObjectHistory objectId={payout.id} />
        </Tabs.Panel>
      </Tabs>
      {asking === 'approve' ? (
        <ConfirmDialog
          path={path}
          verb="approve"
          title={t('payout.approveTitle')}
          button={t('payout.approveFigures', { sum: formatMoney(payout.amount) })}
          body={{}}
          onClose={close}
        >
          <Text size="sm">{t('payout.approveText')}</Text>
        </ConfirmDialog>
      ) : null}
      {asking === 'mark_paid' ? <MarkPaid payout={payout} onClose={close} /> : null}
      {asking === 'resolve' ? <Resolve payout={payout} onClose={close} /> : null}
    </Stack>
  );
}

function MarkPaid({ payout, onClose }: { readonly payout: Payout; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [reference, setReference] = useState('');
  const [paidOn, setPaidOn] = useState('');
  const [note, setNote] = useState('');
  return (
    <ConfirmDialog
      path={`/v1/payouts/${payout.id}`}
      verb="mark_paid"
      title={t('payout.markTitle')}
      button={t('payout.markFigures', { sum: formatMoney(payout.amount) })}
      body={{ reference, paidOn, ...(note === '' ? {} : { note }) }}
      onClose={onClose}
    >
      <Text size="sm" fw={600}>
        {t('payout.markText')}
      </Text>
      <TextInput
        label={t('payout.reference')}
        value={reference}
        required
        maxLength={200}
        onChange={(event) => setReference(event.currentTarget.value)}
      />
      <TextInput
        label={t('payout.paidOn')}
        type="date"
        value={paidOn}
        required
        onChange={(event) => setPaidOn(event.currentTarget.value)}
      />
      <Textarea label={t('run.note')} value={note} autosize onChange={(event) => setNote(event.currentTarget.value)} />
    </ConfirmDialog>
  );
}

function Resolve({ payout, onClose }: { readonly payout: Payout; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [outcome, setOutcome] = useState<string>('paid');
  const [evidence, setEvidence] = useState('');
  return (
    <ConfirmDialog
      path={`/v1/payouts/${payout.id}`}
      verb="resolve"
      title={t('action.resolve')}
      button={t('payout.resolveAs', { outcome: t(`status.${outcome}`) })}
      body={{ outcome, evidence }}
      onClose={onClose}
    >
      <Text size="sm">{t('payout.resolveText')}</Text>
      <NativeSelect
        label={t('payout.outcome')}
        value={outcome}
        onChange={(event) => setOutcome(event.currentTarget.value)}
        data={outcomes.map((value) => ({ value, label: t(`status.${value}`) }))}
      />
      <Textarea
        label={t('payout.evidence')}
        value={evidence}
        required
        autosize
        minRows={3}
        onChange={(event) => setEvidence(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

function Attempts({ payoutId }: { readonly payoutId: string }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const attempts = useQuery({
    ...getPayoutsByPayoutIdAttemptsOptions({ path: { payoutId } }),
    refetchInterval: 5_000,
    refetchIntervalInBackground: false,
  });
  return (
    <Loaded query={attempts}>
      {({ data }) =>
        data.length === 0 ? (
          <Text>{t('payout.noAttempts')}</Text>
        ) : (
          <Table className="resource-table">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('payout.attempt')}</Table.Th>
                <Table.Th>{t('payout.status')}</Table.Th>
                <Table.Th>{t('payout.requestKey')}</Table.Th>
                <Table.Th>{t('payout.reference')}</Table.Th>
                <Table.Th>{t('payout.at')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.map((attempt) => (
                <Table.Tr key={attempt.id}>
                  <Table.Td data-label={t('payout.attempt')}>{attempt.number}</Table.Td>
                  <Table.Td data-label={t('payout.status')}>
                    <Group gap={4}>
                      <StatusBadge status={attempt.state} />
                      {attempt.code === null ? null : <Text size="sm">{reason(attempt.code)}</Text>}
                      {attempt.needsHuman ? <Text size="sm">{t('payout.needsHuman')}</Text> : null}
                    </Group>
                  </Table.Td>
                  <Table.Td data-label={t('payout.requestKey')}>
                    <Code>{attempt.requestKey}</Code>
                  </Table.Td>
                  <Table.Td data-label={t('payout.reference')}>{attempt.gatewayReference ?? '–'}</Table.Td>
                  <Table.Td data-label={t('payout.at')}>
                    <DateText value={attempt.at} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )
      }
    </Loaded>
  );
}

function Lines({ payoutId }: { readonly payoutId: string }): ReactElement {
  const { t } = useTranslation();
  const lines = useQuery(getPayoutsByPayoutIdLinesOptions({ path: { payoutId } }));
  const [explained, setExplained] = useState<string | null>(null);
  return (
    <>
      <Loaded query={lines}>
        {({ data }) => (
          <Table className="resource-table">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('payout.line')}</Table.Th>
                <Table.Th>{t('payout.kind')}</Table.Th>
                <Table.Th>{t('payout.status')}</Table.Th>
                <Table.Th data-align="right">{t('payout.amount')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.map((line) => (
                <Table.Tr key={line.commissionId}>
                  <Table.Td data-label={t('payout.line')}>
                    <Anchor component={Link} to={`/commissions/${line.commissionId}`} underline="always">
                      {line.commissionId}
                    </Anchor>
                    {line.referralId === null ? null : (
                      <>
                        {' · '}
                        <Anchor component={Link} to={`/referrals/${line.referralId}`} underline="always">
                          {t('payout.referral')}
                        </Anchor>
                      </>
                    )}
                  </Table.Td>
                  <Table.Td data-label={t('payout.kind')}>
                    {t(`kind.${line.kind}`, { defaultValue: line.kind })}
                  </Table.Td>
                  <Table.Td data-label={t('payout.status')}>
                    <StatusBadge status={line.status} />
                  </Table.Td>
                  <Table.Td data-label={t('payout.amount')} data-align="right">
                    <MoneyText value={line.amount} onExplain={() => setExplained(line.commissionId)} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
      <ExplainDrawer commissionId={explained} onClose={() => setExplained(null)} />
    </>
  );
}
