import { Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesByAffiliateIdAgreementAcceptancesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { ProgramName } from '../../../kit/ObjectName.js';

/** Which versions were accepted: when, how and, for who may see personal data, from where (PRT-13). */
export function Acceptances({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getAffiliatesByAffiliateIdAgreementAcceptancesOptions({ path: { affiliateId } }));
  return (
    <Loaded query={query}>
      {({ data }) =>
        data.length === 0 ? (
          <Text c="dimmed">{t('affiliate.noAcceptances')}</Text>
        ) : (
          <Table className="resource-table" aria-label={t('affiliate.tab.agreements')}>
            <Table.Thead>
              <Table.Tr>
                {(['document', 'version', 'program', 'acceptedAt', 'via', 'address'] as const).map((column) => (
                  <Table.Th key={column}>{t(`acceptance.${column}`)}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.map((one) => (
                <Table.Tr key={one.agreementId}>
                  <Table.Td data-label={t('acceptance.document')}>{one.title}</Table.Td>
                  <Table.Td data-label={t('acceptance.version')}>{one.number}</Table.Td>
                  <Table.Td data-label={t('acceptance.program')}>
                    <ProgramName id={one.programId} />
                  </Table.Td>
                  <Table.Td data-label={t('acceptance.acceptedAt')}>
                    <DateText value={one.acceptedAt} />
                  </Table.Td>
                  <Table.Td data-label={t('acceptance.via')}>
                    {one.via === null ? '–' : t(`acceptance.via.${one.via}`)}
                  </Table.Td>
                  <Table.Td data-label={t('acceptance.address')}>{one.address ?? '–'}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )
      }
    </Loaded>
  );
}
