import { Alert, Anchor, Button, Group, Modal, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getConsoleSystemOptions, getWorkflowsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postWorkflowsRehydrate } from '../../../client/sdk.gen.js';
import type { ConsoleSystem } from '../../../client/types.gen.js';
import { DateText, zoneLabel } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { type Tone, tones } from '../../../kit/theme.js';
import { FreezePanel } from '../payout/freezePanel.js';

/** A message that waits longer than this is worth a look. Milliseconds. */
const slowMs = 60_000;
/** A day: what is lost with the machine after that is more than somebody can remember. */
const backupDueMs = 86_400_000;

/** Is everything at work, and what is not? Nobody needs to know the engine to read it (screens.md 3.24). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const query = useQuery({ ...getConsoleSystemOptions(), refetchInterval: 5_000 });
  const mayWrite = useCan()('system.write');
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <PageHead
        title={t('system.title')}
        text={t('system.text')}
        actions={
          mayWrite ? (
            <Button variant="default" onClick={() => setAsking(true)}>
              {t('system.rehydrate')}
            </Button>
          ) : undefined
        }
      />
      <Loaded query={query}>{(system) => <SystemParts system={system} />}</Loaded>
      {isAsking ? <Rehydrate onClose={() => setAsking(false)} /> : null}
    </>
  );
}

function Mark({ isGood, text }: { readonly isGood: boolean; readonly text: string }): ReactElement {
  const tone: Tone = isGood ? 'good' : 'bad';
  return (
    <Text span size="sm" fw={600} px={8} py={2} style={{ ...tones[tone], borderRadius: 8 }} data-good={isGood}>
      <span aria-hidden="true">{isGood ? '✓' : '✕'}</span> {text}
    </Text>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    // Without a name of its own: the scrolled table inside carries it, and two landmarks of one name cannot be told apart.
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** A small table that becomes a scrolled region on a phone. */
function Rows({
  label,
  head,
  rows,
}: {
  readonly label: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly ReactNode[])[];
}): ReactElement {
  return (
    <ScrollRegion label={label}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {head.map((one) => (
              <Table.Th key={one} scope="col">
                {one}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            <Table.Tr key={index}>
              {row.map((cell, at) =>
                at === 0 ? (
                  <Table.Th key={at} scope="row">
                    {cell}
                  </Table.Th>
                ) : (
                  <Table.Td key={at}>{cell}</Table.Td>
                ),
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollRegion>
  );
}

function SystemParts({ system }: { readonly system: ConsoleSystem }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { engine, audit } = system;
  const isIdle = engine?.queues.some((one) => one.pollers === 0) === true;
  const frozen = system.gateways.filter((one) => one.frozenAt !== null);
  return (
    <Stack>
      {engine === null ? (
        <Alert variant="outline" color="red" role="alert" title={t('system.away')} c="var(--mantine-color-text)">
          {t('system.awayText')}
        </Alert>
      ) : isIdle ? (
        <Alert variant="outline" color="red" role="alert" title={t('system.noWorker')} c="var(--mantine-color-text)">
          {t('system.noWorkerText')}
        </Alert>
      ) : null}
      {frozen.length === 0 ? null : (
        <Alert variant="outline" color="yellow" role="alert" title={t('system.frozen')} c="var(--mantine-color-text)">
          {frozen.map((one) => (
            <Text size="sm" key={one.id}>
              {one.id}: {one.frozenReason ?? '–'} · <DateText value={one.frozenAt} />
            </Text>
          ))}
        </Alert>
      )}
      <Part title={t('system.workers')}>
        {engine === null ? (
          <Text size="sm">{t('system.unknown')}</Text>
        ) : (
          <Rows
            label={t('system.workers')}
            head={[t('system.queue'), t('system.pollers'), t('system.waiting')]}
            rows={engine.queues.map((one) => [
              one.queue,
              <Mark
                key="pollers"
                isGood={one.pollers > 0}
                text={one.pollers > 0 ? t('system.polling', { count: one.pollers }) : t('system.nobody')}
              />,
              one.waiting,
            ])}
          />
        )}
      </Part>
      <Part title={t('system.outbox')}>
        <Rows
          label={t('system.outbox')}
          head={[t('system.lane'), t('system.waiting'), t('system.oldest'), t('system.dead')]}
          rows={system.outbox.map((one) => [
            t(`system.lane.${one.lane}`),
            one.waiting,
            one.oldestAt === null ? (
              '–'
            ) : (
              <>
                <DateText value={one.oldestAt} relative />{' '}
                {Date.now() - Date.parse(one.oldestAt) > slowMs ? (
                  <Mark isGood={false} text={t('system.slow')} />
                ) : null}
              </>
            ),
            one.dead === 0 ? 0 : <Mark key="dead" isGood={false} text={String(one.dead)} />,
          ])}
        />
        <Text size="sm" mt="xs">
          {t('system.unapplied', { count: system.unapplied })}
        </Text>
        <Text size="sm" mt="xs">
          {t('system.webhooks', { count: system.webhooks.waiting })}
          {system.webhooks.oldestAt === null ? null : (
            <>
              {' '}
              · {t('system.webhooksOldest')} <DateText value={system.webhooks.oldestAt} relative />
            </>
          )}{' '}
          {system.webhooks.failing === 0 ? null : (
            <Mark isGood={false} text={t('system.webhooksFailing', { count: system.webhooks.failing })} />
          )}
        </Text>
      </Part>
      <Part title={t('system.workflows')}>
        <Rows
          label={t('system.workflows')}
          head={[t('system.type'), t('system.unfinished'), t('system.parked')]}
          rows={system.workflows.map((one) => [
            t(`system.type.${one.workflowType}`, { defaultValue: one.workflowType }),
            one.running,
            one.parked === 0 ? 0 : <Mark key="parked" isGood={false} text={String(one.parked)} />,
          ])}
        />
        <FailedRuns />
      </Part>
      <Part title={t('system.schedules')}>
        <Stack gap="xs">
          {(engine?.sweeps ?? []).map((one) => (
            <Group key={one.kind} justify="space-between">
              <Text size="sm">
                {t(`system.sweep.${one.kind}`)} · {t('system.lastRun')} <DateText value={one.lastRunAt} relative />
              </Text>
              <Mark isGood={!one.paused} text={t(one.paused ? 'system.paused' : 'system.on')} />
            </Group>
          ))}
          {system.schedules.length === 0 ? <Text size="sm">{t('system.noSchedule')}</Text> : null}
          {can('payout.read') ? <NameLink to="/payouts/schedules" name={t('schedule.title')} /> : null}
          {system.schedules.map((one) => (
            <div key={one.id}>
              <Text size="sm" fw={600}>
                {one.id} · {zoneLabel(one.timeZone)} {one.paused ? `· ${t('system.paused')}` : ''}
              </Text>
              <Group gap="sm">
                {one.nextRuns.map((at) => (
                  <DateText key={at} value={at} />
                ))}
              </Group>
            </div>
          ))}
        </Stack>
      </Part>
      {can('payout.read') ? <FreezePanel /> : null}
      <Part title={t('system.record')}>
        <Facts
          rows={[
            [t('system.entries'), audit?.sequence ?? '0'],
            [t('system.newestEntry'), <DateText key="entry" value={audit?.updatedAt} />],
            [t('system.histories'), audit?.histories ?? 0],
            [t('system.newestHistory'), <DateText key="history" value={audit?.newestHistoryAt} />],
          ]}
        />
      </Part>
      <Part title={t('system.backup')}>
        <Group justify="space-between">
          <Text size="sm">
            {system.backedUpAt === null ? (
              t('system.noBackup')
            ) : (
              <>
                {t('system.newestBackup')} <DateText value={system.backedUpAt} relative />
              </>
            )}
          </Text>
          {system.backedUpAt === null ? (
            <Mark isGood={false} text={t('system.backupMissing')} />
          ) : Date.now() - Date.parse(system.backedUpAt) > backupDueMs ? (
            <Mark isGood={false} text={t('system.backupDue')} />
          ) : (
            <Mark isGood text={t('system.backupFresh')} />
          )}
        </Group>
      </Part>
      <Part title={t('system.build')}>
        <Facts
          rows={[
            [t('system.version'), system.build],
            [t('system.migration'), system.migration],
            [t('system.embedded'), t(system.embedded ? 'yes' : 'no')],
            [
              t('system.temporalUi'),
              system.temporalUi === null ? null : (
                <Anchor href={system.temporalUi} target="_blank" rel="noopener noreferrer" key="ui">
                  {system.temporalUi}
                </Anchor>
              ),
            ],
          ]}
        />
      </Part>
    </Stack>
  );
}

/** Runs that ended as none should. None is the rule, so the list is short. */
function FailedRuns(): ReactElement {
  const { t } = useTranslation();
  const query = useQuery({ ...getWorkflowsOptions({ query: { limit: 20 } }), retry: false });
  if (query.error !== null) return <Text size="sm">{t('system.unknown')}</Text>;
  const runs = query.data?.data ?? [];
  if (runs.length === 0)
    return (
      <Text size="sm" mt="xs">
        {t('system.noFailed')}
      </Text>
    );
  return (
    <Rows
      label={t('system.failed')}
      head={[t('system.failed'), t('system.status'), t('system.closed')]}
      rows={runs.map((run) => [
        run.workflowId,
        t(`system.failed.${run.status}`),
        <DateText key="closed" value={run.closedAt} />,
      ])}
    />
  );
}

function Rehydrate({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const run = useMutation({
    mutationFn: () => withStepUp(async () => (await postWorkflowsRehydrate({ throwOnError: true })).data),
    onSuccess: ({ written }) => {
      onClose();
      const count = written.reduce((sum, one) => sum + one.count, 0);
      notifications.show({ message: t('system.rehydrated', { count }), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t('system.rehydrate')} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <Text>{t('system.rehydrateText')}</Text>
        {run.error === null ? null : <ErrorView error={run.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button onClick={() => run.mutate()} loading={run.isPending} data-autofocus>
            {t('system.rehydrate')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
