import { Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { GetCommissionRulesResponse } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { formatMoney, formatRate } from '../../../kit/MoneyText.js';

export type Rule = GetCommissionRulesResponse['data'][number];

/** "12.5" percent as parts per million, by moving the point; null where that is not a rate of at most four decimals. */
export function ppmOf(percent: string): number | null {
  const found = /^(\d{1,3})(?:[.,](\d{1,4}))?$/.exec(percent.trim());
  return found === null ? null : Number(`${found[1]}${(found[2] ?? '').padEnd(4, '0')}`);
}

/** Whose rule it is, in which version, and from when until when that holds. */
export function RuleScope({
  rule,
}: {
  readonly rule: Pick<Rule, 'scope' | 'version' | 'effectiveFrom' | 'effectiveTo'>;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Text size="sm" c="dimmed">
      {t('rule.scopeLine', { scope: t(`rule.scope.${rule.scope}`), version: rule.version })}{' '}
      <DateText value={rule.effectiveFrom} />
      {rule.effectiveTo === null ? null : (
        <>
          {' – '}
          <DateText value={rule.effectiveTo} />
        </>
      )}
    </Text>
  );
}

/** A rule as the affiliate will read it, one sentence per level (screens.md 3.9). */
export function RuleSentence({
  rule,
}: {
  readonly rule: Pick<Rule, 'levels' | 'event' | 'base' | 'limits' | 'bands' | 'cap'>;
}): ReactElement {
  const { t } = useTranslation();
  const event = t(`rule.event.${rule.event}`);
  const { bands, cap } = rule;
  return (
    <Stack gap={2}>
      {rule.levels.map((level) =>
        bands?.level === level.level ? (
          <Text key={level.level}>
            {t('rule.says.bands', {
              level: level.level,
              event,
              by: t(`rule.bandBy.${bands.by}`),
              rows: bands.rows
                .map((row) =>
                  t('rule.says.bandRow', {
                    from: row.from,
                    rate:
                      row.kind === 'flat'
                        ? formatMoney(row.amount)
                        : t('rule.says.bandRate', {
                            rate: formatRate(row.ratePpm),
                            base: t(`rule.base.${rule.base}`),
                          }),
                  }),
                )
                .join('; '),
            })}{' '}
            {bands.by === 'sales_count' || bands.by === 'sales_amount' ? t(`rule.bandPeriod.${bands.period}`) : ''}{' '}
            {t(`rule.says.${bands.mode}`)}
          </Text>
        ) : (
          <Text key={level.level}>
            {level.kind === 'percent'
              ? t(level.of === 'lower_level' ? 'rule.says.ofLower' : 'rule.says.percent', {
                  rate: formatRate(level.ratePpm),
                  base: t(`rule.base.${rule.base}`),
                  event,
                  level: level.level,
                })
              : t(level.perUnit ? 'rule.says.flatPerUnit' : 'rule.says.flat', {
                  amount: formatMoney(level.amount),
                  event,
                  level: level.level,
                })}
          </Text>
        ),
      )}
      {cap === null ? null : (
        <Text size="sm">
          {t('rule.says.cap', {
            amount: formatMoney(cap.amount),
            period: t(`rule.capPeriod.${cap.period}`),
            scope: t(`rule.capScope.${cap.scope}`),
          })}
        </Text>
      )}
      {rule.limits.maxPayments === null ? null : (
        <Text size="sm">{t('rule.says.maxPayments', { count: rule.limits.maxPayments })}</Text>
      )}
      {rule.limits.maxMonths === null ? null : (
        <Text size="sm">{t('rule.says.maxMonths', { count: rule.limits.maxMonths })}</Text>
      )}
    </Stack>
  );
}
