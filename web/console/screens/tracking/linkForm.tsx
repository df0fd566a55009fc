import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postPath } from '../../../kit/api.js';
import { DestinationFields, destinationOf, type DestinationType } from '../../../kit/DestinationFields.js';
import { useDestinationLook } from '../../../kit/DestinationLook.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import type { Link } from '../../../client/types.gen.js';
import { lookAtLink } from './lookAtLink.js';

const linkKinds = ['standard', 'direct', 'recruit'] as const;

/** A new link of an affiliate in one of the programs it takes part in (api.md 7.2). */
export function LinkForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [affiliateId, setAffiliateId] = useState('');
  const [enrolled, setEnrolled] = useState('');
  const [kind, setKind] = useState<(typeof linkKinds)[number]>('standard');
  const [slug, setSlug] = useState('');
  const [destinationUrl, setDestinationUrl] = useState('');
  const [destinationType, setDestinationType] = useState<DestinationType>('landing');
  const affiliates = useQuery(getAffiliatesOptions({ query: { limit: 200 } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const affiliate = listed.find((one) => one.id === affiliateId);
  const programId =
    affiliate?.enrolments.find((one) => one.programId === enrolled)?.programId ?? affiliate?.enrolments[0]?.programId;
  const look = useDestinationLook(lookAtLink);
  const save = (idempotencyKey: string): Promise<Link> =>
    postPath<Link>(
      '/v1/links',
      {
        affiliateId,
        programId,
        kind,
        ...(slug.trim() === '' ? {} : { slug: slug.trim() }),
        ...(kind === 'recruit' ? {} : destinationOf(destinationType, destinationUrl)),
      },
      idempotencyKey,
    );
  return (
    <FormDialog
      title={t('link.new')}
      submit={t('link.create')}
      save={save}
      onSaved={(link) => (link.kind === 'recruit' ? undefined : void look(link.id))}
      onClose={onClose}
      isReady={programId !== undefined}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('link.affiliate')}
            value={affiliateId}
            onChange={(event) => setAffiliateId(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...listed.map((one) => ({ value: one.id, label: one.name }))]}
            required
          />
          <NativeSelect
            label={t('link.program')}
            value={programId ?? ''}
            onChange={(event) => setEnrolled(event.currentTarget.value)}
            data={(affiliate?.enrolments ?? []).map((one) => ({
              value: one.programId,
              label: programs.data?.data.find((program) => program.id === one.programId)?.name ?? one.programId,
            }))}
            required
          />
          <NativeSelect
            label={t('link.kind')}
            description={t(`link.kindHint.${kind}`)}
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as typeof kind)}
            data={linkKinds.map((value) => ({ value, label: t(`link.kind.${value}`) }))}
          />
          <TextInput
            label={t('link.slug')}
            description={t('link.slugHint')}
            value={slug}
            onChange={(event) => setSlug(event.currentTarget.value)}
            error={errors['slug']}
          />
          {kind === 'recruit' ? null : (
            <DestinationFields
              type={destinationType}
              onType={setDestinationType}
              url={destinationUrl}
              onUrl={setDestinationUrl}
              error={errors['destinationUrl']}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}
