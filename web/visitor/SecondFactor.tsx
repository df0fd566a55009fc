import { Alert, Button, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postAuthTotp } from '../client/sdk.gen.js';
import type { Session, SignInChallenge } from '../client/types.gen.js';
import { ErrorView } from '../kit/ErrorView.js';
import { isProblem } from '../kit/problem.js';
import { VisitorPage } from './VisitorPage.js';

/** Is a code still asked for, or is the person signed in? */
export function isChallenge(answer: Session | SignInChallenge): answer is SignInChallenge {
  return 'challenge' in answer;
}

/** The second step of a sign-in: a code of the authenticator, or one of the recovery codes. Pasting works. */
export function SecondFactor({
  challenge,
  onSignedIn,
}: {
  readonly challenge: string;
  readonly onSignedIn: (session: Session) => void;
}): ReactElement {
  const { t } = useTranslation();
  const [code, setCode] = useState('');
  const send = useMutation({
    mutationFn: async () => (await postAuthTotp({ body: { challenge, code }, throwOnError: true })).data,
    onSuccess: onSignedIn,
    onError: () => setCode(''),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    send.mutate();
  };
  return (
    <VisitorPage title={t('totp.title')} text={t('totp.text')}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t('totp.code')}
            description={t('totp.codeHint')}
            autoComplete="one-time-code"
            autoFocus
            required
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          {send.error === null ? null : isProblem(send.error, 'invalid_credentials') ? (
            <Alert variant="outline" color="red" role="alert" title={t('totp.wrong')} />
          ) : (
            <ErrorView error={send.error} />
          )}
          <Button type="submit" loading={send.isPending}>
            {t('signIn.submit')}
          </Button>
        </Stack>
      </form>
    </VisitorPage>
  );
}
