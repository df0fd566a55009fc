import type { ReactElement, ReactNode } from 'react';
import { useDecide } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';

/** A dialog that repeats what is about to happen before it does; one key until an answer came, so a repeat is the same decision. */
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
  const decide = useDecide();
  return (
    <FormDialog title={title} submit={button} save={(key) => decide({ path, verb, body, key })} onClose={onClose}>
      {() => children}
    </FormDialog>
  );
}
