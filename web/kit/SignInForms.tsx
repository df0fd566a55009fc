import { Alert, Button, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postAuthEmail, postAuthPassword } from '../client/sdk.gen.js';
import { ErrorView } from './ErrorView.js';
import { isProblem } from './problem.js';
import { useMe } from './session.js';
import { useWithStepUp } from './stepUp.js';

/** How I sign in: another address, confirmed by the mail to it, and another password. Both after a step-up (PRT-06). */
export function SignInForms(): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const changeEmail = useMutation({
    mutationFn: () => withStepUp(() => postAuthEmail({ body: { email }, throwOnError: true })),
    onSuccess: () => queries.invalidateQueries(),
  });
  const changePassword = useMutation({
    mutationFn: () => withStepUp(() => postAuthPassword({ body: { password }, throwOnError: true })),
    onSuccess: () => {
      setPassword('');
      notifications.show({ message: t('credential.passwordDone'), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  const errors = isProblem(changeEmail.error) ? changeEmail.error.fieldErrors : {};
  const submit =
    (save: { readonly mutate: () => void }) =>
    (event: FormEvent): void => {
      event.preventDefault();
      save.mutate();
    };
  if (me.byProvider)
    return (
      <Paper withBorder p="md" component="section" aria-label={t('credential.title')}>
        <Title order={2} size="h4">
          {t('credential.title')}
        </Title>
        <Text size="sm">{t('credential.byProvider')}</Text>
      </Paper>
    );
  return (
    <Paper withBorder p="md" component="section" aria-label={t('credential.title')}>
      <Stack gap="md">
        <div>
          <Title order={2} size="h4">
            {t('credential.title')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('credential.text')}
          </Text>
        </div>
        <form onSubmit={submit(changeEmail)}>
          <Stack gap="xs">
            <TextInput
              label={t('credential.email')}
              description={t('credential.now', { email: me.user?.email ?? '' })}
              type="email"
              autoComplete="email"
              value={email}
              required
              error={errors['email']}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            {changeEmail.error === null ? null : <ErrorView error={changeEmail.error} />}
            {changeEmail.isSuccess ? (
              <Alert role="status" variant="outline" color="river" c="var(--mantine-color-text)">
                {t('credential.emailSent')}
              </Alert>
            ) : null}
            <Group>
              <Button type="submit" loading={changeEmail.isPending}>
                {t('credential.emailSave')}
              </Button>
            </Group>
          </Stack>
        </form>
        <form onSubmit={submit(changePassword)}>
          <Stack gap="xs">
            <PasswordInput
              label={t('credential.password')}
              description={t('credential.passwordHint')}
              autoComplete="new-password"
              value={password}
              required
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            {changePassword.error === null ? null : <ErrorView error={changePassword.error} />}
            <Group>
              <Button type="submit" loading={changePassword.isPending}>
                {t('credential.passwordSave')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Stack>
    </Paper>
  );
}
