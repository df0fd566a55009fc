import { Button, Group, List, NativeSelect, NumberInput, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsByProgramIdThresholdsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { putProgramsByProgramIdThresholds } from '../../../client/sdk.gen.js';
import type { GetProgramsByProgramIdThresholdsResponse, Program } from '../../../client/types.gen.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';
import { percentText } from './bandFields.js';
import { ppmOf } from './ruleSentence.js';

export type Threshold = GetProgramsByProgramIdThresholdsResponse[number];

const metrics = ['leads', 'accepted', 'acceptRate', 'sales', 'refunds', 'refundShare'] as const;
const periods = ['month', 'quarter', 'year'] as const;
/** Kept in millionths, typed in percent. */
const isShare = (metric: Threshold['metric']): boolean => metric === 'acceptRate' || metric === 'refundShare';

/** What affiliates have to reach in a period; who does not is marked when the period is over, and staff are told (PRG-18). */
export function Thresholds({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('program.write') && program.status !== 'closed';
  const [isChanging, setChanging] = useState(false);
  const query = useQuery(getProgramsByProgramIdThresholdsOptions({ path: { programId: program.id } }));
  return (
    <Paper withBorder p="md" mt="sm" component="section" aria-label={t('standard.title')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('standard.title')}
          </Title>
          {mayWrite && query.data !== undefined ? (
            <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
              {t('standard.change')}
            </Button>
          ) : null}
        </Group>
        <Loaded query={query}>
          {(thresholds) =>
            thresholds.length === 0 ? (
              <Text size="sm">{t('standard.none')}</Text>
            ) : (
              <List size="sm">
                {thresholds.map((one) => (
                  <List.Item key={`${one.metric} ${one.period}`}>{thresholdText(one, t)}</List.Item>
                ))}
              </List>
            )
          }
        </Loaded>
      </Stack>
      {isChanging && query.data !== undefined ? (
        <ThresholdForm program={program} present={query.data} onClose={() => setChanging(false)} />
      ) : null}
    </Paper>
  );
}

/** A threshold as a sentence. */
export function thresholdText(one: Threshold, t: TFunction): string {
  return t(one.minimum === null ? 'standard.atMost' : 'standard.atLeast', {
    metric: t(`standard.metric.${one.metric}`),
    value: shown(one),
    period: t(`standard.period.${one.period}`),
  });
}

function shown({ metric, minimum, maximum }: Threshold): string {
  const bound = minimum ?? maximum ?? 0;
  return isShare(metric) ? `${percentText(bound)} %` : String(bound);
}

interface Draft {
  readonly metric: Threshold['metric'];
  readonly period: Threshold['period'];
  readonly bound: 'minimum' | 'maximum';
  readonly value: string;
}

function draftOf(one: Threshold): Draft {
  const value = one.minimum ?? one.maximum ?? 0;
  return {
    metric: one.metric,
    period: one.period,
    bound: one.minimum === null ? 'maximum' : 'minimum',
    value: isShare(one.metric) ? percentText(value) : String(value),
  };
}

function thresholdOf({ metric, period, bound, value }: Draft): Threshold | null {
  const number = isShare(metric) ? ppmOf(value) : /^\d{1,9}$/.test(value) ? Number(value) : null;
  if (number === null) return null;
  return {
    metric,
    period,
    minimum: bound === 'minimum' ? number : null,
    maximum: bound === 'maximum' ? number : null,
  };
}

function ThresholdForm({
  program,
  present,
  onClose,
}: {
  readonly program: Program;
  readonly present: readonly Threshold[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [drafts, setDrafts] = useState<readonly Draft[]>(present.map(draftOf));
  const [from, setFrom] = useState('');
  const thresholds = drafts.flatMap((draft) => thresholdOf(draft) ?? []);
  const put = (index: number, change: Partial<Draft>): void =>
    setDrafts(drafts.map((one, at) => (at === index ? { ...one, ...change } : one)));
  return (
    <FormDialog
      title={t('standard.title')}
      size="lg"
      submit={t('standard.save')}
      isReady={thresholds.length === drafts.length}
      save={() =>
        putProgramsByProgramIdThresholds({
          path: { programId: program.id },
          query: from === '' ? {} : { effectiveFrom: new Date(from).toISOString() },
          body: thresholds,
          headers: { 'If-Match': `"${program.version}"` } as never,
          throwOnError: true,
        })
      }
      onClose={onClose}
    >
      {() => (
        <>
          <Text size="sm">{t('standard.text')}</Text>
          {drafts.map((draft, index) => (
            <Group key={index} align="flex-end">
              <NativeSelect
                label={t('standard.metric', { row: index + 1 })}
                value={draft.metric}
                onChange={(change) => put(index, { metric: change.currentTarget.value as Draft['metric'] })}
                data={metrics.map((value) => ({ value, label: t(`standard.metric.${value}`) }))}
              />
              <NativeSelect
                label={t('standard.bound', { row: index + 1 })}
                value={draft.bound}
                onChange={(change) => put(index, { bound: change.currentTarget.value as Draft['bound'] })}
                data={(['minimum', 'maximum'] as const).map((value) => ({
                  value,
                  label: t(`standard.bound.${value}`),
                }))}
              />
              <NumberInput
                label={t(isShare(draft.metric) ? 'standard.percent' : 'standard.number', { row: index + 1 })}
                value={draft.value}
                min={0}
                decimalScale={isShare(draft.metric) ? 4 : 0}
                onChange={(value) => put(index, { value: String(value) })}
                required
              />
              <NativeSelect
                label={t('standard.period', { row: index + 1 })}
                value={draft.period}
                onChange={(change) => put(index, { period: change.currentTarget.value as Draft['period'] })}
                data={periods.map((value) => ({ value, label: t(`standard.period.${value}`) }))}
              />
              <Button
                variant="default"
                onClick={() => setDrafts(drafts.filter((_, at) => at !== index))}
                aria-label={t('standard.removeRow', { row: index + 1 })}
              >
                {t('standard.remove')}
              </Button>
            </Group>
          ))}
          <Group>
            <Button
              variant="default"
              size="compact-sm"
              onClick={() =>
                setDrafts([...drafts, { metric: 'sales', period: 'quarter', bound: 'minimum', value: '' }])
              }
            >
              {t('standard.add')}
            </Button>
          </Group>
          <TextInput
            label={t('program.effectiveFrom')}
            description={t('standard.effectiveFromHint')}
            type="datetime-local"
            value={from}
            onChange={(change) => setFrom(change.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
