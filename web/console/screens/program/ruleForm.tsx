import { Button, Group, Modal, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Program } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { type Rule, RuleSentence } from './ruleSentence.js';

const events = ['payment', 'first_payment', 'registration', 'lead'] as const;
const bases = ['net', 'gross', 'net_of_fees', 'deposit'] as const;

/** "12.5" percent as parts per million, by moving the point; null where that is not a rate of at most four decimals. */
function ppmOf(percent: string): number | null {
  const found = /^(\d{1,3})(?:[.,](\d{1,4}))?$/.exec(percent.trim());
  return found === null ? null : Number(`${found[1]}${(found[2] ?? '').padEnd(4, '0')}`);
}

/** A rule as a sentence; beside it what the affiliate will read (screens.md 3.9). */
export function RuleForm({
  program,
  onClose,
}: {
  readonly program: Program;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [name, setName] = useState('');
  const [event, setEvent] = useState<Rule['event']>('payment');
  const [base, setBase] = useState<Rule['base']>('net');
  const [kind, setKind] = useState<'percent' | 'flat'>('percent');
  const [values, setValues] = useState<readonly string[]>(['']);
  const [maxPayments, setMaxPayments] = useState('');
  const levels = values.flatMap((value, index): Rule['levels'] => {
    const level = index + 1;
    if (kind === 'flat')
      return value.trim() === ''
        ? []
        : [{ level, kind, amount: { amount: value.trim(), currency: program.currency }, perUnit: false }];
    const ratePpm = ppmOf(value);
    return ratePpm === null ? [] : [{ level, kind, ratePpm, of: 'base' }];
  });
  const limits = { maxPayments: /^\d+$/.test(maxPayments) ? Number(maxPayments) : null, maxMonths: null };
  const isReadable =
    kind === 'percent' || levels.every((one) => one.kind === 'flat' && /^\d+(\.\d+)?$/.test(one.amount.amount));
  const create = useMutation({
    mutationFn: () =>
      postPath(
        '/v1/commission-rules',
        { name: name.trim(), scope: 'program', programId: program.id, event, base, levels, limits },
        key.current,
      ),
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
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('rule.new')} closeButtonProps={{ 'aria-label': t('close') }} size="lg">
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
          {values.map((value, index) => (
            <TextInput
              key={index}
              label={t(kind === 'percent' ? 'rule.rateOf' : 'rule.amountOf', {
                level: index + 1,
                currency: program.currency,
              })}
              value={value}
              inputMode="decimal"
              onChange={(change) => {
                const next = [...values];
                next[index] = change.currentTarget.value;
                setValues(next);
              }}
              required
            />
          ))}
          {values.length < program.levels ? (
            <Group>
              <Button variant="default" size="compact-sm" onClick={() => setValues([...values, ''])}>
                {t('rule.addLevel')}
              </Button>
            </Group>
          ) : null}
          <TextInput
            label={t('rule.maxPayments')}
            description={t('rule.maxPaymentsHint')}
            value={maxPayments}
            inputMode="numeric"
            onChange={(change) => setMaxPayments(change.currentTarget.value)}
          />
          <Paper withBorder p="sm" role="status">
            <Text size="sm" fw={500}>
              {t('rule.affiliateReads')}
            </Text>
            {levels.length === 0 || !isReadable ? (
              <Text size="sm" c="dimmed">
                {t('rule.notYet')}
              </Text>
            ) : (
              <RuleSentence rule={{ levels, event, base, limits }} />
            )}
          </Paper>
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending} disabled={levels.length !== values.length}>
              {t('rule.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
