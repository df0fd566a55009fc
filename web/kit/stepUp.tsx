import { Alert, Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import {
  createContext,
  type FormEvent,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import { getMe, postAuthSignInLink, postAuthStepUp } from '../client/sdk.gen.js';
import { ErrorView } from './ErrorView.js';
import { isProblem } from './problem.js';
import { useMe } from './session.js';

type Ask = () => Promise<boolean>;

const StepUpContext = createContext<Ask>(() => Promise.resolve(false));

/** Runs a call; where it is refused with `step_up_required` the person confirms who they are and it runs once more (api.md 1.2). */
export function useWithStepUp(): <T>(call: () => Promise<T>) => Promise<T> {
  const ask = useContext(StepUpContext);
  return useCallback(
    async (call) => {
      try {
        return await call();
      } catch (error) {
        if (!isProblem(error, 'step_up_required') || !(await ask())) throw error;
        return call();
      }
    },
    [ask],
  );
}

/** Holds the dialog. Around everything that acts, inside `RequireSession`. */
export function StepUpProvider({ children }: { readonly children: ReactNode }): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const [isOpen, setOpen] = useState(false);
  const [proof, setProof] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [isMailed, setMailed] = useState(false);
  // Who has a second factor proves it again; a password that somebody watched is then not enough.
  const takesCode = me.secondFactor?.enrolled === true;
  // Who came through the company's provider has no password here: the provider asks again, in a window of its own.
  const asksProvider = me.byProvider && !takesCode;
  const [isStillOpen, setStillOpen] = useState(false);
  const answer = useRef<(confirmed: boolean) => void>(() => undefined);

  const ask = useCallback<Ask>(() => {
    setProof('');
    setProblem(null);
    setMailed(false);
    setStillOpen(false);
    setOpen(true);
    return new Promise((resolve) => {
      answer.current = resolve;
    });
  }, []);
  const close = (confirmed: boolean): void => {
    setOpen(false);
    answer.current(confirmed);
  };
  const run = async <T,>(work: () => Promise<T>, then: (result: T) => void): Promise<void> => {
    setBusy(true);
    try {
      then(await work());
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const confirm = (event: FormEvent): void => {
    event.preventDefault();
    if (asksProvider) {
      run(
        async () => (await getMe({ throwOnError: true })).data.steppedUp,
        (isDone) => (isDone ? close(true) : setStillOpen(true)),
      ).catch(() => undefined); // run shows its own problems
      return;
    }
    run(
      () => postAuthStepUp({ body: takesCode ? { code: proof } : { password: proof }, throwOnError: true }),
      () => close(true),
    ).catch(() => undefined); // run shows its own problems
  };
  const mail = (): void => {
    run(
      () => postAuthSignInLink({ body: { email: me.user?.email ?? '' }, throwOnError: true }),
      () => setMailed(true),
    ).catch(() => undefined);
  };

  return (
    <StepUpContext value={ask}>
      {children}
      <Modal
        opened={isOpen}
        onClose={() => close(false)}
        title={t('stepUp.title')}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        <form onSubmit={confirm}>
          <Stack>
            <Text size="sm">
              {t(takesCode ? 'stepUp.whyCode' : asksProvider ? 'stepUp.whyProvider' : 'stepUp.why')}
            </Text>
            <input type="hidden" name="username" autoComplete="username" value={me.user?.email ?? ''} readOnly />
            {asksProvider ? (
              <>
                <Group>
                  <Button
                    component="a"
                    variant="default"
                    href="/v1/auth/oidc/start?purpose=step_up"
                    target="_blank"
                    rel="noopener"
                    data-autofocus
                  >
                    {t('stepUp.atProvider')}
                  </Button>
                </Group>
                {isStillOpen ? <Alert variant="outline" color="red" role="alert" title={t('stepUp.notYet')} /> : null}
              </>
            ) : takesCode ? (
              <TextInput
                label={t('stepUp.code')}
                description={t('stepUp.codeHint')}
                autoComplete="one-time-code"
                value={proof}
                onChange={(event) => setProof(event.currentTarget.value)}
                data-autofocus
                required
              />
            ) : (
              <PasswordInput
                label={t('signIn.password')}
                autoComplete="current-password"
                value={proof}
                onChange={(event) => setProof(event.currentTarget.value)}
                data-autofocus
                required
                visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
              />
            )}
            {problem === null ? null : takesCode && isProblem(problem, 'invalid_credentials') ? (
              <Alert variant="outline" color="red" role="alert" title={t('stepUp.wrongCode')} />
            ) : (
              <ErrorView error={problem} />
            )}
            {isMailed ? <Text role="status">{t('stepUp.mailed')}</Text> : null}
            <Group justify="flex-end">
              {me.audience === 'staff' ? null : (
                <Button variant="default" onClick={mail} loading={isBusy}>
                  {t('stepUp.mail')}
                </Button>
              )}
              <Button variant="default" onClick={() => close(false)}>
                {t('cancel')}
              </Button>
              <Button type="submit" loading={isBusy}>
                {t(asksProvider ? 'stepUp.goOn' : 'stepUp.confirm')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </StepUpContext>
  );
}
