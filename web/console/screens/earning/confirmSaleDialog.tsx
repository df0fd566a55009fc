import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { formatMoney } from '../../../kit/MoneyText.js';
import type { Sale } from './saleList.js';

/** Believes a sale in review, as it was reported or with the amount that it really had (TRK-19). */
export function ConfirmSaleDialog({
  sale,
  onClose,
}: {
  readonly sale: Sale;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  const confirm = useMutation({
    mutationFn: () =>
      postPath(
        `/v1/sales/${sale.id}/confirm`,
        {
          ...(amount.trim() === '' ? {} : { amount: { amount: amount.trim(), currency: sale.amount.currency } }),
          ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
        },
        key.current,
      ),
    onSuccess: () => {
      notifications.show({ message: t('sale.confirmTaken'), color: 'river' });
      onClose();
      return queries.invalidateQueries();
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    confirm.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('sale.confirmTitle')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t('sale.confirmText', { amount: formatMoney(sale.amount) })}</Text>
          <TextInput
            label={t('sale.confirmAmount', { currency: sale.amount.currency })}
            description={t('sale.confirmAmountHint')}
            value={amount}
            onChange={(event) => setAmount(event.currentTarget.value)}
            inputMode="decimal"
          />
          <Textarea
            label={t('sale.confirmReason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
          />
          {confirm.error === null ? null : <ErrorView error={confirm.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={confirm.isPending}>
              {t('sale.confirmDo')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
