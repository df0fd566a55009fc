import { Button, Group } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { formatMoney, type Money } from '../../../kit/MoneyText.js';
import { useCan } from '../../../kit/session.js';

/** One click makes a draft of all that is payable in a currency and opens it (PAY-03); what stands in the way is said. */
export function MakeDraft({
  affiliateId,
  payable,
}: {
  readonly affiliateId: string;
  readonly payable: Money;
}): ReactElement | null {
  const { t } = useTranslation();
  const can = useCan();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const make = useMutation({
    mutationFn: () =>
      postPath<{ readonly id: string }>('/v1/payouts', { affiliateId, currency: payable.currency }, key.current),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries();
      await navigate({ to: `/payouts/${id}` });
    },
    onError: () => {
      key.current = newKey(); // the next press asks anew: what stood in the way may be gone
    },
  });
  if (!can('payout.prepare') || !/[1-9]/.test(payable.amount) || payable.amount.startsWith('-')) return null;
  return (
    <Group>
      <Button variant="default" size="compact-sm" loading={make.isPending} onClick={() => make.mutate()}>
        {t('affiliate.makeDraft', { amount: formatMoney(payable) })}
      </Button>
      {make.error === null ? null : <ErrorView error={make.error} />}
    </Group>
  );
}
