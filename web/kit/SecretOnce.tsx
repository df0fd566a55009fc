import { Alert, Button, Code, CopyButton, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

/** A secret that is shown this once: the dialog closes by its button only, so that no stray key takes it away (screens.md 3.21). */
export function SecretOnce({
  title,
  text,
  secrets,
  onClose,
}: {
  readonly title: string;
  readonly text: string;
  readonly secrets: readonly { readonly label: string; readonly value: string }[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      size="lg"
    >
      <Stack>
        <Alert variant="outline" color="yellow" title={t('secret.once')} c="var(--mantine-color-text)">
          <Text size="sm">{text}</Text>
        </Alert>
        {secrets.map(({ label, value }) => (
          <div key={label}>
            <Text size="sm" fw={600}>
              {label}
            </Text>
            <Group gap="xs" wrap="nowrap">
              <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', flex: 1 }} data-secret={label}>
                {value}
              </Code>
              <CopyButton value={value}>
                {({ copied, copy }) => (
                  <Button size="compact-sm" variant="default" onClick={copy} aria-label={`${t('copy')}: ${label}`}>
                    {copied ? t('copied') : t('copy')}
                  </Button>
                )}
              </CopyButton>
            </Group>
          </div>
        ))}
        <Group justify="flex-end">
          <Button onClick={onClose} data-autofocus>
            {t('secret.kept')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
