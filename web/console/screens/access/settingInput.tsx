import {
  ActionIcon,
  Button,
  Checkbox,
  Fieldset,
  Group,
  NativeSelect,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getRolesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { formatMoney, formatRate, type Money } from '../../../kit/MoneyText.js';
import { type Field, percentOf, ppmOf, readDuration, unitNames, type Unit, writeDuration } from './settingsFields.js';

interface InputProps {
  readonly field: Field;
  readonly label: string;
  readonly hint: string | undefined;
  readonly value: unknown;
  readonly isReadOnly: boolean;
  /** What the API says about it. */
  readonly error: string | undefined;
  readonly onChange: (value: unknown) => void;
}

interface Rule {
  readonly event: string;
  readonly base?: string;
  readonly levels: readonly {
    readonly level: number;
    readonly kind: string;
    readonly ratePpm?: number;
    readonly amount?: Money;
  }[];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(textOf) : []);

/** One setting in the form that fits its kind. */
export function SettingInput(props: InputProps): ReactElement {
  const { field, label, hint, value, isReadOnly, error, onChange } = props;
  const { t } = useTranslation();
  const common = { label, description: hint, error, disabled: isReadOnly };
  switch (field.kind) {
    case 'switch':
      return (
        <Switch {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
      );
    case 'choice':
      return (
        <NativeSelect
          {...common}
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
          data={field.options.map((one) => ({ value: one, label: t(`settings.option.${field.name}.${one}`) }))}
        />
      );
    case 'choices':
      return (
        <Choices
          {...props}
          options={field.options.map((one) => ({ value: one, label: t(`settings.option.${field.name}.${one}`) }))}
        />
      );
    case 'roles':
      return <Roles {...props} />;
    case 'duration':
      return <DurationInput {...props} nullable={field.nullable === true} />;
    case 'number':
      return (
        <TextInput
          {...common}
          inputMode="numeric"
          value={typeof value === 'number' ? String(value) : textOf(value)}
          // A text that is no number is sent as it is: the API says what is wrong with it.
          onChange={({ currentTarget: { value: text } }) => onChange(/^\d{1,6}$/.test(text) ? Number(text) : text)}
        />
      );
    case 'amounts':
      return <Amounts {...props} />;
    case 'zone':
      return (
        <NativeSelect
          {...common}
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
          data={zonesWith(textOf(value))}
        />
      );
    case 'currency':
      return (
        <TextInput
          {...common}
          maxLength={3}
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value.toUpperCase())}
        />
      );
    case 'hosts':
      return (
        <Textarea
          {...common}
          autosize
          minRows={2}
          value={listOf(value).join('\n')}
          onChange={(event) => onChange(event.currentTarget.value === '' ? [] : event.currentTarget.value.split('\n'))}
        />
      );
    case 'url':
      return (
        <TextInput
          {...common}
          type="url"
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value === '' ? null : event.currentTarget.value)}
        />
      );
    case 'text':
      return (
        <TextInput
          {...common}
          maxLength={field.maxLength}
          value={textOf(value)}
          onChange={(event) => onChange(event.currentTarget.value === '' ? null : event.currentTarget.value)}
        />
      );
    case 'rule':
      return <RuleInput {...props} />;
    default:
      return field satisfies never;
  }
}

function zonesWith(current: string): readonly string[] {
  const known = Intl.supportedValuesOf('timeZone');
  return [...new Set(['UTC', ...(current === '' ? [] : [current]), ...known])];
}

function Choices({
  label,
  hint,
  value,
  isReadOnly,
  error,
  onChange,
  options,
}: InputProps & { readonly options: readonly { readonly value: string; readonly label: string }[] }): ReactElement {
  return (
    <Checkbox.Group
      label={label}
      description={hint}
      error={error}
      value={[...listOf(value)]}
      // In the order of the list, whatever was pressed first: the same choice is the same value.
      onChange={(chosen) => onChange(options.map((one) => one.value).filter((one) => chosen.includes(one)))}
    >
      <Group gap="md" mt="xs">
        {options.map((one) => (
          <Checkbox key={one.value} value={one.value} label={one.label} disabled={isReadOnly} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

function Roles(props: InputProps): ReactElement {
  const roles = useQuery(getRolesOptions());
  const known = roles.data?.data.map((role) => ({ value: role.id, label: role.name })) ?? [];
  // Without the right to read the team the chosen ones are still shown, by their ids.
  const unknown = listOf(props.value)
    .filter((id) => known.every((one) => one.value !== id))
    .map((id) => ({ value: id, label: id }));
  return <Choices {...props} options={[...known, ...unknown]} />;
}

function DurationInput({
  label,
  hint,
  value,
  isReadOnly,
  error,
  onChange,
  nullable,
}: InputProps & { readonly nullable: boolean }): ReactElement {
  const { t } = useTranslation();
  const held = textOf(value);
  const read = readDuration(held);
  const count = read?.count ?? /^PT?(.*?)[DHMS]?$/.exec(held)?.[1] ?? '';
  const unit: Unit = read?.unit ?? 'days';
  return (
    <Fieldset legend={label} variant="unstyled">
      {hint === undefined ? null : (
        <Text size="sm" c="dimmed">
          {hint}
        </Text>
      )}
      <Group gap="xs" align="flex-start">
        {nullable ? (
          <Checkbox
            label={t('settings.without')}
            checked={value === null}
            disabled={isReadOnly}
            mt={6}
            onChange={(event) => onChange(event.currentTarget.checked ? null : 'P365D')}
          />
        ) : null}
        {value === null ? null : (
          <>
            <TextInput
              aria-label={`${label}: ${t('settings.count')}`}
              inputMode="numeric"
              w={90}
              value={count}
              disabled={isReadOnly}
              error={error}
              onChange={(event) => onChange(writeDuration(event.currentTarget.value, unit))}
            />
            <NativeSelect
              aria-label={`${label}: ${t('settings.unit')}`}
              value={unit}
              disabled={isReadOnly}
              onChange={(event) => onChange(writeDuration(count, event.currentTarget.value as Unit))}
              data={unitNames.map((one) => ({ value: one, label: t(`settings.unit.${one}`) }))}
            />
          </>
        )}
      </Group>
    </Fieldset>
  );
}

function Amounts({ label, hint, value, isReadOnly, error, onChange }: InputProps): ReactElement {
  const { t } = useTranslation();
  const rows = (Array.isArray(value) ? value : []) as readonly Money[];
  const put = (index: number, change: Partial<Money>): void =>
    onChange(rows.map((row, at) => (at === index ? { ...row, ...change } : row)));
  return (
    <Fieldset legend={label} variant="unstyled">
      <Stack gap="xs">
        {hint === undefined ? null : (
          <Text size="sm" c="dimmed">
            {hint}
          </Text>
        )}
        {rows.map((row, index) => (
          <Group key={index} gap="xs" align="flex-start">
            <TextInput
              aria-label={`${label}: ${t('settings.amount')} ${index + 1}`}
              inputMode="decimal"
              w={130}
              value={row.amount}
              disabled={isReadOnly}
              onChange={(event) => put(index, { amount: event.currentTarget.value.trim() })}
            />
            <TextInput
              aria-label={`${label}: ${t('settings.currency')} ${index + 1}`}
              w={80}
              maxLength={3}
              value={row.currency}
              disabled={isReadOnly}
              onChange={(event) => put(index, { currency: event.currentTarget.value.toUpperCase() })}
            />
            {isReadOnly ? null : (
              <ActionIcon
                variant="default"
                size={36}
                aria-label={t('settings.removeAmount', { number: index + 1 })}
                onClick={() => onChange(rows.filter((_row, at) => at !== index))}
              >
                <span aria-hidden="true">✕</span>
              </ActionIcon>
            )}
          </Group>
        ))}
        {error === undefined ? null : (
          <Text size="sm" c="red" role="alert">
            {error}
          </Text>
        )}
        {isReadOnly ? null : (
          <Group>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => onChange([...rows, { amount: '', currency: '' }])}
              aria-label={`${label}: ${t('settings.addAmount')}`}
            >
              {t('settings.addAmount')}
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  );
}

const events = ['first_payment', 'payment', 'registration', 'lead'] as const;
const bases = ['net', 'gross', 'net_of_fees', 'deposit'] as const;
const plainRule: Rule = {
  event: 'first_payment',
  base: 'net',
  levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
};

/** The default rule as a sentence of three choices. One with more levels or a fixed amount is shown, and replaced only on purpose. */
function RuleInput({ label, hint, value, isReadOnly, error, onChange }: InputProps): ReactElement {
  const { t } = useTranslation();
  const rule = value as Rule | null;
  const [level, ...more] = rule?.levels ?? [];
  const isPlain = rule !== null && level !== undefined && level.kind === 'percent' && more.length === 0;
  // Half-typed rates are kept as text beside the rule; what is no rate yet leaves the rule as it was typed, for the API to refuse.
  const rate = level?.ratePpm;
  const put = (change: Partial<Rule>): void =>
    onChange({ ...plainRule, ...rule, ...change, name: undefined, scope: 'global' });
  return (
    <Fieldset legend={label} variant="unstyled">
      <Stack gap="xs">
        {hint === undefined ? null : (
          <Text size="sm" c="dimmed">
            {hint}
          </Text>
        )}
        <Checkbox
          label={t('settings.noRule')}
          checked={rule === null}
          disabled={isReadOnly}
          onChange={(event) => onChange(event.currentTarget.checked ? null : { ...plainRule, scope: 'global' })}
        />
        {rule === null || isPlain ? null : (
          <>
            <Text size="sm">{t('settings.ruleElse', { rule: ruleText(t, rule) })}</Text>
            {isReadOnly ? null : (
              <Group>
                <Button size="compact-sm" variant="default" onClick={() => put({ ...plainRule })}>
                  {t('settings.replaceRule')}
                </Button>
              </Group>
            )}
          </>
        )}
        {isPlain ? (
          <Group gap="xs" align="flex-end">
            <TextInput
              label={t('settings.rate')}
              inputMode="decimal"
              w={110}
              rightSection="%"
              disabled={isReadOnly}
              defaultValue={rate === undefined ? '' : percentOf(rate)}
              key={isReadOnly ? `read ${rate}` : 'write'}
              onChange={(event) =>
                put({ levels: [{ level: 1, kind: 'percent', ratePpm: ppmOf(event.currentTarget.value) ?? -1 }] })
              }
            />
            <NativeSelect
              label={t('rule.base')}
              disabled={isReadOnly}
              value={rule.base ?? 'net'}
              onChange={(event) => put({ base: event.currentTarget.value })}
              data={bases.map((one) => ({ value: one, label: t(`rule.base.${one}`) }))}
            />
            <NativeSelect
              label={t('rule.event')}
              disabled={isReadOnly}
              value={rule.event}
              onChange={(event) => put({ event: event.currentTarget.value })}
              data={events.map((one) => ({ value: one, label: t(`rule.event.${one}`) }))}
            />
          </Group>
        ) : null}
        {error === undefined ? null : (
          <Text size="sm" c="red" role="alert">
            {error}
          </Text>
        )}
      </Stack>
    </Fieldset>
  );
}

type Translate = (key: string, values?: Readonly<Record<string, unknown>>) => string;

function ruleText(t: Translate, rule: Rule): string {
  const parts = rule.levels.map((level) => {
    const share =
      level.amount === undefined
        ? formatRate(level.ratePpm ?? 0)
        : /^\d/.test(level.amount.amount)
          ? formatMoney(level.amount)
          : '–';
    return t('settings.ruleLevel', { level: level.level, share });
  });
  return `${parts.join(', ')}; ${t(`rule.base.${rule.base ?? 'net'}`)}; ${t(`rule.event.${rule.event}`)}`;
}

/** A setting's value in words: for "from … to …" before saving and in the history. */
export function settingText(t: Translate, field: Field | undefined, value: unknown): string {
  if (value === null || value === undefined) return t('settings.none');
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  switch (field?.kind) {
    case 'choice':
      return t(`settings.option.${field.name}.${textOf(value)}`, { defaultValue: textOf(value) });
    case 'choices':
      return listOf(value).length === 0
        ? t('settings.all')
        : listOf(value)
            .map((one) => t(`settings.option.${field.name}.${one}`, { defaultValue: one }))
            .join(', ');
    case 'duration': {
      const read = readDuration(textOf(value));
      return read === undefined ? textOf(value) : `${read.count} ${t(`settings.unit.${read.unit}`)}`;
    }
    case 'amounts': {
      const rows = value as readonly Money[];
      // What was just typed need not be an amount yet.
      const one = (money: Money): string => `${money.currency} ${money.amount}`;
      return rows.length === 0 ? t('settings.byDefault') : rows.map(one).join(', ');
    }
    case 'rule':
      return ruleText(t, value as Rule);
    case 'hosts':
    case 'roles':
      return listOf(value).length === 0 ? t('settings.none') : listOf(value).join(', ');
    case 'switch':
    case 'number':
    case 'zone':
    case 'currency':
    case 'url':
    case 'text':
    case undefined:
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
  }
}
