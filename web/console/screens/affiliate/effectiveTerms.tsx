import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesByAffiliateIdEffectiveTermsOptions,
  getCommissionRulesOptions,
  getProgramsByProgramIdOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { EffectiveTerms as Terms } from '../../../client/types.gen.js';
import { DurationText } from '../../../kit/DurationText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useCan } from '../../../kit/session.js';
import { RuleForm } from '../program/ruleForm.js';
import { type Rule, RuleScope, RuleSentence } from '../program/ruleSentence.js';

interface Person {
  readonly id: string;
  readonly name: string;
}

/** Why this affiliate earns what it earns: per program the rules that count and each term, with who set it (screens.md 3.5). */
export function EffectiveTerms({ affiliate }: { readonly affiliate: Person }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getAffiliatesByAffiliateIdEffectiveTermsOptions({ path: { affiliateId: affiliate.id } }));
  const own = useQuery(
    getCommissionRulesOptions({ query: { affiliateId: affiliate.id, status: 'active', limit: 200 } }),
  );
  const planned = (own.data?.data ?? []).filter((rule) => Date.parse(rule.effectiveFrom) > Date.now());
  return (
    <Paper withBorder p="md" component="section" aria-label={t('terms.title')}>
      <Title order={2} size="h4">
        {t('terms.title')}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {t('terms.text')}
      </Text>
      <Loaded query={query} lines={4}>
        {({ data }) =>
          data.length === 0 ? (
            <Text c="dimmed">{t('affiliate.noEnrolments')}</Text>
          ) : (
            <Stack>
              {data.map((one) => (
                <ProgramTerms
                  key={one.programId}
                  terms={one}
                  affiliate={affiliate}
                  planned={planned.filter((rule) => rule.programId === null || rule.programId === one.programId)}
                />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Paper>
  );
}

function ProgramTerms({
  terms,
  affiliate,
  planned,
}: {
  readonly terms: Terms;
  readonly affiliate: Person;
  readonly planned: readonly Rule[];
}): ReactElement {
  const { t } = useTranslation();
  const model = terms.acquisitionModel;
  return (
    <Stack gap="xs" role="group" aria-label={terms.programName}>
      <Group gap="sm">
        <Title order={3} size="h5">
          <NameLink to={`/programs/${terms.programId}?tab=rules`} name={terms.programName} />
        </Title>
        <StatusBadge status={terms.enrolmentStatus} />
      </Group>
      {terms.rates.length === 0 ? <Text size="sm">{t('terms.noRate')}</Text> : null}
      {terms.rates.map((rate) => (
        <Stack key={`${rate.rule.id} ${rate.product?.id ?? ''} ${rate.level}`} gap={0}>
          {rate.product === null ? null : (
            <Text size="sm" fw={500}>
              {rate.product.name}
            </Text>
          )}
          {/* The rule in the reader's language, cut to the level that is the affiliate's. */}
          <RuleSentence
            rule={{
              ...rate.rule,
              event: rate.event,
              levels: rate.rule.levels.filter((one) => one.level === rate.level),
            }}
          />
          <Text size="sm">{t('terms.rule', { name: rate.rule.name })}</Text>
          <RuleScope rule={rate.rule} />
        </Stack>
      ))}
      {planned.length === 0 ? null : (
        <Stack gap={0} role="group" aria-label={t('terms.planned')}>
          <Text size="sm" fw={500}>
            {t('terms.planned')}
          </Text>
          {planned.map((rule) => (
            <Stack key={rule.id} gap={0}>
              <RuleSentence rule={rule} />
              <Text size="sm">{t('terms.rule', { name: rule.name })}</Text>
              <RuleScope rule={rule} />
            </Stack>
          ))}
        </Stack>
      )}
      <OwnRules terms={terms} affiliate={affiliate} planned={planned} />
      <Facts
        rows={[
          [
            t('program.window'),
            <SetBy key="w" scope={terms.attributionWindow.scope}>
              <DurationText value={terms.attributionWindow.value} />
            </SetBy>,
          ],
          [
            t('program.hold'),
            <SetBy key="h" scope={terms.commissionHold.scope}>
              <DurationText value={terms.commissionHold.value} />
            </SetBy>,
          ],
          [
            t('terms.minimum'),
            <SetBy key="m" scope={terms.minimumPayout.scope}>
              <MoneyText value={terms.minimumPayout.value} />
            </SetBy>,
          ],
          [
            t('terms.methods'),
            <SetBy key="t" scope={terms.payoutMethodTypes.scope}>
              {terms.payoutMethodTypes.value.map((type) => t(`method.${type}`)).join(', ')}
            </SetBy>,
          ],
          [
            t('program.model'),
            <SetBy key="p" scope={model.scope}>
              {t(`program.model.${model.value ?? 'none'}`)}
            </SetBy>,
          ],
        ]}
      />
    </Stack>
  );
}

/** The way to a rule of the affiliate's own, with its first and last moment, and to what is there to change. */
function OwnRules({
  terms,
  affiliate,
  planned,
}: {
  readonly terms: Terms;
  readonly affiliate: Person;
  readonly planned: readonly Rule[];
}): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const [edited, setEdited] = useState<Rule | 'new' | null>(null);
  const program = useQuery({
    ...getProgramsByProgramIdOptions({ path: { programId: terms.programId } }),
    enabled: edited !== null,
  });
  if (!can('rule.write') || !can('program.read')) return null;
  const inForce = terms.rates.map((rate) => rate.rule).filter((rule) => rule.scope === 'affiliate');
  const own = [...inForce, ...planned].filter(
    (rule, index, all) => all.findIndex((other) => other.id === rule.id) === index,
  );
  const close = (): void => setEdited(null);
  return (
    <Group gap="xs">
      <Button variant="default" size="compact-sm" onClick={() => setEdited('new')}>
        {t('terms.own')}
      </Button>
      {own.map((rule) => (
        <Button key={rule.id} variant="default" size="compact-sm" onClick={() => setEdited(rule)}>
          {t('terms.changeOwn', { name: rule.name })}
        </Button>
      ))}
      {edited === null || program.data === undefined ? null : edited === 'new' ? (
        <RuleForm program={program.data} affiliate={affiliate} onClose={close} />
      ) : (
        <RuleForm program={program.data} rule={edited} onClose={close} />
      )}
      {edited === null || program.error === null ? null : <ErrorView error={program.error} />}
    </Group>
  );
}

/** A value and who set it. */
function SetBy({
  scope,
  children,
}: {
  readonly scope: 'workspace' | 'program' | 'group' | 'affiliate';
  readonly children: ReactElement | string;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      {children}{' '}
      <Text span size="sm" c="dimmed">
        {t(`terms.scope.${scope}`)}
      </Text>
    </>
  );
}
