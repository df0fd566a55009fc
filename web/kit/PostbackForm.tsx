import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { type ReactElement, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Postback } from '../client/types.gen.js';
import { FormDialog } from './FormDialog.js';
import { macros, type PostbackEvent, postbackEvents } from './postbackWords.js';

export interface PostbackDraft {
  readonly programId: string | null;
  readonly events: readonly PostbackEvent[];
  readonly url: string;
  readonly active?: boolean;
}

/** Makes or changes a postback, in the console and in the portal: whom to call, about what, with which macros. */
export function PostbackForm({
  postback,
  programs,
  save,
  onClose,
  remove,
  isReady = true,
  above,
}: {
  /** Undefined: a new one. */
  readonly postback?: Postback;
  readonly programs: readonly { readonly id: string; readonly name: string }[];
  readonly save: (draft: PostbackDraft, idempotencyKey: string) => Promise<unknown>;
  readonly onClose: () => void;
  readonly remove?: { readonly text: string; readonly run: () => Promise<unknown> };
  readonly isReady?: boolean;
  /** Fields before these: whose it is. */
  readonly above?: ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);
  const [url, setUrl] = useState(postback?.url ?? '');
  const [programId, setProgramId] = useState(postback?.programId ?? '');
  const [events, setEvents] = useState<readonly PostbackEvent[]>(postback?.events ?? ['commission.created']);
  const [isActive, setActive] = useState(postback?.active ?? true);
  const insert = (macro: string): void => {
    const at = field.current?.selectionStart ?? url.length;
    setUrl(`${url.slice(0, at)}{${macro}}${url.slice(at)}`);
    field.current?.focus();
  };
  return (
    <FormDialog
      title={t(postback === undefined ? 'postback.new' : 'postback.edit')}
      submit={t(postback === undefined ? 'postback.create' : 'save')}
      save={(key) =>
        save(
          {
            programId: programId === '' ? null : programId,
            events,
            url: url.trim(),
            ...(postback === undefined ? {} : { active: isActive }),
          },
          key,
        )
      }
      onClose={onClose}
      isReady={isReady && events.length > 0}
      {...(remove === undefined ? {} : { remove })}
    >
      {(errors) => (
        <>
          {above}
          <TextInput
            ref={field}
            label={t('postback.url')}
            description={t('postback.urlHint')}
            placeholder="https://tracker.example/in?id={click_id}&payout={commission}"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
            error={errors['url']}
            maxLength={2000}
            required
          />
          <div role="group" aria-label={t('postback.macros')}>
            <Text size="sm">{t('postback.macros')}</Text>
            <Group gap={6} mt={4}>
              {macros.map((macro) => (
                <Button
                  key={macro}
                  size="compact-sm"
                  variant="default"
                  onClick={() => insert(macro)}
                  aria-label={t('postback.insert', { macro })}
                >
                  {`{${macro}}`}
                </Button>
              ))}
            </Group>
          </div>
          <NativeSelect
            label={t('postback.program')}
            value={programId}
            onChange={(event) => setProgramId(event.currentTarget.value)}
            data={[
              { value: '', label: t('postback.everyProgram') },
              ...programs.map((one) => ({ value: one.id, label: one.name })),
            ]}
            error={errors['programId']}
          />
          <Checkbox.Group
            label={t('postback.events')}
            value={[...events]}
            onChange={(chosen) => setEvents(postbackEvents.filter((event) => chosen.includes(event)))}
            error={errors['events']}
          >
            <Stack gap={6} mt={4}>
              {postbackEvents.map((event) => (
                <Checkbox key={event} value={event} label={t(`postback.event.${event}`)} />
              ))}
            </Stack>
          </Checkbox.Group>
          {postback === undefined ? null : (
            <Checkbox
              label={t('postback.active')}
              checked={isActive}
              onChange={(event) => setActive(event.currentTarget.checked)}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}
