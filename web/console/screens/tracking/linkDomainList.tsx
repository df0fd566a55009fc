import { Badge, Button, Code, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getTrackingDomainsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteTrackingDomainsByDomainId, postTrackingDomainsByDomainIdVerify } from '../../../client/sdk.gen.js';
import type { TrackingDomain } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Settings → Link domains: what to set where, and whether it was found (LNK-08). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayWrite = useCan()('settings.write');
  const [isAdding, setAdding] = useState(false);
  const [domain, setDomain] = useState('');
  const verify = useMutation({
    mutationFn: (id: string) =>
      postTrackingDomainsByDomainIdVerify({ path: { domainId: id }, body: undefined as never, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  const remove = useMutation({
    mutationFn: (id: string) => deleteTrackingDomainsByDomainId({ path: { domainId: id }, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  const result = (seen: TrackingDomain['dns'] | TrackingDomain['https']): string =>
    seen === null ? '–' : t(`domain.result.${seen}`);
  const add = mayWrite ? <Button onClick={() => setAdding(true)}>{t('domain.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('domain.title')} text={t('domain.text')} actions={add} />
      {[verify.error, remove.error].map((error, index) =>
        error === null ? null : <ErrorView key={index === 0 ? 'verify' : 'remove'} error={error} />,
      )}
      <ResourceTable<TrackingDomain>
        screen="link-domains"
        label={t('domain.title')}
        hasText
        list={(query) => getTrackingDomainsOptions({ query }) as never}
        rowLabel={(row) => row.domain}
        rowActions={(row) => (
          <RowMenu
            row={row.domain}
            actions={
              mayWrite
                ? [
                    {
                      key: 'verify',
                      text: t('domain.verify'),
                      onPress: () => verify.mutate(row.id),
                      isBusy: verify.isPending,
                    },
                    {
                      key: 'remove',
                      text: t('domain.remove'),
                      onPress: () => remove.mutate(row.id),
                      isNegative: true,
                    },
                  ]
                : []
            }
          />
        )}
        empty={{ title: t('domain.none'), text: t('domain.noneText'), action: add }}
        columns={[
          { key: 'domain', title: t('domain.name'), sort: 'domain', render: (row) => row.domain, csv: 'domain' },
          {
            key: 'state',
            title: t('domain.state'),
            render: (row) => (
              <Badge variant="default" component="span">
                {t(row.verified ? 'domain.verified' : 'domain.unverified')}
              </Badge>
            ),
            csv: 'verified',
          },
          {
            key: 'record',
            title: t('domain.record'),
            render: (row) => (
              <Stack gap={2}>
                <Code style={{ overflowWrap: 'anywhere' }}>{row.record.name}</Code>
                <Code style={{ overflowWrap: 'anywhere' }}>{row.record.value}</Code>
              </Stack>
            ),
            csv: ['record.name', 'record.value'],
          },
          { key: 'target', title: t('domain.target'), render: (row) => <Text>{row.target}</Text>, csv: 'target' },
          { key: 'dns', title: t('domain.dns'), render: (row) => result(row.dns), csv: 'dns' },
          { key: 'https', title: t('domain.https'), render: (row) => result(row.https), csv: 'https' },
          {
            key: 'checkedAt',
            title: t('domain.checked'),
            render: (row) => <DateText value={row.checkedAt} />,
            csv: 'checkedAt',
          },
        ]}
      />
      {isAdding ? (
        <FormDialog
          title={t('domain.new')}
          submit={t('domain.new')}
          save={(key) => postPath('/v1/tracking-domains', { domain: domain.trim() }, key)}
          onClose={() => {
            setAdding(false);
            setDomain('');
          }}
        >
          {(errors) => (
            <TextInput
              label={t('domain.name')}
              description={t('domain.nameHint')}
              value={domain}
              error={errors['domain']}
              required
              onChange={(event) => setDomain(event.currentTarget.value)}
            />
          )}
        </FormDialog>
      ) : null}
    </>
  );
}
