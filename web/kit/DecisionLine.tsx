import { Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { DateText } from './DateText.js';
import { useReasonText } from './texts.js';

/** A resource's `decision` (api.md 1.8). */
interface Decision {
  readonly verb: string;
  readonly by: { readonly type: string; readonly name?: string | null };
  readonly at: string;
  readonly reasonCode: string | null;
  readonly reason: string | null;
}

/** The last decision in a line: who, what, when and why; where a rule or a fact decided, that it was nobody. */
export function DecisionLine({ decision }: { readonly decision: Decision | null }): ReactElement | null {
  const { t } = useTranslation();
  const reason = useReasonText();
  if (decision === null) return null;
  const { by, reasonCode } = decision;
  const verb = t(`action.${decision.verb}`, { defaultValue: decision.verb });
  const isSystem = by.type === 'system';
  return (
    <Text size="sm" data-decision={decision.verb}>
      {isSystem
        ? t('decision.bySystem', { what: reasonCode === null ? verb : reason(reasonCode) })
        : t('decision.byPerson', { verb, name: by.name ?? t(`actor.${by.type}`) })}{' '}
      <DateText value={decision.at} relative />
      {isSystem || reasonCode === null ? '' : ` · ${reason(reasonCode)}`}
      {decision.reason === null ? '' : ` · “${decision.reason}”`}
    </Text>
  );
}
