import { Alert, Anchor, Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAuthOidcProvidersOptions } from '../client/@tanstack/react-query.gen.js';
import { postAuthLogin, postAuthPasswordReset, postAuthSignInLink } from '../client/sdk.gen.js';
import type { Session } from '../client/types.gen.js';
import { ErrorView } from '../kit/ErrorView.js';
import { isProblem } from '../kit/problem.js';
import { providerProblem } from './providerProblem.js';
import { isChallenge, SecondFactor } from './SecondFactor.js';
import { VisitorPage } from './VisitorPage.js';

/** A path of our own to go on to after signing in; anything else is ignored: this must not become an open redirect. */
export function nextPath(home: string, search: string = window.location.search): string {
  const next = new URLSearchParams(search).get('next') ?? '';
  if (!/^\/[A-Za-z0-9]/.test(next)) return home;
  // Somebody of another audience would only be sent back from there.
  const surface = /^\/(portal|reseller)(?=[/?]|$)/.exec(next)?.[0] ?? '/';
  return surface === home ? next : home;
}

/** Staff by password, affiliates and resellers by a mailed link; the answer never tells whether an address is known (screens.md 8). */
export function SignIn(): ReactElement {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  // Who comes from the company's provider and owes a code brings its challenge behind the hash, where no server sees it.
  const [challenge, setChallenge] = useState(/^#totp=([\w.-]+)$/.exec(window.location.hash)?.[1] ?? null);
  useEffect(() => {
    if (window.location.hash !== '')
      window.history.replaceState(null, '', window.location.pathname + window.location.search);
  }, []);
  const sentBack = providerProblem();
  const goOn = (session: Session): void => window.location.assign(nextPath(session.homePath));
  const signIn = useMutation({
    mutationFn: async () => (await postAuthLogin({ body: { email, password }, throwOnError: true })).data,
    onSuccess: (answer) => (isChallenge(answer) ? setChallenge(answer.challenge) : goOn(answer)),
  });
  const mail = useMutation({ mutationFn: () => postAuthSignInLink({ body: { email }, throwOnError: true }) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (password === '') mail.mutate();
    else signIn.mutate();
  };
  const problem = signIn.error ?? mail.error;
  if (challenge !== null) return <SecondFactor challenge={challenge} onSignedIn={goOn} />;
  return (
    <VisitorPage title={t('signIn.title')} text={t('signIn.text')}>
      {sentBack === null ? null : (
        <Alert variant="outline" color="red" role="alert" c="var(--mantine-color-text)">
          {t(`provider.problem.${sentBack}`)}
        </Alert>
      )}
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            type="email"
            name="email"
            autoComplete="username"
            label={t('signIn.email')}
            required
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            name="password"
            autoComplete="current-password"
            label={t('signIn.password')}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
          />
          {problem === null ? null : isProblem(problem, 'too_many_attempts') ? (
            <Alert
              variant="outline"
              color="red"
              role="alert"
              title={t('signIn.locked', { count: waitMinutes(problem.members) })}
            />
          ) : (
            <ErrorView error={problem} />
          )}
          {mail.isSuccess ? <Alert variant="outline" color="river" role="status" title={t('signIn.mailed')} /> : null}
          <Button type="submit" loading={signIn.isPending}>
            {t('signIn.submit')}
          </Button>
          <Button variant="default" loading={mail.isPending} disabled={email === ''} onClick={() => mail.mutate()}>
            {t('signIn.mail')}
          </Button>
          <Anchor href="/forgot-password">{t('signIn.forgot')}</Anchor>
        </Stack>
      </form>
      <Providers />
    </VisitorPage>
  );
}

/** A way in for each company's provider of this installation; none where there is none. */
function Providers(): ReactElement | null {
  const { t } = useTranslation();
  const { data } = useQuery(getAuthOidcProvidersOptions());
  const offered = data?.data ?? [];
  if (offered.length === 0) return null;
  const next = new URLSearchParams(window.location.search).get('next');
  return (
    <Stack component="nav" aria-label={t('signIn.providers')}>
      <Divider label={t('signIn.or')} />
      {offered.map(({ workspaceId, label }) => (
        <Button
          key={workspaceId}
          component="a"
          variant="default"
          href={`/v1/auth/oidc/start?${new URLSearchParams({ provider: workspaceId, ...(next === null ? {} : { next }) }).toString()}`}
        >
          {label}
        </Button>
      ))}
    </Stack>
  );
}

function waitMinutes(members: Readonly<Record<string, unknown>>): number {
  const seconds = members['retryAfter'];
  return typeof seconds === 'number' ? Math.ceil(seconds / 60) : 15;
}

/** Asks for a reset link; the same answer for every address. */
export function ForgotPassword(): ReactElement {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const ask = useMutation({ mutationFn: () => postAuthPasswordReset({ body: { email }, throwOnError: true }) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    ask.mutate();
  };
  return (
    <VisitorPage title={t('forgot.title')} text={t('forgot.text')}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            type="email"
            autoComplete="username"
            label={t('signIn.email')}
            required
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          {ask.error === null ? null : <ErrorView error={ask.error} />}
          {ask.isSuccess ? <Alert variant="outline" color="river" role="status" title={t('forgot.done')} /> : null}
          <Button type="submit" loading={ask.isPending}>
            {t('forgot.submit')}
          </Button>
          <Anchor href="/sign-in">{t('forgot.back')}</Anchor>
        </Stack>
      </form>
    </VisitorPage>
  );
}
