import { Checkbox, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getRolesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchUsersByUserId } from '../../../client/sdk.gen.js';
import type { User } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan, useMe } from '../../../kit/session.js';

/** Invites somebody by mail, or changes their name, roles and what is assigned to them. Roles with more than one holds are not offered. */
export function PersonForm({
  person,
  onClose,
}: {
  readonly person: User | null;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const can = useCan();
  const [name, setName] = useState(person?.name ?? '');
  const [email, setEmail] = useState(person?.email ?? '');
  const [roleIds, setRoleIds] = useState<readonly string[]>(person?.roleIds ?? []);
  const [affiliateIds, setAffiliateIds] = useState<readonly string[]>(person?.affiliateIds ?? []);
  const [search, setSearch] = useState('');
  const roles = useQuery(getRolesOptions());
  const known = roles.data?.data ?? [];
  const offered = known.filter(
    (role) => role.permissions.every((one) => me.permissions.includes(one)) || roleIds.includes(role.id),
  );
  const isAssigned = known.some((role) => roleIds.includes(role.id) && role.reach === 'assigned');
  const affiliates = useQuery({
    ...getAffiliatesOptions({ query: { limit: 50, ...(search.trim() === '' ? {} : { q: search.trim() }) } }),
    enabled: isAssigned && can('affiliate.read'),
  });
  const listed = affiliates.data?.data ?? [];
  return (
    <FormDialog
      title={person === null ? t('team.invite') : t('team.changeFor', { name: person.name })}
      size="lg"
      submit={person === null ? t('team.sendInvite') : t('save')}
      save={async (key) => {
        const body = { name: name.trim(), roleIds: [...roleIds], affiliateIds: [...affiliateIds] };
        if (person === null) return postPath<User>('/v1/users', { ...body, email: email.trim() }, key);
        const { data } = await patchUsersByUserId({
          path: { userId: person.id },
          body,
          headers: { 'If-Match': `"${person.version}"` } as never,
          throwOnError: true,
        });
        return data;
      }}
      onSaved={() =>
        notifications.show({
          message: person === null ? t('team.invited', { email: email.trim() }) : t('settings.saved'),
          color: 'river',
        })
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('team.name')}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          <TextInput
            label={t('team.email')}
            type="email"
            required
            disabled={person !== null}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={errors['email']}
          />
          <Checkbox.Group label={t('team.roles')} value={[...roleIds]} onChange={setRoleIds}>
            <Stack gap="xs" mt="xs">
              {offered.map((role) => (
                <Checkbox
                  key={role.id}
                  value={role.id}
                  label={role.name}
                  description={[
                    role.reach === 'assigned' ? t('permissions.assigned') : '',
                    role.limited ? t('permissions.limited') : '',
                  ]
                    .filter((text) => text !== '')
                    .join('; ')}
                />
              ))}
            </Stack>
          </Checkbox.Group>
          {roleIds.length === 0 ? <Text size="sm">{t('team.noRoleHint')}</Text> : null}
          {isAssigned && can('affiliate.read') ? (
            <Checkbox.Group
              label={t('team.assignedAffiliates', { count: affiliateIds.length })}
              value={[...affiliateIds]}
              onChange={setAffiliateIds}
            >
              <Stack gap="xs" mt="xs">
                <TextInput
                  type="search"
                  aria-label={t('team.findAffiliate')}
                  placeholder={t('team.findAffiliate')}
                  value={search}
                  onChange={(event) => setSearch(event.currentTarget.value)}
                />
                {affiliateIds
                  .filter((id) => listed.every((one) => one.id !== id))
                  .map((id) => (
                    <Checkbox key={id} value={id} label={id} />
                  ))}
                {listed.map((one) => (
                  <Checkbox key={one.id} value={one.id} label={one.name} />
                ))}
              </Stack>
            </Checkbox.Group>
          ) : null}
        </>
      )}
    </FormDialog>
  );
}
