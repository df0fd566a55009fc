import { Button, Checkbox, Fieldset, Group, Modal, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { patchCommissionRulesByRuleId } from '../../../client/sdk.gen.js';
import type { Program } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { type BandDraft, BandFields, bandsOf, draftOf, firstBands, percentText } from './bandFields.js';
import { ppmOf, type Rule, RuleSentence } from './ruleSentence.js';
import { SimulationPanel } from './simulationPanel.js';

const events = ['payment', 'first_payment', 'registration', 'lead'] as const;
const bases = ['net', 'gross', 'net_of_fees', 'deposit'] as const;
const capScopes = ['affiliate', 'affiliate_customer', 'group', 'program'] as const;
const capPeriods = ['month', 'lifetime', 'commission'] as const;
const isAmount = (text: string): boolean => /^\d+(\.\d+)?$/.test(text);
const countOf = (text: string): number | null => (/^\d+$/.test(text) ? Number(text) : null);

function typed(level: Rule['levels'][number]): string {
  return level.kind === 'flat' ? level.amount.amount : percentText(level.ratePpm);
}

/**
 * A rule as a sentence; beside it what the affiliate will read. Before it is saved last quarter is computed under it: there is no way past
 * that in a program with past sales (screens.md 3.9). With `rule` the form makes its next version.
 */
export function RuleForm({
  program,
  rule = null,
  onClose,
}: {
  readonly program: Program;
  readonly rule?: Rule | null;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [name, setName] = useState(rule?.name ?? '');
  const [event, setEvent] = useState<Rule['event']>(rule?.event ?? 'payment');
  const [base, setBase] = useState<Rule['base']>(rule?.base ?? 'net');
  const [kind, setKind] = useState<'percent' | 'flat'>(rule?.levels[0]?.kind ?? 'percent');
  const [values, setValues] = useState<readonly string[]>(rule?.levels.map(typed) ?? ['']);
  const [maxPayments, setMaxPayments] = useState(rule?.limits.maxPayments?.toString() ?? '');
  const [maxMonths, setMaxMonths] = useState(rule?.limits.maxMonths?.toString() ?? '');
  const [bandDraft, setBands] = useState<BandDraft | null>(rule?.bands == null ? null : draftOf(rule.bands));
  const [capAmount, setCapAmount] = useState(rule?.cap?.amount.amount ?? '');
  const [capScope, setCapScope] = useState<(typeof capScopes)[number]>(rule?.cap?.scope ?? 'affiliate');
  const [capPeriod, setCapPeriod] = useState<(typeof capPeriods)[number]>(rule?.cap?.period ?? 'month');
  const [isForNew, setForNew] = useState(rule?.appliesTo === 'new_customers');
  const [asked, setAsked] = useState<Readonly<Record<string, unknown>> | null>(null);
  const [shown, setShown] = useState<string | null>(null);

  const { currency } = program;
  const bands = bandDraft === null ? null : bandsOf(bandDraft, kind, currency);
  const levels = values.flatMap((value, index): Rule['levels'] => {
    const level = index + 1;
    const first = bands?.level === level ? (bands.rows[0] ?? null) : null;
    const text = first === null ? value : first.kind === 'flat' ? first.amount.amount : percentText(first.ratePpm);
    if (kind === 'flat')
      return isAmount(text.trim()) ? [{ level, kind, amount: { amount: text.trim(), currency }, perUnit: false }] : [];
    const before = rule?.levels.find((one) => one.level === level);
    const of = before?.kind === 'percent' ? before.of : 'base';
    const ratePpm = ppmOf(text);
    return ratePpm === null ? [] : [{ level, kind, ratePpm, of }];
  });
  const cap: Rule['cap'] = isAmount(capAmount)
    ? { amount: { amount: capAmount, currency }, scope: capScope, period: capPeriod }
    : null;
  const limits = { maxPayments: countOf(maxPayments), maxMonths: countOf(maxMonths) };
  const isComplete =
    levels.length === values.length && (bandDraft === null || bands !== null) && (capAmount === '' || cap !== null);
  const terms = { base, levels, bands, limits, cap, appliesTo: isForNew ? 'new_customers' : 'all' } as const;
  const place =
    rule === null
      ? { scope: 'program', programId: program.id, event }
      : {
          scope: rule.scope,
          ...(rule.programId === null ? {} : { programId: rule.programId }),
          ...(rule.productId === null ? {} : { productId: rule.productId }),
          ...(rule.groupId === null ? {} : { groupId: rule.groupId }),
          ...(rule.affiliateId === null ? {} : { affiliateId: rule.affiliateId }),
          ...(rule.transactionType === null ? {} : { transactionType: rule.transactionType }),
          event: rule.event,
        };
  const simulation = {
    draft: { ...place, name: name.trim() === '' ? t('rule.new') : name.trim(), ...terms },
    replacesRuleId: rule?.id ?? null,
    ...(program.status === 'draft' ? {} : { programIds: [program.id] }),
  };
  // Of exactly this draft: a change after it was shown asks anew.
  const isShown = program.status === 'draft' || shown === JSON.stringify(simulation);

  const save = useMutation({
    mutationFn: async () => {
      if (rule === null)
        return postPath('/v1/commission-rules', { name: name.trim(), ...place, ...terms }, key.current);
      const { data } = await patchCommissionRulesByRuleId({
        path: { ruleId: rule.id },
        body: { name: name.trim(), ...terms },
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
  const submit = (submitted: FormEvent): void => {
    submitted.preventDefault();
    if (isShown) save.mutate();
    else setAsked(simulation);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={rule === null ? t('rule.new') : t('rule.newVersionOf', { name: rule.name })}
      closeButtonProps={{ 'aria-label': t('close') }}
      size="lg"
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t('rule.name')}
            value={name}
            onChange={(change) => setName(change.currentTarget.value)}
            required
          />
          <Group align="flex-end">
            <NativeSelect
              label={t('rule.event')}
              value={event}
              disabled={rule !== null}
              onChange={(change) => setEvent(change.currentTarget.value as Rule['event'])}
              data={events.map((value) => ({ value, label: t(`rule.event.${value}`) }))}
            />
            <NativeSelect
              label={t('rule.kind')}
              value={kind}
              onChange={(change) => setKind(change.currentTarget.value === 'flat' ? 'flat' : 'percent')}
              data={(['percent', 'flat'] as const).map((value) => ({ value, label: t(`rule.kind.${value}`) }))}
            />
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
          {values.map((value, index) =>
            index === 0 && bandDraft !== null ? null : (
              <TextInput
                key={index}
                label={t(kind === 'percent' ? 'rule.rateOf' : 'rule.amountOf', { level: index + 1, currency })}
                value={value}
                inputMode="decimal"
                onChange={(change) => {
                  const next = [...values];
                  next[index] = change.currentTarget.value;
                  setValues(next);
                }}
                required
              />
            ),
          )}
          {values.length < program.levels ? (
            <Group>
              <Button variant="default" size="compact-sm" onClick={() => setValues([...values, ''])}>
                {t('rule.addLevel')}
              </Button>
            </Group>
          ) : null}
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
