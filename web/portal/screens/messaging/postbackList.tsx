import { Button, Code, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getMePostbacksByPostbackIdOptions,
  getMePostbacksOptions,
  getMeProgramsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deleteMePostbacksByPostbackId } from '../../../client/sdk.gen.js';
import type { Postback } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PostbackForm } from '../../../kit/PostbackForm.js';
import { DeliveryState, PostbackState, useTestPostback } from '../../../kit/PostbackState.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Own postbacks: the affiliate's tracker is told by itself (screens.md 6, BEY-21). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('me.write');
  const [isCreating, setCreating] = useState(false);
  const [looked, setLooked] = useState<Postback | null>(null);
  const [removed, setRemoved] = useState<Postback | null>(null);
  const sendTest = useTestPostback();
  const programs = useQuery(getMeProgramsOptions());
  const create = mayWrite ? <Button onClick={() => setCreating(true)}>{t('postback.new')}</Button> : null;
  return (
    <>
      <PageHead title={t('postback.title')} text={t('postback.ownText')} actions={create} />
      <ResourceTable<Postback>
        screen="own-postbacks"
        label={t('postback.title')}
        hasText
        list={(query) => getMePostbacksOptions({ query: query as never }) as never}
        rowLabel={(row) => row.url}
        rowActions={(row) => (
          <RowMenu
            row={row.url}
            actions={[
              { key: 'log', text: t('postback.log'), onPress: () => setLooked(row) },
              ...(mayWrite
                ? [
                    {
                      key: 'test',
                      text: t('postback.test'),
                      onPress: () => void sendTest(`/v1/me/postbacks/${row.id}`),
                    },
                    {
                      key: 'delete',
                      text: t('postback.delete'),
                      isNegative: true,
                      onPress: () => setRemoved(row),
                    },
                  ]
                : []),
            ]}
          />
        )}
        empty={{ title: t('postback.none'), text: t('postback.ownNoneText'), action: create }}
        columns={[
          {
            key: 'url',
            title: t('postback.url'),
            render: (row) => <Code style={{ overflowWrap: 'anywhere' }}>{row.url}</Code>,
            csv: 'url',
          },
          {
            key: 'program',
            title: t('postback.program'),
            render: (row) =>
              row.programId === null
                ? t('postback.everyProgram')
                : (programs.data?.data.find((one) => one.id === row.programId)?.name ?? row.programId),
            csv: 'programId',
          },
          {
            key: 'events',
            title: t('postback.events'),
            render: (row) => row.events.map((event) => t(`postback.event.${event}`)).join(', '),
          },
          {
            key: 'state',
            title: t('postback.state'),
            render: (row) => <PostbackState postback={row} />,
            csv: 'active',
          },
        ]}
      />
      {isCreating ? (
        <PostbackForm
          programs={programs.data?.data ?? []}
          save={(draft, key) => postPath('/v1/me/postbacks', draft, key)}
          onClose={() => setCreating(false)}
        />
      ) : null}
      {looked === null ? null : <Log postback={looked} onClose={() => setLooked(null)} />}
      {removed === null ? null : <Removal postback={removed} onClose={() => setRemoved(null)} />}
    </>
  );
}

/** The last calls of one. */
function Log({ postback, onClose }: { readonly postback: Postback; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery({
    ...getMePostbacksByPostbackIdOptions({ path: { postbackId: postback.id } }),
    refetchInterval: 5_000,
  });
  return (
    <Modal opened onClose={onClose} size="lg" title={t('postback.log')} closeButtonProps={{ 'aria-label': t('close') }}>
      <Loaded query={query} lines={4}>
        {({ deliveries }) =>
          deliveries.length === 0 ? (
            <Text>{t('postback.noCalls')}</Text>
          ) : (
            <Table className="resource-table">
              <Table.Caption>{t('postback.log')}</Table.Caption>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('postback.lastTry')}</Table.Th>
                  <Table.Th>{t('postback.eventOf')}</Table.Th>
                  <Table.Th>{t('postback.outcome')}</Table.Th>
                  <Table.Th>{t('postback.called')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {deliveries.map((delivery) => (
                  <Table.Tr key={delivery.id}>
                    <Table.Td data-label={t('postback.lastTry')}>
                      <DateText value={delivery.lastTryAt} />
                    </Table.Td>
                    <Table.Td data-label={t('postback.eventOf')}>{t(`postback.event.${delivery.event}`)}</Table.Td>
                    <Table.Td data-label={t('postback.outcome')}>
                      <DeliveryState delivery={delivery} />
                    </Table.Td>
                    <Table.Td data-label={t('postback.called')}>
                      <Code style={{ overflowWrap: 'anywhere' }}>{delivery.url}</Code>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Modal>
  );
}

function Removal({ postback, onClose }: { readonly postback: Postback; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteMePostbacksByPostbackId({ path: { postbackId: postback.id }, throwOnError: true }),
    onSuccess: () => {
      onClose();
      return queries.invalidateQueries();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t('postback.delete')} closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <Text>{t('postback.deleteText')}</Text>
        <Code style={{ overflowWrap: 'anywhere' }}>{postback.url}</Code>
        {remove.error === null ? null : <ErrorView error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button onClick={() => remove.mutate()} loading={remove.isPending}>
            {t('postback.delete')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
