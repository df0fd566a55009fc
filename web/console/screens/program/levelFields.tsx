import { Button, Checkbox, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { percentText } from './bandFields.js';
import { ppmOf, type Rule } from './ruleSentence.js';

type Level = Rule['levels'][number];

/** One level as it is being typed: each has its own kind, percent or fixed (RUL-07). */
export interface LevelDraft {
  readonly level: number;
  readonly kind: 'percent' | 'flat';
  readonly text: string;
  readonly of: 'base' | 'lower_level';
  readonly perUnit: boolean;
}

export function emptyLevel(level: number, kind: LevelDraft['kind'] = 'percent'): LevelDraft {
  return { level, kind, text: '', of: 'base', perUnit: false };
}

export function levelDraft(level: Level): LevelDraft {
  return level.kind === 'flat'
    ? { ...emptyLevel(level.level, 'flat'), text: level.amount.amount, perUnit: level.perUnit }
    : { ...emptyLevel(level.level), text: percentText(level.ratePpm), of: level.of };
}

/** As the API takes it; null while it cannot be read. */
export function levelOf(draft: LevelDraft, currency: string): Level | null {
  const { level, kind } = draft;
  const text = draft.text.trim();
  if (kind === 'flat')
    return /^\d+(\.\d+)?$/.test(text)
      ? { level, kind, amount: { amount: text, currency }, perUnit: draft.perUnit }
      : null;
  const ratePpm = ppmOf(text);
  return ratePpm === null ? null : { level, kind, ratePpm, of: draft.of };
}

/** A row per level. Where bands replace a level's rate, only its kind is asked: the bands hold the figures. */
export function LevelFields({
  value,
  currency,
  most,
  banded,
  onChange,
}: {
  readonly value: readonly LevelDraft[];
  readonly currency: string;
  readonly most: number;
  /** The level whose rate bands hold; null: none. */
  readonly banded: number | null;
  readonly onChange: (next: readonly LevelDraft[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const put = (level: number, change: Partial<LevelDraft>): void =>
    onChange(value.map((one) => (one.level === level ? { ...one, ...change } : one)));
  const next = Math.max(...value.map((one) => one.level)) + 1;
  return (
    <Stack gap="sm">
      {value.map(({ level, kind, text, of, perUnit }) => (
        <Group key={level} align="flex-end">
          <NativeSelect
            label={level === 1 ? t('rule.kind') : t('rule.kindOf', { level })}
            value={kind}
            onChange={(change) => put(level, { kind: change.currentTarget.value === 'flat' ? 'flat' : 'percent' })}
            data={(['percent', 'flat'] as const).map((one) => ({ value: one, label: t(`rule.kind.${one}`) }))}
          />
          {level === banded ? null : (
            <TextInput
              label={t(kind === 'percent' ? 'rule.rateOf' : 'rule.amountOf', { level, currency })}
              value={text}
              inputMode="decimal"
              onChange={(change) => put(level, { text: change.currentTarget.value })}
              required
            />
          )}
          {kind === 'percent' && level > 1 ? (
            <NativeSelect
              label={t('rule.shareOf', { level })}
              value={of}
              onChange={(change) => put(level, { of: change.currentTarget.value === 'base' ? 'base' : 'lower_level' })}
              data={(['base', 'lower_level'] as const).map((one) => ({ value: one, label: t(`rule.shareOf.${one}`) }))}
            />
          ) : null}
          {kind === 'flat' && level !== banded ? (
            <Checkbox
              label={t('rule.perUnit', { level })}
              checked={perUnit}
              mb={8}
              onChange={(change) => put(level, { perUnit: change.currentTarget.checked })}
            />
          ) : null}
        </Group>
      ))}
      {next <= most ? (
        <Group>
          <Button variant="default" size="compact-sm" onClick={() => onChange([...value, emptyLevel(next)])}>
            {t('rule.addLevel')}
          </Button>
        </Group>
      ) : null}
    </Stack>
  );
}
