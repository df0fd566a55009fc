import {
  Button,
  Checkbox,
  Code,
  CopyButton,
  Grid,
  Group,
  NativeSelect,
  Paper,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getCustomFieldsOptions,
  getLeadFormsByFormIdEmbedOptions,
  getLeadFormsByFormIdOptions,
  getLeadSourcesOptions,
  getUsersOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { patchLeadFormsByFormId } from '../../../client/sdk.gen.js';
import type { LeadForm } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { FormPreview } from './formPreview.js';

type Field = LeadForm['fields'][number];
const ownFields = ['name', 'email', 'phone', 'company', 'country', 'message'] as const;

/** One form: builder by drag or by buttons, preview, integration (screens.md 3.12). */
export function Screen(): ReactElement {
  const { formId = '' } = useParams({ strict: false }) as { formId?: string };
  const { t } = useTranslation();
  const query = useQuery(getLeadFormsByFormIdOptions({ path: { formId } }));
  return (
    <>
      <PageHead title={query.data?.name ?? t('form.title')} text={query.data?.url ?? formId} />
      <Loaded query={query} lines={8}>
        {(form) => (
          <Stack>
            <Builder key={form.version} form={form} />
            <Integration formId={form.id} />
          </Stack>
        )}
      </Loaded>
    </>
  );
}

function Builder({ form }: { readonly form: LeadForm }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('settings.write');
  const maySeePeople = can('user.read');
  const queries = useQueryClient();
  const [draft, setDraft] = useState(form);
  const change = (part: Partial<LeadForm>): void => setDraft((before) => ({ ...before, ...part }));
  const [frames, setFrames] = useState(form.frameDomains.join('\n'));
  const sources = useQuery(getLeadSourcesOptions({ query: { limit: 200 } }));
  const people = useQuery({
    ...getUsersOptions({ query: { limit: 200, status: 'active', audience: 'staff', sort: 'name' } }),
    enabled: maySeePeople,
  });
  const save = useMutation({
    mutationFn: async () =>
      (
        await patchLeadFormsByFormId({
          path: { formId: form.id },
          headers: { 'If-Match': `"${form.version}"` } as never,
          body: {
            name: draft.name.trim(),
            leadSourceId: draft.leadSourceId,
            ...(maySeePeople ? { assigneeId: draft.assigneeId } : {}),
            language: draft.language,
            event: draft.event,
            fields: draft.fields.map(({ name, label, required }) => ({ name, label: label.trim(), required })),
            consentText: draft.consentText?.trim() === '' ? null : draft.consentText,
            thankYouText: draft.thankYouText?.trim() === '' ? null : draft.thankYouText,
            thankYouUrl: draft.thankYouUrl?.trim() === '' ? null : draft.thankYouUrl,
            openAccount: draft.openAccount,
            signIn: draft.signIn,
            frameDomains: frames.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])),
            active: draft.active,
          },
          throwOnError: true,
        })
      ).data,
    onSuccess: () => {
      notifications.show({ message: t('form.published'), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Paper withBorder p="md">
            <Stack>
              <TextInput
                label={t('form.name')}
                value={draft.name}
                onChange={(event) => change({ name: event.currentTarget.value })}
                error={errors['name']}
                required
              />
              <Fields fields={draft.fields} onChange={(fields) => change({ fields: [...fields] })} />
              <Textarea
                label={t('form.consent')}
                description={t('form.consentText')}
                value={draft.consentText ?? ''}
                onChange={(event) => change({ consentText: event.currentTarget.value })}
                error={errors['consentText']}
                autosize
              />
              <Group grow align="flex-start">
                <NativeSelect
                  label={t('form.language')}
                  value={draft.language}
                  onChange={(event) => change({ language: event.currentTarget.value as LeadForm['language'] })}
                  data={[
                    { value: 'en', label: 'English' },
                    { value: 'de', label: 'Deutsch' },
                  ]}
                />
                <NativeSelect
                  label={t('form.event')}
                  value={draft.event}
                  onChange={(event) => change({ event: event.currentTarget.value as LeadForm['event'] })}
                  data={(['enquiry', 'registration'] as const).map((value) => ({
                    value,
                    label: t(`form.event.${value}`),
                  }))}
                />
                <NativeSelect
                  label={t('form.source')}
                  value={draft.leadSourceId ?? ''}
                  onChange={(event) =>
                    change({ leadSourceId: event.currentTarget.value === '' ? null : event.currentTarget.value })
                  }
                  data={[
                    { value: '', label: '–' },
                    ...(sources.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
                  ]}
                />
                {maySeePeople ? (
                  <NativeSelect
                    label={t('form.assignee')}
                    value={draft.assigneeId ?? ''}
                    onChange={(event) =>
                      change({ assigneeId: event.currentTarget.value === '' ? null : event.currentTarget.value })
                    }
                    data={[
                      { value: '', label: '–' },
                      ...(people.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
                    ]}
                    error={errors['assigneeId']}
                  />
                ) : null}
              </Group>
              <Textarea
                label={t('form.thanks')}
                value={draft.thankYouText ?? ''}
                onChange={(event) => change({ thankYouText: event.currentTarget.value })}
                autosize
              />
              <TextInput
                label={t('form.thanksUrl')}
                type="url"
                value={draft.thankYouUrl ?? ''}
                onChange={(event) => change({ thankYouUrl: event.currentTarget.value })}
                error={errors['thankYouUrl']}
              />
              <Checkbox
                label={t('form.openAccount')}
                description={draft.openAccountCode === 'cpl' ? t('form.openAccountCpl') : undefined}
                disabled={draft.openAccountCode !== null}
                checked={draft.openAccount}
                onChange={(event) => change({ openAccount: event.currentTarget.checked })}
              />
              <Checkbox
                label={t('form.signIn')}
                checked={draft.signIn}
                onChange={(event) => change({ signIn: event.currentTarget.checked })}
                error={errors['signIn']}
              />
              <Textarea
                label={t('form.frames')}
                description={t('form.framesText')}
                value={frames}
                onChange={(event) => setFrames(event.currentTarget.value)}
                autosize
              />
              <Checkbox
                label={t('form.active')}
                checked={draft.active}
                onChange={(event) => change({ active: event.currentTarget.checked })}
              />
              {save.error === null ? null : <ErrorView error={save.error} />}
              {mayWrite ? (
                <Group justify="flex-end">
                  <Button type="submit" loading={save.isPending}>
                    {t('form.publish')}
                  </Button>
                </Group>
              ) : null}
            </Stack>
          </Paper>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <FormPreview form={draft} />
        </Grid.Col>
      </Grid>
    </form>
  );
}

/** The order of the fields: by drag, and by buttons for whoever does not drag (WCAG 2.5.7). */
function Fields({
  fields,
  onChange,
}: {
  readonly fields: readonly Field[];
  readonly onChange: (fields: readonly Field[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const [dragged, setDragged] = useState<number | null>(null);
  const custom = useQuery(getCustomFieldsOptions({ query: { limit: 200, sort: 'order' } }));
  const used = new Set(fields.map((field) => field.name));
  const free = [
    ...ownFields.map((name) => ({ name: name as string, label: t(`fieldName.${name}`) })),
    ...(custom.data?.data ?? []).map((one) => ({ name: one.key, label: one.name })),
  ].filter(({ name }) => !used.has(name));
  const move = (from: number, to: number): void => {
    const moved = [...fields];
    const [field] = moved.splice(from, 1);
    if (field !== undefined && to >= 0 && to <= moved.length)
      onChange([...moved.slice(0, to), field, ...moved.slice(to)]);
  };
  const set = (place: number, part: Partial<Field>): void =>
    onChange(fields.map((field, index) => (index === place ? { ...field, ...part } : field)));
  const add = (name: string): void => {
    const chosen = free.find((one) => one.name === name);
    const definition = custom.data?.data.find((one) => one.key === name);
    if (chosen === undefined) return;
    const type = definition?.type ?? kinds[name] ?? 'text';
    onChange([
      ...fields,
      {
        name,
        label: chosen.label,
        type,
        required: definition?.required ?? false,
        options: [...(definition?.options ?? [])],
      },
    ]);
  };
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('form.fields')}
      </Title>
      <Text size="sm">{t('form.fieldsText')}</Text>
      <Stack component="ol" gap="xs" p={0} m={0} style={{ listStyle: 'none' }}>
        {fields.map((field, index) => (
          <Group
            component="li"
            key={field.name}
            gap="xs"
            align="center"
            draggable
            data-field={field.name}
            onDragStart={() => setDragged(index)}
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged !== null) move(dragged, index);
              setDragged(null);
            }}
          >
            <TextInput
              style={{ flex: 1, minWidth: '8rem' }}
              aria-label={t('form.fieldLabel', { name: field.name })}
              value={field.label}
              onChange={(event) => set(index, { label: event.currentTarget.value })}
            />
            <Checkbox
              label={t('form.required')}
              checked={field.required}
              onChange={(event) => set(index, { required: event.currentTarget.checked })}
            />
            <Button
              size="compact-sm"
              variant="default"
              aria-label={t('form.up', { name: field.label })}
              disabled={index === 0}
              onClick={() => move(index, index - 1)}
            >
              ↑
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={t('form.down', { name: field.label })}
              disabled={index === fields.length - 1}
              onClick={() => move(index, index + 1)}
            >
              ↓
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={t('form.remove', { name: field.label })}
              onClick={() => onChange(fields.filter((_one, place) => place !== index))}
            >
              ×
            </Button>
          </Group>
        ))}
      </Stack>
      {free.length === 0 ? null : (
        <NativeSelect
          label={t('form.add')}
          value=""
          onChange={(event) => add(event.currentTarget.value)}
          data={[{ value: '', label: '–' }, ...free.map(({ name, label }) => ({ value: name, label }))]}
        />
      )}
    </Stack>
  );
}

const kinds: Readonly<Record<string, Field['type']>> = { email: 'email', phone: 'phone', message: 'longText' };

function Integration({ formId }: { readonly formId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getLeadFormsByFormIdEmbedOptions({ path: { formId } }));
  return (
    <Paper withBorder p="md">
      <Stack>
        <Title order={2} size="h4">
          {t('form.integration')}
        </Title>
        <Loaded query={query}>
          {(codes) => (
            <Stack>
              {(['url', 'iframe', 'script', 'html'] as const).map((kind) => (
                <Stack key={kind} gap="xs">
                  <Group justify="space-between">
                    <Text fw={600}>{t(`form.code.${kind}`)}</Text>
                    <CopyButton value={codes[kind]}>
                      {({ copied, copy }) => (
                        <Button
                          size="compact-sm"
                          variant="default"
                          onClick={copy}
                          aria-label={t('form.copy', { what: t(`form.code.${kind}`) })}
                        >
                          {t(copied ? 'copied' : 'copy')}
                        </Button>
                      )}
                    </CopyButton>
                  </Group>
                  <Code block tabIndex={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                    {codes[kind]}
                  </Code>
                </Stack>
              ))}
            </Stack>
          )}
        </Loaded>
      </Stack>
    </Paper>
  );
}
