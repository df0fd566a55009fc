import { NativeSelect, Switch, Text, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { deleteRolesByRoleId, patchRolesByRoleId } from '../../../client/sdk.gen.js';
import type { Role } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useMe } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { PermissionPicker, useWholeWorkspaceRights } from './permissionPicker.js';

/** A role of the workspace's own: a copy of another one with changed ticks (ROL-09). */
export function RoleForm({
  role,
  roles,
  onClose,
}: {
  readonly role: Role | null;
  /** What it may be copied from. */
  readonly roles: readonly Role[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const withStepUp = useWithStepUp();
  const [copyOf, setCopyOf] = useState('');
  const [name, setName] = useState(role?.name ?? '');
  const [permissions, setPermissions] = useState<readonly string[]>(role?.permissions ?? []);
  const [isAssigned, setAssigned] = useState(role?.reach === 'assigned');
  const [isLimited, setLimited] = useState(role?.limited ?? false);
  const wholeWorkspaceRights = useWholeWorkspaceRights();
  const without = isAssigned ? wholeWorkspaceRights : [];
  const save = (key: string): Promise<unknown> =>
    withStepUp<unknown>(() => {
      const body = {
        name: name.trim(),
        permissions: permissions.filter((one) => !without.includes(one)),
        reach: isAssigned ? ('assigned' as const) : ('workspace' as const),
        limited: isLimited,
      };
      return role === null
        ? postPath('/v1/roles', body, key)
        : patchRolesByRoleId({
            path: { roleId: role.id },
            body: body as never,
            headers: { 'If-Match': `"${String(role.version)}"` } as never,
            throwOnError: true,
          });
    });
  const copy = (id: string): void => {
    setCopyOf(id);
    const from = roles.find((one) => one.id === id);
    if (from === undefined) return;
    setPermissions(from.permissions.filter((one) => me.permissions.includes(one)));
    setAssigned(from.reach === 'assigned');
    setLimited(from.limited);
  };
  return (
    <FormDialog
      title={role === null ? t('role.new') : t('role.change', { name: role.name })}
      size="xl"
      submit={role === null ? t('role.create') : t('save')}
      save={save}
      onClose={onClose}
      remove={
        role === null
          ? undefined
          : {
              text: t('role.delete'),
              run: () => withStepUp(() => deleteRolesByRoleId({ path: { roleId: role.id }, throwOnError: true })),
            }
      }
    >
      {(errors) => (
        <>
          {role === null ? (
            <NativeSelect
              label={t('role.copyOf')}
              value={copyOf}
              onChange={(event) => copy(event.currentTarget.value)}
              data={[
                { value: '', label: t('role.copyNothing') },
                ...roles.map((one) => ({ value: one.id, label: one.name })),
              ]}
            />
          ) : null}
          <TextInput
            label={t('role.name')}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          <Switch
            label={t('role.assigned')}
            checked={isAssigned}
            onChange={(event) => setAssigned(event.currentTarget.checked)}
          />
          <Switch
            label={t('role.limited')}
            checked={isLimited}
            onChange={(event) => setLimited(event.currentTarget.checked)}
          />
          <PermissionPicker
            value={permissions}
            without={without}
            error={Object.entries(errors).find(([field]) => field.startsWith('permissions'))?.[1]}
            onChange={setPermissions}
          />
          {permissions.length === 0 ? (
            <Text size="sm" role="status">
              {t('role.nothing')}
            </Text>
          ) : null}
        </>
      )}
    </FormDialog>
  );
}
