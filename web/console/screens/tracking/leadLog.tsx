import { Group, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getLeadFormsOptions,
  getLeadLogOptions,
  getLeadSourcesOptions,
  getSettingsBySectionOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { getSettingsBySection, patchSettings } from '../../../client/sdk.gen.js';
import type { LeadLogEntry } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { AffiliateName, NameLink, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { AttributeDialog } from '../earning/attributeDialog.js';
import { PayloadFields } from './payloadFields.js';

const outcomes = ['received', 'accepted', 'duplicate', 'invalid', 'converted', 'refused'] as const;
const channels = ['api', 'form', 'postback', 'script', 'manual', 'import', 'payment_hook', 'sale'] as const;

/** Activity → Lead log: nothing that came in disappears (screens.md 3.14). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const can = useCan();
  const [attributing, setAttributing] = useState<LeadLogEntry | null>(null);
  const [blocking, setBlocking] = useState<string | null>(null);
  const blocked = useBlockedAddresses();
  const forms = useQuery(getLeadFormsOptions({ query: { limit: 200 } }));
  const sources = useQuery(getLeadSourcesOptions({ query: { limit: 200 } }));
  const named = (list: readonly { readonly id: string; readonly name: string }[] | undefined) =>
    (list ?? []).map((one) => ({ value: one.id, label: one.name }));
  const moreOf = ({ address }: LeadLogEntry) =>
    address === null || blocked === undefined || blocked.includes(address)
      ? []
      : [{ key: 'block', text: t('leadLog.block'), isNegative: true, onPress: () => setBlocking(address) }];
  return (
    <>
      <PageHead title={t('leadLog.title')} text={t('leadLog.text')} />
      <Group gap="md" mb="sm" component="nav" aria-label={t('leadLog.views')}>
        <NameLink to="/lead-log" name={t('leadLog.view.all')} />
        <NameLink to="/lead-log?outcome=refused,duplicate,invalid" name={t('leadLog.view.refused')} />
        {can('log.read') ? (
          <NameLink to="/developers/request-log?outcome=refused" name={t('leadLog.view.calls')} />
        ) : null}
        {can('link.read') ? (
          <NameLink to="/clicks?credit=not_credited,filtered" name={t('leadLog.view.clicks')} />
        ) : null}
        {can('sale.read') ? <NameLink to="/sales?earned=false" name={t('leadLog.view.sales')} /> : null}
        {can('log.read') ? <NameLink to="/parked-events" name={t('leadLog.view.parked')} /> : null}
      </Group>
      <ResourceTable<LeadLogEntry>
        screen="lead-log"
        label={t('leadLog.title')}
        hasText
        list={(query) => getLeadLogOptions({ query }) as never}
        rowLabel={(row) => row.externalId ?? row.id}
        rowActions={(row) => (
          <DecisionMenu
            row={row.externalId ?? row.id}
            path={`/v1/leads/${row.leadId ?? ''}`}
            actions={row.allowedActions}
            custom={{ attribute: () => setAttributing(row) }}
            more={moreOf(row)}
          />
        )}
        empty={{ title: t('leadLog.none'), text: t('leadLog.noneText') }}
        filters={[
          {
            field: 'outcome',
            label: t('leadLog.outcome'),
            options: outcomes.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          {
            field: 'channel',
            label: t('leadLog.channel'),
            options: channels.map((value) => ({ value, label: t(`channel.${value}`) })),
          },
          { field: 'code', label: t('leadLog.code') },
          { field: 'affiliateId', label: t('leadLog.affiliate') },
          { field: 'programId', label: t('leadLog.program') },
          { field: 'formId', label: t('leadLog.form'), options: named(forms.data?.data) },
          { field: 'sourceId', label: t('leadLog.source'), options: named(sources.data?.data) },
          { field: 'keyId', label: t('leadLog.key') },
          { field: 'createdAt[gte]', label: t('commission.filter.from'), isDay: 'instant' },
          { field: 'createdAt[lt]', label: t('commission.filter.before'), isDay: 'instant' },
        ]}
        columns={[
          {
            key: 'at',
            title: t('leadLog.at'),
            render: (row) => <DateText value={row.at} />,
            csv: 'at',
          },
          {
            key: 'channel',
            title: t('leadLog.channel'),
            render: (row) => t(`channel.${row.channel}`),
            csv: 'channel',
          },
          {
            key: 'outcome',
            title: t('leadLog.outcome'),
            render: (row) => <StatusBadge status={row.outcome} />,
            csv: 'outcome',
          },
          {
            key: 'code',
            title: t('leadLog.code'),
            render: (row) => (row.code === null ? '–' : reason(row.code)),
            csv: 'code',
          },
          {
            key: 'affiliate',
            title: t('leadLog.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'matchedBy',
            title: t('leadLog.matchedBy'),
            render: (row) => (row.matchedBy === null ? '–' : t(`leadLog.matched.${row.matchedBy}`)),
            csv: 'matchedBy',
          },
          {
            key: 'unique',
            title: t('leadLog.duplicate'),
            render: (row) => (row.unique === null ? '–' : t(row.unique ? 'leadLog.first' : 'leadLog.repeat')),
            csv: 'unique',
          },
          {
            key: 'externalId',
            title: t('lead.externalId'),
            render: (row) => row.externalId ?? '–',
            csv: 'externalId',
          },
          {
            key: 'payload',
            title: t('leadLog.payload'),
            render: (row) => <PayloadFields payload={row.payload} />,
            csv: 'payload',
          },
          {
            key: 'click',
            title: t('leadLog.click'),
            hidden: true,
            render: (row) => row.clickId ?? '–',
            csv: 'clickId',
          },
          {
            key: 'program',
            title: t('leadLog.program'),
            hidden: true,
            render: (row) => <ProgramName id={row.programId} />,
            csv: 'programId',
          },
          {
            key: 'referral',
            title: t('lead.referral'),
            hidden: true,
            render: (row) =>
              row.referralId === null ? '–' : <NameLink to={`/referrals/${row.referralId}`} name={t('lead.story')} />,
            csv: 'referralId',
          },
          {
            key: 'address',
            title: t('leadLog.address'),
            hidden: true,
            render: (row) => <Text size="sm">{row.address ?? '–'}</Text>,
            csv: 'address',
          },
          {
            key: 'requestId',
            title: t('leadLog.request'),
            hidden: true,
            render: (row) => row.requestId ?? '–',
            csv: 'requestId',
          },
        ]}
      />
      {attributing === null ? null : (
        <AttributeDialog
          path={`/v1/leads/${attributing.leadId ?? ''}`}
          programId={attributing.programId}
          onClose={() => setAttributing(null)}
        />
      )}
      {blocking === null ? null : <BlockDialog address={blocking} onClose={() => setBlocking(null)} />}
    </>
  );
}

/** Which addresses are blocked already; undefined for readers who may not block one. */
function useBlockedAddresses(): readonly string[] | undefined {
  const can = useCan();
  const mayBlock = can('settings.read') && can('settings.write');
  const { data } = useQuery({
    ...getSettingsBySectionOptions({ path: { section: 'leads' } }),
    enabled: mayBlock,
  });
  return mayBlock && data !== undefined ? blockedIn(data) : undefined;
}

function blockedIn({ values }: { readonly values: Readonly<Record<string, unknown>> }): readonly string[] {
  const listed = values['blockedAddresses'];
  return Array.isArray(listed) ? listed.map(String) : [];
}

/** Adds an address, or the network that it is in, to those whose calls are kept as spam. */
function BlockDialog({ address, onClose }: { readonly address: string; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(address);
  const save = async (): Promise<void> => {
    // What is there is read with its version now, so that nobody's entry is lost and a change in between is refused.
    const { data } = await getSettingsBySection({ path: { section: 'leads' }, throwOnError: true });
    const blockedAddresses = [...new Set([...blockedIn(data), wanted.trim()])];
    await patchSettings({
      body: { leads: { blockedAddresses } },
      headers: { 'If-Match': `"${data.version}"` } as never,
      throwOnError: true,
    });
  };
  return (
    <FormDialog
      title={t('leadLog.blockTitle')}
      submit={t('leadLog.blockDo')}
      color="red"
      save={save}
      isReady={wanted.trim() !== ''}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">{t('leadLog.blockText')}</Text>
          <TextInput
            label={t('leadLog.blockAddress')}
            description={t('leadLog.blockHint')}
            value={wanted}
            error={Object.entries(errors).find(([field]) => field.startsWith('leads.blockedAddresses'))?.[1]}
            onChange={(event) => setWanted(event.currentTarget.value)}
            required
          />
        </>
      )}
    </FormDialog>
  );
}
