import { Button, Group, Skeleton, Stack, Table, Text, Title, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getPermissionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Role } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { RoleForm } from './roleForm.js';

/** The typed matrix as the API has it: the same table drives menus, buttons and refusals (screens.md 2). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('role.write');
  const { data, error, refetch } = useQuery(getPermissionsOptions());
  const [form, setForm] = useState<Role | 'new' | null>(null);
  const create = mayWrite ? <Button onClick={() => setForm('new')}>{t('role.new')}</Button> : undefined;
  const own = data?.roles.filter((role) => !role.preset) ?? [];
  return (
    <>
      <PageHead title={t('permissions.title')} text={t('permissions.text')} actions={create} />
      {error === null ? null : (
        <ErrorView
          error={error}
          onRetry={() => {
            refetch().catch(() => undefined); // shown by the query itself
          }}
        />
      )}
      {data === undefined && error === null ? <Skeleton height={320} aria-label={t('loading')} /> : null}
      {form === null || data === undefined ? null : (
        <RoleForm role={form === 'new' ? null : form} roles={data.roles} onClose={() => setForm(null)} />
      )}
      <Stack gap="lg">
        {own.length === 0 ? null : (
          <section aria-label={t('role.own')}>
            <Title order={2} size="h4" mb="xs">
              {t('role.own')}
            </Title>
            <Group gap="xs">
              {own.map((role) => (
                <Button
                  key={role.id}
                  variant="default"
                  disabled={!mayWrite}
                  onClick={() => setForm(role)}
                  aria-label={t('role.change', { name: role.name })}
                >
                  {role.warnings.length === 0 ? role.name : `${role.name} · ${t('role.nothingShort')}`}
                </Button>
              ))}
            </Group>
          </section>
        )}
        {data?.areas.map(({ area, permissions }) => (
          <section key={area}>
            <Title order={2} size="h4" mb="xs">
              {t(`permissions.area.${area}`)}
            </Title>
            <ScrollRegion label={t(`permissions.area.${area}`)}>
              <Table withTableBorder withColumnBorders miw={900} fz="sm">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{t('permissions.right')}</Table.Th>
                    {data.roles.map((role) => (
                      <Table.Th key={role.id} scope="col">
                        {role.name}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {permissions.map((permission) => (
                    <Table.Tr key={permission}>
                      <Table.Th scope="row">
                        <code>{permission}</code>
                      </Table.Th>
                      {data.roles.map((role) => (
                        <Table.Td key={role.id} ta="center">
                          <span aria-hidden="true">{role.permissions.includes(permission) ? '✓' : '–'}</span>
                          <VisuallyHidden>
                            {t(role.permissions.includes(permission) ? 'permissions.held' : 'permissions.notHeld')}
                          </VisuallyHidden>
                        </Table.Td>
                      ))}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollRegion>
          </section>
        ))}
        {data?.roles
          .filter((role) => role.reach === 'assigned' || role.limited)
          .map((role) => (
            <Text key={role.id} size="sm">
              {`${role.name}: ${[role.reach === 'assigned' ? t('permissions.assigned') : '', role.limited ? t('permissions.limited') : ''].filter((text) => text !== '').join('; ')}`}
            </Text>
          ))}
      </Stack>
    </>
  );
}
