import { Alert, Button, Checkbox, CopyButton, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeLinksOptions, getMeProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Link as OwnLink, PageCheck } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { DestinationFields, destinationOf, type DestinationType } from '../../../kit/DestinationFields.js';
import { useDestinationLook } from '../../../kit/DestinationLook.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { CouponCards } from './couponCards.js';
import { LinkBuilder } from './linkBuilder.js';

/** Own links with one-tap copy; a further one below the hosts that the program allows (screens.md 6). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const reason = useReasonText();
  const [isCreating, setCreating] = useState(false);
  const [built, setBuilt] = useState<OwnLink | undefined>();
  const mayWrite = can('me.write');
  return (
    <>
      <PageHead
        title={t('link.title')}
        text={t('link.text')}
        actions={mayWrite ? <Button onClick={() => setCreating(true)}>{t('link.new')}</Button> : null}
      />
      <ResourceTable<OwnLink>
        screen="own-links"
        label={t('link.title')}
        hasText
        list={(query) => getMeLinksOptions({ query: query as never }) as never}
        rowLabel={(link) => link.slug}
        rowActions={(link) => (
          <Group gap={6}>
            <CopyButton value={link.url}>
              {({ copied, copy }) => (
                <Button size="compact-sm" onClick={copy} aria-label={t('link.copyOne', { link: link.slug })}>
                  {copied ? t('copied') : t('copy')}
                </Button>
              )}
            </CopyButton>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => setBuilt(link)}
              aria-label={t('link.buildOne', { link: link.slug })}
            >
              {t('link.more')}
            </Button>
            <DecisionButtons path={`/v1/me/links/${link.id}`} actions={link.allowedActions} size="compact-sm" />
          </Group>
        )}
        empty={{ title: t('link.none'), text: t('link.noneText') }}
        columns={[
          { key: 'url', title: t('link.url'), render: (link) => link.url, csv: 'url' },
          {
            key: 'destination',
            title: t('link.destination'),
            render: (link) => link.destinationUrl,
            csv: 'destinationUrl',
          },
          {
            key: 'status',
            title: t('link.status'),
            render: (link) => (
              <Stack gap={2} align="flex-start">
                <StatusBadge status={link.status} />
                {link.creditCode === null ? null : <Text size="sm">{reason(link.creditCode)}</Text>}
              </Stack>
            ),
            csv: 'status',
          },
        ]}
      />
      <CouponCards />
      {built === undefined ? null : <LinkBuilder link={built} onClose={() => setBuilt(undefined)} />}
      {isCreating ? <NewLink onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function NewLink({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const programs = useQuery(getMeProgramsOptions());
  const [programId, setProgramId] = useState('');
  const [slug, setSlug] = useState('');
  const [destinationType, setDestinationType] = useState<DestinationType>('landing');
  const [destinationUrl, setDestination] = useState('');
  const [isRecruit, setRecruit] = useState(false);
  const chosen = programs.data?.data.find((one) => one.id === programId) ?? programs.data?.data[0];
  const look = useDestinationLook((linkId) => postPath<PageCheck>(`/v1/me/links/${linkId}/check`, {}));
  const save = (idempotencyKey: string): Promise<OwnLink> =>
    postPath<OwnLink>(
      '/v1/me/links',
      {
        programId: chosen?.id,
        ...(isRecruit ? { kind: 'recruit' } : destinationOf(destinationType, destinationUrl)),
        ...(slug.trim() === '' ? {} : { slug: slug.trim() }),
      },
      idempotencyKey,
    );
  const hosts = chosen?.destinationHosts ?? [];
  return (
    <FormDialog
      title={t('link.new')}
      submit={t('link.create')}
      save={save}
      onSaved={(link) => (link.kind === 'recruit' ? undefined : void look(link.id))}
      onClose={onClose}
      isReady={chosen !== undefined}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('link.program')}
            value={chosen?.id ?? ''}
            onChange={(event) => setProgramId(event.currentTarget.value)}
            data={(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
          />
          <Checkbox
            label={t('link.recruit')}
            description={t('link.recruitHint')}
            checked={isRecruit}
            onChange={(event) => setRecruit(event.currentTarget.checked)}
          />
          {isRecruit ? null : (
            <DestinationFields
              type={destinationType}
              onType={setDestinationType}
              url={destinationUrl}
              onUrl={setDestination}
              hint={hosts.length > 0 ? t('link.hosts', { hosts: hosts.join(', ') }) : undefined}
              placeholder={chosen?.landingUrl ?? undefined}
              error={errors['destinationUrl']}
            />
          )}
          <TextInput
            label={t('link.slug')}
            description={t('link.slugHint')}
            value={slug}
            error={errors['slug']}
            onChange={(event) => setSlug(event.currentTarget.value)}
          />
          {programs.error === null ? null : <ErrorView error={programs.error} />}
          {programs.data?.data.length === 0 ? (
            <Alert variant="outline" color="river" c="var(--mantine-color-text)" title={t('link.noProgram')} />
          ) : null}
        </>
      )}
    </FormDialog>
  );
}
