import { Alert, Anchor, Button, Group, List, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getLedgerAdjustmentsOptions,
  getLedgerPeriodsOptions,
  getReconciliationsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { LedgerPeriod } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText, dayText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

/** Up to which day the books are closed, and closing them further (docs/decisions/0980). */
export function LedgerPeriods(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('ledger.write');
  const [isClosing, setClosing] = useState(false);
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" maw={720}>
          {t('period.text')}
        </Text>
        {mayWrite ? <Button onClick={() => setClosing(true)}>{t('period.close')}</Button> : null}
      </Group>
      <ResourceTable<LedgerPeriod>
        screen="ledger-periods"
        label={t('ledger.periods')}
        list={(query) => getLedgerPeriodsOptions({ query }) as never}
        rowLabel={(row) => dayText(row.through)}
        rowActions={(row) => (
          <Anchor
            component={Link}
            to={`/ledger?tab=trial&effectiveThrough=${row.through}`}
            underline="always"
            size="sm"
            aria-label={t('period.figuresOf', { day: dayText(row.through) })}
          >
            {t('period.figures')}
          </Anchor>
        )}
        empty={{ title: t('period.none'), text: t('period.noneText') }}
        columns={[
          {
            key: 'through',
            title: t('period.through'),
            sort: 'through',
            render: (row) => dayText(row.through),
            csv: 'through',
          },
          {
            key: 'closedAt',
            title: t('period.closedAt'),
            render: (row) => <DateText value={row.closedAt} />,
            csv: 'closedAt',
          },
          { key: 'closedBy', title: t('period.closedBy'), render: (row) => row.closedBy?.name ?? '–', csv: 'closedBy' },
          { key: 'note', title: t('period.note'), render: (row) => row.note ?? '–', csv: 'note' },
        ]}
      />
      {isClosing ? <CloseForm onClose={() => setClosing(false)} /> : null}
    </Stack>
  );
}

/** The last day of the month before this one, by the reader's calendar: what is closed most often. */
function lastMonthEnd(): string {
  const now = new Date();
  const end = new Date(Date.UTC(now.getFullYear(), now.getMonth(), 0));
  return end.toISOString().slice(0, 10);
}

function CloseForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [through, setThrough] = useState(lastMonthEnd);
  const [note, setNote] = useState('');
  // What is open is no reason to refuse: it is said, and posts on the day on which it is settled.
  const waiting = useQuery(getLedgerAdjustmentsOptions({ query: { status: 'pending', limit: 1 } as never }));
  const unexplained = useQuery(getReconciliationsOptions({ query: { unexplained: 'true', limit: 1 } as never }));
  const open = [
    ...((waiting.data?.data.length ?? 0) > 0
      ? [{ to: '/ledger?tab=adjustments&status=pending', text: t('period.entriesWait') }]
      : []),
    ...((unexplained.data?.data.length ?? 0) > 0
      ? [{ to: '/reconciliations?unexplained=true', text: t('period.unexplained') }]
      : []),
  ];
  return (
    <FormDialog
      title={t('period.close')}
      submit={through === '' ? t('period.close') : t('period.closeDo', { day: dayText(through) })}
      color="red"
      isReady={through !== ''}
      save={(key) =>
        withStepUp(() =>
          postPath('/v1/ledger-periods', { through, ...(note.trim() === '' ? {} : { note: note.trim() }) }, key),
        )
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            type="date"
            label={t('period.through')}
            description={t('period.throughHint')}
            value={through}
            error={errors['through']}
            required
            onChange={(event) => setThrough(event.currentTarget.value)}
          />
          <TextInput
            label={t('period.note')}
            value={note}
            error={errors['note']}
            maxLength={500}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          <List size="sm">
            <List.Item>{t('period.doesLater')}</List.Item>
            <List.Item>{t('period.doesFigures')}</List.Item>
            <List.Item>{t('period.doesForGood')}</List.Item>
          </List>
          {open.length === 0 ? null : (
            <Alert variant="outline" color="yellow" c="var(--mantine-color-text)" title={t('period.open')}>
              <List size="sm">
                {open.map((one) => (
                  <List.Item key={one.to}>
                    <Anchor component={Link} to={one.to} underline="always" inherit>
                      {one.text}
                    </Anchor>
                  </List.Item>
                ))}
              </List>
            </Alert>
          )}
        </>
      )}
    </FormDialog>
  );
}
