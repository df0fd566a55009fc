import { NativeSelect, Textarea, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useStaff } from '../access/useStaff.js';

/** What colleagues say of a referral or a lead among themselves: nothing of it is shown in the portal (REF-05). */
export interface WorkNotes {
  readonly assigneeId: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
}

export interface WorkChange {
  readonly assigneeId?: string | null;
  readonly tags: string[];
  readonly notes: string | null;
}

const tagsIn = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  ),
];

/** Whose work something is, its tags, and what colleagues should know. */
export function WorkDialog({
  of,
  save,
  onClose,
}: {
  readonly of: WorkNotes;
  readonly save: (change: WorkChange) => Promise<unknown>;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const people = useStaff();
  const [assigneeId, setAssigneeId] = useState(of.assigneeId ?? '');
  const [tags, setTags] = useState(of.tags.join(', '));
  const [notes, setNotes] = useState(of.notes ?? '');
  const isKnown = assigneeId === '' || people.some((one) => one.value === assigneeId);
  const change: WorkChange = {
    tags: tagsIn(tags),
    notes: notes.trim() === '' ? null : notes.trim(),
    // Who may not read colleagues gives work to nobody.
    ...(people.length === 0 ? {} : { assigneeId: assigneeId === '' ? null : assigneeId }),
  };
  return (
    <FormDialog title={t('work.change')} submit={t('desk.save')} save={() => save(change)} onClose={onClose}>
      {(errors) => (
        <>
          {people.length === 0 ? null : (
            <NativeSelect
              label={t('work.assignee')}
              value={assigneeId}
              error={errors['assigneeId']}
              onChange={(event) => setAssigneeId(event.currentTarget.value)}
              data={[
                { value: '', label: t('queue.nobody') },
                ...people,
                ...(isKnown ? [] : [{ value: assigneeId, label: assigneeId }]),
              ]}
            />
          )}
          <TextInput
            label={t('referral.tags')}
            description={t('work.tagsHint')}
            value={tags}
            error={Object.entries(errors).find(([field]) => field.startsWith('tags'))?.[1]}
            onChange={(event) => setTags(event.currentTarget.value)}
          />
          <Textarea
            label={t('work.notes')}
            description={t('work.notesHint')}
            value={notes}
            error={errors['notes']}
            onChange={(event) => setNotes(event.currentTarget.value)}
            maxLength={10_000}
            autosize
            minRows={3}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Somebody of staff by name; the id for readers who may not read colleagues. */
export function StaffName({ id }: { readonly id: string | null }): ReactElement {
  const people = useStaff();
  return <>{id === null ? '–' : (people.find((one) => one.value === id)?.label ?? id)}</>;
}
