import { Text, Textarea } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Affiliate } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

/** Asks why, since the affiliate reads it, and goes on in the portal (screens.md 2). */
export function ViewPortalDialog({
  affiliate,
  onClose,
}: {
  readonly affiliate: Pick<Affiliate, 'id' | 'name'>;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t('affiliate.view', { name: affiliate.name })}
      submit={t('affiliate.viewDo')}
      save={(key) =>
        withStepUp(() => postPath<{ homePath: string }>(`/v1/affiliates/${affiliate.id}/impersonate`, { reason }, key))
      }
      onSaved={({ homePath }) => window.location.assign(homePath)}
      onClose={onClose}
      isReady={reason.trim() !== ''}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('affiliate.viewText')}</Text>
          <Textarea
            label={t('affiliate.viewReason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            required
            error={errors['reason']}
          />
        </>
      )}
    </FormDialog>
  );
}
