import { Button, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeAppealsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';

/**
 * The affiliate's word against a rejection (BEY-15): once per object, by a button; afterwards what became of it, with the answer. Whether there is
 * still time for one is the API's to say.
 */
export function AppealOf({
  objectId,
  name,
}: {
  readonly objectId: string;
  readonly name: string;
}): ReactElement | null {
  const { t } = useTranslation();
  const mayWrite = useCan()('me.write');
  const appeals = useQuery(getMeAppealsOptions({ query: { limit: 200 } }));
  const [dialog, setDialog] = useState<'file' | 'withdraw' | null>(null);
  if (appeals.data === undefined) return null;
  const appeal = appeals.data.data.find((one) => one.objectId === objectId);
  if (appeal === undefined && !mayWrite) return null;
  const mayWithdraw = mayWrite && appeal?.allowedActions.includes('withdraw') === true;
  return (
    <Stack gap={2} align="flex-start">
      {appeal === undefined ? (
        <Button variant="default" size="compact-sm" onClick={() => setDialog('file')}>
          {t('appeal.file')}
        </Button>
      ) : (
        <>
          <Text size="sm">
            {t(`appeal.is.${appeal.status}`)}
            {appeal.status === 'open' ? (
              <>
                {' '}
                <DateText value={appeal.answerBy} time={false} />
              </>
            ) : null}
          </Text>
          {appeal.answer === null ? null : (
            <Text size="sm" c="dimmed">
              {appeal.answer}
            </Text>
          )}
          {mayWithdraw ? (
            <Button variant="default" size="compact-sm" onClick={() => setDialog('withdraw')}>
              {t('appeal.withdraw')}
            </Button>
          ) : null}
        </>
      )}
      {dialog === 'file' ? <FileDialog objectId={objectId} name={name} onClose={() => setDialog(null)} /> : null}
      {dialog === 'withdraw' && appeal !== undefined ? (
        <FormDialog
          title={t('appeal.withdraw')}
          submit={t('appeal.withdraw')}
          save={(key) => postPath(`/v1/me/appeals/${appeal.id}/withdraw`, {}, key)}
          onClose={() => setDialog(null)}
        >
          {() => <Text size="sm">{t('appeal.withdrawText')}</Text>}
        </FormDialog>
      ) : null}
    </Stack>
  );
}

function FileDialog({
  objectId,
  name,
  onClose,
}: {
  readonly objectId: string;
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  return (
    <FormDialog
      title={t('appeal.title', { name })}
      submit={t('appeal.send')}
      save={(key) => postPath('/v1/me/appeals', { objectId, text: text.trim() }, key)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('appeal.text')}</Text>
          <Textarea
            label={t('appeal.words')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            error={errors['text']}
            maxLength={2000}
            autosize
            minRows={3}
            required
          />
        </>
      )}
    </FormDialog>
  );
}
