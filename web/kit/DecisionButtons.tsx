import { Button, Group, Modal, Radio, Stack, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type KeyboardEvent, type ReactElement, useContext, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getOperationsByOperationId } from '../client/sdk.gen.js';
import { newKey, postPath } from './api.js';
import { CurrentRow } from './currentRow.js';
import { ErrorView, useProblemText } from './ErrorView.js';
import { singleKeysAreOn, useKeys } from './keys.js';
import { isProblem } from './problem.js';
import { type RowAction, RowMenu } from './RowMenu.js';
import { useWithStepUp } from './stepUp.js';
import { useReasonText } from './texts.js';

/** Verbs that ask for a reason (api.md 1.8); the order is that of the buttons' danger, not a rule of states. */
const negative: ReadonlySet<string> = new Set([
  'decline',
  'suspend',
  'terminate',
  'end',
  'invalidate',
  'reject',
  'refuse',
  'hold',
  'withdraw_approval',
  'return_to_draft',
  'cancel',
  'dismiss',
  'uphold', // an answer to an appeal has a reason, whichever it is (api.md 1.8)
]);
/** Each with the letter that picks it (screens.md 3.3). */
const reasonLetters = {
  staff_decision: 'd',
  fraud: 'f',
  self_referral: 's',
  check_failed: 'c',
  invalid_lead: 'i',
  duplicate: 'u',
} as const;
const reasonCodes = Object.entries(reasonLetters);
const undoMs = 10_000;
const askAgainMs = 2_000;

interface DecisionAnswer {
  readonly object?: string;
  readonly id?: string;
  readonly undo?: { readonly path: string; readonly until: string } | null;
}

/** `return_to_draft` → `return-to-draft` (api.md 1.1). */
export function actionPath(path: string, verb: string): string {
  return `${path}/${verb.replaceAll('_', '-')}`;
}

/**
 * Takes decisions: sends them with one key per decision, asks for a step-up where one is needed, follows one that takes longer, tells who was
 * faster, offers the way back for ten seconds. What was read is read again after each.
 */
export function useDecide(): (options: {
  readonly path: string;
  readonly verb: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly key?: string;
}) => Promise<boolean> {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const problemText = useProblemText();
  const decide = async ({
    path,
    verb,
    body = {},
    key = newKey(),
  }: Parameters<ReturnType<typeof useDecide>>[0]): Promise<boolean> => {
    try {
      const answer = await withStepUp(() => postPath<DecisionAnswer>(actionPath(path, verb), body, key));
      await queries.invalidateQueries();
      if (answer.object === 'operation' && answer.id !== undefined) followLater(answer.id);
      else if (answer.undo !== null && answer.undo !== undefined) offerUndo(verb, answer.undo.path);
      else notifications.show({ message: t('decision.done', { verb: t(`action.${verb}`) }), color: 'river' });
      return true;
    } catch (error) {
      // 409 is an answer, not an error: the screen shows the new state and who was faster.
      if (!isProblem(error, 'already_decided')) throw error;
      notifications.show({ message: problemText(error).title, color: 'river' });
      await queries.invalidateQueries();
      return true;
    }
  };
  const offerUndo = (verb: string, path: string): void => {
    const id = notifications.show({
      autoClose: undoMs,
      color: 'river',
      message: (
        <Group justify="space-between">
          <Text size="sm">{t('decision.done', { verb: t(`action.${verb}`) })}</Text>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              postPath(path, { reasonCode: 'staff_decision' })
                .then(() => queries.invalidateQueries())
                .catch((error: unknown) => notifications.show({ message: problemText(error).title, color: 'red' }));
            }}
          >
            {t('decision.undo')}
          </Button>
        </Group>
      ),
    });
  };
  const followLater = (operationId: string): void => {
    const id = notifications.show({ autoClose: false, loading: true, message: t('decision.underWay') });
    const ask = async (): Promise<void> => {
      const { data } = await getOperationsByOperationId({ path: { operationId }, throwOnError: true });
      if (data.status === 'queued' || data.status === 'running') {
        window.setTimeout(() => askAgain(), askAgainMs);
        return;
      }
      const isRefused = data.progress.failed + data.progress.skipped > 0;
      notifications.update({
        id,
        loading: false,
        autoClose: undoMs,
        color: isRefused ? 'red' : 'river',
        message: t(isRefused ? 'decision.refusedLater' : 'decision.doneLater'),
      });
      await queries.invalidateQueries();
    };
    const askAgain = (): void => {
      ask().catch(() => window.setTimeout(() => askAgain(), askAgainMs)); // away for a moment: the decision itself is kept
    };
    askAgain();
  };
  return decide;
}

interface Decidable {
  /** Of the object: `/v1/referrals/ref_…`. */
  readonly path: string;
  readonly actions: readonly string[];
  /** Actions with a dialog of their own, by verb. */
  readonly custom?: Readonly<Record<string, () => void>>;
  /** Show these only, in this order. */
  readonly only?: readonly string[];
}

/** What can be done with one object: exactly its `allowedActions` that have a text; negative ones ask for a reason first. */
function useVerbs({ path, actions, custom = {}, only }: Decidable): {
  readonly verbs: readonly RowAction[];
  readonly dialog: ReactElement;
} {
  const { t, i18n } = useTranslation();
  const decide = useDecide();
  const problemText = useProblemText();
  const [asking, setAsking] = useState<string | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const shown = (only ?? actions).filter((verb) => actions.includes(verb) && i18n.exists(`action.${verb}`));
  const press = (verb: string): void => {
    const own = custom[verb];
    if (own !== undefined) return own();
    if (negative.has(verb)) return setAsking(verb);
    setBusy(verb);
    decide({ path, verb })
      .catch((error: unknown) => {
        const { title, detail } = problemText(error);
        notifications.show({ title, message: detail, color: 'red' });
      })
      .finally(() => setBusy(null));
  };
  return {
    verbs: shown.map((verb) => ({
      key: verb,
      text: t(`action.${verb}`),
      isNegative: negative.has(verb),
      isBusy: busy === verb,
      onPress: () => press(verb),
    })),
    dialog: <ReasonDialog path={path} verb={asking} onClose={() => setAsking(null)} />,
  };
}

/** The buttons of one object on its own page. */
export function DecisionButtons({ size = 'sm', ...of }: Decidable & { readonly size?: string }): ReactElement {
  const { verbs, dialog } = useVerbs(of);
  return (
    <>
      <Group gap="xs">
        {verbs.map((verb) => (
          <Button
            key={verb.key}
            size={size}
            variant={verb.isNegative === true ? 'default' : 'filled'}
            loading={verb.isBusy === true}
            onClick={verb.onPress}
            data-action={verb.key}
          >
            {verb.text}
          </Button>
        ))}
      </Group>
      {dialog}
    </>
  );
}

/** What a letter does to the row one is on: the first of these that may be done with it (screens.md 1.4). */
const verbsOfKey: Readonly<Record<string, readonly string[]>> = {
  a: ['approve', 'accept'],
  r: ['reject', 'decline'],
  h: ['hold'],
};

/** The same in a row of a list: one menu, with what the list adds behind it; on the row that `j` and `k` are on by letter as well. */
export function DecisionMenu({
  row,
  more = [],
  ...of
}: Decidable & { readonly row: string; readonly more?: readonly RowAction[] }): ReactElement {
  const { verbs, dialog } = useVerbs(of);
  const isCurrent = useContext(CurrentRow);
  const take = (key: string) => () => {
    const verb = verbs.find((one) => verbsOfKey[key]?.includes(one.key) === true);
    if (verb !== undefined && verb.isBusy !== true) verb.onPress();
  };
  useKeys(isCurrent ? Object.fromEntries(Object.keys(verbsOfKey).map((key) => [key, take(key)])) : {});
  return (
    <>
      <RowMenu row={row} actions={[...verbs, ...more]} />
      {dialog}
    </>
  );
}

/** Reason picker with a letter per code, a text for colleagues and one for the affiliate. */
export function ReasonDialog({
  path,
  verb,
  onClose,
  onDecided,
}: {
  readonly path: string;
  readonly verb: string | null;
  readonly onClose: () => void;
  readonly onDecided?: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const reasonText = useReasonText();
  const key = useRef(newKey());
  const [code, setCode] = useState<string>('staff_decision');
  const [reason, setReason] = useState('');
  const [publicReason, setPublicReason] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const end = (): void => {
    key.current = newKey();
    setProblem(null);
    setReason('');
    setPublicReason('');
    onClose();
  };
  const pick = (event: KeyboardEvent): void => {
    const isTyping = event.target instanceof HTMLTextAreaElement;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !singleKeysAreOn()) return;
    const picked = reasonCodes.find(([, letter]) => letter === event.key)?.[0];
    if (picked !== undefined) setCode(picked);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (verb === null) return;
    setBusy(true);
    const texts = { ...(reason === '' ? {} : { reason }), ...(publicReason === '' ? {} : { publicReason }) };
    decide({ path, verb, body: { reasonCode: code, ...texts }, key: key.current })
      .then(() => {
        end();
        onDecided?.();
      })
      .catch((error: unknown) => {
        key.current = newKey(); // a refusal is an answer: the next press is a new decision
        setProblem(error);
      })
      .finally(() => setBusy(false));
  };
  return (
    <Modal
      opened={verb !== null}
      onClose={end}
      title={t(`action.${verb ?? 'reject'}`)}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <form onSubmit={submit} onKeyDown={pick}>
        <Stack>
          <Radio.Group label={t('decision.reasonCode')} value={code} onChange={setCode}>
            <Stack gap="xs" mt="xs">
              {reasonCodes.map(([one, letter]) => (
                <Radio
                  key={one}
                  value={one}
                  aria-keyshortcuts={letter}
                  {...(one === code ? { 'data-autofocus': true } : {})}
                  label={
                    <>
                      {reasonText(one)} <kbd aria-hidden="true">{letter}</kbd>
                    </>
                  }
                />
              ))}
            </Stack>
          </Radio.Group>
          <Textarea
            label={t('decision.reason')}
            description={t('decision.reasonHint')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            autosize
            minRows={2}
          />
          <Textarea
            label={t('decision.publicReason')}
            value={publicReason}
            onChange={(event) => setPublicReason(event.currentTarget.value)}
            maxLength={500}
            autosize
          />
          {problem === null ? null : <ErrorView error={problem} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={end}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={isBusy}>
              {t(`action.${verb ?? 'reject'}`)}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
