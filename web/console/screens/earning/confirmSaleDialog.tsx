import { Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
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
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t('sale.confirmTitle')}
      submit={t('sale.confirmDo')}
      save={(key) =>
        postPath(
          `/v1/sales/${sale.id}/confirm`,
          {
            ...(amount.trim() === '' ? {} : { amount: { amount: amount.trim(), currency: sale.amount.currency } }),
            ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
          },
          key,
        )
      }
      onSaved={() => notifications.show({ message: t('sale.confirmTaken'), color: 'river' })}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('sale.confirmText', { amount: formatMoney(sale.amount) })}</Text>
          <TextInput
            label={t('sale.confirmAmount', { currency: sale.amount.currency })}
            description={t('sale.confirmAmountHint')}
            value={amount}
            onChange={(event) => setAmount(event.currentTarget.value)}
            inputMode="decimal"
            error={errors['amount'] ?? errors['amount.amount']}
          />
          <Textarea
            label={t('sale.confirmReason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            error={errors['reason']}
          />
        </>
      )}
    </FormDialog>
  );
}
