import {
  Anchor,
  Button,
  Group,
  List,
  Modal,
  Paper,
  Radio,
  Stack,
  Table,
  Tabs,
  Text,
  Textarea,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Fragment, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesByAffiliateIdBalancesOptions,
  getAffiliatesByAffiliateIdEnrolmentsOptions,
  getAffiliatesByAffiliateIdOptions,
  getAffiliatesByAffiliateIdRecruitsOptions,
  getCommissionsOptions,
  getGroupsByGroupIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { BulkDialog } from '../../../kit/BulkDialog.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons, useDecide } from '../../../kit/DecisionButtons.js';
import { DecisionLine } from '../../../kit/DecisionLine.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useStaff } from '../access/useStaff.js';
import { CommissionTable } from '../earning/commissionList.js';
import { EntryDialog } from '../earning/entryDialog.js';
import { ReferralTable } from '../earning/referralList.js';
import { PostbackTable } from '../messaging/postbackList.js';
import { SentMessages } from '../messaging/sentMessages.js';
import { LinkTable } from '../tracking/linkList.js';
import { RiskTable } from '../tracking/riskList.js';
import { Acceptances } from './acceptances.js';
import { AcquisitionModel } from './acquisitionModel.js';
import { AffiliateEditForm } from './affiliateEditForm.js';
import { ApiKeyTable } from '../access/apiKeyList.js';
import { AffiliateTimeline } from './affiliateTimeline.js';
import { Breaches } from './breaches.js';
import { Customers } from './customers.js';
import { Documents } from './documents.js';
import { EffectiveTerms } from './effectiveTerms.js';
import { MakeDraft } from './makeDraft.js';
import { People } from './people.js';
import { PayoutSettings } from './payoutSettings.js';
import { QualityPanel } from './qualityPanel.js';
import { useRequirementText } from './requirementText.js';
import { ViewPortalDialog } from './viewPortal.js';

/** One affiliate: head, and a tab per side of it with a read of its own (screens.md 3.5). */
export function Screen(): ReactElement {
  const { affiliateId = '' } = useParams({ strict: false }) as { affiliateId?: string };
  const { t } = useTranslation();
  const can = useCan();
  const [isEnding, setEnding] = useState(false);
  const [isViewing, setViewing] = useState(false);
  const [isAdding, setAdding] = useState(false);
  const [isEditing, setEditing] = useState(false);
  const query = useQuery(getAffiliatesByAffiliateIdOptions({ path: { affiliateId } }));
  const affiliate = query.data;
  return (
    <>
      <PageHead
        title={affiliate?.name ?? t('affiliate.one')}
        text={affiliateId}
        actions={
          affiliate === undefined ? undefined : (
            <>
              <DecisionButtons
                path={`/v1/affiliates/${affiliate.id}`}
                actions={affiliate.allowedActions}
                custom={{ terminate: () => setEnding(true) }}
              />
              {can('affiliate.impersonate') ? (
                <Button variant="default" size="sm" onClick={() => setViewing(true)}>
                  {t('affiliate.viewButton')}
                </Button>
              ) : null}
              {can('affiliate.write') && affiliate.status !== 'terminated' ? (
                <Button variant="default" size="sm" onClick={() => setEditing(true)}>
                  {t('affiliate.edit')}
                </Button>
              ) : null}
              {can('commission.adjust') && affiliate.enrolments.length > 0 ? (
                <Button variant="default" size="sm" onClick={() => setAdding(true)}>
                  {t('entry.add')}
                </Button>
              ) : null}
              {can('commission.read') && can('commission.decide') ? <HoldAll affiliateId={affiliate.id} /> : null}
              {can('affiliate.write') ? <InviteButtons affiliate={affiliate} /> : null}
            </>
          )
        }
      />
      <Loaded query={query} lines={8}>
        {(one) => <Detail affiliate={one} />}
      </Loaded>
      {isViewing && affiliate !== undefined ? (
        <ViewPortalDialog affiliate={affiliate} onClose={() => setViewing(false)} />
      ) : null}
      {isAdding && affiliate !== undefined ? (
        <EntryDialog affiliateId={affiliate.id} onClose={() => setAdding(false)} />
      ) : null}
      {isEditing && affiliate !== undefined ? (
        <AffiliateEditForm affiliate={affiliate} onClose={() => setEditing(false)} />
      ) : null}
      {isEnding && affiliate !== undefined ? (
        <TerminateDialog affiliate={affiliate} onClose={() => setEnding(false)} />
      ) : null}
    </>
  );
}

/** Puts all of an affiliate's unpaid money on hold, and back: a decision per commission, as from the list (screens.md 3.5). */
function HoldAll({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<'hold' | 'release' | null>(null);
  const filterOf = (onHold: boolean) => ({ affiliateId, status: 'pending,approved', onHold: String(onHold) });
  const countOf = (onHold: boolean) =>
    getCommissionsOptions({ query: { ...filterOf(onHold), include: 'counts', limit: 1 } as never });
  const free = useQuery(countOf(false)).data?.counts?.total ?? 0;
  const held = useQuery(countOf(true)).data?.counts?.total ?? 0;
  return (
    <>
      {free === 0 ? null : (
        <Button variant="default" size="sm" onClick={() => setAsked('hold')}>
          {t('affiliate.holdAll', { count: free })}
        </Button>
      )}
      {held === 0 ? null : (
        <Button variant="default" size="sm" onClick={() => setAsked('release')}>
          {t('affiliate.releaseAll', { count: held })}
        </Button>
      )}
      {asked === null ? null : (
        <BulkDialog
          action={{ kind: `commissions.${asked}`, verb: asked, needsReason: asked === 'hold' }}
          selection={{ filter: filterOf(asked === 'release'), expectedCount: asked === 'hold' ? free : held }}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function Detail({ affiliate }: { readonly affiliate: Affiliate }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { search } = useAddress();
  const navigate = useNavigate();
  const tabs = [
    'overview',
    ...(can('payout.read') ? ['balance'] : []),
    ...(can('link.read') ? ['links'] : []),
    ...(can('referral.read') ? ['referrals'] : []),
    'customers',
    ...(can('commission.read') ? ['commissions'] : []),
    'recruits',
    'agreements',
    'documents',
    'breaches',
    'people',
    'messages',
    ...(can('risk.read') ? ['risk'] : []),
    ...(can('webhook.read') ? ['postbacks'] : []),
    ...(can('key.read') ? ['keys'] : []),
    'timeline',
  ];
  const tab = tabs.includes(search['tab'] ?? '') ? (search['tab'] ?? 'overview') : 'overview';
  const fixed = { affiliateId: affiliate.id };
  return (
    <Tabs
      value={tab}
      keepMounted={false}
      onChange={(next) => {
        // Filters and page of one tab mean nothing in the next.
        navigate({ to: '.', search: { tab: next } as never, replace: true }).catch(() => undefined); // overtaken by another navigation
      }}
    >
      <Tabs.List mb="sm">
        {tabs.map((one) => (
          <Tabs.Tab key={one} value={one}>
            {t(`affiliate.tab.${one}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="overview">
        <Overview affiliate={affiliate} />
      </Tabs.Panel>
      <Tabs.Panel value="balance">
        <Stack>
          <Balances affiliateId={affiliate.id} />
          <PayoutSettings affiliate={affiliate} />
        </Stack>
      </Tabs.Panel>
      <Tabs.Panel value="links">
        <LinkTable fixed={fixed} />
      </Tabs.Panel>
      <Tabs.Panel value="referrals">
        <ReferralTable fixed={fixed} />
      </Tabs.Panel>
      <Tabs.Panel value="customers">
        <Customers affiliateId={affiliate.id} />
      </Tabs.Panel>
      <Tabs.Panel value="commissions">
        <CommissionTable fixed={fixed} />
      </Tabs.Panel>
      <Tabs.Panel value="recruits">
        <Recruits affiliateId={affiliate.id} />
      </Tabs.Panel>
      <Tabs.Panel value="agreements">
        <Acceptances affiliateId={affiliate.id} />
      </Tabs.Panel>
      <Tabs.Panel value="documents">
        <Documents affiliate={affiliate} />
      </Tabs.Panel>
      <Tabs.Panel value="breaches">
        <Breaches affiliate={affiliate} />
      </Tabs.Panel>
      <Tabs.Panel value="people">
        <People affiliateId={affiliate.id} />
      </Tabs.Panel>
      <Tabs.Panel value="messages">
        <SentMessages of={{ affiliateId: affiliate.id }} />
      </Tabs.Panel>
      <Tabs.Panel value="risk">
        <Stack>
          <NameLink to={`/risk/cases?affiliateId=${affiliate.id}`} name={t('affiliate.riskCases')} />
          <RiskTable fixed={fixed} />
        </Stack>
      </Tabs.Panel>
      <Tabs.Panel value="postbacks">
        <PostbackTable affiliateId={affiliate.id} />
      </Tabs.Panel>
      <Tabs.Panel value="keys">
        <ApiKeyTable affiliateId={affiliate.id} />
      </Tabs.Panel>
      <Tabs.Panel value="timeline">
        <AffiliateTimeline affiliateId={affiliate.id} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Overview({ affiliate }: { readonly affiliate: Affiliate }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const requirement = useRequirementText();
  const can = useCan();
  const enrolments = useQuery(
    getAffiliatesByAffiliateIdEnrolmentsOptions({ path: { affiliateId: affiliate.id }, query: { limit: 100 } }),
  );
  return (
    <Stack>
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Group gap="xs">
            <StatusPill status={affiliate.status} objectId={affiliate.id} />
            {affiliate.statusReason === null ? null : <Text size="sm">{affiliate.statusReason}</Text>}
          </Group>
          <DecisionLine decision={affiliate.decision} />
          <Facts
            rows={[
              [t('affiliate.email'), affiliate.email],
              [t('affiliate.verified'), <DateText key="v" value={affiliate.emailVerifiedAt} />],
              [t('affiliate.company'), affiliate.company],
              [t('affiliate.phone'), affiliate.phone],
              [t('affiliate.website'), affiliate.website],
              [t('affiliate.country'), affiliate.country],
              [t('affiliate.kind'), t(`affiliate.kind.${affiliate.kind}`)],
              [t('affiliate.group'), <GroupName key="g" id={affiliate.groupId} />],
              [t('affiliate.manager'), <ManagerName key="m" id={affiliate.managerId} />],
              [t('affiliate.rank'), affiliate.rank],
              [t('affiliate.recruiter'), <AffiliateName key="r" id={affiliate.recruiterId} />],
              [t('affiliate.minimum'), <MoneyList key="m" values={affiliate.minimumPayout} />],
              [
                t('affiliate.messages'),
                affiliate.messagesDeclinedAt === null ? (
                  t('affiliate.messagesWanted')
                ) : (
                  <Fragment key="o">
                    {t('affiliate.messagesDeclined')} <DateText value={affiliate.messagesDeclinedAt} />
                  </Fragment>
                ),
              ],
              [t('affiliate.firstLogin'), <DateText key="f" value={affiliate.firstLoginAt} />],
              [t('affiliate.joined'), <DateText key="j" value={affiliate.createdAt} />],
              [t('referral.tags'), affiliate.tags.join(', ')],
              [t('affiliate.notes'), affiliate.notes],
            ]}
          />
        </Stack>
      </Paper>
      {can('rule.read') ? <EffectiveTerms affiliate={affiliate} /> : null}
      <AcquisitionModel affiliate={affiliate} />
      {can('report.read') ? <QualityPanel affiliateId={affiliate.id} /> : null}
      {affiliate.openRequirements.length === 0 ? null : (
        <Paper withBorder p="md">
          <Title order={2} size="h4">
            {t('affiliate.missing')}
          </Title>
          <List>
            {affiliate.openRequirements.map((one) => (
              <List.Item key={one.detail}>{requirement(one)}</List.Item>
            ))}
          </List>
        </Paper>
      )}
      {affiliate.riskFlags.length === 0 ? null : (
        <Paper withBorder p="md">
          <Title order={2} size="h4">
            {t('referral.flags')}
          </Title>
          <List>
            {affiliate.riskFlags.map((code) => (
              <List.Item key={code}>{reason(code)}</List.Item>
            ))}
          </List>
        </Paper>
      )}
      <Title order={2} size="h4">
        {t('affiliate.enrolments')}
      </Title>
      <Loaded query={enrolments}>
        {({ data }) =>
          data.length === 0 ? (
            <Text c="dimmed">{t('affiliate.noEnrolments')}</Text>
          ) : (
            <Stack gap="xs">
              {data.map((one) => (
                <Paper withBorder p="sm" key={one.id}>
                  <Group justify="space-between">
                    <Group gap="sm">
                      <ProgramName id={one.programId} />
                      <StatusPill status={one.status} objectId={one.id} />
                      <Text size="sm" c="dimmed">
                        {t('affiliate.since')} <DateText value={one.joinedAt} time={false} />
                      </Text>
                      {one.openRequirements.map((open) => (
                        <Text key={open.detail} size="sm">
                          {requirement(open)}
                        </Text>
                      ))}
                    </Group>
                    <DecisionButtons path={`/v1/enrolments/${one.id}`} actions={one.allowedActions} size="compact-sm" />
                  </Group>
                </Paper>
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Stack>
  );
}

/** A group by name, with the way to its members. */
function GroupName({ id }: { readonly id: string | null }): ReactElement {
  const mayRead = useCan()('group.read') && id !== null;
  const group = useQuery({ ...getGroupsByGroupIdOptions({ path: { groupId: id ?? '' } }), enabled: mayRead });
  return id === null ? <>–</> : <NameLink to={`/affiliates?groupId=${id}`} name={group.data?.name ?? id} />;
}

function ManagerName({ id }: { readonly id: string | null }): ReactElement {
  const staff = useStaff();
  return <>{id === null ? '–' : (staff.find((one) => one.value === id)?.label ?? id)}</>;
}

const balanceColumns = ['pending', 'owed', 'inPayout', 'payable', 'paid', 'clawedBack'] as const;

/** One step from a balance to the lines that it is made of, each with its explanation (BEY-01). */
const balanceLists: Readonly<
  Record<(typeof balanceColumns)[number], { readonly to: string; readonly search: Readonly<Record<string, string>> }>
> = {
  pending: { to: '/commissions', search: { status: 'pending' } },
  owed: { to: '/commissions', search: { status: 'approved' } },
  inPayout: { to: '/payouts', search: { status: 'draft,pending' } },
  payable: { to: '/commissions', search: { list: 'payable' } },
  paid: { to: '/payouts', search: { status: 'paid' } },
  clawedBack: { to: '/commissions', search: { kind: 'clawback' } },
};

function Balances({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getAffiliatesByAffiliateIdBalancesOptions({ path: { affiliateId } }));
  return (
    <Loaded query={query}>
      {(balances) =>
        balances.length === 0 ? (
          <Text c="dimmed">{t('affiliate.noBalance')}</Text>
        ) : (
          <Stack>
            <Table className="resource-table">
              <Table.Caption>{t('affiliate.tab.balance')}</Table.Caption>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('affiliate.currency')}</Table.Th>
                  {balanceColumns.map((name) => (
                    <Table.Th key={name} data-align="right">
                      {t(`balance.${name}`)}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {balances.map((balance) => (
                  <Table.Tr key={balance.currency}>
                    <Table.Td data-label={t('affiliate.currency')}>{balance.currency}</Table.Td>
                    {balanceColumns.map((name) => (
                      <Table.Td key={name} data-label={t(`balance.${name}`)} data-align="right">
                        <Anchor
                          component={Link}
                          to={balanceLists[name].to}
                          search={{ affiliateId, ...balanceLists[name].search } as never}
                          underline="always"
                          inherit
                        >
                          <MoneyText value={balance[name]} hint={t(`balance.${name}Hint`)} />
                        </Anchor>
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            {balances.map((balance) => (
              <MakeDraft key={balance.currency} affiliateId={affiliateId} payable={balance.payable} />
            ))}
            <Text size="sm">
              <Anchor component={Link} to="/payouts" search={{ affiliateId } as never} underline="always">
                {t('affiliate.payouts')}
              </Anchor>
            </Text>
          </Stack>
        )
      }
    </Loaded>
  );
}

function Recruits({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getAffiliatesByAffiliateIdRecruitsOptions({ path: { affiliateId } }));
  return (
    <Loaded query={query}>
      {({ data }) =>
        data.length === 0 ? (
          <Text c="dimmed">{t('affiliate.noRecruits')}</Text>
        ) : (
          <List aria-label={t('affiliate.tab.recruits')}>
            {data.map((one) => (
              <List.Item key={one.affiliateId} ml={`${one.depth}rem`}>
                <NameLink to={`/affiliates/${one.affiliateId}`} name={one.name} /> <StatusPill status={one.status} />{' '}
                {t('commission.levelN', { level: one.depth })}
              </List.Item>
            ))}
          </List>
        )
      }
    </Loaded>
  );
}

/** The mails to an affiliate that staff may ask for; what it would refuse is not offered. */
function InviteButtons({
  affiliate,
}: {
  readonly affiliate: Pick<Affiliate, 'id' | 'status' | 'emailVerifiedAt'>;
}): ReactElement {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<unknown>(null);
  const { id, status, emailVerifiedAt } = affiliate;
  const mayConfirm = emailVerifiedAt === null && status !== 'declined' && status !== 'terminated';
  const send = useMutation({
    mutationFn: (what: 'invite' | 'send-welcome' | 'request-verification') =>
      postPath(`/v1/affiliates/${id}/${what}`, {}),
    onSuccess: () => notifications.show({ message: t('affiliate.sent'), color: 'river' }),
    onError: setProblem,
  });
  return (
    <>
      {mayConfirm ? (
        <Button variant="default" size="sm" onClick={() => send.mutate('request-verification')}>
          {t('affiliate.requestVerification')}
        </Button>
      ) : null}
      {status === 'approved' ? (
        <>
          <Button variant="default" size="sm" onClick={() => send.mutate('invite')}>
            {t('affiliate.invite')}
          </Button>
          <Button variant="default" size="sm" onClick={() => send.mutate('send-welcome')}>
            {t('affiliate.welcome')}
          </Button>
        </>
      ) : null}
      <Modal
        opened={problem !== null}
        onClose={() => setProblem(null)}
        title={t('affiliate.invite')}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        <ErrorView error={problem} />
      </Modal>
    </>
  );
}

/** The end of an affiliate is final: it asks what happens to approved money and states the default (screens.md 3.5). */
export function TerminateDialog({
  affiliate,
  onClose,
}: {
  readonly affiliate: Pick<Affiliate, 'id' | 'name'>;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const [approvedMoney, setApprovedMoney] = useState('pay');
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t('affiliate.terminate', { name: affiliate.name })}
      submit={t('affiliate.terminateDo')}
      save={(key) =>
        decide({
          path: `/v1/affiliates/${affiliate.id}`,
          verb: 'terminate',
          body: { reason, approvedMoney },
          key,
        })
      }
      onClose={onClose}
    >
      {() => (
        <>
          <Text size="sm">{t('affiliate.terminateText')}</Text>
          <Radio.Group label={t('affiliate.approvedMoney')} value={approvedMoney} onChange={setApprovedMoney}>
            <Stack gap="xs" mt="xs">
              <Radio value="pay" label={t('affiliate.approvedMoney.pay')} />
              <Radio value="forfeit" label={t('affiliate.approvedMoney.forfeit')} />
            </Stack>
          </Radio.Group>
          <Textarea
            label={t('decision.reason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            required
          />
        </>
      )}
    </FormDialog>
  );
}
