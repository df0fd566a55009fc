import { Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CreditCheck } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Facts } from '../../../kit/Facts.js';
import { isProblem } from '../../../kit/problem.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';

/** "Why was I not credited?" (BEY-14): one question, one answer about the affiliate's own touches, nobody's identity. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const [asked, setAsked] = useState('');
  const question = useMutation({
    mutationFn: () => {
      const text = asked.trim();
      const body = text.startsWith('clk_') ? { clickId: text } : { orderReference: text };
      return postPath<CreditCheck>('/v1/me/credit-checks', body, newKey());
    },
  });
  const errors = isProblem(question.error) ? question.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    question.mutate();
  };
  return (
    <>
      <PageHead title={t('credit.title')} text={t('credit.text')} />
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput
            style={{ flex: 1, minWidth: '12rem' }}
            label={t('credit.field')}
            value={asked}
            onChange={(event) => setAsked(event.currentTarget.value)}
            error={errors['orderReference'] ?? errors['clickId']}
            maxLength={255}
            required
          />
          <Button type="submit" loading={question.isPending}>
            {t('credit.ask')}
          </Button>
        </Group>
      </form>
      <div aria-live="polite">
        {question.error === null ? null : <ErrorView error={question.error} />}
        {question.data === undefined ? null : <Answer answer={question.data} />}
      </div>
    </>
  );
}

function Answer({ answer }: { readonly answer: CreditCheck }): ReactElement {
  const { t, i18n } = useTranslation();
  const reason = useReasonText();
  const { touch, code } = answer;
  const whyKey = `credit.lost.${code ?? ''}`;
  return (
    <Paper withBorder p="md" mt="md" data-outcome={answer.outcome}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t(`credit.outcome.${answer.outcome}`)}
        </Title>
        {touch === null ? null : (
          <Facts
            rows={[
              [
                t('credit.touch'),
                <span key="t">
                  {t(`credit.touchKind.${touch.kind}`, { defaultValue: touch.kind })}, <DateText value={touch.at} />
                </span>,
              ],
              [t('credit.sub'), touch.sub1],
              [t('credit.until'), <DateText key="u" value={touch.endsAt} />],
              [
                t('credit.window'),
                t(`credit.window.${touch.inWindow === null ? 'open' : touch.inWindow ? 'yes' : 'no'}`),
              ],
              [t('credit.rule'), answer.decidedBy === null ? null : t(`credit.rule.${answer.decidedBy}`)],
              [t('credit.why'), code === null ? null : i18n.exists(whyKey) ? t(whyKey) : reason(code)],
            ]}
          />
        )}
        {answer.appealObjectId === null ? null : <Text>{t('credit.appeal')}</Text>}
        <Text size="sm" c="dimmed">
          {t('credit.left', { count: answer.questionsLeft })}
        </Text>
      </Stack>
    </Paper>
  );
}
