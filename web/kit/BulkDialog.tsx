import { Button, Group, List, Modal, Progress, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Operation } from '../client/types.gen.js';
import { newKey, postPath, readPath } from './api.js';
import { AffiliateFields, type SetOfFields } from './AffiliateFields.js';
import { BatchUndo } from './BatchUndo.js';
import { ErrorView } from './ErrorView.js';
import { MessageChoice } from './MessageChoice.js';
import { useWithStepUp } from './stepUp.js';
import { useReasonText } from './texts.js';

/** A bulk decision of a list: a kind of api.md 1.9. */
export interface BulkAction {
  readonly kind: string;
  /** The verb's text key: `action.approve`. */
  readonly verb: string;
  readonly needsReason: boolean;
  /**
   * `payment`: how and when it was paid, the same for every row; what the decision means is said before it is taken. `message`: which template
   * is sent, with its preview. `fields`: what each row gets.
   */
  readonly asks?: 'payment' | 'message' | 'fields';
  /** A dialog of its own, for what is no decision about each row. */
  readonly dialog?: (selection: Selection, onClose: (isDone: boolean) => void) => ReactElement;
}

export interface Selection {
  readonly ids?: readonly string[];
  readonly filter?: Readonly<Record<string, string>>;
  readonly expectedCount?: number;
}

interface Preview {
  readonly matched: number;
  readonly eligible: number;
  readonly skipped: readonly { readonly id: string; readonly code: string }[];
}

const pollMs = 1_000;

/** Preview → reason → one operation with progress → result per row (screens.md 1.1). Each row still has its own decision and audit entry. */
export function BulkDialog({
  action,
  selection,
  onClose,
}: {
  readonly action: BulkAction;
  readonly selection: Selection;
  readonly onClose: (isDone: boolean) => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const reasonText = useReasonText();
  const withStepUp = useWithStepUp();
  const key = useRef(newKey());
  const [preview, setPreview] = useState<Preview | null>(null);
  const [operation, setOperation] = useState<Operation | null>(null);
  const [reason, setReason] = useState('');
  const [payment, setPayment] = useState({ reference: '', paidOn: '', note: '' });
  const [templateId, setTemplateId] = useState('');
  const [fields, setFields] = useState<SetOfFields>({});
  const [problem, setProblem] = useState<unknown>(null);
  const body = { kind: action.kind, ...selection };
  const asked = useRef(false);

  useEffect(() => {
    if (asked.current) return;
    asked.current = true; // React may run an effect twice while developing
    postPath<Preview>('/v1/operations', { ...body, dryRun: true }).then(setPreview, setProblem);
  });
  useEffect(() => {
    if (operation === null || (operation.status !== 'queued' && operation.status !== 'running')) return undefined;
    const timer = window.setTimeout(() => {
      readPath<Operation>(`/v1/operations/${operation.id}`).then((next) => {
        setOperation({ ...next });
        if (next.finishedAt !== null) queries.invalidateQueries().catch(() => undefined); // each query shows its own problem
      }, setProblem);
    }, pollMs);
    return () => window.clearTimeout(timer);
  }, [operation, queries]);

  const isAnswered =
    action.asks === 'payment'
      ? payment.reference.trim() !== '' && payment.paidOn !== ''
      : action.asks === 'message'
        ? templateId !== ''
        : action.asks === 'fields'
          ? Object.keys(fields).length > 0
          : !action.needsReason || reason.trim() !== '';
  const run = (): void => {
    const { note, ...paid } = payment;
    const said = {
      ...(reason === '' ? {} : { reason }),
      ...(action.asks === 'payment' ? { ...paid, ...(note === '' ? {} : { note }) } : {}),
      ...(action.asks === 'message' ? { templateId } : {}),
      ...(action.asks === 'fields' ? { set: fields } : {}),
    };
    withStepUp(() => postPath<Operation>('/v1/operations', { ...body, ...said }, key.current)).then(
      setOperation,
      (error: unknown) => {
        key.current = newKey();
        setProblem(error);
      },
    );
  };
  const skippedBy = new Map<string, number>();
  for (const { code } of preview?.skipped ?? []) skippedBy.set(code, (skippedBy.get(code) ?? 0) + 1);
  const verb = t(`action.${action.verb}`);
  const isOver = operation !== null && operation.finishedAt !== null;
  return (
    <Modal opened onClose={() => onClose(isOver)} title={verb} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        {preview === null && problem === null ? <Text role="status">{t('loading')}</Text> : null}
        {preview === null || operation !== null ? null : (
          <>
            <Text>{t('bulk.preview', { eligible: preview.eligible, matched: preview.matched })}</Text>
            <List size="sm">
              {[...skippedBy].map(([code, count]) => (
                <List.Item key={code}>{t('bulk.skipped', { count, reason: reasonText(code) })}</List.Item>
              ))}
            </List>
            {action.asks === 'payment' ? <PaymentFields value={payment} onChange={setPayment} /> : null}
            {action.asks === 'message' ? (
              <MessageChoice
                about={action.kind === 'payouts.message' ? 'payouts' : 'commissions'}
                firstId={firstOf(selection, preview)}
                value={templateId}
                onChange={setTemplateId}
              />
            ) : null}
            {action.asks === 'fields' ? <AffiliateFields value={fields} onChange={setFields} /> : null}
            {action.needsReason ? (
              <Textarea
                label={t('decision.reason')}
                required
                maxLength={500}
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
              />
            ) : null}
          </>
        )}
        {operation === null ? null : (
          <Stack gap="xs" role="status">
            <Progress.Root size="lg">
              <Progress.Section
                value={
                  operation.progress.total === 0
                    ? 100
                    : Math.round((operation.progress.done * 100) / operation.progress.total)
                }
                aria-label={t('bulk.progress', { ...operation.progress })}
              />
            </Progress.Root>
            <Text size="sm">{t('bulk.progress', { ...operation.progress })}</Text>
          </Stack>
        )}
        {operation === null ? null : <BatchUndo operation={operation} onUndone={setOperation} />}
        {problem === null ? null : <ErrorView error={problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => onClose(isOver)}>
            {t(isOver ? 'close' : 'cancel')}
          </Button>
          {operation === null && preview !== null ? (
            <Button disabled={preview.eligible === 0 || !isAnswered} onClick={run}>
              {t('bulk.run', { verb, count: preview.eligible })}
            </Button>
          ) : null}
        </Group>
      </Stack>
    </Modal>
  );
}

/** A row that would be told of: one that is skipped has no preview. */
function firstOf({ ids = [] }: Selection, { skipped }: Preview): string | undefined {
  return ids.find((id) => !skipped.some((one) => one.id === id));
}

interface Payment {
  readonly reference: string;
  readonly paidOn: string;
  readonly note: string;
}

function PaymentFields({
  value,
  onChange,
}: {
  readonly value: Payment;
  readonly onChange: (next: Payment) => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <Text size="sm" fw={600}>
        {t('bulk.movesNoMoney')}
      </Text>
      <TextInput
        label={t('bulk.reference')}
        description={t('bulk.sameForAll')}
        required
        maxLength={200}
        value={value.reference}
        onChange={(event) => onChange({ ...value, reference: event.currentTarget.value })}
      />
      <TextInput
        label={t('bulk.paidOn')}
        type="date"
        required
        value={value.paidOn}
        onChange={(event) => onChange({ ...value, paidOn: event.currentTarget.value })}
      />
      <Textarea
        label={t('bulk.note')}
        autosize
        value={value.note}
        onChange={(event) => onChange({ ...value, note: event.currentTarget.value })}
      />
    </>
  );
}
