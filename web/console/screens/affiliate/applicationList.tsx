import { NativeSelect, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesByAffiliateIdOptions,
  getApplicationsOptions,
  getGroupsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { patchAffiliatesByAffiliateId } from '../../../client/sdk.gen.js';
import type { Application } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu, useDecide } from '../../../kit/DecisionButtons.js';
import { Facts } from '../../../kit/Facts.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { useRequirementText } from './requirementText.js';

const statuses = ['pending', 'approved', 'declined', 'suspended', 'terminated'] as const;

/** Affiliates → Applications (screens.md 3.6): what was answered, what is missing, what speaks against it; approve, ask or decline. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayAsk = can('affiliate.write');
  const [asked, setAsked] = useState<Application | undefined>();
  const [placed, setPlaced] = useState<Application | undefined>();
  return (
    <>
      <PageHead
        title={t('application.title')}
        text={t('application.text')}
        actions={can('program.read') ? <NameLink to="/applications/form" name={t('applyForm.open')} /> : undefined}
      />
      <ResourceTable<Application>
        screen="applications"
        label={t('application.title')}
        hasText
        include="counts"
        list={(query) => getApplicationsOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowDetail={(row) => <Details application={row} />}
        rowActions={(row) => (
          <DecisionMenu
            row={row.name}
            path={`/v1/affiliates/${row.affiliateId}`}
            actions={row.allowedActions}
            more={
              mayAsk && row.status === 'pending'
                ? [
                    { key: 'ask', text: t('application.ask'), onPress: () => setAsked(row) },
                    ...(row.allowedActions.includes('approve') && can('group.read')
                      ? [{ key: 'into_group', text: t('application.intoGroup'), onPress: () => setPlaced(row) }]
                      : []),
                  ]
                : []
            }
          />
        )}
        empty={{ title: t('application.none'), text: t('application.noneText') }}
        filters={[
          {
            field: 'status',
            label: t('application.status'),
            options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
          },
          { field: 'programId', label: t('commission.filter.programId') },
        ]}
        columns={[
          {
            key: 'name',
            title: t('application.name'),
            render: (row) => <NameLink to={`/affiliates/${row.affiliateId}`} name={row.name} />,
            csv: 'name',
          },
          { key: 'email', title: t('application.email'), render: (row) => row.email, csv: 'email' },
          { key: 'program', title: t('application.program'), render: (row) => row.programName, csv: 'programName' },
          {
            key: 'recruiter',
            title: t('application.recruiter'),
            render: (row) =>
              row.recruiterId === null ? (
                '–'
              ) : (
                <NameLink to={`/affiliates/${row.recruiterId}`} name={row.recruiterName ?? row.recruiterId} />
              ),
            csv: 'recruiterName',
          },
          {
            key: 'status',
            title: t('application.status'),
            render: (row) => <StatusPill status={row.status} objectId={row.affiliateId} />,
            csv: 'status',
          },
          {
            key: 'confirmed',
            title: t('application.confirmed'),
            render: (row) => t(row.emailVerifiedAt === null ? 'no' : 'yes'),
            csv: 'emailVerifiedAt',
          },
          {
            key: 'createdAt',
            title: t('application.at'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
        ]}
      />
      {placed === undefined ? null : <GroupDialog application={placed} onClose={() => setPlaced(undefined)} />}
      {asked === undefined ? null : <AskDialog application={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Details({ application }: { readonly application: Application }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const requirement = useRequirementText();
  const text = (value: string | null): ReactElement => <Text style={{ whiteSpace: 'pre-wrap' }}>{value ?? '–'}</Text>;
  return (
    <Facts
      rows={[
        ...application.answers.map(({ label, value }) => [label, text(value)] as const),
        [
          t('application.terms'),
          application.agreementNumber === null
            ? t('no')
            : t('application.termsVersion', { number: application.agreementNumber }),
        ],
        [
          t('application.missing'),
          application.openRequirements.length === 0 ? (
            '–'
          ) : (
            <Stack gap={2} key="open">
              {application.openRequirements.map((one) => (
                <Text key={one.detail}>{requirement(one)}</Text>
              ))}
            </Stack>
          ),
        ],
        [
          t('application.flags'),
          application.riskFlags.length === 0 ? '–' : application.riskFlags.map(reason).join(', '),
        ],
        [
          t('application.duplicates'),
          application.duplicateIds.length === 0 ? (
            '–'
          ) : (
            <Stack gap={2} key="same">
              {application.duplicateIds.map((id) => (
                <NameLink key={id} to={`/affiliates/${id}`} name={id} />
              ))}
            </Stack>
          ),
        ],
        [t('application.earlier'), String(application.earlierAttempts)],
        [t('application.question'), text(application.question)],
        [t('application.reply'), text(application.reply)],
      ]}
    />
  );
}

/** Approved into the group that it shall be in from the start: its rules count for the first sale (screens.md 3.6). */
function GroupDialog({
  application,
  onClose,
}: {
  readonly application: Application;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const decide = useDecide();
  const path = { affiliateId: application.affiliateId };
  const affiliate = useQuery(getAffiliatesByAffiliateIdOptions({ path }));
  const groups = useQuery(getGroupsOptions({ query: { limit: 200, sort: 'name' } }));
  const [groupId, setGroupId] = useState('');
  const version = affiliate.data?.version;
  return (
    <FormDialog
      title={t('application.intoGroup')}
      submit={t('application.approveInto')}
      save={async (key) => {
        await patchAffiliatesByAffiliateId({
          path,
          body: { groupId },
          headers: { 'If-Match': `"${version ?? 0}"` } as never,
          throwOnError: true,
        });
        return decide({ path: `/v1/affiliates/${application.affiliateId}`, verb: 'approve', body: {}, key });
      }}
      onClose={onClose}
      isReady={groupId !== '' && version !== undefined}
    >
      {(errors) => (
        <NativeSelect
          label={t('affiliate.group')}
          description={t('application.intoGroupText')}
          value={groupId}
          error={errors['groupId']}
          required
          onChange={(event) => setGroupId(event.currentTarget.value)}
          data={[
            { value: '', label: '–' },
            ...(groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
          ]}
        />
      )}
    </FormDialog>
  );
}

function AskDialog({
  application,
  onClose,
}: {
  readonly application: Application;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [question, setQuestion] = useState('');
  return (
    <FormDialog
      title={t('application.ask')}
      submit={t('application.askSend')}
      save={(key) => postPath(`/v1/affiliates/${application.affiliateId}/ask`, { question }, key)}
      onClose={onClose}
    >
      {(errors) => (
        <Textarea
          label={t('application.question')}
          description={t('application.askText')}
          value={question}
          error={errors['question']}
          required
          autosize
          minRows={3}
          onChange={(event) => setQuestion(event.currentTarget.value)}
        />
      )}
    </FormDialog>
  );
}
