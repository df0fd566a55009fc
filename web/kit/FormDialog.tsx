import { Button, Group, Modal, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, type ReactNode, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { newKey } from './api.js';
import { ErrorView } from './ErrorView.js';
import { isProblem } from './problem.js';

/**
 * A dialog that makes or changes one thing: sends it once per press with one idempotency key, says at each field what is wrong with it, reads
 * every list anew when it is done and closes.
 */
export function FormDialog<T>({
  title,
  size = 'md',
  submit,
  color,
  save,
  onSaved,
  onClose,
  isReady = true,
  remove,
  children,
}: {
  readonly title: string;
  readonly size?: 'md' | 'lg' | 'xl';
  /** What the button does: "Create group". */
  readonly submit: string;
  /** Where it cannot be taken back. */
  readonly color?: 'red';
  readonly save: (idempotencyKey: string) => Promise<T>;
  readonly onSaved?: (saved: T) => void;
  readonly onClose: () => void;
  readonly isReady?: boolean;
  /** A way to take the thing away, where there is one. */
  readonly remove?: { readonly text: string; readonly run: () => Promise<unknown> } | undefined;
  /** The fields, given what the last answer said of each. */
  readonly children: (errors: Readonly<Record<string, string>>) => ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const saving = useMutation({
    mutationFn: () => save(key.current),
    onSuccess: (saved) => {
      onClose();
      onSaved?.(saved);
      return queries.invalidateQueries();
    },
    onError: (error) => {
      // A refusal is an answer: the next press is a new try. Without an answer it may have been done: the same key repeats it.
      if (!isProblem(error, 'offline')) key.current = newKey();
    },
  });
  const removing = useMutation({
    mutationFn: async () => remove?.run(),
    onSuccess: () => {
      onClose();
      return queries.invalidateQueries();
    },
  });
  const press = (event: FormEvent): void => {
    event.preventDefault();
    saving.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={title} size={size} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={press}>
        <Stack>
          {children(isProblem(saving.error) ? saving.error.fieldErrors : {})}
          {saving.error === null ? null : <ErrorView error={saving.error} />}
          {removing.error === null ? null : <ErrorView error={removing.error} />}
          <Group justify={remove === undefined ? 'flex-end' : 'space-between'}>
            {remove === undefined ? null : (
              <Button variant="default" loading={removing.isPending} onClick={() => removing.mutate()}>
                {remove.text}
              </Button>
            )}
            <Group>
              <Button variant="default" onClick={onClose}>
                {t('cancel')}
              </Button>
              <Button
                type="submit"
                loading={saving.isPending}
                disabled={!isReady}
                {...(color === undefined ? {} : { color })}
                // A long word breaks instead of leaving the dialog.
                styles={{ label: { whiteSpace: 'normal' }, root: { height: 'auto', minHeight: 36 } }}
              >
                {submit}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
