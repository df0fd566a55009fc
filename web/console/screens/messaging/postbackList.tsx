import { Button, Group, NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getPostbacksOptions,
  getProgramsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deletePostbacksByPostbackId, patchPostbacksByPostbackId } from '../../../client/sdk.gen.js';
import type { Postback } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { useKeys } from '../../../kit/keys.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { PostbackForm } from '../../../kit/PostbackForm.js';
import { PostbackState, useTestPostback } from '../../../kit/PostbackState.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

/** Developers → Postbacks: calls out to affiliates' own systems (screens.md 3.21, BEY-21). */
export function Screen(): ReactElement {
  return <PostbackTable />;
}

/** All postbacks under their heading, or those of one affiliate as a part of its screen. */
export function PostbackTable({ affiliateId }: { readonly affiliateId?: string }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('webhook.write');
  const [edited, setEdited] = useState<Postback | 'new' | null>(null);
  const sendTest = useTestPostback();
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('postback.new')}</Button> : undefined;
  return (
    <>
      {affiliateId === undefined ? (
        <PageHead title={t('postback.title')} text={t('postback.text')} actions={create} />
      ) : (
        <Group mb="sm">{create}</Group>
      )}
      <ResourceTable<Postback>
        screen="postbacks"
        fixed={affiliateId === undefined ? {} : { affiliateId }}
        label={t('postback.title')}
        hasText
        list={(query) => getPostbacksOptions({ query }) as never}
        rowLabel={(row) => hostOf(row.url)}
        rowHref={(row) => `/developers/postbacks/${row.id}`}
        rowActions={(row) => (
          <RowMenu
            row={hostOf(row.url)}
            actions={
              mayWrite
                ? [
                    { key: 'test', text: t('postback.test'), onPress: () => void sendTest(`/v1/postbacks/${row.id}`) },
                    { key: 'edit', text: t('postback.edit'), onPress: () => setEdited(row) },
                  ]
                : []
            }
          />
        )}
        empty={{ title: t('postback.none'), text: t('postback.noneText'), action: create }}
        filters={[
          {
            field: 'active',
            label: t('postback.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          ...(affiliateId === undefined ? [{ field: 'affiliateId', label: t('commission.filter.affiliateId') }] : []),
          { field: 'programId', label: t('commission.filter.programId') },
        ]}
        columns={[
          {
            key: 'host',
            title: t('postback.to'),
            render: (row) => <NameLink to={`/developers/postbacks/${row.id}`} name={hostOf(row.url)} />,
            csv: 'url',
          },
          {
            key: 'affiliate',
            title: t('postback.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'program',
            title: t('postback.program'),
            render: (row) => (row.programId === null ? t('postback.everyProgram') : <ProgramName id={row.programId} />),
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
            csv: ['active', 'pausedAt', 'lastCode'],
          },
          {
            key: 'lastAt',
            title: t('postback.lastCall'),
            render: (row) => <DateText value={row.lastAt} />,
            csv: 'lastAt',
          },
        ]}
      />
      {edited === null ? null : (
        <EditPostback
          postback={edited === 'new' ? null : edited}
          {...(affiliateId === undefined ? {} : { owner: affiliateId })}
          onClose={() => setEdited(null)}
        />
      )}
    </>
  );
}

/** Staff choose whose it is; of one that is there the affiliate stays. */
export function EditPostback({
  postback,
  owner,
  onClose,
}: {
  readonly postback: Postback | null;
  /** Whose a new one is; without one it is chosen. */
  readonly owner?: string;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [affiliateId, setAffiliateId] = useState(owner ?? '');
  const affiliates = useQuery({
    ...getAffiliatesOptions({ query: { limit: 200 } }),
    enabled: postback === null && owner === undefined,
  });
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const path = { postbackId: postback?.id ?? '' };
  return (
    <PostbackForm
      {...(postback === null
        ? {}
        : {
            postback,
            remove: {
              text: t('postback.delete'),
              run: () => deletePostbacksByPostbackId({ path, throwOnError: true }),
            },
          })}
      programs={programs.data?.data ?? []}
      save={(draft, key) =>
        postback === null
          ? postPath('/v1/postbacks', { ...draft, affiliateId }, key)
          : patchPostbacksByPostbackId({
              path,
              body: { ...draft, events: [...draft.events] },
              headers: { 'If-Match': `"${postback.version}"` } as never,
              throwOnError: true,
            })
      }
      isReady={postback !== null || affiliateId !== ''}
      onClose={onClose}
      above={
        postback === null && owner === undefined ? (
          <NativeSelect
            label={t('postback.affiliate')}
            value={affiliateId}
            onChange={(event) => setAffiliateId(event.currentTarget.value)}
            data={[
              { value: '', label: '–' },
              ...(affiliates.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
            ]}
            required
          />
        ) : null
      }
    />
  );
}
