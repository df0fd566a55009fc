import {
  Button,
  Code,
  CopyButton,
  Group,
  NativeSelect,
  Paper,
  PasswordInput,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getRolesOptions, getSignInProviderOptions } from '../../../client/@tanstack/react-query.gen.js';
import { putSignInProvider } from '../../../client/sdk.gen.js';
import type { SignInProvider } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { useCan, useMe } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { SettingsTabs } from './settingsTabs.js';

type RoleGroup = SignInProvider['roleGroups'][number];

/** Settings → Company sign-in: the provider, and which of its groups get which role (BEY-35, screens.md 3.24). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getSignInProviderOptions());
  return (
    <>
      <PageHead title={t('settings.title')} text={t('settings.text')} />
      <SettingsTabs current="provider" />
      <Loaded query={query}>{(provider) => <ProviderForm key={provider.version} provider={provider} />}</Loaded>
    </>
  );
}

function ProviderForm({ provider }: { readonly provider: SignInProvider }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const isReadOnly = !useCan()('settings.write');
  const [issuer, setIssuer] = useState(provider.issuer ?? '');
  const [clientId, setClientId] = useState(provider.clientId ?? '');
  const [clientSecret, setClientSecret] = useState('');
  const [label, setLabel] = useState(provider.label ?? '');
  const [groupsClaim, setGroupsClaim] = useState(provider.groupsClaim);
  const [roleGroups, setRoleGroups] = useState<readonly RoleGroup[]>(provider.roleGroups);
  const [enabled, setEnabled] = useState(provider.enabled);
  const save = useMutation({
    mutationFn: () =>
      withStepUp(() =>
        putSignInProvider({
          body: {
            issuer: issuer.trim(),
            clientId: clientId.trim(),
            ...(clientSecret === '' ? {} : { clientSecret }),
            label: label.trim(),
            groupsClaim: groupsClaim.trim(),
            roleGroups: [...roleGroups],
            enabled,
          },
          headers: { 'If-Match': `"${provider.version}"` } as never,
          throwOnError: true,
        }),
      ),
    onSuccess: () => {
      notifications.show({ message: t('settings.saved'), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Paper withBorder p="md" maw={760}>
      <form onSubmit={submit} aria-label={t('settings.section.provider')}>
        <Stack>
          <Text size="sm">{t('provider.text')}</Text>
          <Callback url={provider.callbackUrl} />
          <TextInput
            label={t('provider.issuer')}
            description={t('provider.issuerHint')}
            required
            disabled={isReadOnly}
            value={issuer}
            onChange={(event) => setIssuer(event.currentTarget.value)}
            error={errors['issuer']}
          />
          <TextInput
            label={t('provider.clientId')}
            required
            autoComplete="off"
            disabled={isReadOnly}
            value={clientId}
            onChange={(event) => setClientId(event.currentTarget.value)}
            error={errors['clientId']}
          />
          <PasswordInput
            label={t('provider.clientSecret')}
            description={t(provider.hasClientSecret ? 'provider.secretKept' : 'provider.secretNew')}
            required={!provider.hasClientSecret}
            autoComplete="new-password"
            disabled={isReadOnly}
            value={clientSecret}
            onChange={(event) => setClientSecret(event.currentTarget.value)}
            error={errors['clientSecret']}
            visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
          />
          <TextInput
            label={t('provider.label')}
            description={t('provider.labelHint')}
            required
            maxLength={60}
            disabled={isReadOnly}
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
            error={errors['label']}
          />
          <TextInput
            label={t('provider.groupsClaim')}
            required
            disabled={isReadOnly}
            value={groupsClaim}
            onChange={(event) => setGroupsClaim(event.currentTarget.value)}
            error={errors['groupsClaim']}
          />
          <Groups value={roleGroups} isReadOnly={isReadOnly} errors={errors} onChange={setRoleGroups} />
          <Switch
            label={t('provider.enabled')}
            description={t('provider.off')}
            disabled={isReadOnly}
            checked={enabled}
            onChange={(event) => setEnabled(event.currentTarget.checked)}
          />
          {save.error === null ? null : <ErrorView error={save.error} />}
          {isReadOnly ? (
            <Text size="sm" c="dimmed">
              {t('settings.readOnly')}
            </Text>
          ) : (
            <Group>
              <Button type="submit" loading={save.isPending}>
                {t('save')}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Paper>
  );
}

function Callback({ url }: { readonly url: string }): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack gap={4} role="group" aria-label={t('provider.callback')}>
      <Text size="sm" fw={500}>
        {t('provider.callback')}
      </Text>
      <Group gap="xs">
        <Code style={{ overflowWrap: 'anywhere' }}>{url}</Code>
        <CopyButton value={url}>
          {({ copied, copy }) => (
            <Button size="compact-sm" variant="default" onClick={copy}>
              {copied ? t('copied') : t('copy')}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Stack>
  );
}

/** A row per group; roles with more than one holds are offered only where they stand already. */
function Groups({
  value,
  isReadOnly,
  errors,
  onChange,
}: {
  readonly value: readonly RoleGroup[];
  readonly isReadOnly: boolean;
  readonly errors: Readonly<Record<string, string>>;
  readonly onChange: (next: readonly RoleGroup[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const me = useMe();
  const roles = useQuery({ ...getRolesOptions(), enabled: useCan()('user.read') }).data?.data ?? [];
  const change = (index: number, part: Partial<RoleGroup>): void =>
    onChange(value.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const offered = (roleId: string) => {
    const known = roles
      .filter((role) => role.id === roleId || role.permissions.every((one) => me.permissions.includes(one)))
      .map((role) => ({ value: role.id, label: role.name }));
    // Whoever may not read the roles sees the one that stands here by its id.
    return roleId === '' || known.some(({ value: id }) => id === roleId)
      ? known
      : [...known, { value: roleId, label: roleId }];
  };
  const first = offered('')[0]?.value ?? 'reviewer';
  return (
    <Stack gap="xs" role="group" aria-label={t('provider.groups')}>
      <Text size="sm" fw={500}>
        {t('provider.groups')}
      </Text>
      <Text size="sm" c="dimmed">
        {t('provider.groupsHint')}
      </Text>
      {value.map(({ group, roleId }, index) => {
        const number = index + 1;
        return (
          <Group key={index} align="end">
            <TextInput
              label={t('provider.groupOf', { number })}
              required
              disabled={isReadOnly}
              value={group}
              onChange={(event) => change(index, { group: event.currentTarget.value })}
              error={errors[`roleGroups.${index}.group`]}
            />
            <NativeSelect
              label={t('provider.roleOf', { number })}
              disabled={isReadOnly}
              value={roleId}
              onChange={(event) => change(index, { roleId: event.currentTarget.value })}
              data={offered(roleId)}
              error={errors[`roleGroups.${index}.roleId`]}
            />
            {isReadOnly ? null : (
              <Button
                variant="default"
                aria-label={t('provider.removeGroup', { number })}
                onClick={() => onChange(value.filter((_, at) => at !== index))}
              >
                {t('provider.remove')}
              </Button>
            )}
          </Group>
        );
      })}
      {isReadOnly ? null : (
        <Group>
          <Button variant="default" onClick={() => onChange([...value, { group: '', roleId: first }])}>
            {t('provider.addGroup')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
