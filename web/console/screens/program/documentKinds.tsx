import { Button, Checkbox, Group, Paper, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsByProgramIdFormOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchProgramsByProgramId, putProgramsByProgramIdForm } from '../../../client/sdk.gen.js';
import type { ApplicationForm, Program } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { useCan } from '../../../kit/session.js';

type Kind = ApplicationForm['documents'][number];

/** What a program asks to see of its affiliates, and whether that stands in the way of their activation (AFF-24). */
export function DocumentKinds({ program }: { readonly program: Program }): ReactElement {
  const query = useQuery(getProgramsByProgramIdFormOptions({ path: { programId: program.id } }));
  return (
    <Loaded query={query}>
      {(form) => <Editor key={`${form.version} ${program.version}`} form={form} program={program} />}
    </Loaded>
  );
}

/** A name from the label, so that the same paper has the same name in every program. */
function typeOf(label: string, used: ReadonlySet<string>): string {
  const plain = label
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 36);
  const base = plain === '' ? 'document' : plain;
  let name = base;
  for (let number = 2; used.has(name); number += 1) name = `${base}_${number}`;
  return name;
}

/** Those without a name get one from their label. */
function named(kinds: readonly Kind[]): Kind[] {
  const used = new Set(kinds.flatMap(({ type }) => (type === '' ? [] : [type])));
  return kinds.map((kind) => {
    const hint = (kind.hint ?? '').trim();
    const type = kind.type === '' ? typeOf(kind.label, used) : kind.type;
    used.add(type);
    return { ...kind, type, hint: hint === '' ? null : hint };
  });
}

function Editor({ form, program }: { readonly form: ApplicationForm; readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayWrite = useCan()('program.write');
  const [kinds, setKinds] = useState<readonly Kind[]>(form.documents);
  const [blocks, setBlocks] = useState(program.requirements.includes('documents') || form.documents.length === 0);
  const set = (place: number, part: Partial<Kind>): void =>
    setKinds(kinds.map((one, index) => (index === place ? { ...one, ...part } : one)));
  const save = useMutation({
    mutationFn: async () => {
      const { language, introduction, company, website, country, questions } = form;
      const documents = named(kinds);
      await putProgramsByProgramIdForm({
        path: { programId: program.id },
        headers: { 'If-Match': `"${form.version}"` } as never,
        body: { language, introduction, company, website, country, questions, documents },
        throwOnError: true,
      });
      const asks = blocks && documents.some((one) => one.required);
      if (asks === program.requirements.includes('documents')) return;
      const others = program.requirements.filter((one) => one !== 'documents');
      await patchProgramsByProgramId({
        path: { programId: program.id },
        headers: { 'If-Match': `"${program.version}"` } as never,
        body: { requirements: asks ? [...others, 'documents'] : others },
        throwOnError: true,
      });
    },
    onSuccess: () => {
      notifications.show({ message: t('document.kindsSaved'), color: 'river' });
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
      <Stack>
        <Text size="sm">{t('document.kindsText')}</Text>
        {kinds.length === 0 ? <Text c="dimmed">{t('document.noKinds')}</Text> : null}
        <Stack component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
          {kinds.map((kind, index) => (
            <Paper component="li" withBorder p="sm" key={kind.type === '' ? `new ${index}` : kind.type}>
              <Stack gap="xs">
                <TextInput
                  label={t('document.kind', { number: index + 1 })}
                  value={kind.label}
                  error={errors[`documents.${index}.label`]}
                  maxLength={200}
                  required
                  disabled={!mayWrite}
                  onChange={(event) => set(index, { label: event.currentTarget.value })}
                />
                <Textarea
                  label={t('document.hint')}
                  value={kind.hint ?? ''}
                  error={errors[`documents.${index}.hint`]}
                  maxLength={500}
                  autosize
                  disabled={!mayWrite}
                  onChange={(event) => set(index, { hint: event.currentTarget.value })}
                />
                <Checkbox
                  label={t('document.required')}
                  checked={kind.required}
                  disabled={!mayWrite}
                  onChange={(event) => set(index, { required: event.currentTarget.checked })}
                />
                <Checkbox
                  label={t('document.expires')}
                  checked={kind.expires}
                  disabled={!mayWrite}
                  onChange={(event) => set(index, { expires: event.currentTarget.checked })}
                />
                {mayWrite ? (
                  <Group>
                    <Button
                      variant="default"
                      size="compact-sm"
                      aria-label={t('document.removeKind', { label: kind.label })}
                      onClick={() => setKinds(kinds.filter((_one, place) => place !== index))}
                    >
                      {t('document.remove')}
                    </Button>
                  </Group>
                ) : null}
              </Stack>
            </Paper>
          ))}
        </Stack>
        {mayWrite ? (
          <>
            <Group>
              <Button
                variant="default"
                onClick={() =>
                  setKinds([...kinds, { type: '', label: '', hint: null, required: true, expires: false }])
                }
              >
                {t('document.addKind')}
              </Button>
            </Group>
            <Checkbox
              label={t('document.blocks')}
              description={t('document.blocksHint')}
              checked={blocks}
              onChange={(event) => setBlocks(event.currentTarget.checked)}
            />
            {save.error === null ? null : <ErrorView error={save.error} />}
            <Group justify="flex-end">
              <Button type="submit" loading={save.isPending}>
                {t('document.saveKinds')}
              </Button>
            </Group>
          </>
        ) : null}
      </Stack>
    </form>
  );
}
