import {
  Alert,
  Badge,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Paper,
  Radio,
  Stack,
  Switch,
  Tabs,
  Text,
  TextInput,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DateRange } from '../../kit/DateRange.js';
import { daysOf } from '../../kit/rangeDays.js';
import { DateText, useZone } from '../../kit/DateText.js';
import { ErrorView } from '../../kit/ErrorView.js';
import { formatRate, MoneyList, MoneyText } from '../../kit/MoneyText.js';
import { ProblemError } from '../../kit/problem.js';
import { EmptyList } from '../../kit/EmptyList.js';
import { PageHead } from '../../kit/Shell.js';
import { StatusBadge } from '../../kit/StatusPill.js';
import { Timeline } from '../../kit/Timeline.js';

const refusal = new ProblemError(
  409,
  { title: 'This was decided already', code: 'transition_not_allowed', requestId: 'req_example' },
  null,
);
const statuses = [
  'pending',
  'approved',
  'rejected',
  'paid',
  'unknown',
  'draft',
  'executing',
  'refunded',
  'merged',
  'cancelled',
  'waived',
];

/** Every part of the kit on one page: axe looks here first (dependencies.md 2, fact 11). Not in the menu. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const zone = useZone();
  const [days, setDays] = useState(daysOf('last30', zone));
  return (
    <>
      <PageHead
        title={t('sink.title')}
        actions={
          <Button onClick={() => notifications.show({ message: t('copied'), color: 'river', autoClose: false })}>
            {t('copy')}
          </Button>
        }
      />
      <Stack>
        <Group>
          {statuses.map((status) => (
            <StatusBadge key={status} status={status} />
          ))}
        </Group>
        <Group>
          <Button>{t('action.approve')}</Button>
          <Button variant="default">{t('action.reject')}</Button>
          <Button variant="outline">{t('action.hold')}</Button>
          <Button disabled>{t('save')}</Button>
          <Badge>{t('status.active')}</Badge>
          <Badge variant="default">3</Badge>
        </Group>
        <Group>
          <MoneyText value={{ amount: '-12340.50', currency: 'EUR' }} />
          <MoneyText value={{ amount: '1580', currency: 'JPY' }} onExplain={() => undefined} />
          <MoneyList
            values={[
              { amount: '90071992547409.93', currency: 'USD' },
              { amount: '1.000', currency: 'KWD' },
            ]}
          />
          <Text>{formatRate(29_000)}</Text>
          <DateText value="2026-11-20T09:30:00.000Z" />
          <DateText value="2026-11-20T09:30:00.000Z" relative />
        </Group>
        <DateRange value={days} onChange={setDays} />
        <Group align="flex-end">
          <TextInput
            label={t('signIn.password')}
            placeholder={t('list.search')}
            description={t('decision.reasonHint')}
            error={t('problem.validation_failed')}
          />
          <NativeSelect label={t('list.perPage')} data={['10', '25']} />
          <Checkbox label={t('list.select')} defaultChecked />
          <Radio label={t('list.select')} defaultChecked />
          <Switch label={t('list.dense')} defaultChecked />
        </Group>
        <Tabs defaultValue="one">
          <Tabs.List>
            <Tabs.Tab value="one">{t('timeline.newestFirst')}</Tabs.Tab>
            <Tabs.Tab value="two">{t('timeline.oldestFirst')}</Tabs.Tab>
          </Tabs.List>
        </Tabs>
        <Alert title={t('mode.testBar')} variant="outline" color="river" c="var(--mantine-color-text)" />
        <ErrorView error={refusal} onRetry={() => undefined} />
        <EmptyList title={t('list.nothingMatches')} text={t('list.nothingMatchesText')} />
        <Paper withBorder p="md">
          <Timeline
            label={t('pill.how')}
            entries={[
              {
                id: '1',
                at: '2026-11-01T10:00:00.000Z',
                title: t('status.tracking'),
                actor: t('actor.visitor'),
                foldAs: 'click',
              },
              {
                id: '2',
                at: '2026-11-01T10:01:00.000Z',
                title: t('status.tracking'),
                actor: t('actor.visitor'),
                foldAs: 'click',
              },
              {
                id: '3',
                at: '2026-11-03T10:00:00.000Z',
                title: t('status.approved'),
                actor: 'Ana',
                detail: t('decision.reason'),
              },
              { id: '4', at: '2027-01-03T10:00:00.000Z', title: t('status.paid'), planned: true },
            ]}
          />
        </Paper>
      </Stack>
    </>
  );
}
