import { Button, Code, CopyButton, Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLinksOptions, getTrackingSnippetsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postTrackingTests } from '../../../client/sdk.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';
import { PixelDialog } from './pixelDialog.js';

const pollMs = 5_000;

/** Developers → Tracking: ready code for script, pixel, postback and form, the last call of each, and the tester (screens.md 3.21, TRK-18). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const [isSettingUp, setSettingUp] = useState(false);
  const query = useQuery({
    ...getTrackingSnippetsOptions(),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  return (
    <>
      <PageHead title={t('tracking.title')} text={t('tracking.text')} />
      <Stack>
        <Tester />
        <Loaded query={query} lines={8}>
          {({ data }) => (
            <Stack>
              {data.map((snippet) => (
                <Paper key={snippet.kind} withBorder p="md">
                  <Stack gap="sm">
                    <Title order={2} size="h4">
                      {t(`tracking.kind.${snippet.kind}`)}
                    </Title>
                    <Text size="sm" c="dimmed">
                      {t(`tracking.hint.${snippet.kind}`)}
                    </Text>
                    <Group gap="xs" wrap="nowrap" align="flex-start">
                      <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', flex: 1 }}>
                        {snippet.code}
                      </Code>
                      <CopyButton value={snippet.code}>
                        {({ copied, copy }) => (
                          <Button
                            size="compact-sm"
                            variant="default"
                            onClick={copy}
                            aria-label={`${t('copy')}: ${t(`tracking.kind.${snippet.kind}`)}`}
                          >
                            {t(copied ? 'copied' : 'copy')}
                          </Button>
                        )}
                      </CopyButton>
                    </Group>
                    {snippet.kind === 'pixel' ? (
                      <div>
                        <Button variant="default" onClick={() => setSettingUp(true)}>
                          {t('pixel.open')}
                        </Button>
                      </div>
                    ) : null}
                    {snippet.kind !== 'form' && snippet.publicKey === null ? (
                      <Text size="sm">{t('tracking.noKey')}</Text>
                    ) : null}
                    <Text size="sm">
                      {snippet.lastCall === null ? (
                        t('tracking.noCall')
                      ) : (
                        <>
                          {t('tracking.lastCall')} <DateText value={snippet.lastCall.at} />, {snippet.lastCall.status}
                          {snippet.lastCall.code === null ? '' : `: ${reason(snippet.lastCall.code)}`}
                        </>
                      )}
                    </Text>
                  </Stack>
                </Paper>
              ))}
            </Stack>
          )}
        </Loaded>
      </Stack>
      {isSettingUp ? <PixelDialog onClose={() => setSettingUp(false)} /> : null}
    </>
  );
}

function Tester(): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const links = useQuery(getLinksOptions({ query: { kind: 'standard', limit: 200 } as never }));
  const [chosen, setChosen] = useState('');
  const listed = links.data?.data ?? [];
  const linkId = chosen === '' ? (listed[0]?.id ?? '') : chosen;
  const begin = useMutation({
    mutationFn: async () => (await postTrackingTests({ body: { linkId }, throwOnError: true })).data,
    onSuccess: (test) => {
      sessionStorage.setItem(`tracking-test ${test.id}`, test.url ?? '');
      return navigate({ to: `/developers/tracking/${test.id}` });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    begin.mutate();
  };
  return (
    <Paper withBorder p="md">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('tracking.tester')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('tracking.testerText')}
          </Text>
          <Group align="flex-end">
            <NativeSelect
              label={t('tracking.link')}
              value={linkId}
              onChange={(event) => setChosen(event.currentTarget.value)}
              data={listed.map((one) => ({ value: one.id, label: one.slug }))}
            />
            <Button type="submit" loading={begin.isPending} disabled={linkId === ''}>
              {t('tracking.begin')}
            </Button>
          </Group>
          {begin.error === null ? null : <ErrorView error={begin.error} />}
        </Stack>
      </form>
    </Paper>
  );
}
