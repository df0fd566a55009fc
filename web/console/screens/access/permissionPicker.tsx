import { Checkbox, Fieldset, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getPermissionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { useCan, useMe } from '../../../kit/session.js';

// The rights by area, as the matrix names them, for those who may not read the matrix.
function areaOf(permission: string): string {
  return permission.split('.')[0] ?? permission;
}

/** The rights over rows that are not one affiliate's each: none for a role of assigned rows (ROL-03). Empty for who may not read the matrix. */
export function useWholeWorkspaceRights(): readonly string[] {
  const matrix = useQuery({ ...getPermissionsOptions(), enabled: useCan()('user.read') });
  return matrix.data?.wholeWorkspaceOnly ?? [];
}

/** Ticks, by area. Only what the person holds: nobody grants what they do not hold (api.md 2). */
export function PermissionPicker({
  value,
  without = [],
  error,
  onChange,
}: {
  readonly value: readonly string[];
  /** Rights that are not offered here. */
  readonly without?: readonly string[];
  readonly error?: string | undefined;
  readonly onChange: (permissions: readonly string[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const { permissions: held } = useMe();
  const mayRead = useCan()('user.read');
  const matrix = useQuery({ ...getPermissionsOptions(), enabled: mayRead });
  const areas =
    matrix.data?.areas.map(({ area, permissions }) => ({ name: t(`permissions.area.${area}`), permissions })) ??
    [...new Set(held.map(areaOf))].map((area) => ({
      name: area,
      permissions: held.filter((one) => areaOf(one) === area),
    }));
  return (
    <Checkbox.Group
      value={value.filter((one) => !without.includes(one))}
      onChange={onChange}
      label={t('role.permissions')}
      description={without.length === 0 ? undefined : t('role.assignedLeaves')}
      error={error}
    >
      <Stack gap="xs" mt="xs">
        {areas
          .map(({ name, permissions }) => ({
            name,
            permissions: permissions.filter((one) => held.includes(one) && !without.includes(one)),
          }))
          .filter(({ permissions }) => permissions.length > 0)
          .map(({ name, permissions }) => (
            <Fieldset key={name} legend={name}>
              <Group gap="sm">
                {permissions.map((permission) => (
                  <Checkbox key={permission} value={permission} label={<code>{permission}</code>} />
                ))}
              </Group>
            </Fieldset>
          ))}
      </Stack>
    </Checkbox.Group>
  );
}
