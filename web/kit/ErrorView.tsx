import { Alert, Anchor, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { relativeTime } from './DateText.js';
import { isProblem } from './problem.js';

/** A refusal in one sentence of the reader's language: who was faster, what is missing, how long to wait. */
export function useProblemText(): (error: unknown) => { readonly title: string; readonly detail: string } {
  const { t } = useTranslation();
  return (error) => {
    if (!isProblem(error)) return { title: t('error.internal'), detail: '' };
    const { members } = error;
    const by = members['decidedBy'] as { readonly name?: string | null } | null | undefined;
    const at = members['decidedAt'];
    if (error.code === 'already_decided' && typeof members['currentStatus'] === 'string')
      return {
        title: t('error.alreadyDecided', {
          status: t(`status.${members['currentStatus']}`),
          name: by?.name ?? t('actor.system'),
          ago: typeof at === 'string' ? relativeTime(at) : '',
        }),
        detail: '',
      };
    if (error.code === 'permission_missing' && typeof members['missingPermission'] === 'string')
      return {
        title: t('problem.permission_missing'),
        detail: t('error.needs', { right: members['missingPermission'] }),
      };
    return {
      title: t(`problem.${error.code}`, { defaultValue: error.title || t('error.internal') }),
      detail: error.detail ?? '',
    };
  };
}

/** What went wrong, for people: title, detail, code and request id to copy, and a way on. A failed part never blanks the rest (screens.md 1.1). */
export function ErrorView({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
}): ReactElement {
  const { t } = useTranslation();
  const { title, detail } = useProblemText()(error);
  const problem = isProblem(error) ? error : undefined;
  return (
    <Alert variant="outline" color="red" title={title} role="alert" c="var(--mantine-color-text)">
      <Stack gap="xs">
        {detail === '' ? null : <Text size="sm">{detail}</Text>}
        {problem?.code === 'settings_missing' ? (
          <Anchor href="/settings" size="sm">
            {t('error.openSettings')}
          </Anchor>
        ) : null}
        {problem === undefined ? null : (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              {t('error.code')} <Code>{problem.code}</Code>
            </Text>
            {problem.requestId === null ? null : (
              <>
                <Text size="sm" c="dimmed">
                  {t('error.request')} <Code>{problem.requestId}</Code>
                </Text>
                <CopyButton value={problem.requestId}>
                  {({ copied, copy }) => (
                    <Button size="compact-sm" variant="default" onClick={copy}>
                      {copied ? t('copied') : t('error.copyRequest')}
                    </Button>
                  )}
                </CopyButton>
              </>
            )}
          </Group>
        )}
        {onRetry === undefined ? null : (
          <Group>
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {t('error.retry')}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
