import { Button, Group, NativeSelect, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeProfileOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchMeProfile } from '../../../client/sdk.gen.js';
import type { OwnProfile } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { NotificationChoices } from '../../../kit/NotificationChoices.js';
import { countryChoices, languageChoices, zoneChoices } from '../../../kit/places.js';
import { isProblem } from '../../../kit/problem.js';
import { SecondFactor } from '../../../kit/SecondFactor.js';
import { PageHead } from '../../../kit/Shell.js';
import { SignInForms } from '../../../kit/SignInForms.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { People } from '../access/people.js';
import { Sessions } from '../access/sessions.js';
import { PayoutMethods } from '../payout/methods.js';
import { Agreements, needsAgreement } from './agreements.js';

const fields = ['name', 'company', 'phone', 'website', 'country', 'language', 'timeZone'] as const;
type Field = (typeof fields)[number];
/** What is chosen by name: nobody has to know a code (screens.md 1.6). */
const choicesOf: Readonly<Partial<Record<Field, typeof countryChoices>>> = {
  country: countryChoices,
  language: languageChoices,
  timeZone: zoneChoices,
};

/** Contact, how I am paid, where I am signed in (screens.md 6). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const profile = useQuery(getMeProfileOptions());
  return (
    <>
      <PageHead title={t('profile.title')} />
      <Stack maw={640}>
        {needsAgreement(profile.error) ? (
          <Agreements />
        ) : (
          <>
            <PayoutMethods />
            <Loaded query={profile}>
              {(found) => (
                <>
                  <Contact key={found.version} profile={found} />
                  <NotificationChoices
                    choices={found.notifications}
                    mayWrite={found.mayWrite}
                    save={(change) => patchMeProfile({ body: { notifications: [change] }, throwOnError: true })}
                  />
                  <People mayWrite={found.mayWrite} />
                </>
              )}
            </Loaded>
          </>
        )}
        <SignInForms />
        <SecondFactor />
        <Sessions />
      </Stack>
    </>
  );
}

function Contact({ profile }: { readonly profile: OwnProfile }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [values, setValues] = useState<Readonly<Record<Field, string>>>(
    Object.fromEntries(fields.map((field) => [field, profile[field] ?? ''])) as Record<Field, string>,
  );
  const changed = fields.filter((field) => values[field] !== (profile[field] ?? ''));
  const save = useMutation({
    mutationFn: () =>
      patchMeProfile({
        body: Object.fromEntries(
          changed.map((field) => [field, values[field] === '' && field !== 'name' ? null : values[field]]),
        ),
        headers: { 'If-Match': `"${profile.version}"` } as never,
        throwOnError: true,
      }),
    onSuccess: () => queries.invalidateQueries(),
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Paper withBorder p="md" component="section" aria-label={t('profile.contact')}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t('profile.contact')}
        </Title>
        <StatusBadge status={profile.status} />
      </Group>
      <Text size="sm" c="dimmed">{`${t('profile.email')}: ${profile.email}`}</Text>
      <form onSubmit={submit}>
        <Stack gap="xs" mt="xs">
          {fields.map((field) => {
            const choices = choicesOf[field]?.(profile[field] ?? '');
            const shared = { label: t(`profile.${field}`), value: values[field], error: errors[field] };
            return choices === undefined ? (
              <TextInput
                key={field}
                {...shared}
                readOnly={!profile.mayWrite}
                required={field === 'name'}
                onChange={(event) => setValues({ ...values, [field]: event.currentTarget.value })}
              />
            ) : (
              <NativeSelect
                key={field}
                {...shared}
                disabled={!profile.mayWrite}
                onChange={(event) => setValues({ ...values, [field]: event.currentTarget.value })}
                data={[...choices]}
              />
            );
          })}
          {save.error === null ? null : <ErrorView error={save.error} />}
          {profile.mayWrite ? (
            <Group>
              <Button type="submit" loading={save.isPending} disabled={changed.length === 0}>
                {t('save')}
              </Button>
            </Group>
          ) : null}
        </Stack>
      </form>
    </Paper>
  );
}
