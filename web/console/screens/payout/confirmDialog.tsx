import { Button, Group, Modal, Stack } from '@mantine/core';
import { type FormEvent, type ReactElement, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { newKey } from '../../../kit/api.js';
import { useDecide } from '../../../kit/DecisionButtons.js';
import { ErrorView } from '../../../kit/ErrorView.js';

/** A dialog that repeats what is about to happen before it does; one key per dialog, so a repeat is the same decision. */
export function ConfirmDialog({
  path,
  verb,
  title,
  button,
  body,
  onClose,
  children,
}: {
  readonly path: string;
  readonly verb: string;
  readonly title: string;
  readonly button: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const key = useRef(newKey());
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    decide({ path, verb, body, key: key.current })
      .then(onClose)
      .catch((error: unknown) => {
        key.current = newKey(); // a refusal is an answer: the next press is a new decision
        setProblem(error);
      })
      .finally(() => setBusy(false));
  };
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
          {children}
          {problem === null ? null : <ErrorView error={problem} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button
              type="submit"
              loading={isBusy}
              styles={{ label: { whiteSpace: 'normal' }, root: { height: 'auto', minHeight: 36 } }}
            >
              {button}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
