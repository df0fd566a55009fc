import { Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { GetCommissionRulesResponse } from '../../../client/types.gen.js';
import { formatMoney, formatRate } from '../../../kit/MoneyText.js';

export type Rule = GetCommissionRulesResponse['data'][number];

/** A rule as the affiliate will read it, one sentence per level (screens.md 3.9). */
export function RuleSentence({
  rule,
}: {
  readonly rule: Pick<Rule, 'levels' | 'event' | 'base' | 'limits'>;
}): ReactElement {
  const { t } = useTranslation();
  const event = t(`rule.event.${rule.event}`);
  return (
    <Stack gap={2}>
      {rule.levels.map((level) => (
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
      ))}
      {rule.limits.maxPayments === null ? null : (
        <Text size="sm">{t('rule.says.maxPayments', { count: rule.limits.maxPayments })}</Text>
      )}
      {rule.limits.maxMonths === null ? null : (
        <Text size="sm">{t('rule.says.maxMonths', { count: rule.limits.maxMonths })}</Text>
      )}
    </Stack>
  );
}
