import { NativeSelect, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesByAffiliateIdOptions,
  getAffiliatesOptions,
  getProgramsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

const kinds = ['bonus', 'adjustment'] as const;

/** A bonus or a correction by hand: an entry of its own that says why (screens.md 3.5, 3.10). It is opened when it stands. */
export function EntryDialog({
  affiliateId,
  onClose,
}: {
  /** Whose it is; without one it is chosen here. */
  readonly affiliateId?: string;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const withStepUp = useWithStepUp();
  const [find, setFind] = useState('');
  const [chosen, setChosen] = useState(affiliateId ?? '');
  const [programId, setProgramId] = useState('');
  const [kind, setKind] = useState<(typeof kinds)[number]>('bonus');
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  const [skipHold, setSkipHold] = useState(false);
  const affiliates = useQuery({
    ...getAffiliatesOptions({
      query: { status: 'approved,suspended', limit: 100, sort: 'name', ...(find === '' ? {} : { q: find }) },
    }),
    enabled: affiliateId === undefined,
  });
  const one = useQuery({
    ...getAffiliatesByAffiliateIdOptions({ path: { affiliateId: chosen } }),
    enabled: chosen !== '',
  });
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const enrolled = new Set(one.data?.enrolments.map((enrolment) => enrolment.programId));
  const open = (programs.data?.data ?? []).filter((program) => enrolled.has(program.id));
  // With one program there is nothing to choose.
  const program = open.find((each) => each.id === programId) ?? (open.length === 1 ? open[0] : undefined);
  return (
    <FormDialog
      title={t('entry.title')}
      submit={t(`entry.create.${kind}`)}
      save={(key) =>
        withStepUp(() =>
          postPath<{ readonly id: string }>(
            '/v1/commissions',
            {
              affiliateId: chosen,
              programId: program?.id,
              kind,
              amount: { amount: amount.trim(), currency: program?.currency },
              reason: reason.trim(),
              skipHold,
            },
            key,
          ),
        )
      }
      onSaved={({ id }) => {
        navigate({ to: `/commissions/${id}` }).catch(() => undefined); // overtaken by another navigation
      }}
      onClose={onClose}
      isReady={chosen !== '' && program !== undefined && amount.trim() !== '' && reason.trim() !== ''}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('entry.text')}</Text>
          {affiliateId === undefined ? (
            <>
              <TextInput
                label={t('rule.findAffiliate')}
                value={find}
                onChange={(event) => setFind(event.currentTarget.value)}
              />
              <NativeSelect
                label={t('commission.affiliate')}
                value={chosen}
                error={errors['affiliateId']}
                required
                onChange={(event) => {
                  setChosen(event.currentTarget.value);
                  setProgramId('');
                }}
                data={[
                  { value: '', label: '–' },
                  ...(affiliates.data?.data ?? []).map((each) => ({
                    value: each.id,
                    label: `${each.name} (${each.email})`,
                  })),
                ]}
              />
            </>
          ) : null}
          <NativeSelect
            label={t('commission.program')}
            value={program?.id ?? ''}
            error={errors['programId']}
            required
            onChange={(event) => setProgramId(event.currentTarget.value)}
            data={[
              ...(open.length === 1 ? [] : [{ value: '', label: '–' }]),
              ...open.map((each) => ({ value: each.id, label: each.name })),
            ]}
          />
          <NativeSelect
            label={t('commission.kind')}
            value={kind}
            onChange={(event) => setKind(kinds.find((each) => each === event.currentTarget.value) ?? 'bonus')}
            data={kinds.map((value) => ({ value, label: t(`commission.kind.${value}`) }))}
          />
          <TextInput
            label={t('entry.amount', { currency: program?.currency ?? '' })}
            description={t(`entry.amountHint.${kind}`)}
            value={amount}
            error={errors['amount'] ?? errors['amount.amount']}
            inputMode="decimal"
            required
            onChange={(event) => setAmount(event.currentTarget.value)}
          />
          <Textarea
            label={t('commission.adjustReason')}
            value={reason}
            error={errors['reason']}
            maxLength={500}
            required
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Switch
            label={t('commission.skipHold')}
            checked={skipHold}
            onChange={(event) => setSkipHold(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
