import {
  Button,
  Code,
  Group,
  NativeSelect,
  Paper,
  Radio,
  Stack,
  Switch,
  Tabs,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getCommissionRulesOptions,
  getGroupsOptions,
  getProgramsByProgramIdAgreementsOptions,
  getProgramsByProgramIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deleteCommissionRulesByRuleId } from '../../../client/sdk.gen.js';
import type { Program } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DurationText } from '../../../kit/DurationText.js';
import { DecisionButtons, useDecide } from '../../../kit/DecisionButtons.js';
import { DecisionLine } from '../../../kit/DecisionLine.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, ProductName } from '../../../kit/ObjectName.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { CommissionMail } from './commissionMail.js';
import { DocumentKinds } from './documentKinds.js';
import { ProgramProducts } from './programProducts.js';
import { ProgramVersions } from './programVersions.js';
import { QuotePanel } from './quotePanel.js';
import { RuleForm } from './ruleForm.js';
import { type Rule, RuleScope, RuleSentence } from './ruleSentence.js';
import { RuleVersions } from './ruleVersion.js';
import { PlannedTerms } from './termsForm.js';
import { Thresholds } from './thresholds.js';

/** One program: its gates, its rules with what the affiliate reads, products, agreements, versions (screens.md 3.9). */
export function Screen(): ReactElement {
  const { programId = '' } = useParams({ strict: false }) as { programId?: string };
  const { t } = useTranslation();
  const [isClosing, setClosing] = useState(false);
  const query = useQuery(getProgramsByProgramIdOptions({ path: { programId } }));
  const program = query.data;
  return (
    <>
      <PageHead
        title={program?.name ?? t('program.one')}
        text={programId}
        actions={
          program === undefined ? undefined : (
            <DecisionButtons
              path={`/v1/programs/${program.id}`}
              actions={program.allowedActions}
              custom={{ close: () => setClosing(true) }}
            />
          )
        }
      />
      <Loaded query={query} lines={8}>
        {(one) => <Detail program={one} />}
      </Loaded>
      {isClosing && program !== undefined ? <CloseDialog program={program} onClose={() => setClosing(false)} /> : null}
    </>
  );
}

function Detail({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const { search, change } = useAddress();
  const tabs = [
    'overview',
    ...(can('rule.read') ? ['rules', 'playground'] : []),
    'products',
    'agreements',
    'documents',
    'versions',
  ];
  const tab = tabs.includes(search['tab'] ?? '') ? (search['tab'] ?? 'overview') : 'overview';
  return (
    <Tabs value={tab} keepMounted={false} onChange={(next) => change({ tab: next ?? '' }, { replace: true })}>
      <Tabs.List mb="sm">
        {tabs.map((one) => (
          <Tabs.Tab key={one} value={one}>
            {t(`program.tab.${one}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="overview">
        <Overview program={program} />
      </Tabs.Panel>
      <Tabs.Panel value="rules">
        <Rules program={program} />
      </Tabs.Panel>
      <Tabs.Panel value="playground">
        <QuotePanel program={program} />
      </Tabs.Panel>
      <Tabs.Panel value="products">
        <ProgramProducts programId={program.id} />
      </Tabs.Panel>
      <Tabs.Panel value="agreements">
        <Agreements programId={program.id} />
      </Tabs.Panel>
      <Tabs.Panel value="documents">
        <DocumentKinds program={program} />
      </Tabs.Panel>
      <Tabs.Panel value="versions">
        <ProgramVersions programId={program.id} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Overview({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md">
      <Group mb="sm">
        <StatusPill status={program.status} objectId={program.id} />
      </Group>
      <DecisionLine decision={program.decision} />
      <Facts
        rows={[
          [t('program.currency'), program.currency],
          [t('program.zone'), program.timeZone],
          [t('program.enrolment'), t(`program.enrolment.${program.enrolment}`)],
          [t('program.referralGate'), t(`program.approval.${program.referralApproval}`)],
          [t('program.commissionGate'), t(`program.approval.${program.commissionApproval}`)],
          [t('program.hold'), <DurationText key="h" value={program.commissionHold} />],
          [t('program.window'), <DurationText key="w" value={program.attributionWindow} />],
          [t('program.choice'), t(`credit.choice.${program.referrerChoice}`)],
          [
            t('program.lifetime'),
            program.referralLifetime === null ? (
              t('program.noLimit')
            ) : (
              <DurationText key="l" value={program.referralLifetime} />
            ),
          ],
          [t('program.checks'), program.requiredChecks.map((kind) => t(`check.${kind}`)).join(', ')],
          [t('program.levels'), program.levels],
          [t('program.model'), t(`program.model.${program.acquisitionModel ?? 'none'}`)],
          [t('program.visibility'), t(`program.visibility.${program.customerVisibility}`)],
          [t('program.showDeclined'), t(program.showDeclinedCharges ? 'yes' : 'no')],
          [t('program.showHistory'), t(program.showPurchaseHistory ? 'yes' : 'no')],
          [t('program.reviewAbove'), <MoneyText key="m" value={program.reviewAbove} />],
          [t('program.landing'), program.landingUrl],
          [t('program.hosts'), program.destinationHosts.join(', ')],
          [t('program.paidAds'), t(`program.paidAds.${program.paidAds}`)],
          [t('program.brandTerms'), program.brandTerms.join(', ')],
          [t('program.created'), <DateText key="c" value={program.createdAt} />],
        ]}
      />
      {program.inherited.length === 0 ? null : (
        <Text size="sm" c="dimmed" mt="sm">
          {t('program.inherited', { count: program.inherited.length })}
        </Text>
      )}
      <CommissionMail program={program} />
      <PlannedTerms program={program} />
      <Thresholds program={program} />
    </Paper>
  );
}

function Rules({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('rule.write');
  const [isAdding, setAdding] = useState(false);
  const [editing, setEditing] = useState<Rule | null>(null);
  const [ending, setEnding] = useState<Rule | null>(null);
  const query = useQuery(getCommissionRulesOptions({ query: { programId: program.id, limit: 100 } }));
  // Those of no program count here too (ruling 5).
  const global = useQuery(getCommissionRulesOptions({ query: { scope: 'global,group,affiliate', limit: 200 } }));
  return (
    <Stack>
      {mayWrite ? (
        <Group>
          <Button onClick={() => setAdding(true)}>{t('rule.new')}</Button>
        </Group>
      ) : null}
      <Loaded query={query}>
        {({ data }) => {
          const rules = [...data, ...(global.data?.data ?? []).filter((rule) => rule.programId === null)];
          return rules.length === 0 ? (
            <Text c="dimmed">{t('rule.none')}</Text>
          ) : (
            <Stack gap="sm">
              {rules.map((rule) => (
                <Paper withBorder p="md" key={rule.id} component="section" aria-label={rule.name}>
                  <Group justify="space-between" mb="xs">
                    <Title order={2} size="h5">
                      {rule.name}
                    </Title>
                    <StatusBadge status={rule.status} />
                  </Group>
                  <RuleOf rule={rule} />
                  <RuleScope rule={rule} />
                  <Text size="sm" mt="xs" fw={500}>
                    {t('rule.affiliateReads')}
                  </Text>
                  <RuleSentence rule={rule} />
                  {rule.version === 1 ? null : <RuleVersions rule={rule} />}
                  {mayWrite && rule.status === 'active' ? (
                    <Group mt="sm">
                      <Button variant="default" size="compact-sm" onClick={() => setEditing(rule)}>
                        {t('rule.newVersion')}
                      </Button>
                      {/* The default of the settings is ended there, or the next saving would make it again. */}
                      {rule.scope === 'global' ? null : (
                        <Button variant="default" size="compact-sm" onClick={() => setEnding(rule)}>
                          {t('rule.end')}
                        </Button>
                      )}
                    </Group>
                  ) : null}
                </Paper>
              ))}
            </Stack>
          );
        }}
      </Loaded>
      {isAdding ? <RuleForm program={program} onClose={() => setAdding(false)} /> : null}
      {editing === null ? null : <RuleForm program={program} rule={editing} onClose={() => setEditing(null)} />}
      {ending === null ? null : (
        <FormDialog
          title={t('rule.endOf', { name: ending.name })}
          submit={t('rule.end')}
          color="red"
          save={() =>
            deleteCommissionRulesByRuleId({
              path: { ruleId: ending.id },
              headers: { 'If-Match': `"${ending.version}"` } as never,
              throwOnError: true,
            })
          }
          onClose={() => setEnding(null)}
        >
          {() => <Text size="sm">{t('rule.endText')}</Text>}
        </FormDialog>
      )}
    </Stack>
  );
}

/** Whose rule it is, by name: the product, the affiliate or the group. */
function RuleOf({ rule }: { readonly rule: Rule }): ReactElement | null {
  const mayRead = useCan()('group.read') && rule.groupId !== null;
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), enabled: mayRead });
  if (rule.affiliateId === null && rule.groupId === null && rule.productId === null) return null;
  return (
    <Text size="sm">
      {rule.affiliateId === null ? null : <AffiliateName id={rule.affiliateId} />}
      {rule.groupId === null ? null : (groups.data?.data.find((one) => one.id === rule.groupId)?.name ?? rule.groupId)}
      {rule.productId === null ? null : (
        <>
          {rule.scope === 'program_product' ? '' : ' · '}
          <ProductName id={rule.productId} />
        </>
      )}
    </Text>
  );
}

function Agreements({ programId }: { readonly programId: string }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('program.write');
  const [isWriting, setWriting] = useState(false);
  const query = useQuery(getProgramsByProgramIdAgreementsOptions({ path: { programId }, query: { limit: 100 } }));
  return (
    <Stack>
      {mayWrite ? (
        <Group>
          <Button onClick={() => setWriting(true)}>{t('agreement.new')}</Button>
        </Group>
      ) : null}
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <Text c="dimmed">{t('agreement.none')}</Text>
          ) : (
            <Stack gap="sm">
              {data.map((one) => (
                <Paper withBorder p="md" key={one.id} component="section" aria-label={one.title}>
                  <Title order={2} size="h5">
                    {`${t(`agreement.kind.${one.kind}`)} ${one.number}: ${one.title}`}
                  </Title>
                  <Text size="sm" c="dimmed">
                    {t('agreement.from')} <DateText value={one.effectiveFrom} />
                    {one.mustAccept ? ` · ${t('agreement.mustAccept')}` : ''}
                  </Text>
                  <Text mt="xs" style={{ whiteSpace: 'pre-wrap' }}>
                    {one.text}
                  </Text>
                  <Text size="xs" c="dimmed" mt="xs">
                    {t('agreement.hash')} <Code>{one.sha256}</Code>
                  </Text>
                </Paper>
              ))}
            </Stack>
          )
        }
      </Loaded>
      {isWriting ? <AgreementForm programId={programId} onClose={() => setWriting(false)} /> : null}
    </Stack>
  );
}

function AgreementForm({
  programId,
  onClose,
}: {
  readonly programId: string;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [kind, setKind] = useState('terms');
  const [title, setTitle] = useState('');
  const [text, setText] = useState('');
  const [mustAccept, setMustAccept] = useState(false);
  return (
    <FormDialog
      title={t('agreement.new')}
      submit={t('agreement.publish')}
      save={(key) => postPath(`/v1/programs/${programId}/agreements`, { kind, title, text, mustAccept }, key)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('agreement.kind')}
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value)}
            data={['terms', 'guidelines'].map((value) => ({ value, label: t(`agreement.kind.${value}`) }))}
          />
          <TextInput
            label={t('agreement.title')}
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
            required
            error={errors['title']}
          />
          <Textarea
            label={t('agreement.text')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autosize
            minRows={5}
            required
            error={errors['text']}
          />
          <Switch
            label={t('agreement.mustAcceptLong')}
            checked={mustAccept}
            onChange={(event) => setMustAccept(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Closing is for good: it asks what happens to renewals (api.md 6.1). */
export function CloseDialog({
  program,
  onClose,
}: {
  readonly program: Pick<Program, 'id' | 'name'>;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const [renewals, setRenewals] = useState('run_out');
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t('program.close', { name: program.name })}
      submit={t('program.closeDo')}
      save={(key) =>
        decide({
          path: `/v1/programs/${program.id}`,
          verb: 'close',
          body: { renewals, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) },
          key,
        })
      }
      onClose={onClose}
    >
      {() => (
        <>
          <Radio.Group label={t('program.renewals')} value={renewals} onChange={setRenewals}>
            <Stack gap="xs" mt="xs">
              <Radio value="run_out" label={t('program.renewals.run_out')} />
              <Radio value="stop" label={t('program.renewals.stop')} />
            </Stack>
          </Radio.Group>
          <Textarea
            label={t('decision.reason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
          />
        </>
      )}
    </FormDialog>
  );
}
