import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { humanize } from '../../../kit/StatusPill.js';

interface Step {
  readonly from: string | null;
  readonly to: string | null;
}

/** From which state into which a step went, in words; nothing for one that moved nothing: its event says what happened. */
export function useMoveText(): (step: Step) => string {
  const { t } = useTranslation();
  return useCallback(
    ({ from, to }) =>
      from === to || to === null
        ? ''
        : [from, to]
            .flatMap((state) => (state === null ? [] : [t(`status.${state}`, { defaultValue: humanize(state) })]))
            .join(' → '),
    [t],
  );
}
