import { Badge, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { postLinksDiagnose } from '../../../client/sdk.gen.js';
import { Warnings } from '../../../kit/DestinationLook.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { isProblem } from '../../../kit/problem.js';

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
