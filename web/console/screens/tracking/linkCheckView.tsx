import { Alert, Badge, Button, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postLinksByLinkIdCheck, postLinksDiagnose } from '../../../client/sdk.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { isProblem } from '../../../kit/problem.js';
import { useReasonText } from '../../../kit/texts.js';

/** Codes that only a look at the page has; the others are reason codes. */
const pageCodes: ReadonlySet<string> = new Set([
  'destination_unreachable',
  'destination_private',
  'script_missing',
  'published_links_break',
  'no_link',
  'link_unknown',
]);

/** What a look at the destination warns of, in words. */
export function useWarningText(): (code: string) => string {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (code) => (pageCodes.has(code) ? t(`link.warning.${code}`) : reason(code));
}

export function Warnings({
  warnings,
}: {
  readonly warnings: readonly { readonly code: string }[];
}): ReactElement | null {
  const { t } = useTranslation();
  const text = useWarningText();
  if (warnings.length === 0) return null;
  return (
    <Alert variant="outline" color="amber" c="var(--mantine-color-text)" title={t('link.warnings')}>
      <List size="sm">
        {warnings.map(({ code }) => (
          <List.Item key={code}>{text(code)}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

/**
 * Looks at the page that a link was just saved with, and says what is wrong with it (LNK-09): the link is saved whatever comes of it, and a look
 * that fails by itself is repeated by the periodic check.
 */
export function useDestinationLook(): (linkId: string) => Promise<void> {
  const { t } = useTranslation();
  const text = useWarningText();
  const queries = useQueryClient();
  return async (linkId) => {
    try {
      const { data } = await postLinksByLinkIdCheck({ path: { linkId }, body: undefined as never, throwOnError: true });
      if (data.warnings.length > 0)
        notifications.show({
          title: t('link.warnings'),
          message: data.warnings.map(({ code }) => text(code)).join(' · '),
          color: 'amber',
          autoClose: false,
        });
      await queries.invalidateQueries();
    } catch {
      notifications.show({ message: t('link.notLooked') });
    }
  };
}

/** Paste any address: does it resolve, is it public, has it the script, and who would be credited (screens.md 3.11, TST-10). */
export function DiagnoseDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [url, setUrl] = useState('');
  const ask = useMutation({
    mutationFn: async () => (await postLinksDiagnose({ body: { url: url.trim() }, throwOnError: true })).data,
  });
  const errors = isProblem(ask.error) ? ask.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    ask.mutate();
  };
  const told = (value: boolean | null): string => (value === null ? '–' : t(value ? 'yes' : 'no'));
  const { data } = ask;
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={t('link.diagnose')}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Stack>
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label={t('link.diagnoseUrl')}
              description={t('link.diagnoseHint')}
              type="url"
              required
              value={url}
              error={errors['url']}
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={ask.isPending}>
                {t('link.diagnoseNow')}
              </Button>
            </Group>
          </Stack>
        </form>
        {ask.error === null ? null : <ErrorView error={ask.error} />}
        {data === undefined ? null : (
          <Stack aria-live="polite">
            <Group gap="xs">
              <Badge variant="default" component="span">
                {t(data.credits ? 'link.wouldCredit' : 'link.wouldNotCredit')}
              </Badge>
              {data.affiliate === null ? null : <Text fw={600}>{data.affiliate.name}</Text>}
              {data.program === null ? null : <Text c="dimmed">{data.program.name}</Text>}
            </Group>
            <Facts
              rows={[
                [t('link.destination'), data.destinationUrl],
                [t('link.resolves'), told(data.resolves)],
                [t('link.public'), told(data.public)],
                [t('link.answer'), data.status === null ? (data.fault ?? '–') : String(data.status)],
                [t('link.scriptFound'), told(data.scriptFound)],
              ]}
            />
            <Warnings warnings={data.problems} />
          </Stack>
        )}
      </Stack>
    </Modal>
  );
}
