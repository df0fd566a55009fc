import { Alert, Button, Checkbox, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getGroupsOptions,
  getPayoutRunsOptions,
  getProgramsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { postPayoutRuns, postPayoutRunsPreview } from '../../../client/sdk.gen.js';
import type { PayoutRun, PayoutRunPreview } from '../../../client/types.gen.js';
import { newKey } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { useKeys } from '../../../kit/keys.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useWithStepUp } from '../../../kit/stepUp.js';
import { Choices } from './choices.js';
import { NotPaidTable, PaidTable, PreviewTotals } from './previewParts.js';

const methodsOffered = ['bank', 'wallet', 'paypal', 'cheque', 'tipalti', 'sandbox'] as const;
type MethodType = (typeof methodsOffered)[number];
const statuses = ['planning', 'planned', 'approved', 'executing', 'completed', 'cancelled'] as const;

/** Every run with where it stands; a new one, or a dry run that reserves nothing (screens.md 5). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [isCreating, setCreating] = useState(false);
  const mayPrepare = can('payout.prepare');
  useKeys({
    c: () => {
      if (mayPrepare) setCreating(true);
    },
  });
  return (
    <>
      <PageHead
        title={t('run.listTitle')}
        text={t('run.listText')}
        actions={mayPrepare ? <Button onClick={() => setCreating(true)}>{t('run.new')}</Button> : null}
      />
      <ResourceTable<PayoutRun>
        screen="payout-runs"
        label={t('run.listTitle')}
        hasText
        pollMs={5_000}
        list={(query) => getPayoutRunsOptions({ query }) as never}
        rowLabel={(run) => run.note ?? run.id}
        rowHref={(run) => `/payout-runs/${run.id}`}
        filters={[
          {
            field: 'status',
            label: t('run.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        empty={{
          title: t('run.none'),
          text: t('run.noneText'),
          action: mayPrepare ? <Button onClick={() => setCreating(true)}>{t('run.new')}</Button> : undefined,
        }}
        columns={[
          {
            key: 'createdAt',
            title: t('run.created'),
            sort: 'createdAt',
            render: (run) => <DateText value={run.createdAt} />,
            csv: 'createdAt',
          },
          {
            key: 'status',
            title: t('run.status'),
            render: (run) => <StatusPill status={run.paused ? 'paused' : run.status} objectId={run.id} />,
            csv: 'status',
          },
          {
            key: 'currencies',
            title: t('run.currencies'),
            render: (run) => (run.currencies.length === 0 ? t('run.all') : run.currencies.join(', ')),
            csv: 'currencies',
          },
          {
            key: 'progress',
            title: t('run.progress'),
            render: (run) =>
              t('run.progressOf', {
                paid: run.progress.paid,
                total: run.progress.draft + run.progress.pending + run.progress.paid,
              }),
          },
          {
            key: 'problems',
            title: t('run.problems'),
            render: (run) => run.progress.problems.length,
            csv: 'progress.problems',
          },
          {
            key: 'cutOffAt',
            title: t('run.cutOff'),
            render: (run) => <DateText value={run.cutOffAt} />,
            csv: 'cutOffAt',
          },
          { key: 'note', title: t('run.note'), render: (run) => run.note ?? '–', csv: 'note' },
        ]}
      />
      {isCreating ? <NewRun onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function NewRun({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const withStepUp = useWithStepUp();
  const key = useRef(newKey());
  const [currencies, setCurrencies] = useState('');
  const [programIds, setProgramIds] = useState<string[]>([]);
  const [groupIds, setGroupIds] = useState<string[]>([]);
  const [methodTypes, setMethodTypes] = useState<MethodType[]>([]);
  const [cutOff, setCutOff] = useState('');
  const [payAt, setPayAt] = useState('');
  const [note, setNote] = useState('');
  const can = useCan();
  const programs = useQuery({ ...getProgramsOptions({ query: { limit: 200 } }), enabled: can('program.read') });
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), enabled: can('group.read') });
  const [isDry, setDry] = useState(false);
  const [found, setFound] = useState<PayoutRunPreview | null>(null);
  const body = {
    currencies: currencies
      .toUpperCase()
      .split(/[\s,]+/)
      .filter((one) => one !== ''),
    programIds,
    groupIds,
    methodTypes,
    ...(cutOff === '' ? {} : { cutOffAt: new Date(cutOff).toISOString() }),
    ...(payAt === '' ? {} : { payAt: new Date(payAt).toISOString() }),
    ...(note.trim() === '' ? {} : { note: note.trim() }),
  };
  const start = useMutation({
    mutationFn: () =>
      withStepUp(async () => {
        if (isDry) return (await postPayoutRunsPreview({ body, throwOnError: true })).data;
        return (
          await postPayoutRuns({ body, headers: { 'Idempotency-Key': key.current } as never, throwOnError: true })
        ).data;
      }),
    onSuccess: async (answer) => {
      if (answer.object === 'payout_run_preview') {
        setFound(answer);
        return;
      }
      await queries.invalidateQueries();
      await navigate({ to: `/payout-runs/${answer.id}` });
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new run
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('run.new')}
      size={found === null ? 'md' : 'xl'}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      {found === null ? (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{t('run.newText')}</Text>
            <TextInput
              label={t('run.currencies')}
              description={t('run.currenciesHint')}
              placeholder="EUR, USD"
              value={currencies}
              onChange={(event) => setCurrencies(event.currentTarget.value)}
              data-autofocus
            />
            <Choices
              label={t('run.programs')}
              options={(programs.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
              chosen={programIds}
              choose={setProgramIds}
            />
            <Choices
              label={t('run.groups')}
              options={(groups.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
              chosen={groupIds}
              choose={setGroupIds}
            />
            <Choices
              label={t('run.methods')}
              options={methodsOffered.map((value) => ({ value, label: t(`method.${value}`) }))}
              chosen={methodTypes}
              choose={(values) => setMethodTypes(methodsOffered.filter((one) => values.includes(one)))}
            />
            <TextInput
              type="datetime-local"
              label={t('run.cutOff')}
              description={t('run.cutOffHint')}
              value={cutOff}
              onChange={(event) => setCutOff(event.currentTarget.value)}
            />
            <TextInput
              type="datetime-local"
              label={t('run.payAt')}
              description={t('run.payAtHint')}
              value={payAt}
              onChange={(event) => setPayAt(event.currentTarget.value)}
            />
            <Textarea
              label={t('run.note')}
              value={note}
              maxLength={500}
              autosize
              onChange={(event) => setNote(event.currentTarget.value)}
            />
            <Checkbox
              label={t('run.dry')}
              description={t('run.dryText')}
              checked={isDry}
              onChange={(event) => setDry(event.currentTarget.checked)}
            />
            {start.error === null ? null : <ErrorView error={start.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t('cancel')}
              </Button>
              <Button type="submit" loading={start.isPending}>
                {t(isDry ? 'run.startDry' : 'run.start')}
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Alert variant="outline" color="river" c="var(--mantine-color-text)" title={t('run.dryDone')}>
            {t('run.dryText')}
          </Alert>
          <PreviewTotals preview={found} />
          <PaidTable lines={found.payable} />
          <NotPaidTable lines={found.notPayable} />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setFound(null)}>
              {t('run.back')}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
