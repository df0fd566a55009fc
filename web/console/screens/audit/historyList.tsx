import { Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getHistoriesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { History, Replay } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { Verdict } from '../earning/referralReplay.js';

/** Audit → Recorded runs: every workflow run that was archived, sealed into the chain; each replays (api.md 16.3). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [chosen, setChosen] = useState<History | null>(null);
  return (
    <>
      <PageHead title={t('histories.title')} text={t('histories.text')} />
      <ResourceTable<History>
        screen="histories"
        label={t('histories.title')}
        hasText
        list={(query) => getHistoriesOptions({ query: query as never }) as never}
        rowLabel={(row) => row.workflowId}
        empty={{ title: t('histories.none'), text: t('histories.noneText') }}
        filters={[
          {
            field: 'workflowType',
            label: t('system.type'),
            options: ['referral', 'payoutRun', 'payout', 'bulkOperation', 'reconciliation'].map((value) => ({
              value,
              label: t(`system.type.${value}`),
            })),
          },
          { field: 'objectId', label: t('histories.object') },
        ]}
        {...(can('audit.verify')
          ? {
              rowActions: (row: History) => (
                <RowMenu
                  row={row.workflowId}
                  actions={[{ key: 'replay', text: t('replay.now'), onPress: () => setChosen(row) }]}
                />
              ),
            }
          : {})}
        columns={[
          {
            key: 'type',
            title: t('system.type'),
            render: (row) => t(`system.type.${row.workflowType}`, { defaultValue: row.workflowType }),
            csv: 'workflowType',
          },
          { key: 'object', title: t('histories.object'), render: (row) => row.objectId, csv: 'objectId' },
          {
            key: 'events',
            title: t('histories.events'),
            align: 'right',
            render: (row) => row.events,
            csv: 'events',
          },
          {
            key: 'end',
            title: t('histories.end'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.lastEventAt} />,
            csv: 'lastEventAt',
          },
          { key: 'close', title: t('system.status'), render: (row) => row.closeStatus, csv: 'closeStatus' },
          { key: 'build', title: t('system.build'), render: (row) => row.build ?? '–', csv: 'build' },
          {
            key: 'sha',
            title: t('histories.hash'),
            hidden: true,
            render: (row) => <code>{row.sha256}</code>,
            csv: 'sha256',
          },
        ]}
      />
      {chosen === null ? null : <ReplayDialog history={chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

function ReplayDialog({ history, onClose }: { readonly history: History; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const replay = useMutation({ mutationFn: () => postPath<Replay>(`/v1/histories/${history.id}/replays`, undefined) });
  return (
    <Modal opened onClose={onClose} size="lg" title={t('replay.now')} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {history.workflowId}
        </Text>
        <Text size="sm">{t('replay.text')}</Text>
        {replay.data === undefined ? null : <Verdict replay={replay.data} />}
        {replay.error === null ? null : <ErrorView error={replay.error} />}
        <Group justify="flex-end">
          <Anchor href={`/v1/histories/${history.id}/content`} size="sm">
            {t('history.download')}
          </Anchor>
          <Button onClick={() => replay.mutate()} loading={replay.isPending} data-action="replay" data-autofocus>
            {t('replay.now')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
