import {
  Alert,
  Anchor,
  Button,
  Code,
  Group,
  Paper,
  Progress,
  Stack,
  Table,
  Tabs,
  Text,
  Textarea,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getGroupsOptions,
  getPayoutRunsByRunIdLinesOptions,
  getPayoutRunsByRunIdOptions,
  getPayoutRunsByRunIdPlansOptions,
  getPayoutRunsByRunIdPreviewOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { PayoutRun, PayoutRunLine, PayoutRunPreview } from '../../../client/types.gen.js';
import { postPath, readFile } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons, useDecide } from '../../../kit/DecisionButtons.js';
import { ErrorView, useProblemText } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatMoney, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useAddress } from '../../../kit/router.js';
import { saveFile } from '../../../kit/saveFile.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { ObjectHistory } from '../audit/objectHistory.js';
import { ConfirmDialog } from './confirmDialog.js';
import { PayoutTable } from './payoutTable.js';
import { PlanChanged, PlanChanges, planHistoryOf } from './planChanges.js';
import { RunFiles } from './runFiles.js';
import { Oddities, PreviewTotals, Reasons, StaysBehind } from './previewParts.js';

type Line = PayoutRunLine & { readonly id: string };
const bar = ['planning', 'planned', 'approved', 'executing', 'completed'] as const;
const tabs = ['paid', 'not_paid', 'odd', 'changes', 'payouts', 'history'] as const;
const outcomes = ['paid', 'not_paid', 'odd'] as const;

/** One run: who is paid, who is not and why, the proof, the approval by a second person, the execution (screens.md 5). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { runId = '' } = useParams({ strict: false }) as { runId?: string };
  const run = useQuery({
    ...getPayoutRunsByRunIdOptions({ path: { runId } }),
    refetchInterval: 5_000,
    refetchIntervalInBackground: false,
  });
  return (
    <>
      <PageHead title={t('run.title')} text={runId} />
      <Loaded query={run} lines={6}>
        {(found) => <Run run={found} />}
      </Loaded>
    </>
  );
}

const namesShown = 20;

/** A line of the facts with the names of some objects, or none. */
function namesOf(
  title: string,
  ids: readonly string[],
  name: (id: string) => ReactElement,
): readonly (readonly [string, ReactElement])[] {
  if (ids.length === 0) return [];
  const rest = ids.length - namesShown;
  return [
    [
      title,
      <Group key={title} gap="xs">
        {ids.slice(0, namesShown).map(name)}
        {rest > 0 ? <Text span inherit>{`+${rest}`}</Text> : null}
      </Group>,
    ],
  ];
}

/** A group by name; its id for people who may not read groups. */
function GroupName({ id }: { readonly id: string }): ReactElement {
  const mayRead = useCan()('group.read');
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), staleTime: 60_000, enabled: mayRead });
  return (
    <Text span inherit>
      {groups.data?.data.find((one) => one.id === id)?.name ?? id}
    </Text>
  );
}

function Run({ run }: { readonly run: PayoutRun }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const [asking, setAsking] = useState<{
    readonly verb: 'approve' | 'execute';
    readonly preview: PayoutRunPreview;
  } | null>(null);
  const isPlanned = run.status !== 'planning';
  const preview = useQuery({
    ...getPayoutRunsByRunIdPreviewOptions({ path: { runId: run.id } }),
    enabled: isPlanned,
    refetchInterval: 5_000,
    refetchIntervalInBackground: false,
  });
  // Run and preview are read apart: what was read while the plan was being made has no figures, and is not to be approved.
  const ask = (verb: 'approve' | 'execute'): void => {
    preview
      .refetch()
      .then(({ data, isSuccess }) => {
        if (isSuccess && data.planHash !== null) setAsking({ verb, preview: data });
      })
      .catch(() => undefined); // shown by the query itself
  };
  const plans = useQuery({
    ...getPayoutRunsByRunIdPlansOptions({ path: { runId: run.id } }),
    enabled: isPlanned && run.planVersion > 1,
    refetchInterval: 5_000,
    refetchIntervalInBackground: false,
  });
  const history = plans.data === undefined ? undefined : planHistoryOf(plans.data.data);
  const isShown: Readonly<Partial<Record<(typeof tabs)[number], boolean>>> = {
    history: can('audit.read'),
    changes: history !== undefined,
  };
  const shownTabs = tabs.filter((one) => isShown[one] ?? true);
  const tab = shownTabs.find((one) => one === search['tab']) ?? 'paid';
  const show = (next: string): void =>
    change({ tab: next, cursor: '', page: '', sort: '', status: '', problem: '', cols: '' });
  // What the run was limited to; a limit that was not set says nothing.
  const scope = [
    ...namesOf(t('run.programs'), run.programIds, (id) => <ProgramName key={id} id={id} />),
    ...namesOf(t('run.groups'), run.groupIds, (id) => <GroupName key={id} id={id} />),
    ...namesOf(t('run.affiliates'), run.affiliateIds, (id) => <AffiliateName key={id} id={id} />),
    ...namesOf(t('run.methods'), run.methodTypes, (type) => (
      <Text key={type} span inherit>
        {t(`method.${type}`)}
      </Text>
    )),
    ...namesOf(t('run.excluded'), run.excludedAffiliateIds, (id) => <AffiliateName key={id} id={id} />),
  ];
  return (
    <Stack>
      <RunBar run={run} />
      <Group>
        <StatusPill status={run.paused ? 'paused' : run.status} objectId={run.id} />
        <DecisionButtons
          path={`/v1/payout-runs/${run.id}`}
          actions={run.allowedActions}
          only={['approve', 'execute', 'pause', 'resume', 'replan', 'cancel']}
          custom={{ approve: () => ask('approve'), execute: () => ask('execute') }}
        />
      </Group>
      {run.secondPerson === 'single_person' ? (
        <Alert variant="outline" color="river" c="var(--mantine-color-text)" title={t('run.singlePerson')}>
          {t('run.singlePersonText')}
        </Alert>
      ) : null}
      <Paper withBorder p="md">
        <Facts
          rows={[
            [t('run.currencies'), run.currencies.length === 0 ? t('run.all') : run.currencies.join(', ')],
            ...scope,
            [t('run.cutOff'), <DateText value={run.cutOffAt} />],
            [t('run.payAt'), run.payAt === null ? t('run.payByHand') : <DateText value={run.payAt} />],
            [t('run.created'), <DateText value={run.createdAt} />],
            [t('run.planVersion'), run.planVersion],
            ...(run.approvedAt === null ? [] : [[t('run.approvedAt'), <DateText value={run.approvedAt} />] as const]),
            ...(run.executedAt === null ? [] : [[t('run.executedAt'), <DateText value={run.executedAt} />] as const]),
            ...(run.completedAt === null
              ? []
              : [[t('run.completedAt'), <DateText value={run.completedAt} />] as const]),
            ...(run.note === null ? [] : [[t('run.note'), run.note] as const]),
          ]}
        />
      </Paper>
      {history === undefined || run.status === 'cancelled' ? null : (
        <PlanChanged run={run} history={history} onShow={() => show('changes')} />
      )}
      {plans.error === null ? null : <ErrorView error={plans.error} />}
      <RunProgress run={run} />
      {run.status === 'planning' || run.status === 'planned' || run.status === 'cancelled' ? null : (
        <RunFiles run={run} />
      )}
      {asking?.verb === 'approve' ? (
        <ApproveDialog run={run} preview={asking.preview} onClose={() => setAsking(null)} />
      ) : null}
      {asking?.verb === 'execute' ? (
        <ExecuteDialog run={run} preview={asking.preview} onClose={() => setAsking(null)} />
      ) : null}
      {isPlanned ? (
        <Loaded query={preview}>
          {(found) => (
            <Stack>
              <PreviewTotals preview={found} />
              <Proof preview={found} />
            </Stack>
          )}
        </Loaded>
      ) : (
        <Text role="status">{t('run.isPlanning')}</Text>
      )}
      {isPlanned ? (
        <Tabs value={tab} onChange={(next) => show(next ?? 'paid')} keepMounted={false}>
          <Tabs.List>
            {shownTabs.map((one) => (
              <Tabs.Tab key={one} value={one}>
                {t(`run.tab.${one}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {outcomes.map((outcome) => (
            <Tabs.Panel key={outcome} value={outcome} pt="sm">
              {outcome === 'not_paid' ? <NotifyUnpaid run={run} /> : null}
              <Lines run={run} outcome={outcome} />
            </Tabs.Panel>
          ))}
          {history === undefined ? null : (
            <Tabs.Panel value="changes" pt="sm">
              <PlanChanges run={run} history={history} />
            </Tabs.Panel>
          )}
          {can('audit.read') ? (
            <Tabs.Panel value="history" pt="sm">
              <ObjectHistory objectId={run.id} />
            </Tabs.Panel>
          ) : null}
          <Tabs.Panel value="payouts" pt="sm">
            <PayoutTable screen="run-payouts" fixed={{ runId: run.id }} pollMs={5_000} />
          </Tabs.Panel>
        </Tabs>
      ) : null}
    </Stack>
  );
}

/** Where the run stands. */
function RunBar({ run }: { readonly run: PayoutRun }): ReactElement {
  const { t } = useTranslation();
  const stands = bar.indexOf(run.status as (typeof bar)[number]);
  if (stands < 0) return <StatusBadge status={run.status} />;
  return (
    <Group component="ol" gap={6} m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('run.bar')}>
      {bar.map((status, index) => (
        <Group
          component="li"
          key={status}
          gap={6}
          wrap="nowrap"
          {...(index === stands ? { 'aria-current': 'step' } : {})}
        >
          <Text size="sm" fw={index === stands ? 700 : 400} c={index > stands ? 'dimmed' : undefined}>
            {index < stands ? '✓ ' : index === stands ? '● ' : '○ '}
            {t(`status.${status}`)}
          </Text>
          {index < bar.length - 1 ? (
            <Text size="sm" c="dimmed" aria-hidden="true">
              →
            </Text>
          ) : null}
        </Group>
      ))}
    </Group>
  );
}

function RunProgress({ run }: { readonly run: PayoutRun }): ReactElement | null {
  const { t } = useTranslation();
  const { draft, pending, paid, cancelled, problems } = run.progress;
  const total = draft + pending + paid;
  if (total + cancelled === 0) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('run.progress')}>
      <Text role="status" mb="xs">
        {t('run.progressText', { paid, pending, draft, cancelled })}
      </Text>
      <Progress value={total === 0 ? 0 : (100 * paid) / total} aria-label={t('run.progress')} />
      {problems.length === 0 ? null : (
        <Stack gap={4} mt="xs" component="ul" pl="md" mb={0}>
          {problems.map((one) => (
            <li key={one.payoutId}>
              <Anchor component={Link} to={`/payouts/${one.payoutId}`} size="sm" underline="always">
                {`${t(`problemOf.${one.problem}`)} · ${one.payoutId}`}
              </Anchor>
            </li>
          ))}
        </Stack>
      )}
    </Paper>
  );
}

/** Control totals before and after, and the hash that the approval names. */
function Proof({ preview }: { readonly preview: PayoutRunPreview }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md" component="section" aria-label={t('run.proof')}>
      <Title order={2} size="h4">
        {t('run.proof')}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {t('run.proofText')}
      </Text>
      <ScrollRegion label={t('run.proofTable')}>
        <Table className="resource-table">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('run.currency')}</Table.Th>
              <Table.Th data-align="right">{t('run.payableBefore')}</Table.Th>
              <Table.Th data-align="right">{t('run.payableAfter')}</Table.Th>
              <Table.Th>{t('run.linesEqual')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {preview.proof.map((one) => (
              <Table.Tr key={one.currency}>
                <Table.Td data-label={t('run.currency')}>{one.currency}</Table.Td>
                <Table.Td data-label={t('run.payableBefore')} data-align="right">
                  <MoneyText value={one.payableBefore} />
                </Table.Td>
                <Table.Td data-label={t('run.payableAfter')} data-align="right">
                  <MoneyText value={one.payableAfter} />
                </Table.Td>
                <Table.Td data-label={t('run.linesEqual')}>
                  {one.linesEqualTotals ? `✓ ${t('run.yes')}` : `✕ ${t('run.no')}`}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollRegion>
      {preview.planHash === null ? null : (
        <Text size="sm" mt="xs">
          {t('run.planHash')} <Code data-testid="plan-hash">{preview.planHash}</Code>
        </Text>
      )}
      {preview.runId === null ? null : <RunPaper runId={preview.runId} />}
    </Paper>
  );
}

/** The whole run as pages, with the hash that an approval is for. */
function RunPaper({ runId }: { readonly runId: string }): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const print = useMutation({
    mutationFn: async () =>
      saveFile(
        `payout-run-${runId}.pdf`,
        await readFile(`/v1/payout-runs/${runId}/proof`, { format: 'pdf' }),
        'application/pdf',
      ),
  });
  if (!can('export.create')) return null;
  return (
    <Stack gap="xs" mt="sm" align="flex-start">
      <Button variant="default" size="compact-md" loading={print.isPending} onClick={() => print.mutate()}>
        {t('run.paper')}
      </Button>
      {print.error === null ? null : <ErrorView error={print.error} />}
    </Stack>
  );
}

function Lines({
  run,
  outcome,
}: {
  readonly run: PayoutRun;
  readonly outcome: (typeof outcomes)[number];
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const problemText = useProblemText();
  const mayEdit = run.allowedActions.includes('exclude');
  const mayInclude = run.allowedActions.includes('include');
  const edit = (verb: 'exclude' | 'include', affiliateId: string): void => {
    decide({ path: `/v1/payout-runs/${run.id}`, verb, body: { affiliateIds: [affiliateId] } }).catch((error: unknown) =>
      notifications.show({ title: problemText(error).title, message: problemText(error).detail, color: 'red' }),
    );
  };
  const isOut = (line: Line): boolean => run.excludedAffiliateIds.includes(line.affiliateId);
  const actions = (line: Line): ReactElement | null => {
    if (isOut(line))
      return mayInclude ? (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => edit('include', line.affiliateId)}
          aria-label={t('run.includeOne', { name: line.name })}
        >
          {t('action.include')}
        </Button>
      ) : null;
    return mayEdit ? (
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => edit('exclude', line.affiliateId)}
        aria-label={t('run.excludeOne', { name: line.name })}
      >
        {t('action.exclude')}
      </Button>
    ) : null;
  };
  const list = (query: Readonly<Record<string, string>>) => ({
    ...getPayoutRunsByRunIdLinesOptions({ path: { runId: run.id }, query: query as never }),
    // A line is one per affiliate and currency: that is what it is called by.
    select: (page: { readonly data: readonly PayoutRunLine[] }) => ({
      ...page,
      data: page.data.map((line) => ({ ...line, id: `${line.affiliateId}-${line.currency}` })),
    }),
  });
  const affiliate = {
    key: 'affiliate',
    title: t('run.affiliate'),
    sort: 'affiliateId',
    render: (line: Line) => line.name,
    csv: 'name' as const,
  };
  const columns =
    outcome === 'not_paid'
      ? [
          affiliate,
          {
            key: 'owed',
            title: t('run.owed'),
            align: 'right' as const,
            render: (line: Line) => <MoneyText value={line.owed} />,
            csv: 'owed' as const,
          },
          {
            key: 'reasons',
            title: t('run.why'),
            render: (line: Line) => <Reasons reasons={line.reasons} />,
            csv: 'reasons' as const,
          },
        ]
      : [
          affiliate,
          {
            key: 'commissions',
            title: t('run.commissions'),
            align: 'right' as const,
            render: (line: Line) => line.commissions,
            csv: 'commissions' as const,
          },
          {
            key: 'gross',
            title: t('run.gross'),
            align: 'right' as const,
            render: (line: Line) => <MoneyText value={line.gross} />,
            csv: 'gross' as const,
          },
          {
            key: 'corrections',
            title: t('run.corrections'),
            align: 'right' as const,
            render: (line: Line) => <MoneyText value={line.corrections} />,
            csv: 'corrections' as const,
          },
          {
            key: 'carried',
            title: t('run.carried'),
            align: 'right' as const,
            render: (line: Line) => <MoneyText value={line.carried} />,
            csv: 'carried' as const,
          },
          {
            key: 'net',
            title: t('run.net'),
            align: 'right' as const,
            render: (line: Line) => <MoneyText value={line.net} />,
            csv: 'net' as const,
          },
          {
            key: 'staysBehind',
            title: t('run.staysBehind'),
            render: (line: Line) => <StaysBehind line={line} />,
          },
          {
            key: 'method',
            title: t('run.method'),
            render: (line: Line) =>
              line.method === null ? '–' : `${t(`method.${line.method.type}`)} ${line.method.masked}`,
            csv: 'method.type' as const,
          },
          {
            key: 'odd',
            title: t('run.odd'),
            render: (line: Line) => <Oddities codes={line.oddities} />,
            csv: 'oddities' as const,
          },
        ];
  return (
    <ResourceTable<Line>
      screen={`run-${outcome}`}
      label={t(`run.tab.${outcome}`)}
      hasText
      pollMs={5_000}
      fixed={{ outcome }}
      list={(query) => list(query) as never}
      rowLabel={(line) => line.name}
      rowHref={(line) => `/affiliates/${line.affiliateId}`}
      {...(mayEdit || mayInclude ? { rowActions: actions } : {})}
      rowKeys={{
        h: (line) => {
          if (isOut(line) ? mayInclude : mayEdit) edit(isOut(line) ? 'include' : 'exclude', line.affiliateId);
        },
      }}
      empty={{ title: t(`run.empty.${outcome}`) }}
      columns={columns}
    />
  );
}

/** Asks those who are left out for want of payout details for them (PAY-16); each is told once per run. */
function NotifyUnpaid({ run }: { readonly run: PayoutRun }): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const ask = useMutation({
    mutationFn: () =>
      postPath<{ readonly asked: number; readonly told: number }>(`/v1/payout-runs/${run.id}/notify-unpaid`, {}),
  });
  if (!can('payout.prepare') || run.status === 'planning' || run.status === 'cancelled') return null;
  return (
    <Group mb="sm">
      <Button variant="default" loading={ask.isPending} onClick={() => ask.mutate()}>
        {t('run.askUnpaid')}
      </Button>
      {ask.data === undefined ? null : (
        <Text size="sm" role="status">
          {t('run.askedUnpaid', { ...ask.data })}
        </Text>
      )}
      {ask.error === null ? null : <ErrorView error={ask.error} />}
    </Group>
  );
}

/** The figures once more in words: what the button does. */
function Figures({ preview }: { readonly preview: PayoutRunPreview }): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack gap={4} component="ul" m={0} pl="md">
      {preview.totals
        .filter((total) => total.payable.affiliates > 0)
        .map((total) => (
          <li key={total.currency}>
            <MoneyText value={total.payable.amount} /> {t('run.toAffiliates', { count: total.payable.affiliates })}
          </li>
        ))}
    </Stack>
  );
}

function ApproveDialog({
  run,
  preview,
  onClose,
}: {
  readonly run: PayoutRun;
  readonly preview: PayoutRunPreview;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  // What the dialog was opened with is what is approved; a plan that changes meanwhile is refused with plan_changed.
  const [reason, setReason] = useState('');
  // Each currency is named: one figure alone would say less than what is approved (screens.md 1.9).
  const sums = preview.totals
    .filter((total) => total.payable.affiliates > 0)
    .map(({ payable }) => `${formatMoney(payable.amount)} ${t('run.toAffiliates', { count: payable.affiliates })}`);
  return (
    <ConfirmDialog
      path={`/v1/payout-runs/${run.id}`}
      verb="approve"
      title={t('run.approveTitle')}
      button={sums.length === 0 ? t('run.approve') : t('run.approveFigures', { sums: sums.join(', ') })}
      body={{ planHash: preview.planHash, ...(reason === '' ? {} : { reason }) }}
      onClose={onClose}
    >
      <Text size="sm">{t('run.approveText')}</Text>
      <Figures preview={preview} />
      <Text size="sm">
        {t('run.planHash')} <Code>{preview.planHash}</Code>
      </Text>
      {preview.secondPerson === 'single_person' ? (
        <Text size="sm" fw={600}>
          {t('run.singlePersonText')}
        </Text>
      ) : null}
      <Textarea
        label={t('decision.reason')}
        value={reason}
        maxLength={500}
        autosize
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

function ExecuteDialog({
  run,
  preview,
  onClose,
}: {
  readonly run: PayoutRun;
  readonly preview: PayoutRunPreview;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <ConfirmDialog
      path={`/v1/payout-runs/${run.id}`}
      verb="execute"
      title={t('run.executeTitle')}
      button={t('run.executeNow')}
      body={{}}
      onClose={onClose}
    >
      <Text size="sm">{t('run.executeText')}</Text>
      <Figures preview={preview} />
    </ConfirmDialog>
  );
}
