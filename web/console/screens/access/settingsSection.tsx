import { Alert, Button, Group, Modal, Paper, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getSettingsBySectionOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchSettings } from '../../../client/sdk.gen.js';
import type { GetSettingsBySectionResponse } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { SettingInput, settingText } from './settingInput.js';
import { type Field, sections, valueOf } from './settingsFields.js';
import { SettingsHistory } from './settingsHistory.js';
import { SettingsTabs } from './settingsTabs.js';

type Section = GetSettingsBySectionResponse;
type Values = Readonly<Record<string, unknown>>;

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** One section of the settings: edit, see what changes before saving, who changed what, back to an older version (screens.md 3.22). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { section = 'general' } = useParams({ strict: false }) as { readonly section?: string };
  const query = useQuery(getSettingsBySectionOptions({ path: { section: section as 'general' } }));
  const fields = sections[section];
  return (
    <>
      <PageHead title={t('settings.title')} text={t('settings.text')} />
      <SettingsTabs current={section} />
      {fields === undefined ? (
        <Text>{t('notFound.text')}</Text>
      ) : (
        <Loaded query={query}>
          {/* A newer version makes a new form only once it was saved or taken over: what somebody types is never thrown away by a poll. */}
          {(data) => <SectionForm key={section} section={section} fields={fields} now={data} />}
        </Loaded>
      )}
    </>
  );
}

function SectionForm({
  section,
  fields,
  now,
}: {
  readonly section: string;
  readonly fields: readonly Field[];
  readonly now: Section;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayWrite = useCan()('settings.write');
  const [base, setBase] = useState(now);
  const [values, setValues] = useState<Values>(now.values);
  const [isAsking, setAsking] = useState(false);
  const read = (from: Values, field: Field): unknown => valueOf(section, field.name, from);
  const changed = fields.filter((field) => !isSame(read(base.values, field), read(values, field)));
  const save = useMutation({
    mutationFn: async (version: number) => {
      const body = { [section]: Object.fromEntries(changed.map((field) => [field.name, read(values, field)])) };
      return patchSettings({ body, headers: { 'If-Match': `"${version}"` } as never, throwOnError: true });
    },
    onSuccess: async () => {
      setAsking(false);
      await queries.invalidateQueries();
      const saved = await queries.fetchQuery(getSettingsBySectionOptions({ path: { section: section as 'general' } }));
      setBase(saved);
      setValues(saved.values);
      notifications.show({ message: t('settings.saved'), color: 'river' });
    },
    onError: (error) => {
      if (isProblem(error, 'version_mismatch')) queries.invalidateQueries().catch(() => undefined); // shown by the query itself
      setAsking(false);
    },
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const errorOf = (field: Field): string | undefined =>
    Object.entries(errors).find(
      ([at]) => at === `${section}.${field.name}` || at.startsWith(`${section}.${field.name}.`),
    )?.[1];
  const isStale = isProblem(save.error, 'version_mismatch');
  const takeTheirs = (): void => {
    setBase(now);
    setValues(now.values);
    save.reset();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (changed.length > 0) setAsking(true);
  };
  const label = (field: Field): string => t(`settings.field.${section}.${field.name}`);
  const hint = (field: Field): string | undefined => {
    const text = t(`settings.hint.${section}.${field.name}`, { defaultValue: '' });
    return text === '' ? undefined : text;
  };
  return (
    <Stack maw={760}>
      {now.savedAt === null ? <Offer version={now.version} mayWrite={mayWrite} /> : null}
      {section === 'notifications' ? <Text size="sm">{t('settings.notificationsText')}</Text> : null}
      {isStale ? (
        <Alert variant="outline" color="yellow" title={t('settings.stale')} role="alert" c="var(--mantine-color-text)">
          <Stack gap="xs">
            <Text size="sm">{t('settings.staleText')}</Text>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{t('settings.setting')}</Table.Th>
                  <Table.Th scope="col">{t('settings.theirs')}</Table.Th>
                  <Table.Th scope="col">{t('settings.yours')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {changed.map((field) => (
                  <Table.Tr key={field.name}>
                    <Table.Th scope="row">{label(field)}</Table.Th>
                    <Table.Td>{settingText(t, field, read(now.values, field))}</Table.Td>
                    <Table.Td>{settingText(t, field, read(values, field))}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            <Group>
              <Button variant="default" onClick={takeTheirs}>
                {t('settings.takeTheirs')}
              </Button>
              <Button onClick={() => save.mutate(now.version)} loading={save.isPending}>
                {t('settings.saveMine')}
              </Button>
            </Group>
          </Stack>
        </Alert>
      ) : null}
      <Paper withBorder p="md">
        <form onSubmit={submit} aria-label={t(`settings.section.${section}`)}>
          <Stack>
            {fields.map((field) => (
              <SettingInput
                key={field.name}
                field={field}
                label={label(field)}
                hint={hint(field)}
                value={read(values, field)}
                isReadOnly={!mayWrite}
                error={errorOf(field)}
                onChange={(value) => setValues({ ...values, [field.name]: value })}
              />
            ))}
            {save.error === null || isStale ? null : <ErrorView error={save.error} />}
            {mayWrite ? (
              <Group>
                <Button type="submit" disabled={changed.length === 0}>
                  {t('settings.review')}
                </Button>
                <Button variant="default" disabled={changed.length === 0} onClick={() => setValues(base.values)}>
                  {t('settings.undo')}
                </Button>
              </Group>
            ) : (
              <Text size="sm" c="dimmed">
                {t('settings.readOnly')}
              </Text>
            )}
          </Stack>
        </form>
      </Paper>
      <SettingsHistory section={section} />
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={t('settings.confirmTitle')}
        size="lg"
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        <Stack>
          {changed.map((field) => {
            const effect = t(`settings.effect.${section}.${field.name}`, { defaultValue: '' });
            return (
              <div key={field.name}>
                <Text fw={600}>{label(field)}</Text>
                <Text>
                  {t('settings.fromTo', {
                    from: settingText(t, field, read(base.values, field)),
                    to: settingText(t, field, read(values, field)),
                  })}
                </Text>
                {effect === '' ? null : (
                  <Text size="sm" c="dimmed">
                    {effect}
                  </Text>
                )}
              </div>
            );
          })}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)}>
              {t('cancel')}
            </Button>
            <Button onClick={() => save.mutate(base.version)} loading={save.isPending} data-autofocus>
              {t('settings.save', { count: changed.length })}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Stack>
  );
}

/** Never saved: programs wait for it (PRG-09); one press saves the defaults that are shown. */
function Offer({ version, mayWrite }: { readonly version: number; readonly mayWrite: boolean }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: () => patchSettings({ body: {}, headers: { 'If-Match': `"${version}"` } as never, throwOnError: true }),
    onSettled: () => queries.invalidateQueries(),
  });
  return (
    <Alert variant="outline" color="river" title={t('settings.neverSaved')} c="var(--mantine-color-text)">
      <Stack gap="xs">
        <Text size="sm">{t('settings.neverSavedText')}</Text>
        {save.error === null ? null : <ErrorView error={save.error} />}
        {mayWrite ? (
          <Group>
            <Button onClick={() => save.mutate()} loading={save.isPending}>
              {t('settings.saveDefaults')}
            </Button>
          </Group>
        ) : null}
      </Stack>
    </Alert>
  );
}
