import { NativeSelect, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLeadSourcesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchLeadsByLeadId } from '../../../client/sdk.gen.js';
import type { Lead } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';
import { WorkDialog } from '../earning/workDialog.js';

const events = ['enquiry', 'registration'] as const;
const texts = ['name', 'email', 'phone', 'company'] as const;

/** Whose work a lead is, its tags and notes. */
export function EditLeadDialog({ lead, onClose }: { readonly lead: Lead; readonly onClose: () => void }): ReactElement {
  return (
    <WorkDialog
      of={lead}
      save={(body) =>
        patchLeadsByLeadId({
          path: { leadId: lead.id },
          headers: { 'If-Match': `"${lead.version}"` } as never,
          body,
          throwOnError: true,
        })
      }
      onClose={onClose}
    />
  );
}

/** A lead that came by phone or on paper: channel "by hand". Whom it credits is said afterwards, with a reason. */
export function NewLeadDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const mayReadPrograms = useCan()('program.read');
  const [values, setValues] = useState<Readonly<Record<(typeof texts)[number], string>>>({
    name: '',
    email: '',
    phone: '',
    company: '',
  });
  const [programId, setProgramId] = useState('');
  const [sourceId, setSourceId] = useState('');
  const [event, setEvent] = useState<(typeof events)[number]>('enquiry');
  const programs = useQuery({ ...getProgramsOptions({ query: { limit: 200 } }), enabled: mayReadPrograms });
  const sources = useQuery(getLeadSourcesOptions({ query: { limit: 200 } }));
  const given = Object.fromEntries(
    Object.entries({ ...values, programId, sourceId }).flatMap(([name, value]) =>
      value.trim() === '' ? [] : [[name, value.trim()]],
    ),
  );
  return (
    <FormDialog
      title={t('lead.new')}
      submit={t('lead.create')}
      save={(key) => postPath<Lead>('/v1/leads', { ...given, event }, key)}
      isReady={values.email.trim() !== '' || values.phone.trim() !== ''}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('lead.newText')}</Text>
          {texts.map((field) => (
            <TextInput
              key={field}
              label={t(`fieldName.${field}`)}
              type={field === 'email' ? 'email' : field === 'phone' ? 'tel' : 'text'}
              value={values[field]}
              error={errors[field]}
              onChange={(change) => {
                const { value } = change.currentTarget;
                setValues((before) => ({ ...before, [field]: value }));
              }}
            />
          ))}
          <NativeSelect
            label={t('form.event')}
            value={event}
            onChange={(change) => setEvent(change.currentTarget.value as (typeof events)[number])}
            data={events.map((value) => ({ value, label: t(`form.event.${value}`) }))}
          />
          {mayReadPrograms ? (
            <NativeSelect
              label={t('form.program')}
              value={programId}
              error={errors['programId']}
              onChange={(change) => setProgramId(change.currentTarget.value)}
              data={[
                { value: '', label: '–' },
                ...(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
            />
          ) : null}
          <NativeSelect
            label={t('form.source')}
            value={sourceId}
            error={errors['sourceId']}
            onChange={(change) => setSourceId(change.currentTarget.value)}
            data={[
              { value: '', label: '–' },
              ...(sources.data?.data ?? [])
                .filter((one) => one.active)
                .map((one) => ({ value: one.id, label: one.name })),
            ]}
          />
        </>
      )}
    </FormDialog>
  );
}
