import { Alert, Anchor, Button, PasswordInput, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  postAuthAcceptInvite,
  postAuthOneTime,
  postAuthPasswordResetConfirm,
  postAuthVerifyEmail,
} from '../client/sdk.gen.js';
import type { Session, SignInChallenge } from '../client/types.gen.js';
import { ErrorView } from '../kit/ErrorView.js';
import { isProblem } from '../kit/problem.js';
import { isChallenge, SecondFactor } from './SecondFactor.js';
import { VisitorPage } from './VisitorPage.js';

/** Which call a kind of link makes, whether it takes a password, and where its texts are. */
const kinds = {
  sign_in: { texts: 'link.signIn', password: false },
  invite: { texts: 'link.invite', password: true },
  reset: { texts: 'link.reset', password: true },
  customer: { texts: 'link.customer', password: true },
  verify_email: { texts: 'link.verify', password: false },
} as const;
export type LinkKind = keyof typeof kinds;

export function isLinkKind(word: string): word is LinkKind {
  return Object.hasOwn(kinds, word);
}

/** Answers who is signed in now, or that a code is still asked for, or null where the link signs nobody in. */
async function take(kind: LinkKind, token: string, password: string): Promise<Session | SignInChallenge | null> {
  switch (kind) {
    case 'sign_in':
      return (await postAuthOneTime({ body: { token }, throwOnError: true })).data;
    case 'invite': {
      const body = password === '' ? { token } : { token, password };
      return (await postAuthAcceptInvite({ body, throwOnError: true })).data;
    }
    case 'reset':
    case 'customer':
      await postAuthPasswordResetConfirm({ body: { token, password }, throwOnError: true });
      return null;
    case 'verify_email':
      await postAuthVerifyEmail({ body: { token }, throwOnError: true });
      return null;
    default:
      return kind satisfies never;
  }
}

/** A mailed or printed link: used by a person's tap, never by the visit of a mail scanner (screens.md 8). */
export function OneTimeLink({ kind, token }: { readonly kind: LinkKind; readonly token: string }): ReactElement {
  const { t } = useTranslation();
  const { texts: text, password: takesPassword } = kinds[kind];
  const [password, setPassword] = useState('');
  const goOn = (session: Session): void => window.location.assign(session.homePath);
  const use = useMutation({
    mutationFn: () => take(kind, token, password),
    onSuccess: (answer) => {
      if (answer !== null && !isChallenge(answer)) goOn(answer);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    use.mutate();
  };
  if (isProblem(use.error, 'token_used_or_expired')) return <UsedLink ofCustomer={kind === 'customer'} />;
  if (use.data !== undefined && use.data !== null && isChallenge(use.data))
    return <SecondFactor challenge={use.data.challenge} onSignedIn={goOn} />;
  if (use.isSuccess && use.data === null)
    return (
      <VisitorPage title={t(`${text}.title`)}>
        <Alert variant="outline" color="river" role="status" title={t(`${text}.done`)} />
        {kind === 'customer' ? null : <Anchor href="/sign-in">{t('signIn.title')}</Anchor>}
      </VisitorPage>
    );
  return (
    <VisitorPage title={t(`${text}.title`)} text={t(`${text}.text`)}>
      <form onSubmit={submit}>
        <Stack>
          {takesPassword ? (
            <PasswordInput
              label={t('link.password')}
              description={t('link.passwordHint')}
              autoComplete="new-password"
              minLength={12}
              maxLength={256}
              required={kind !== 'invite'}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
            />
          ) : null}
          {use.error === null ? null : <ErrorView error={use.error} />}
          <Button
            type="submit"
            loading={use.isPending || (use.isSuccess && use.data !== null)}
            autoFocus={!takesPassword}
          >
            {t(`${text}.submit`)}
          </Button>
        </Stack>
      </form>
    </VisitorPage>
  );
}

/** Used or late. A customer of the merchant asks for another link by mail; everybody else by signing in. */
export function UsedLink({ ofCustomer }: { readonly ofCustomer: boolean }): ReactElement {
  const { t } = useTranslation();
  return (
    <VisitorPage title={t('link.used.title')} text={t('link.used.text')}>
      <Anchor href={ofCustomer ? '/forgot-password' : '/sign-in'}>{t('link.used.again')}</Anchor>
    </VisitorPage>
  );
}
