import { Button, Group, Image, Paper, Stack, Switch, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getWorkspaceOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchWorkspace } from '../../../client/sdk.gen.js';
import type { Workspace } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { MediaLibrary, pathOf } from '../tracking/mediaLibrary.js';
import { SettingsTabs } from './settingsTabs.js';

const features = ['portal', 'subIds', 'pixel', 'resellers'] as const;
/** What was saved before it had to be a picture of the library is kept, and shown to nobody. */
const isOwnPicture = (url: string): boolean => pathOf({ url }).startsWith('/t/media/');
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Settings → Brand: the workspace's name, colour and logo, what resellers are called, which parts are on (api.md 16.1). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getWorkspaceOptions());
  return (
    <>
      <PageHead title={t('settings.title')} text={t('settings.text')} />
      <SettingsTabs current="brand" />
      <Loaded query={query}>{(workspace) => <BrandForm key={workspace.version} workspace={workspace} />}</Loaded>
    </>
  );
}

function BrandForm({ workspace }: { readonly workspace: Workspace }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const can = useCan();
  const isReadOnly = !can('settings.write');
  const [isChoosing, setChoosing] = useState(false);
  const [name, setName] = useState(workspace.name);
  const [color, setColor] = useState(textOf(workspace.branding['color']));
  const [logoUrl, setLogoUrl] = useState(textOf(workspace.branding['logoUrl']));
  const [resellerLabel, setResellerLabel] = useState(workspace.resellerLabel ?? '');
  const [on, setOn] = useState<Readonly<Record<string, unknown>>>(workspace.features);
  const save = useMutation({
    mutationFn: () =>
      patchWorkspace({
        body: {
          name: name.trim(),
          branding: { ...(color === '' ? {} : { color }), logoUrl: logoUrl.trim() === '' ? null : logoUrl.trim() },
          resellerLabel: resellerLabel.trim() === '' ? null : resellerLabel.trim(),
          features: Object.fromEntries(features.map((one) => [one, on[one] !== false])),
        },
        headers: { 'If-Match': `"${workspace.version}"` } as never,
        throwOnError: true,
      }),
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
      {isChoosing ? (
        <MediaLibrary
          onChoose={(media) => {
            setLogoUrl(media.url);
            setChoosing(false);
          }}
          onClose={() => setChoosing(false)}
        />
      ) : null}
      <form onSubmit={submit} aria-label={t('settings.section.brand')}>
        <Stack>
          <TextInput
            label={t('brand.name')}
            required
            disabled={isReadOnly}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
          />
          <TextInput
            label={t('brand.color')}
            description={t('brand.colorHint')}
            placeholder="#1f6f8b"
            disabled={isReadOnly}
            value={color}
            onChange={(event) => setColor(event.currentTarget.value.toLowerCase())}
            error={errors['branding.color']}
            leftSection={
              /^#[0-9a-f]{6}$/.test(color) ? (
                <span aria-hidden="true" style={{ background: color, width: 16, height: 16, borderRadius: 3 }} />
              ) : undefined
            }
          />
          <Stack gap={4} role="group" aria-label={t('brand.logo')}>
            <Text size="sm" fw={500}>
              {t('brand.logo')}
            </Text>
            <Text size="sm" c="dimmed">
              {t('brand.logoHint')}
            </Text>
            {logoUrl === '' ? null : isOwnPicture(logoUrl) ? (
              <Image src={pathOf({ url: logoUrl })} alt={t('brand.logo')} h={40} w="auto" fit="contain" />
            ) : (
              <Text size="sm">{t('brand.logoElsewhere')}</Text>
            )}
            {isReadOnly ? null : (
              <Group>
                {can('link.read') ? (
                  <Button variant="default" onClick={() => setChoosing(true)}>
                    {t('media.choose')}
                  </Button>
                ) : null}
                {logoUrl === '' ? null : (
                  <Button variant="default" onClick={() => setLogoUrl('')}>
                    {t('brand.noLogo')}
                  </Button>
                )}
              </Group>
            )}
            {errors['branding.logoUrl'] === undefined ? null : (
              <Text size="sm" c="var(--mantine-color-error)">
                {errors['branding.logoUrl']}
              </Text>
            )}
          </Stack>
          <TextInput
            label={t('brand.resellerLabel')}
            description={t('brand.resellerLabelHint')}
            maxLength={40}
            disabled={isReadOnly}
            value={resellerLabel}
            onChange={(event) => setResellerLabel(event.currentTarget.value)}
            error={errors['resellerLabel']}
          />
          {features.map((one) => (
            <Switch
              key={one}
              label={t(`brand.feature.${one}`)}
              disabled={isReadOnly}
              checked={on[one] !== false}
              onChange={(event) => setOn({ ...on, [one]: event.currentTarget.checked })}
            />
          ))}
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
