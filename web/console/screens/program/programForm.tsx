import { NativeSelect, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Program } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';

const approvals = ['manual', 'automatic'] as const;

/** A new program as a draft; what is not said here comes from the settings (api.md 6.1). */
export function ProgramForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [currency, setCurrency] = useState('');
  const [landingUrl, setLandingUrl] = useState('');
  const [referralApproval, setReferralApproval] = useState<string>('manual');
  const [commissionApproval, setCommissionApproval] = useState<string>('automatic');
  const choices = approvals.map((value) => ({ value, label: t(`program.approval.${value}`) }));
  return (
    <FormDialog
      title={t('program.new')}
      submit={t('program.create')}
      save={(key) =>
        postPath<Program>(
          '/v1/programs',
          {
            name: name.trim(),
            currency: currency.trim().toUpperCase(),
            referralApproval,
            commissionApproval,
            ...(landingUrl.trim() === '' ? {} : { landingUrl: landingUrl.trim(), fallbackUrl: landingUrl.trim() }),
          },
          key,
        )
      }
      onSaved={(program) => {
        navigate({ to: `/programs/${program.id}` }).catch(() => undefined); // overtaken by another navigation
      }}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('program.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
            required
          />
          <TextInput
            label={t('program.currency')}
            description={t('program.currencyHint')}
            value={currency}
            onChange={(event) => setCurrency(event.currentTarget.value)}
            error={errors['currency']}
            minLength={3}
            maxLength={3}
            required
          />
          <TextInput
            label={t('program.landing')}
            type="url"
            value={landingUrl}
            onChange={(event) => setLandingUrl(event.currentTarget.value)}
            error={errors['landingUrl']}
          />
          <NativeSelect
            label={t('program.referralGate')}
            value={referralApproval}
            onChange={(event) => setReferralApproval(event.currentTarget.value)}
            data={choices}
          />
          <NativeSelect
            label={t('program.commissionGate')}
            value={commissionApproval}
            onChange={(event) => setCommissionApproval(event.currentTarget.value)}
            data={choices}
          />
        </>
      )}
    </FormDialog>
  );
}
