import { Button, Checkbox, Fieldset, Group, Modal, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { patchCommissionRulesByRuleId } from '../../../client/sdk.gen.js';
import type { Program } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { instantOf, localField } from '../../../kit/localField.js';
import { isProblem } from '../../../kit/problem.js';
import { type BandDraft, BandFields, bandsOf, draftOf, firstBands } from './bandFields.js';
import { emptyLevel, levelDraft, type LevelDraft, LevelFields, levelOf } from './levelFields.js';
import { type Rule, RuleSentence } from './ruleSentence.js';
import { placeOf, type RuleTarget, RuleTargetFields } from './ruleTarget.js';
import { SimulationPanel } from './simulationPanel.js';

const events = ['payment', 'first_payment', 'registration', 'lead', 'transaction'] as const;
const bases = ['net', 'gross', 'net_of_fees', 'deposit'] as const;
const capScopes = ['affiliate', 'affiliate_customer', 'group', 'program'] as const;
const capPeriods = ['month', 'lifetime', 'commission'] as const;
const isAmount = (text: string): boolean => /^\d+(\.\d+)?$/.test(text);
const countOf = (text: string): number | null => (/^\d+$/.test(text) ? Number(text) : null);

/**
 * A rule as a sentence; beside it what the affiliate will read. Before it is saved last quarter is computed under it: there is no way past
 * that in a program with past sales (screens.md 3.9). With `rule` the form makes its next version. A rule with an end gives way to the next
 * wider one there (3.5); that of the workspace has none behind it.
 */
export function RuleForm({
  program,
  rule = null,
  affiliate = null,
  onClose,
}: {
  readonly program: Program;
  readonly rule?: Rule | null;
  /** For whom a new rule is, where that is settled; else the form asks. */
  readonly affiliate?: { readonly id: string; readonly name: string } | null;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [name, setName] = useState(rule?.name ?? '');
  const [event, setEvent] = useState<Rule['event']>(rule?.event ?? 'payment');
  const [base, setBase] = useState<Rule['base']>(rule?.base ?? 'net');
  const [target, setTarget] = useState<RuleTarget>(
    affiliate === null ? { scope: 'program', id: '' } : { scope: 'affiliate', id: affiliate.id },
  );
  const [transactionType, setTransactionType] = useState(rule?.transactionType ?? '');
  const [drafts, setDrafts] = useState<readonly LevelDraft[]>(rule?.levels.map(levelDraft) ?? [emptyLevel(1)]);
  const [maxPayments, setMaxPayments] = useState(rule?.limits.maxPayments?.toString() ?? '');
  const [maxMonths, setMaxMonths] = useState(rule?.limits.maxMonths?.toString() ?? '');
  const [bandDraft, setBands] = useState<BandDraft | null>(rule?.bands == null ? null : draftOf(rule.bands));
  const [capAmount, setCapAmount] = useState(rule?.cap?.amount.amount ?? '');
  const [capScope, setCapScope] = useState<(typeof capScopes)[number]>(rule?.cap?.scope ?? 'affiliate');
  const [capPeriod, setCapPeriod] = useState<(typeof capPeriods)[number]>(rule?.cap?.period ?? 'month');
  const [isForNew, setForNew] = useState(rule?.appliesTo === 'new_customers');
  // What has yet to begin keeps its day, unless somebody clears it.
  const [planned] = useState(rule !== null && Date.parse(rule.effectiveFrom) > Date.now() ? rule.effectiveFrom : null);
  const [from, setFrom] = useState(localField(planned));
  const [until, setUntil] = useState(localField(rule?.effectiveTo ?? null));
  const [asked, setAsked] = useState<Readonly<Record<string, unknown>> | null>(null);
  const [shown, setShown] = useState<string | null>(null);

  const { currency } = program;
  const scope = rule?.scope ?? target.scope;
  const title =
    rule !== null
      ? t('rule.newVersionOf', { name: rule.name })
      : affiliate !== null
        ? t('terms.ownFor', { name: affiliate.name, program: program.name })
        : t('rule.new');
  const kind = drafts.find((one) => one.level === (bandDraft?.level ?? 1))?.kind ?? 'percent';
  const bands = bandDraft === null ? null : bandsOf(bandDraft, kind, currency);
  const levels = drafts.flatMap((draft): Rule['levels'] => {
    const first = bands?.level === draft.level ? bands.rows[0] : undefined;
    const level = levelOf(draft, currency);
    if (first === undefined) return level === null ? [] : [level];
    // The bands replace the rate: the level keeps that of their first row.
    const { level: number, of } = draft;
    return first.kind === 'flat'
      ? [{ level: number, kind: 'flat', amount: first.amount, perUnit: false }]
      : [{ level: number, kind: 'percent', ratePpm: first.ratePpm, of }];
  });
  const cap: Rule['cap'] = isAmount(capAmount)
    ? { amount: { amount: capAmount, currency }, scope: capScope, period: capPeriod }
    : null;
  const limits = { maxPayments: countOf(maxPayments), maxMonths: countOf(maxMonths) };
  const isComplete =
    levels.length === drafts.length &&
    (bandDraft === null || bands !== null) &&
    (capAmount === '' || cap !== null) &&
    (target.scope === 'program' || target.id !== '') &&
    (event !== 'transaction' || transactionType.trim() !== '');
  const terms = { base, levels, bands, limits, cap, appliesTo: isForNew ? 'new_customers' : 'all' } as const;
  const place =
    rule === null
      ? {
          ...placeOf(target, program.id),
          event,
          ...(event === 'transaction' ? { transactionType: transactionType.trim() } : {}),
        }
      : {
          scope: rule.scope,
          ...(rule.programId === null ? {} : { programId: rule.programId }),
          ...(rule.productId === null ? {} : { productId: rule.productId }),
          ...(rule.groupId === null ? {} : { groupId: rule.groupId }),
          ...(rule.affiliateId === null ? {} : { affiliateId: rule.affiliateId }),
          ...(rule.transactionType === null ? {} : { transactionType: rule.transactionType }),
          event: rule.event,
        };
  const begin = instantOf(from, planned);
  const span = {
    ...(begin === null ? {} : { effectiveFrom: begin }),
    ...(scope === 'global' ? {} : { effectiveTo: instantOf(until, rule?.effectiveTo ?? null) }),
  };
  const simulation = {
    draft: { ...place, name: name.trim() === '' ? t('rule.new') : name.trim(), ...terms, ...span },
    replacesRuleId: rule?.id ?? null,
    ...(program.status === 'draft' ? {} : { programIds: [program.id] }),
  };
  // Of exactly this draft: a change after it was shown asks anew.
  const isShown = program.status === 'draft' || shown === JSON.stringify(simulation);

  const save = useMutation({
    mutationFn: async () => {
      if (rule === null)
        return postPath('/v1/commission-rules', { name: name.trim(), ...place, ...terms, ...span }, key.current);
      const { data } = await patchCommissionRulesByRuleId({
        path: { ruleId: rule.id },
        body: { name: name.trim(), ...terms, ...span, effectiveFrom: begin },
        headers: { 'If-Match': `"${rule.version}"` } as never,
        throwOnError: true,
      });
      return data;
    },
    onSuccess: () => {
      onClose();
      return queries.invalidateQueries();
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const submit = (submitted: FormEvent): void => {
    submitted.preventDefault();
    if (isShown) save.mutate();
    else setAsked(simulation);
  };
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('close') }} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t('rule.name')}
            value={name}
            onChange={(change) => setName(change.currentTarget.value)}
            required
          />
          {rule === null && affiliate === null ? (
            <RuleTargetFields programId={program.id} value={target} onChange={setTarget} />
          ) : null}
          <Group align="flex-end">
            <NativeSelect
              label={t('rule.event')}
              value={event}
              disabled={rule !== null}
              onChange={(change) => setEvent(change.currentTarget.value as Rule['event'])}
              data={events.map((value) => ({ value, label: t(`rule.event.${value}`) }))}
            />
            {event === 'transaction' ? (
              <TextInput
                label={t('rule.transactionType')}
                value={transactionType}
                disabled={rule !== null}
                maxLength={40}
                onChange={(change) => setTransactionType(change.currentTarget.value)}
                required
              />
            ) : null}
            <NativeSelect
              label={t('rule.base')}
              value={base}
              onChange={(change) => setBase(change.currentTarget.value as Rule['base'])}
              data={bases.map((value) => ({ value, label: t(`rule.base.${value}`) }))}
            />
          </Group>
          <Checkbox
            label={t('rule.hasBands')}
            checked={bandDraft !== null}
            onChange={(change) => setBands(change.currentTarget.checked ? firstBands : null)}
          />
          {bandDraft === null ? null : <BandFields value={bandDraft} kind={kind} onChange={setBands} />}
          <LevelFields
            value={drafts}
            currency={currency}
            most={program.levels}
            banded={bandDraft?.level ?? null}
            onChange={setDrafts}
          />
          <Group align="flex-end" grow>
            <TextInput
              label={t('rule.maxPayments')}
              description={t('rule.maxPaymentsHint')}
              value={maxPayments}
              inputMode="numeric"
              onChange={(change) => setMaxPayments(change.currentTarget.value)}
            />
            <TextInput
              label={t('rule.maxMonths')}
              description={t('rule.maxPaymentsHint')}
              value={maxMonths}
              inputMode="numeric"
              onChange={(change) => setMaxMonths(change.currentTarget.value)}
            />
          </Group>
          <Fieldset legend={t('rule.cap')}>
            <Group align="flex-end" grow>
              <TextInput
                label={t('rule.capAmount', { currency })}
                description={t('rule.maxPaymentsHint')}
                value={capAmount}
                inputMode="decimal"
                onChange={(change) => setCapAmount(change.currentTarget.value.trim())}
              />
              <NativeSelect
                label={t('rule.capPeriod')}
                value={capPeriod}
                onChange={(change) => setCapPeriod(change.currentTarget.value as (typeof capPeriods)[number])}
                data={capPeriods.map((value) => ({ value, label: t(`rule.capPeriod.${value}`) }))}
              />
              <NativeSelect
                label={t('rule.capScope')}
                value={capScope}
                onChange={(change) => setCapScope(change.currentTarget.value as (typeof capScopes)[number])}
                data={capScopes.map((value) => ({ value, label: t(`rule.capScope.${value}`) }))}
              />
            </Group>
          </Fieldset>
          {rule === null ? null : (
            <Checkbox
              label={t('rule.forNew')}
              description={t('rule.forNewHint')}
              checked={isForNew}
              onChange={(change) => setForNew(change.currentTarget.checked)}
            />
          )}
          <Group align="flex-end" grow>
            <TextInput
              label={t('program.effectiveFrom')}
              description={t('program.effectiveFromHint')}
              type="datetime-local"
              value={from}
              error={errors['effectiveFrom']}
              onChange={(change) => setFrom(change.currentTarget.value)}
            />
            {scope === 'global' ? null : (
              <TextInput
                label={t('rule.effectiveTo')}
                description={t('rule.effectiveToHint')}
                type="datetime-local"
                value={until}
                error={errors['effectiveTo']}
                onChange={(change) => setUntil(change.currentTarget.value)}
              />
            )}
          </Group>
          <Paper withBorder p="sm" role="status">
            <Text size="sm" fw={500}>
              {t('rule.affiliateReads')}
            </Text>
            {levels.length === 0 || !isComplete ? (
              <Text size="sm" c="dimmed">
                {t('rule.notYet')}
              </Text>
            ) : (
              <RuleSentence rule={{ levels, event, base, limits, bands, cap }} />
            )}
          </Paper>
          {asked === null ? null : <SimulationPanel body={asked} onShown={() => setShown(JSON.stringify(asked))} />}
          {save.error === null ? null : <ErrorView error={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={save.isPending} disabled={!isComplete || name.trim() === ''}>
              {t(isShown ? 'rule.create' : 'simulate.ask')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
