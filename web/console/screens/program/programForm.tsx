import { Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Program } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { isProblem } from '../../../kit/problem.js';

const approvals = ['manual', 'automatic'] as const;

/** A new program as a draft; what is not said here comes from the settings (api.md 6.1). */
export function ProgramForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const key = useRef(newKey());
  const [name, setName] = useState('');
  const [currency, setCurrency] = useState('');
  const [landingUrl, setLandingUrl] = useState('');
  const [referralApproval, setReferralApproval] = useState<string>('manual');
  const [commissionApproval, setCommissionApproval] = useState<string>('automatic');
  const create = useMutation({
    mutationFn: () =>
      postPath<Program>(
        '/v1/programs',
        {
          name: name.trim(),
          currency: currency.trim().toUpperCase(),
          referralApproval,
          commissionApproval,
          ...(landingUrl.trim() === '' ? {} : { landingUrl: landingUrl.trim(), fallbackUrl: landingUrl.trim() }),
        },
        key.current,
      ),
    onSuccess: async (program) => {
      await queries.invalidateQueries();
      onClose();
      await navigate({ to: `/programs/${program.id}` });
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const errors = isProblem(create.error) ? create.error.fieldErrors : {};
  const choices = approvals.map((value) => ({ value, label: t(`program.approval.${value}`) }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('program.new')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
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
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('program.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
