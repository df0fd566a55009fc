import { NativeSelect, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { useDecide } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';

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
  const [affiliateId, setAffiliateId] = useState('');
  const [chosen, setChosen] = useState('');
  const [reason, setReason] = useState('');
  const affiliates = useQuery(getAffiliatesOptions({ query: { limit: 200 } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const enrolments = (listed.find((one) => one.id === affiliateId)?.enrolments ?? []).filter(
    (one) => known === null || one.programId === known,
  );
  const programId = enrolments.find((one) => one.programId === chosen)?.programId ?? enrolments[0]?.programId;
  return (
    <FormDialog
      title={t('attribute.title')}
      submit={t('attribute.do')}
      save={(key) =>
        decide({
          path,
          verb: 'attribute',
          body: { affiliateId, programId, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) },
          key,
        })
      }
      onClose={onClose}
      isReady={programId !== undefined}
    >
      {() => (
        <>
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
        </>
      )}
    </FormDialog>
  );
}
