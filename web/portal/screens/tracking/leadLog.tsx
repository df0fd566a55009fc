import { Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeLeadLogOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnLeadLogEntry } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { AppealOf } from '../earning/appealOf.js';

const outcomes = ['received', 'accepted', 'duplicate', 'invalid', 'converted', 'refused'] as const;

/** Own leads of all channels with verdict and reason; the own reference is shown back (screens.md 6, PRT-08). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <>
      <PageHead title={t('leadLog.title')} text={t('leadLog.text')} />
      <ResourceTable<OwnLeadLogEntry>
        screen="own-lead-log"
        label={t('leadLog.title')}
        hasText
        list={(query) => getMeLeadLogOptions({ query }) as never}
        rowLabel={(one) => one.externalId ?? one.id}
        filters={[
          {
            field: 'outcome',
            label: t('leadLog.outcome'),
            options: outcomes.map((value) => ({ value, label: t(`status.${value}`) })),
          },
        ]}
        empty={{ title: t('leadLog.none'), text: t('leadLog.noneText') }}
        columns={[
          {
            key: 'at',
            title: t('leadLog.at'),
            render: (one) => <DateText value={one.at} />,
            csv: 'at',
          },
          {
            key: 'externalId',
            title: t('leadLog.reference'),
            render: (one) => one.externalId ?? '–',
            csv: 'externalId',
          },
          {
            key: 'outcome',
            title: t('leadLog.outcome'),
            render: (one) => (
              <Stack gap={2} align="flex-start">
                <StatusBadge status={one.outcome} />
                {one.code === null ? null : <Text size="sm">{reason(one.code)}</Text>}
                {one.outcome === 'invalid' && (one.credited || one.referralId !== null) ? (
                  <AppealOf
                    objectId={one.id}
                    name={one.externalId ?? one.customer.name ?? one.customer.reference ?? one.id}
                  />
                ) : null}
              </Stack>
            ),
            csv: 'outcome',
          },
          {
            key: 'customer',
            title: t('leadLog.customer'),
            render: (one) => one.customer.name ?? one.customer.reference ?? t('leadLog.masked'),
            csv: 'customer.name',
          },
          {
            key: 'program',
            title: t('leadLog.program'),
            render: (one) => <ProgramName id={one.programId} />,
            csv: 'programId',
          },
          {
            key: 'sub1',
            title: t('leadLog.sub'),
            hidden: true,
            render: (one) => one.sub1 ?? '–',
            csv: 'sub1',
          },
        ]}
      />
    </>
  );
}
