import { NativeSelect, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchReferralsByReferralId } from '../../../client/sdk.gen.js';
import type { Referral } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';
import { ContactPicker } from '../tracking/contactPicker.js';
import { WorkDialog } from './workDialog.js';

const events = ['enquiry', 'registration'] as const;

/** Whose work a referral is, its tags and notes. */
export function EditReferralDialog({
  referral,
  onClose,
}: {
  readonly referral: Referral;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <WorkDialog
      of={referral}
      save={(body) =>
        patchReferralsByReferralId({
          path: { referralId: referral.id },
          headers: { 'If-Match': `"${referral.version}"` } as never,
          body,
          throwOnError: true,
        })
      }
      onClose={onClose}
    />
  );
}

/** By hand: who brought whom into which program, by which event (REF-11). It is flagged, and decided like any other. */
export function NewReferralDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const mayPickPeople = useCan()('contact.read');
  const [affiliateId, setAffiliateId] = useState('');
  const [chosen, setChosen] = useState('');
  const [contactId, setContactId] = useState('');
  const [event, setEvent] = useState<(typeof events)[number]>('enquiry');
  const [note, setNote] = useState('');
  const affiliates = useQuery(getAffiliatesOptions({ query: { limit: 200, status: 'approved' } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const enrolments = (listed.find((one) => one.id === affiliateId)?.enrolments ?? []).filter(
    (one) => one.status === 'active',
  );
  const programId = enrolments.find((one) => one.programId === chosen)?.programId ?? enrolments[0]?.programId;
  const save = (key: string): Promise<Referral> =>
    postPath<Referral>(
      '/v1/referrals',
      { affiliateId, programId, contactId, event, ...(note.trim() === '' ? {} : { note: note.trim() }) },
      key,
    );
  const open = (made: Referral): void => {
    navigate({ to: `/referrals/${made.id}` }).catch(() => undefined); // a navigation that another one overtook
  };
  return (
    <FormDialog
      title={t('referral.new')}
      size="lg"
      submit={t('referral.create')}
      save={save}
      onSaved={open}
      onClose={onClose}
      isReady={programId !== undefined && contactId !== ''}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('referral.newText')}</Text>
          <NativeSelect
            label={t('referral.affiliate')}
            value={affiliateId}
            error={errors['affiliateId']}
            onChange={(change) => setAffiliateId(change.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...listed.map((one) => ({ value: one.id, label: one.name }))]}
            required
          />
          <NativeSelect
            label={t('referral.program')}
            value={programId ?? ''}
            error={errors['programId']}
            onChange={(change) => setChosen(change.currentTarget.value)}
            data={
              enrolments.length === 0
                ? [{ value: '', label: t('referral.noProgram') }]
                : enrolments.map((one) => ({
                    value: one.programId,
                    label: programs.data?.data.find((program) => program.id === one.programId)?.name ?? one.programId,
                  }))
            }
            required
          />
          {mayPickPeople ? (
            <ContactPicker
              label={t('referral.customer')}
              value={contactId}
              error={errors['contactId']}
              onChange={setContactId}
            />
          ) : (
            <TextInput
              label={t('referral.customerId')}
              value={contactId}
              error={errors['contactId']}
              onChange={(change) => setContactId(change.currentTarget.value.trim())}
              required
            />
          )}
          <NativeSelect
            label={t('referral.event')}
            value={event}
            onChange={(change) => setEvent(change.currentTarget.value as (typeof events)[number])}
            data={events.map((value) => ({ value, label: t(`form.event.${value}`) }))}
          />
          <Textarea
            label={t('work.notes')}
            description={t('work.notesHint')}
            value={note}
            error={errors['note']}
            onChange={(change) => setNote(change.currentTarget.value)}
            maxLength={500}
            autosize
          />
        </>
      )}
    </FormDialog>
  );
}
