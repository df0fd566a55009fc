import { Checkbox, List, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { newKey, postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { ppmOf } from './ruleSentence.js';

type Counts = Readonly<Record<string, number>>;

const path = '/v1/commission-rules/apply-to-all';

/** One rate for everybody, and before it is set how many narrower rules stay or end (RUL-12). */
export function RateForAll({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [rate, setRate] = useState('');
  const [clearOverrides, setClear] = useState(false);
  const ratePpm = ppmOf(rate);
  // Which rules are there does not depend on the rate.
  const narrower = useQuery({
    queryKey: [path, clearOverrides],
    queryFn: () =>
      postPath<{ readonly kept: Counts; readonly cleared: Counts }>(
        path,
        { ratePpm: 0, clearOverrides, dryRun: true },
        newKey(),
      ),
    gcTime: 0,
  });
  return (
    <FormDialog
      title={t('rateForAll.title')}
      submit={t('rateForAll.apply')}
      isReady={ratePpm !== null && narrower.isSuccess}
      save={(key) => postPath(path, { ratePpm, clearOverrides }, key)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('rateForAll.text')}</Text>
          <TextInput
            label={t('rateForAll.rate')}
            inputMode="decimal"
            required
            value={rate}
            onChange={(event) => setRate(event.currentTarget.value)}
            error={errors['ratePpm'] ?? (rate !== '' && ratePpm === null ? t('rateForAll.noRate') : undefined)}
          />
          <Checkbox
            label={t('rateForAll.clear')}
            checked={clearOverrides}
            onChange={(event) => setClear(event.currentTarget.checked)}
          />
          <Loaded query={narrower} lines={2}>
            {({ kept, cleared }) => <Overrides counts={clearOverrides ? cleared : kept} isEnded={clearOverrides} />}
          </Loaded>
        </>
      )}
    </FormDialog>
  );
}

function Overrides({ counts, isEnded }: { readonly counts: Counts; readonly isEnded: boolean }): ReactElement {
  const { t } = useTranslation();
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <div role="status">
      <Text size="sm" fw={600}>
        {t(total === 0 ? 'rateForAll.none' : isEnded ? 'rateForAll.ended' : 'rateForAll.kept', { count: total })}
      </Text>
      <List size="sm">
        {Object.entries(counts).map(([scope, count]) => (
          <List.Item key={scope}>{`${count} ${t(`rule.scope.${scope}`)}`}</List.Item>
        ))}
      </List>
    </div>
  );
}
