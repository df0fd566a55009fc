import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import {
  deleteUsersByUserId,
  postUsersByUserIdEndSessions,
  postUsersByUserIdInvite,
  postUsersByUserIdResetTotp,
} from '../../../client/sdk.gen.js';
import type { User } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

export type PersonAction = 'inviteAgain' | 'endSessions' | 'resetTotp' | 'remove';

const calls: Readonly<Record<PersonAction, (userId: string) => Promise<unknown>>> = {
  inviteAgain: (userId) => postUsersByUserIdInvite({ path: { userId }, throwOnError: true }),
  endSessions: (userId) => postUsersByUserIdEndSessions({ path: { userId }, throwOnError: true }),
  resetTotp: (userId) => postUsersByUserIdResetTotp({ path: { userId }, throwOnError: true }),
  remove: (userId) => deleteUsersByUserId({ path: { userId }, throwOnError: true }),
};

/** What happens is said before it does; it holds at once (api.md 16.1). */
export function PersonDialog({
  action,
  person,
  onClose,
}: {
  readonly action: PersonAction;
  readonly person: User;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const run = useMutation({
    mutationFn: () => withStepUp(() => calls[action](person.id)),
    onSuccess: () => {
      onClose();
      notifications.show({ message: t(`team.${action}Done`, { name: person.name }), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t(`team.${action}For`, { name: person.name })}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Stack>
        <Text>{t(`team.${action}Text`, { name: person.name })}</Text>
        {run.error === null ? null : <ErrorView error={run.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button
            {...(action === 'remove' ? { color: 'red' } : {})}
            onClick={() => run.mutate()}
            loading={run.isPending}
            data-autofocus
          >
            {t(`team.${action}`)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
