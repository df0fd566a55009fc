import {
  Anchor,
  Button,
  Checkbox,
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
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsByProgramIdFormOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { putProgramsByProgramIdForm } from '../../../client/sdk.gen.js';
import type { ApplicationForm } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { isProblem } from '../../../kit/problem.js';
import { useAddress } from '../../../kit/router.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

type Question = ApplicationForm['questions'][number];
const details = ['company', 'website', 'country'] as const;
const askings = ['required', 'optional', 'hidden'] as const;
const types = ['text', 'longText', 'choice', 'checkbox', 'number', 'date', 'email', 'phone'] as const;

/** What a program asks of whoever applies (api.md 6.1, screens.md 8): known details, and questions of its own in their order. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { search, change } = useAddress();
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  return (
    <>
      <PageHead title={t('applyForm.title')} text={t('applyForm.text')} />
      <Loaded query={programs}>
        {({ data }) => {
          const programId = search['programId'] ?? data[0]?.id;
          if (programId === undefined) return <Text>{t('applyForm.noProgram')}</Text>;
          return (
            <Stack>
              <NativeSelect
                label={t('applyForm.program')}
                value={programId}
                data={data.map((one) => ({ value: one.id, label: one.name }))}
                onChange={(event) => change({ programId: event.currentTarget.value }, { replace: true })}
              />
              <OfProgram key={programId} programId={programId} />
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}

function OfProgram({ programId }: { readonly programId: string }): ReactElement {
  const query = useQuery(getProgramsByProgramIdFormOptions({ path: { programId } }));
  return <Loaded query={query}>{(form) => <Editor key={form.version} form={form} />}</Loaded>;
}

function Editor({ form }: { readonly form: ApplicationForm }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayWrite = useCan()('program.write');
  const [draft, setDraft] = useState(form);
  const change = (part: Partial<ApplicationForm>): void => setDraft({ ...draft, ...part });
  const save = useMutation({
    mutationFn: () =>
      putProgramsByProgramIdForm({
        path: { programId: form.programId },
        headers: { 'If-Match': `"${form.version}"` } as never,
        body: {
          language: draft.language,
          introduction: (draft.introduction ?? '').trim() === '' ? null : (draft.introduction ?? '').trim(),
          company: draft.company,
          website: draft.website,
          country: draft.country,
          questions: draft.questions,
          documents: draft.documents, // edited in the program's own tab
        },
        throwOnError: true,
      }),
    onSuccess: () => {
      notifications.show({ message: t('applyForm.saved'), color: 'river' });
      return queries.invalidateQueries();
    },
  });
  const errors = isProblem(save.error) ? save.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit}>
      <Stack>
        <Text size="sm">
          {t('applyForm.at')} <Anchor href={form.url}>{form.url}</Anchor>
        </Text>
        <NativeSelect
          label={t('applyForm.language')}
          value={draft.language}
          data={[
            { value: 'en', label: 'English' },
            { value: 'de', label: 'Deutsch' },
          ]}
          onChange={(event) => change({ language: event.currentTarget.value === 'de' ? 'de' : 'en' })}
        />
        <Textarea
          label={t('applyForm.introduction')}
          value={draft.introduction ?? ''}
          error={errors['introduction']}
          autosize
          minRows={2}
          onChange={(event) => change({ introduction: event.currentTarget.value })}
        />
        <Group grow align="flex-start">
          {details.map((name) => (
            <NativeSelect
              key={name}
              label={t(`applyForm.${name}`)}
              value={draft[name]}
              data={askings.map((value) => ({ value, label: t(`applyForm.asking.${value}`) }))}
              onChange={(event) => change({ [name]: event.currentTarget.value })}
            />
          ))}
        </Group>
        <Questions questions={draft.questions} errors={errors} onChange={(questions) => change({ questions })} />
        {save.error === null ? null : <ErrorView error={save.error} />}
        {mayWrite ? (
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending}>
              {t('applyForm.save')}
            </Button>
          </Group>
        ) : null}
      </Stack>
    </Paper>
  );
}

/** The order by buttons, so that the keyboard is enough (WCAG 2.5.7). */
function Questions({
  questions,
  errors,
  onChange,
}: {
  readonly questions: readonly Question[];
  readonly errors: Readonly<Record<string, string>>;
  readonly onChange: (questions: Question[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const set = (place: number, part: Partial<Question>): void =>
    onChange(questions.map((one, index) => (index === place ? { ...one, ...part } : one)));
  const move = (from: number, to: number): void => {
    const moved = [...questions];
    const [question] = moved.splice(from, 1);
    if (question !== undefined) onChange([...moved.slice(0, to), question, ...moved.slice(to)]);
  };
  const add = (): void => {
    const used = new Set(questions.map(({ name }) => name));
    let number = questions.length + 1;
    while (used.has(`question_${number}`)) number += 1;
    onChange([...questions, { name: `question_${number}`, label: '', type: 'text', required: false, options: [] }]);
  };
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('applyForm.questions')}
      </Title>
      {questions.length === 0 ? <Text size="sm">{t('applyForm.noQuestions')}</Text> : null}
      <Stack component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
        {questions.map((question, index) => (
          <Paper component="li" key={question.name} withBorder p="sm">
            <Stack gap="xs">
              <TextInput
                label={t('applyForm.question', { number: index + 1 })}
                value={question.label}
                error={errors[`questions.${index}.label`]}
                required
                onChange={(event) => set(index, { label: event.currentTarget.value })}
              />
              <Group align="flex-end">
                <NativeSelect
                  label={t('applyForm.type')}
                  value={question.type}
                  data={types.map((value) => ({ value, label: t(`applyForm.type.${value}`) }))}
                  onChange={(event) => {
                    const type = types.find((one) => one === event.currentTarget.value) ?? 'text';
                    set(index, { type, options: type === 'choice' ? question.options : [] });
                  }}
                />
                <Checkbox
                  label={t('form.required')}
                  checked={question.required}
                  onChange={(event) => set(index, { required: event.currentTarget.checked })}
                />
                <Button
                  variant="default"
                  aria-label={t('form.up', { name: question.label })}
                  disabled={index === 0}
                  onClick={() => move(index, index - 1)}
                >
                  ↑
                </Button>
                <Button
                  variant="default"
                  aria-label={t('form.down', { name: question.label })}
                  disabled={index === questions.length - 1}
                  onClick={() => move(index, index + 1)}
                >
                  ↓
                </Button>
                <Button
                  variant="default"
                  aria-label={t('form.remove', { name: question.label })}
                  onClick={() => onChange(questions.filter((_one, place) => place !== index))}
                >
                  ×
                </Button>
              </Group>
              {question.type === 'choice' ? (
                <Options
                  options={question.options}
                  error={errors[`questions.${index}.options`]}
                  onChange={(options) => set(index, { options: [...options] })}
                />
              ) : null}
            </Stack>
          </Paper>
        ))}
      </Stack>
      <Group>
        <Button variant="default" onClick={add} disabled={questions.length >= 30}>
          {t('applyForm.add')}
        </Button>
      </Group>
    </Stack>
  );
}

/** One per line; what is typed stays as it is until the form is sent. */
function Options({
  options,
  error,
  onChange,
}: {
  readonly options: readonly string[];
  readonly error: string | undefined;
  readonly onChange: (options: readonly string[]) => void;
}): ReactElement {
  const { t } = useTranslation();
  const [text, setText] = useState(options.join('\n'));
  return (
    <Textarea
      label={t('applyForm.options')}
      value={text}
      error={error}
      autosize
      minRows={2}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        setText(typed);
        onChange(typed.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])));
      }}
    />
  );
}
