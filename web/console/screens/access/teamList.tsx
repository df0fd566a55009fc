import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getRolesOptions, getUsersOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { User } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { useKeys } from '../../../kit/keys.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { PersonDialog, type PersonAction } from './personDialogs.js';
import { PersonForm } from './personForm.js';

/** Settings → Team: who may sign in, with which roles; invite, change, help, remove (screens.md 3.22). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('user.write');
  const roles = useQuery(getRolesOptions());
  const [form, setForm] = useState<User | 'new' | null>(null);
  const [action, setAction] = useState<{ readonly kind: PersonAction; readonly person: User } | null>(null);
  useKeys({
    c: () => {
      if (mayWrite) setForm('new');
    },
  });
  const nameOf = (id: string): string => roles.data?.data.find((role) => role.id === id)?.name ?? id;
  const invite = mayWrite ? <Button onClick={() => setForm('new')}>{t('team.invite')}</Button> : undefined;
  const actionsOf = (person: User): readonly PersonAction[] =>
    person.status === 'disabled'
      ? []
      : person.status === 'invited'
        ? ['inviteAgain', 'remove']
        : ['endSessions', 'resetTotp', 'remove'];
  return (
    <>
      <PageHead title={t('team.title')} text={t('team.text')} actions={invite} />
      <ResourceTable<User>
        screen="team"
        label={t('team.title')}
        hasText
        list={(query) => getUsersOptions({ query: query as never }) as never}
        rowLabel={(person) => person.name}
        empty={{ title: t('team.empty'), action: invite }}
        filters={[
          {
            field: 'status',
            label: t('team.status'),
            options: (['invited', 'active', 'disabled'] as const).map((value) => ({
              value,
              label: t(`status.${value}`),
            })),
          },
          {
            field: 'audience',
            label: t('team.audience'),
            options: (['staff', 'affiliate', 'reseller'] as const).map((value) => ({
              value,
              label: t(`team.audience.${value}`),
            })),
          },
          {
            field: 'roleId',
            label: t('team.roles'),
            options: (roles.data?.data ?? []).map((role) => ({ value: role.id, label: role.name })),
          },
        ]}
        {...(mayWrite
          ? {
              rowActions: (person: User) => (
                <RowMenu
                  row={person.name}
                  actions={[
                    ...(person.status === 'disabled' || person.audience !== 'staff'
                      ? []
                      : [{ key: 'change', text: t('team.change'), onPress: () => setForm(person) }]),
                    ...actionsOf(person).map((kind) => ({
                      key: kind,
                      text: t(`team.${kind}`),
                      isNegative: kind === 'remove',
                      onPress: () => setAction({ kind, person }),
                    })),
                  ]}
                />
              ),
            }
          : {})}
        columns={[
          {
            key: 'name',
            title: t('team.name'),
            sort: 'name',
            render: (person) => person.name,
            csv: 'name',
          },
          {
            key: 'email',
            title: t('team.email'),
            sort: 'email',
            render: (person) => person.email,
            csv: 'email',
          },
          {
            key: 'roles',
            title: t('team.roles'),
            render: (person) =>
              person.audience === 'staff'
                ? person.roleIds.length === 0
                  ? t('team.noRole')
                  : person.roleIds.map(nameOf).join(', ')
                : t(`team.audience.${person.audience}`),
            csv: 'roleIds',
          },
          {
            key: 'assigned',
            title: t('team.assigned'),
            render: (person) => person.affiliateIds.length + person.resellerIds.length || '–',
            csv: ['affiliateIds', 'resellerIds'],
          },
          {
            key: 'status',
            title: t('team.status'),
            render: (person) => <StatusPill status={person.status} objectId={person.id} />,
            csv: 'status',
          },
          {
            key: 'createdAt',
            title: t('team.since'),
            sort: 'createdAt',
            render: (person) => <DateText value={person.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      {form === null ? null : <PersonForm person={form === 'new' ? null : form} onClose={() => setForm(null)} />}
      {action === null ? null : (
        <PersonDialog action={action.kind} person={action.person} onClose={() => setAction(null)} />
      )}
    </>
  );
}
