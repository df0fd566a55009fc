import { Alert, Button, Code, CopyButton, Group, Image, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postAuthTotpConfirm, postAuthTotpDisable, postAuthTotpEnrol } from '../client/sdk.gen.js';
import type { TotpDraft } from '../client/types.gen.js';
import { saveFile } from './saveFile.js';
import { ErrorView } from './ErrorView.js';
import { isProblem } from './problem.js';
import { useMe } from './session.js';
import { useWithStepUp } from './stepUp.js';

/** One's own second factor: off, being set up, its recovery codes once, on (screens.md 3.25). */
export function SecondFactor(): ReactElement | null {
  const { t } = useTranslation();
  const me = useMe();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const [draft, setDraft] = useState<TotpDraft | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const begin = useMutation({
    mutationFn: () => withStepUp(async () => (await postAuthTotpEnrol({ throwOnError: true })).data),
    onSuccess: setDraft,
  });
  const turnOff = useMutation({
    mutationFn: () => withStepUp(() => postAuthTotpDisable({ throwOnError: true })),
    onSuccess: () => {
      notifications.show({ message: t('factor.offDone'), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  const factor = me.secondFactor;
  if (factor === null) return null;
  const problem = begin.error ?? turnOff.error;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('factor.title')}>
      <Stack gap="xs">
        <Title order={2} size="h4">
          {t('factor.title')}
        </Title>
        {codes !== null ? (
          <RecoveryCodes
            codes={codes}
            onClose={() => {
              setCodes(null);
              queries.invalidateQueries().catch(() => undefined); // shown by the queries themselves
            }}
          />
        ) : draft !== null ? (
          <Confirm
            draft={draft}
            onCancel={() => setDraft(null)}
            onConfirmed={(made) => {
              setDraft(null);
              setCodes(made);
            }}
          />
        ) : (
          <>
            {factor.required && !factor.enrolled ? (
              <Alert variant="outline" color="yellow" title={t('factor.required')} c="var(--mantine-color-text)">
                {t('factor.requiredText')}
              </Alert>
            ) : null}
            <Text size="sm">
              {factor.enrolled ? t('factor.on', { count: factor.recoveryCodesLeft ?? 0 }) : t('factor.off')}
            </Text>
            {problem === null ? null : <ErrorView error={problem} />}
            {factor.isOwn ? null : (
              <Text size="sm" c="dimmed">
                {t('factor.elsewhere')}
              </Text>
            )}
            <Group hidden={!factor.isOwn}>
              <Button onClick={() => begin.mutate()} loading={begin.isPending}>
                {t(factor.enrolled ? 'factor.again' : 'factor.begin')}
              </Button>
              {factor.enrolled && !factor.required ? (
                <Button variant="default" onClick={() => turnOff.mutate()} loading={turnOff.isPending}>
                  {t('factor.turnOff')}
                </Button>
              ) : null}
            </Group>
          </>
        )}
      </Stack>
    </Paper>
  );
}

function Confirm({
  draft,
  onCancel,
  onConfirmed,
}: {
  readonly draft: TotpDraft;
  readonly onCancel: () => void;
  readonly onConfirmed: (codes: readonly string[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [code, setCode] = useState('');
  const confirm = useMutation({
    mutationFn: () =>
      withStepUp(async () => (await postAuthTotpConfirm({ body: { code }, throwOnError: true })).data.codes),
    onSuccess: onConfirmed,
  });
  const errors = isProblem(confirm.error) ? confirm.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    confirm.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Text size="sm">{t('factor.scan')}</Text>
        <Image
          src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(draft.qrSvg)}`}
          alt={t('factor.picture')}
          w={200}
          h={200}
          bg="white"
        />
        <Text size="sm">{t('factor.byHand')}</Text>
        <Group gap="xs">
          <Code data-secret="totp">{draft.secret}</Code>
          <CopyButton value={draft.secret}>
            {({ copied, copy }) => (
              <Button size="compact-sm" variant="default" onClick={copy}>
                {copied ? t('copied') : t('copy')}
              </Button>
            )}
          </CopyButton>
        </Group>
        <TextInput
          label={t('factor.code')}
          description={t('factor.codeHint')}
          autoComplete="one-time-code"
          inputMode="numeric"
          required
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          error={errors['code']}
        />
        {confirm.error === null || errors['code'] !== undefined ? null : <ErrorView error={confirm.error} />}
        <Group>
          <Button type="submit" loading={confirm.isPending}>
            {t('factor.confirm')}
          </Button>
          <Button variant="default" onClick={onCancel}>
            {t('cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function RecoveryCodes({
  codes,
  onClose,
}: {
  readonly codes: readonly string[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Alert variant="outline" color="yellow" title={t('factor.codesTitle')} c="var(--mantine-color-text)">
        {t('factor.codesText')}
      </Alert>
      <Code block data-secret="recovery">
        {codes.join('\n')}
      </Code>
      <Group>
        <CopyButton value={codes.join('\n')}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? t('copied') : t('copy')}
            </Button>
          )}
        </CopyButton>
        <Button variant="default" onClick={() => saveFile('recovery-codes.txt', `${codes.join('\n')}\n`)}>
          {t('factor.download')}
        </Button>
        <Button onClick={onClose}>{t('factor.kept')}</Button>
      </Group>
    </Stack>
  );
}
