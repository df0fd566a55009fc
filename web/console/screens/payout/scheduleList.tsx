import { Button, Group, NativeSelect, NumberInput, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getGroupsOptions,
  getPayoutSchedulesOptions,
  getProgramsOptions,
  getWorkspaceOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deletePayoutSchedulesByScheduleId, patchPayoutSchedulesByScheduleId } from '../../../client/sdk.gen.js';
import type { PayoutSchedule } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { zoneLabel } from '../../../kit/DateText.js';
import { DurationText } from '../../../kit/DurationText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { locale } from '../../../kit/i18n.js';
import { useKeys } from '../../../kit/keys.js';
import { zoneChoices } from '../../../kit/places.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { Choices } from './choices.js';

type Calendar = PayoutSchedule['calendar'];
const verbs = ['pause', 'resume', 'trigger'] as const;
type Verb = (typeof verbs)[number];
const methodTypes = ['bank', 'wallet', 'paypal', 'cheque', 'tipalti', 'sandbox'] as const;
/** 2024 began on a Monday. */
const dayName = (dayOfWeek: number): string =>
  new Intl.DateTimeFormat(locale(), { weekday: 'long', timeZone: 'UTC' }).format(
    new Date(Date.UTC(2024, 0, dayOfWeek)),
  );
const two = (value: number): string => String(value).padStart(2, '0');

/** Money → Schedules: when runs begin by themselves, for whom, and what stops one (screens.md 3.22, 3.24). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayPrepare = useCan()('payout.prepare');
  const [edited, setEdited] = useState<PayoutSchedule | 'new' | null>(null);
  const [deleting, setDeleting] = useState<PayoutSchedule | null>(null);
  const [acting, setActing] = useState<{ readonly schedule: PayoutSchedule; readonly verb: Verb } | null>(null);
  useKeys({
    c: () => {
      if (mayPrepare) setEdited('new');
    },
  });
  const create = mayPrepare ? <Button onClick={() => setEdited('new')}>{t('schedule.new')}</Button> : undefined;
  const verbsOf = (schedule: PayoutSchedule): readonly Verb[] =>
    verbs.filter((verb) => verb === 'trigger' || (verb === 'resume') === schedule.paused);
  return (
    <>
      <PageHead title={t('schedule.title')} text={t('schedule.text')} actions={create} />
      <ResourceTable<PayoutSchedule>
        screen="payout-schedules"
        label={t('schedule.title')}
        list={() => getPayoutSchedulesOptions() as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={
              mayPrepare
                ? [
                    ...verbsOf(row).map((verb) => ({
                      key: verb,
                      text: t(`schedule.${verb}`),
                      onPress: () => setActing({ schedule: row, verb }),
                    })),
                    { key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) },
                    { key: 'delete', text: t('desk.delete'), isNegative: true, onPress: () => setDeleting(row) },
                  ]
                : []
            }
          />
        )}
        empty={{ title: t('schedule.none'), text: t('schedule.noneText'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), render: (row) => row.name, csv: 'name' },
          {
            key: 'when',
            title: t('schedule.when'),
            render: (row) => <When calendar={row.calendar} timeZone={row.timeZone} />,
            csv: ['calendar.every', 'timeZone'],
          },
          {
            key: 'payAfter',
            title: t('schedule.payAfter'),
            render: (row) => (row.payAfter === null ? t('run.payByHand') : <DurationText value={row.payAfter} />),
            csv: 'payAfter',
          },
          {
            key: 'currencies',
            title: t('run.currencies'),
            render: (row) => (row.currencies.length === 0 ? t('run.all') : row.currencies.join(', ')),
            csv: 'currencies',
          },
          {
            key: 'limits',
            title: t('schedule.limits'),
            render: (row) => <Limits schedule={row} />,
          },
          {
            key: 'status',
            title: t('run.status'),
            render: (row) => <StatusBadge status={row.paused ? 'paused' : 'active'} />,
            csv: 'paused',
          },
        ]}
      />
      {edited === null ? null : (
        <ScheduleForm schedule={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
      {acting === null ? null : <ActDialog {...acting} onClose={() => setActing(null)} />}
      {deleting === null ? null : (
        <FormDialog
          title={t('schedule.deleteOf', { name: deleting.name })}
          submit={t('desk.delete')}
          color="red"
          save={() =>
            deletePayoutSchedulesByScheduleId({
              path: { scheduleId: deleting.id },
              headers: { 'If-Match': `"${deleting.version}"` } as never,
              throwOnError: true,
            })
          }
          onClose={() => setDeleting(null)}
        >
          {() => <Text size="sm">{t('schedule.deleteText')}</Text>}
        </FormDialog>
      )}
    </>
  );
}

function When({ calendar, timeZone }: { readonly calendar: Calendar; readonly timeZone: string }): ReactElement {
  const { t } = useTranslation();
  const time = `${two(calendar.hour)}:${two(calendar.minute)}`;
  return (
    <Text span inherit>
      {calendar.every === 'week'
        ? t('schedule.weekly', { day: dayName(calendar.dayOfWeek), time })
        : t('schedule.monthly', { day: calendar.dayOfMonth, time })}{' '}
      ({zoneLabel(timeZone)})
    </Text>
  );
}

function Limits({ schedule }: { readonly schedule: PayoutSchedule }): ReactElement {
  const { t } = useTranslation();
  const parts = [
    ...(schedule.programIds.length === 0 ? [] : [t('schedule.nPrograms', { count: schedule.programIds.length })]),
    ...(schedule.groupIds.length === 0 ? [] : [t('schedule.nGroups', { count: schedule.groupIds.length })]),
    ...schedule.methodTypes.map((type) => t(`method.${type}`)),
  ];
  return <>{parts.length === 0 ? t('run.all') : parts.join(', ')}</>;
}

/** Pausing, going on and running now, with a note of why. */
function ActDialog({
  schedule,
  verb,
  onClose,
}: {
  readonly schedule: PayoutSchedule;
  readonly verb: Verb;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t(`schedule.${verb}Of`, { name: schedule.name })}
      submit={t(`schedule.${verb}`)}
      save={(key) =>
        postPath(
          `/v1/payout-schedules/${schedule.id}/${verb}`,
          reason.trim() === '' ? {} : { reason: reason.trim() },
          key,
        )
      }
      onClose={onClose}
    >
      {() => (
        <>
          <Text size="sm">{t(`schedule.${verb}Text`)}</Text>
          <Textarea
            label={t('run.note')}
            value={reason}
            maxLength={500}
            autosize
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

function ScheduleForm({
  schedule,
  onClose,
}: {
  readonly schedule: PayoutSchedule | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const workspace = useQuery({ ...getWorkspaceOptions(), staleTime: 300_000 });
  const programs = useQuery({ ...getProgramsOptions({ query: { limit: 200 } }), enabled: can('program.read') });
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), enabled: can('group.read') });
  const before = schedule?.calendar;
  const [name, setName] = useState(schedule?.name ?? '');
  const [every, setEvery] = useState<Calendar['every']>(before?.every ?? 'month');
  const [dayOfMonth, setDayOfMonth] = useState<number | string>(before?.every === 'month' ? before.dayOfMonth : 1);
  const [dayOfWeek, setDayOfWeek] = useState(before?.every === 'week' ? before.dayOfWeek : 1);
  const [time, setTime] = useState(before === undefined ? '09:00' : `${two(before.hour)}:${two(before.minute)}`);
  const [zone, setZone] = useState(schedule?.timeZone ?? '');
  const [currencies, setCurrencies] = useState(schedule?.currencies.join(', ') ?? '');
  const [programIds, setProgramIds] = useState<string[]>(schedule?.programIds ?? []);
  const [groupIds, setGroupIds] = useState<string[]>(schedule?.groupIds ?? []);
  const [types, setTypes] = useState<string[]>(schedule?.methodTypes ?? []);
  const [days, setDays] = useState<number | string>(daysOf(schedule?.payAfter ?? null));
  const timeZone = zone.trim() === '' ? (workspace.data?.timeZone ?? 'UTC') : zone.trim();
  const [hour = 9, minute = 0] = time.split(':').map(Number);
  const calendar: Calendar =
    every === 'week'
      ? { every, dayOfWeek, hour, minute }
      : { every, dayOfMonth: Number(dayOfMonth === '' ? 1 : dayOfMonth), hour, minute };
  const body = {
    name: name.trim(),
    calendar,
    timeZone,
    currencies: currencies
      .toUpperCase()
      .split(/[\s,]+/)
      .filter((one) => one !== ''),
    programIds,
    groupIds,
    methodTypes: methodTypes.filter((type) => types.includes(type)),
    payAfter: days === '' ? null : `P${days}D`,
  };
  const save = async (key: string): Promise<void> => {
    if (schedule === undefined) await postPath('/v1/payout-schedules', body, key);
    else
      await patchPayoutSchedulesByScheduleId({
        path: { scheduleId: schedule.id },
        body,
        headers: { 'If-Match': `"${schedule.version}"` } as never,
        throwOnError: true,
      });
  };
  return (
    <FormDialog
      title={t(schedule === undefined ? 'schedule.new' : 'schedule.change')}
      submit={t(schedule === undefined ? 'schedule.create' : 'desk.save')}
      save={save}
      onClose={onClose}
      isReady={body.name !== ''}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('form.name')}
            value={name}
            error={errors['name']}
            required
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group align="flex-end" grow>
            <NativeSelect
              label={t('schedule.every')}
              value={every}
              onChange={(event) => setEvery(event.currentTarget.value === 'week' ? 'week' : 'month')}
              data={(['month', 'week'] as const).map((value) => ({ value, label: t(`schedule.every.${value}`) }))}
            />
            {every === 'month' ? (
              <NumberInput
                label={t('schedule.dayOfMonth')}
                value={dayOfMonth}
                min={1}
                max={28}
                allowDecimal={false}
                error={errors['calendar.dayOfMonth']}
                onChange={setDayOfMonth}
                hideControls
              />
            ) : (
              <NativeSelect
                label={t('schedule.dayOfWeek')}
                value={String(dayOfWeek)}
                onChange={(event) => setDayOfWeek(Number(event.currentTarget.value))}
                data={[1, 2, 3, 4, 5, 6, 7].map((value) => ({ value: String(value), label: dayName(value) }))}
              />
            )}
            <TextInput
              label={t('schedule.time')}
              type="time"
              min="04:00"
              value={time}
              error={errors['calendar.hour'] ?? errors['calendar.minute']}
              required
              onChange={(event) => setTime(event.currentTarget.value)}
            />
          </Group>
          <Text size="sm" c="dimmed">
            {t('schedule.timeHint')}
          </Text>
          <NativeSelect
            label={t('schedule.zone')}
            value={timeZone}
            error={errors['timeZone']}
            onChange={(event) => setZone(event.currentTarget.value)}
            data={zoneChoices(timeZone).filter((one) => one.value !== '')}
          />
          <NumberInput
            label={t('schedule.payAfterDays')}
            description={t('schedule.payAfterHint')}
            value={days}
            min={0}
            max={60}
            allowDecimal={false}
            error={errors['payAfter']}
            onChange={setDays}
            hideControls
          />
          <TextInput
            label={t('run.currencies')}
            description={t('run.currenciesHint')}
            placeholder="EUR, USD"
            value={currencies}
            error={Object.entries(errors).find(([field]) => field.startsWith('currencies'))?.[1]}
            onChange={(event) => setCurrencies(event.currentTarget.value)}
          />
          <Choices
            label={t('run.programs')}
            options={(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
            chosen={programIds}
            choose={setProgramIds}
          />
          <Choices
            label={t('run.groups')}
            options={(groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
            chosen={groupIds}
            choose={setGroupIds}
          />
          <Choices
            label={t('run.methods')}
            options={methodTypes.map((value) => ({ value, label: t(`method.${value}`) }))}
            chosen={types}
            choose={setTypes}
          />
        </>
      )}
    </FormDialog>
  );
}

/** `P5D` is 5; empty where the pay date waits for a person, or is not of whole days. */
function daysOf(duration: string | null): number | '' {
  const found = /^P(\d+)D$/.exec(duration ?? '');
  return found === null ? '' : Number(found[1]);
}
