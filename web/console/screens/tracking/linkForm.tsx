import { Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { isProblem } from '../../../kit/problem.js';

const linkKinds = ['standard', 'direct', 'recruit'] as const;
const destinationTypes = ['landing', 'registration', 'product'] as const;

/** A new link of an affiliate in one of the programs it takes part in (api.md 7.2). */
export function LinkForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [affiliateId, setAffiliateId] = useState('');
  const [enrolled, setEnrolled] = useState('');
  const [kind, setKind] = useState<(typeof linkKinds)[number]>('standard');
  const [slug, setSlug] = useState('');
  const [destinationUrl, setDestinationUrl] = useState('');
  const [destinationType, setDestinationType] = useState<(typeof destinationTypes)[number]>('landing');
  const affiliates = useQuery(getAffiliatesOptions({ query: { limit: 200 } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const affiliate = listed.find((one) => one.id === affiliateId);
  const programId =
    affiliate?.enrolments.find((one) => one.programId === enrolled)?.programId ?? affiliate?.enrolments[0]?.programId;
  const create = useMutation({
    mutationFn: () =>
      postPath(
        '/v1/links',
        {
          affiliateId,
          programId,
          kind,
          ...(slug.trim() === '' ? {} : { slug: slug.trim() }),
          ...(kind === 'recruit' ? {} : { destinationType }),
          ...(kind === 'recruit' || destinationUrl.trim() === '' ? {} : { destinationUrl: destinationUrl.trim() }),
        },
        key.current,
      ),
    onSuccess: () => {
      onClose();
      return queries.invalidateQueries();
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const errors = isProblem(create.error) ? create.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('link.new')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
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
            <>
              <NativeSelect
                label={t('link.destinationType')}
                value={destinationType}
                onChange={(event) => setDestinationType(event.currentTarget.value as typeof destinationType)}
                data={destinationTypes.map((value) => ({ value, label: t(`link.destinationType.${value}`) }))}
              />
              <TextInput
                label={t('link.destination')}
                description={destinationType === 'landing' ? t('link.destinationHint') : undefined}
                type="url"
                value={destinationUrl}
                onChange={(event) => setDestinationUrl(event.currentTarget.value)}
                required={destinationType !== 'landing'} // only the landing page stands in the program
                error={errors['destinationUrl']}
              />
            </>
          )}
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending} disabled={programId === undefined}>
              {t('link.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
