import { Badge, Loader, Popover, Stack, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAuditEntriesOptions } from '../client/@tanstack/react-query.gen.js';
import { DateText } from './DateText.js';
import { ErrorView } from './ErrorView.js';
import { useCan } from './session.js';
import { useReasonText } from './texts.js';
import { type Tone, tones } from './theme.js';

/** Icon and tone of a status word: looks only, no rule hangs on it. A word that is not here is shown plainly. */
const looks: Readonly<Record<string, readonly [icon: string, tone: Tone]>> = {
  pending: ['◔', 'wait'],
  waiting: ['◔', 'wait'],
  tracking: ['◌', 'neutral'],
  received: ['◌', 'neutral'],
  draft: ['✎', 'neutral'],
  planning: ['…', 'note'],
  planned: ['◔', 'wait'],
  executing: ['▶', 'note'],
  running: ['▶', 'note'],
  queued: ['…', 'neutral'],
  submitting: ['▶', 'note'],
  submitted: ['▶', 'note'],
  processing: ['▶', 'note'],
  unknown: ['?', 'wait'],
  in_review: ['◔', 'wait'],
  on_hold: ['‖', 'wait'],
  paused: ['‖', 'wait'],
  suspended: ['‖', 'bad'],
  approved: ['✓', 'good'],
  active: ['✓', 'good'],
  accepted: ['✓', 'good'],
  passed: ['✓', 'good'],
  waived: ['✓', 'note'],
  verified: ['✓', 'good'],
  succeeded: ['✓', 'good'],
  done: ['✓', 'good'],
  completed: ['✓', 'good'],
  converted: ['✓', 'good'],
  sent: ['✓', 'good'],
  paid: ['●', 'good'],
  published: ['✓', 'good'],
  rejected: ['✕', 'bad'],
  declined: ['✕', 'bad'],
  failed: ['✕', 'bad'],
  refused: ['✕', 'bad'],
  invalid: ['✕', 'bad'],
  terminated: ['✕', 'bad'],
  reversed: ['↩', 'bad'],
  returned: ['↩', 'bad'],
  refunded: ['↩', 'bad'],
  part_refunded: ['↩', 'wait'],
  charged_back: ['↩', 'bad'],
  disputed: ['!', 'wait'],
  duplicate: ['≡', 'neutral'],
  merged: ['≡', 'neutral'],
  expired: ['◷', 'neutral'],
  ended: ['◼', 'neutral'],
  closed: ['◼', 'neutral'],
  archived: ['◼', 'neutral'],
  disabled: ['◼', 'neutral'],
  cancelled: ['◼', 'neutral'],
  revoked: ['◼', 'neutral'],
};

/** The tone of a status word. */
export function toneOf(status: string): Tone {
  return (looks[status] ?? ['•', 'neutral'])[1];
}

/** A status as icon and word, never as colour alone. */
export function StatusBadge({ status }: { readonly status: string }): ReactElement {
  const { t } = useTranslation();
  const [icon, tone] = looks[status] ?? ['•', 'neutral'];
  return (
    <Badge
      autoContrast={false}
      styles={{ root: { ...tones[tone], border: 0 } }}
      leftSection={<span aria-hidden="true">{icon}</span>}
      component="span"
    >
      {t(`status.${status}`, { defaultValue: status.replaceAll('_', ' ') })}
    </Badge>
  );
}

/**
 * A status that tells how it came about (screens.md 1.8): a button that opens the object's own history. Without `objectId`, or for people
 * who may not read the history, it is the plain badge.
 */
export function StatusPill({
  status,
  objectId,
}: {
  readonly status: string;
  readonly objectId?: string;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [isOpen, setOpen] = useState(false);
  if (objectId === undefined || !can('audit.read')) return <StatusBadge status={status} />;
  return (
    <Popover opened={isOpen} onChange={setOpen} width={340} position="bottom-start" withArrow trapFocus>
      <Popover.Target>
        <UnstyledButton onClick={() => setOpen(!isOpen)} mih={24} title={t('pill.how')}>
          <StatusBadge status={status} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('pill.how')} mah={360} style={{ overflowY: 'auto' }} tabIndex={0}>
        {isOpen ? <HowItGotHere objectId={objectId} /> : null}
      </Popover.Dropdown>
    </Popover>
  );
}

function HowItGotHere({ objectId }: { readonly objectId: string }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const { data, error, refetch } = useQuery(getAuditEntriesOptions({ query: { objectId, limit: 50 } }));
  if (error !== null)
    return (
      <ErrorView
        error={error}
        onRetry={() => {
          refetch().catch(() => undefined); // shown by the query itself
        }}
      />
    );
  if (data === undefined) return <Loader size="sm" role="progressbar" aria-label={t('loading')} />;
  return (
    <Stack gap="xs" component="ol" m={0} pl="md">
      {data.data.map((entry) => (
        <li key={entry.id}>
          <Text size="sm">
            {t(`event.${entry.event}`, { defaultValue: humanize(entry.event) })}
            {' · '}
            {entry.actor.name ?? t(`actor.${entry.actor.type}`)}
          </Text>
          <Text size="xs" c="dimmed">
            <DateText value={entry.createdAt} />
            {entry.reasonCode === null ? '' : ` · ${reason(entry.reasonCode)}`}
          </Text>
        </li>
      ))}
    </Stack>
  );
}

/** `returnedToDraft` → `returned to draft`, for words without a text of their own. */
export function humanize(word: string): string {
  return word
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_.]/g, ' ')
    .toLowerCase();
}
