import { Button, Group, Modal, NativeSelect, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { newKey } from '../../../kit/api.js';
import { useDecide } from '../../../kit/DecisionButtons.js';
import { ErrorView } from '../../../kit/ErrorView.js';

/** Gives a lead or sale that credits nobody to an affiliate, in one of the programs it takes part in (TRK-27). */
export function AttributeDialog({
  path,
  programId: known,
  onClose,
}: {
  /** Of the object: `/v1/sales/sal_…`. */
  readonly path: string;
  /** The program that the lead or sale names itself. */
  readonly programId: string | null;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const key = useRef(newKey());
  const [affiliateId, setAffiliateId] = useState('');
  const [chosen, setChosen] = useState('');
  const [reason, setReason] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const affiliates = useQuery(getAffiliatesOptions({ query: { limit: 200 } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const enrolments = (listed.find((one) => one.id === affiliateId)?.enrolments ?? []).filter(
    (one) => known === null || one.programId === known,
  );
  const programId = enrolments.find((one) => one.programId === chosen)?.programId ?? enrolments[0]?.programId;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const body = { affiliateId, programId, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) };
    decide({ path, verb: 'attribute', body, key: key.current })
      .then(onClose, (refusal: unknown) => {
        key.current = newKey(); // a refusal is an answer: the next press is a new try
        setError(refusal);
      })
      .finally(() => setBusy(false));
  };
  return (
    <Modal opened onClose={onClose} title={t('attribute.title')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t('attribute.text')}</Text>
          <NativeSelect
            label={t('attribute.affiliate')}
            value={affiliateId}
            onChange={(event) => setAffiliateId(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...listed.map((one) => ({ value: one.id, label: one.name }))]}
            required
          />
          <NativeSelect
            label={t('attribute.program')}
            value={programId ?? ''}
            onChange={(event) => setChosen(event.currentTarget.value)}
            data={enrolments.map((one) => ({
              value: one.programId,
              label: programs.data?.data.find((program) => program.id === one.programId)?.name ?? one.programId,
            }))}
            required
          />
          <Textarea
            label={t('attribute.reason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
          />
          {error === null ? null : <ErrorView error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={isBusy} disabled={programId === undefined}>
              {t('attribute.do')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
