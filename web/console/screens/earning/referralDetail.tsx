import { Button, Grid, Group, List, Paper, Stack, Tabs, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { notifications } from '@mantine/notifications';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getCommissionsOptions,
  getReferralsByReferralIdOptions,
  getReferralsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Referral } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { DecisionLine } from '../../../kit/DecisionLine.js';
import { useProblemText } from '../../../kit/ErrorView.js';
import { Evidence } from '../../../kit/Evidence.js';
import { ExplainDrawer } from '../../../kit/Explain.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { SentMessages } from '../messaging/sentMessages.js';
import { EditReferralDialog } from './referralForm.js';
import { ReferralFiles } from './referralFiles.js';
import { ReferralGantt } from './referralGantt.js';
import { ReferralHistoryTab } from './referralHistory.js';
import { customerOf } from './referralCustomer.js';
import { ReferralOrigin } from './referralOrigin.js';
import { ReferralReplayTab } from './referralReplay.js';
import { ReferralStory } from './referralStory.js';
import { ReferralTouches } from './referralTouches.js';
import { StateDiagram } from './stateDiagram.js';
import { StaffName } from './workDialog.js';

const pollMs = 5_000;

/** The signature screen: one referral with its story, its record and why each cent (screens.md 4). */
export function Screen(): ReactElement {
  const { referralId = '' } = useParams({ strict: false }) as { referralId?: string };
  const { t } = useTranslation();
  const query = useQuery({
    ...getReferralsByReferralIdOptions({ path: { referralId } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const referral = query.data;
  const mayWrite = useCan()('referral.write');
  const [isEditing, setEditing] = useState(false);
  return (
    <>
      <PageHead
        title={referral === undefined ? t('referral.one') : customerOf(referral)}
        {...(referral === undefined ? {} : { text: referral.id })}
        actions={
          referral === undefined ? undefined : (
            <>
              {mayWrite ? (
                <Button variant="default" size="md" onClick={() => setEditing(true)}>
                  {t('work.change')}
                </Button>
              ) : null}
              <DecisionButtons path={`/v1/referrals/${referral.id}`} actions={referral.allowedActions} size="md" />
            </>
          )
        }
      />
      <Loaded query={query} lines={8}>
        {(data) => <Detail referral={data} />}
      </Loaded>
      {isEditing && referral !== undefined ? (
        <EditReferralDialog referral={referral} onClose={() => setEditing(false)} />
      ) : null}
    </>
  );
}

function Detail({ referral }: { readonly referral: Referral }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  // The replay stands last: End leads to it by keyboard (screens.md 3.1, the third journey).
  const tabs = [
    'story',
    'gantt',
    'credit',
    'states',
    'messages',
    ...(can('affiliate.read') ? ['files'] : []),
    ...(can('history.read') ? ['history', 'replay'] : []),
  ];
  const tab = tabs.includes(search['tab'] ?? '') ? (search['tab'] ?? 'story') : 'story';
  return (
    <Stack>
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Group gap="xs">
            <StatusPill status={referral.status} objectId={referral.id} />
            <Text span size="sm">{`${t('referral.stage')}: ${t(`stage.${referral.stage}`)}`}</Text>
            {referral.manual ? <StatusBadge status="manual" /> : null}
            {referral.test ? <StatusBadge status="test" /> : null}
          </Group>
          <Next referral={referral} />
          <DecisionLine decision={referral.decision} />
          <Facts
            rows={[
              [t('referral.affiliate'), <AffiliateName key="a" id={referral.affiliateId} />],
              [t('referral.program'), <ProgramName key="p" id={referral.programId} />],
              [
                t('referral.value'),
                referral.value === undefined || referral.value.length === 0 ? null : (
                  <Group key="v" gap="xs" component="span">
                    {referral.value.map((amount) => (
                      <MoneyText key={amount.currency} value={amount} />
                    ))}
                  </Group>
                ),
              ],
              [
                t('referral.email'),
                referral.customer?.masked === true ? t('referral.masked') : (referral.customer?.email ?? null),
              ],
              [t('referral.windowEnds'), <DateText key="w" value={referral.windowEndsAt} />],
              [t('referral.due'), <DateText key="d" value={referral.dueAt} />],
              [t('work.assignee'), <StaffName key="s" id={referral.assigneeId} />],
              [t('referral.tags'), referral.tags.join(', ')],
              [t('work.notes'), referral.notes],
            ]}
          />
        </Stack>
      </Paper>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Tabs
            value={tab}
            onChange={(next) =>
              change({ tab: next ?? '', event: '', q: '', cursor: '', page: '', sort: '', cols: '' }, { replace: true })
            }
            keepMounted={false}
          >
            <Tabs.List mb="sm">
              {tabs.map((one) => (
                <Tabs.Tab key={one} value={one}>
                  {t(`referral.tab.${one}`)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="story">
              <ReferralStory referralId={referral.id} />
            </Tabs.Panel>
            <Tabs.Panel value="gantt">
              <ReferralGantt referralId={referral.id} />
            </Tabs.Panel>
            <Tabs.Panel value="credit">
              <ReferralTouches referralId={referral.id} />
            </Tabs.Panel>
            <Tabs.Panel value="states">
              <StateDiagram referralId={referral.id} status={referral.status} moves={referral.moves ?? {}} />
            </Tabs.Panel>
            <Tabs.Panel value="messages">
              <SentMessages of={{ referralId: referral.id }} />
            </Tabs.Panel>
            <Tabs.Panel value="files">
              <ReferralFiles referralId={referral.id} />
            </Tabs.Panel>
            <Tabs.Panel value="history">
              <ReferralHistoryTab referralId={referral.id} />
            </Tabs.Panel>
            <Tabs.Panel value="replay">
              <ReferralReplayTab referralId={referral.id} />
            </Tabs.Panel>
          </Tabs>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Stack>
            {can('commission.read') ? <Commissions referralId={referral.id} /> : null}
            <Checks referral={referral} />
            <Flags referral={referral} />
            {can('link.read') ? (
              <Part title={t('origin.title')}>
                <ReferralOrigin referral={referral} />
              </Part>
            ) : null}
            {referral.contactId === null ? null : <Others referral={referral} contactId={referral.contactId} />}
          </Stack>
        </Grid.Col>
      </Grid>
    </Stack>
  );
}

/** One sentence: what it waits for, and what happens by itself when. */
function Next({ referral }: { readonly referral: Referral }): ReactElement {
  const { t } = useTranslation();
  const { waitingFor, nextAutomaticStep: step } = referral;
  return (
    <Text fw={500}>
      {waitingFor === null ? t('referral.waiting.nothing') : t(`referral.waiting.${waitingFor}`)}{' '}
      {step === null ? null : (
        <>
          {t(`referral.next.${step.what}`)} <DateText value={step.at} /> (<DateText value={step.at} relative />)
        </>
      )}
    </Text>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactElement }): ReactElement {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

function Commissions({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const [explained, setExplained] = useState<string | null>(null);
  const query = useQuery({
    ...getCommissionsOptions({ query: { referralId, limit: 50 } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  return (
    <Part title={t('referral.commissions')}>
      <Loaded query={query} lines={2}>
        {({ data }) =>
          data.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t('referral.noCommissions')}
            </Text>
          ) : (
            <Stack gap="xs">
              {data.map((line) => (
                <Group key={line.id} justify="space-between" gap="xs">
                  <Stack gap={0} align="flex-start">
                    <MoneyText value={line.net} onExplain={() => setExplained(line.id)} />
                    <Text size="sm">
                      <NameLink
                        to={`/commissions/${line.id}`}
                        name={`${t(`commission.kind.${line.kind}`)}, ${t('commission.levelN', { level: line.level })}`}
                      />
                      {' · '}
                      <AffiliateName id={line.affiliateId} />
                    </Text>
                  </Stack>
                  <StatusPill status={line.status} objectId={line.id} />
                </Group>
              ))}
              <ExplainDrawer commissionId={explained} onClose={() => setExplained(null)} />
            </Stack>
          )
        }
      </Loaded>
    </Part>
  );
}

function Checks({ referral }: { readonly referral: Referral }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  const reason = useReasonText();
  const [busy, setBusy] = useState<string | null>(null);
  const answer = (checkId: string, status: string): void => {
    setBusy(`${checkId}${status}`);
    postPath(`/v1/referrals/${referral.id}/checks/${checkId}`, { status, reasonCode: 'staff_decision' })
      .then(() => queries.invalidateQueries())
      .catch((error: unknown) => {
        const { title, detail } = problemText(error);
        notifications.show({ title, message: detail, color: 'red' });
      })
      .finally(() => setBusy(null));
  };
  return (
    <Part title={t('referral.checks')}>
      <Stack gap="sm">
        {referral.checks.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t('referral.noChecks')}
          </Text>
        ) : null}
        {referral.checks.map((check) => (
          <Stack key={check.id} gap={4}>
            <Group justify="space-between" gap="xs">
              <Text size="sm" fw={500}>
                {t(`check.${check.kind}`)}
                {check.required ? ` (${t('check.required')})` : ''}
              </Text>
              <StatusPill status={check.status} objectId={check.id} />
            </Group>
            {check.at === null ? null : (
              <Text size="sm" c="dimmed">
                <DateText value={check.at} />
                {check.reasonCode === null ? '' : ` · ${reason(check.reasonCode)}`}
              </Text>
            )}
            <Evidence of={check.evidence} />
            <Group gap="xs">
              {check.allowedActions.map((status) => (
                <Button
                  key={status}
                  size="compact-sm"
                  variant="default"
                  loading={busy === `${check.id}${status}`}
                  onClick={() => answer(check.id, status)}
                  aria-label={`${t(`check.${check.kind}`)}: ${t(`check.answer.${status}`)}`}
                >
                  {t(`check.answer.${status}`)}
                </Button>
              ))}
            </Group>
          </Stack>
        ))}
      </Stack>
    </Part>
  );
}

function Flags({ referral }: { readonly referral: Referral }): ReactElement | null {
  const { t } = useTranslation();
  if (referral.flags.length === 0) return null;
  return (
    <Part title={t('referral.flags')}>
      <List size="sm">
        {referral.flags.map((flag) => (
          <List.Item key={`${flag.code}${flag.at}`}>
            {t(`riskCode.${flag.code}`)} · <DateText value={flag.at} />
            <Evidence of={flag.evidence} />
          </List.Item>
        ))}
      </List>
    </Part>
  );
}

function Others({
  referral,
  contactId,
}: {
  readonly referral: Referral;
  readonly contactId: string;
}): ReactElement | null {
  const { t } = useTranslation();
  const { data } = useQuery(
    getReferralsOptions({
      query: { contactId, status: 'tracking,pending,approved,rejected,expired,merged', limit: 20 },
    }),
  );
  const others = (data?.data ?? []).filter((one) => one.id !== referral.id);
  if (others.length === 0) return null;
  return (
    <Part title={t('referral.others')}>
      <Stack gap="xs">
        {others.map((one) => (
          <Group key={one.id} justify="space-between">
            <Text size="sm">
              <NameLink to={`/referrals/${one.id}`} name={one.id} />
            </Text>
            <StatusBadge status={one.status} />
          </Group>
        ))}
      </Stack>
    </Part>
  );
}
