import { Anchor, Button, Code, CopyButton, Group, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getTrackingTestsByTestIdOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { TrackingTest } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';

/** What arrives stands here within two seconds (BEY-32). */
const pollMs = 1_000;
/** Codes that only a test has; every other cause is a reason code. */
const causes: ReadonlySet<string> = new Set([
  'not_opened',
  'no_visit',
  'no_call',
  'cookie_off',
  'csrf_failed',
  'validation_failed',
  'not_credited',
]);

/** One test: live, which of click, cookie, visit, lead and sale arrived, and what to do about the others (screens.md 3.21). */
export function Screen(): ReactElement {
  const { testId = '' } = useParams({ strict: false }) as { testId?: string };
  const { t } = useTranslation();
  const query = useQuery({
    ...getTrackingTestsByTestIdOptions({ path: { testId } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: true, // the test runs in another window
  });
  return (
    <>
      <PageHead title={t('tracking.test')} text={testId} />
      <Loaded query={query} lines={6}>
        {(test) => (
          <Stack>
            <Address testId={testId} test={test} />
            <Paper withBorder p="md" aria-live="polite">
              <Stack gap="md" component="ol" m={0} p={0} style={{ listStyle: 'none' }}>
                {test.steps.map((step) => (
                  <Step key={step.step} step={step} />
                ))}
              </Stack>
            </Paper>
          </Stack>
        )}
      </Loaded>
    </>
  );
}

/** The address is told once, to the window that asked for the test. */
function Address({ testId, test }: { readonly testId: string; readonly test: TrackingTest }): ReactElement | null {
  const { t } = useTranslation();
  const url = sessionStorage.getItem(`tracking-test ${testId}`);
  if (test.clickId !== null || url === null || url === '') return null;
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text>{t('tracking.openIt')}</Text>
        <Group gap="xs" wrap="nowrap" align="flex-start">
          <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', flex: 1 }}>
            {url}
          </Code>
          <CopyButton value={url}>
            {({ copied, copy }) => (
              <Button
                size="compact-sm"
                variant="default"
                onClick={copy}
                aria-label={`${t('copy')}: ${t('tracking.test')}`}
              >
                {t(copied ? 'copied' : 'copy')}
              </Button>
            )}
          </CopyButton>
        </Group>
        <Anchor href={url} target="_blank" rel="noreferrer">
          {t('tracking.openHere')}
        </Anchor>
      </Stack>
    </Paper>
  );
}

function Step({ step }: { readonly step: TrackingTest['steps'][number] }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const { cause, repair } = step;
  return (
    <li>
      <Group gap="sm" align="baseline">
        <Text span aria-hidden>
          {step.arrived ? '✓' : '○'}
        </Text>
        <Text span fw={600}>
          {t(`tracking.step.${step.step}`)}
        </Text>
        <Text span c="dimmed">
          {step.arrived ? <DateText value={step.at} /> : t('tracking.waiting')}
        </Text>
      </Group>
      {cause === null || repair === null ? null : (
        <Text size="sm" ml="lg">
          {causes.has(cause.code) ? t(`tracking.cause.${cause.code}`) : reason(cause.code)}{' '}
          {t(`tracking.repair.${repair.code}`)}
        </Text>
      )}
    </li>
  );
}
