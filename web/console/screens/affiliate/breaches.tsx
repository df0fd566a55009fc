import { Button, Group, Radio, Stack, Table, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesByAffiliateIdBreachesOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useCan } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

const columns = ['policy', 'action', 'evidence', 'by', 'at'] as const;

/** Which policies this affiliate broke, what shows it and what followed; a new one is recorded here (PRG-19, AUD-04). */
export function Breaches({ affiliate }: { readonly affiliate: Affiliate }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('affiliate.write');
  const [isRecording, setRecording] = useState(false);
  const query = useQuery(
    getAffiliatesByAffiliateIdBreachesOptions({ path: { affiliateId: affiliate.id }, query: { limit: 100 } }),
  );
  return (
    <Stack>
      {mayWrite ? (
        <Group>
          <Button onClick={() => setRecording(true)}>{t('breach.record')}</Button>
        </Group>
      ) : null}
      <Loaded query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <Text c="dimmed">{t('breach.none')}</Text>
          ) : (
            <ScrollRegion label={t('affiliate.tab.breaches')}>
              <Table className="resource-table" aria-label={t('affiliate.tab.breaches')}>
                <Table.Thead>
                  <Table.Tr>
                    {columns.map((column) => (
                      <Table.Th key={column}>{t(`breach.${column}`)}</Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((one) => (
                    <Table.Tr key={one.id}>
                      <Table.Td data-label={t('breach.policy')}>{one.policy}</Table.Td>
                      <Table.Td data-label={t('breach.action')}>{t(`breach.action.${one.action}`)}</Table.Td>
                      <Table.Td data-label={t('breach.evidence')}>
                        <Text span size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                          {one.evidence}
                        </Text>
                      </Table.Td>
                      <Table.Td data-label={t('breach.by')}>{one.by.name ?? t(`actor.${one.by.type}`)}</Table.Td>
                      <Table.Td data-label={t('breach.at')}>
                        <DateText value={one.createdAt} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollRegion>
          )
        }
      </Loaded>
      {isRecording ? <BreachForm affiliate={affiliate} onClose={() => setRecording(false)} /> : null}
    </Stack>
  );
}

function BreachForm({
  affiliate,
  onClose,
}: {
  readonly affiliate: Affiliate;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  // What may follow now is what the affiliate's own buttons offer: the same moves, with the policy as their reason.
  const actions = [
    'warning',
    ...(affiliate.allowedActions.includes('suspend') ? ['suspension'] : []),
    ...(affiliate.allowedActions.includes('terminate') ? ['termination'] : []),
  ];
  const [policy, setPolicy] = useState('');
  const [evidence, setEvidence] = useState('');
  const [action, setAction] = useState('warning');
  const body = { policy: policy.trim(), evidence: evidence.trim(), action };
  return (
    <FormDialog
      title={t('breach.record')}
      submit={t(`breach.do.${action}`)}
      isReady={body.policy !== '' && body.evidence !== ''}
      save={(key) => withStepUp(() => postPath(`/v1/affiliates/${affiliate.id}/breaches`, body, key))}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('breach.policy')}
            description={t('breach.policyHint')}
            value={policy}
            error={errors['policy']}
            required
            onChange={(event) => setPolicy(event.currentTarget.value)}
          />
          <Textarea
            label={t('breach.evidence')}
            description={t('breach.evidenceHint')}
            value={evidence}
            error={errors['evidence']}
            autosize
            minRows={3}
            maxRows={10}
            required
            onChange={(event) => setEvidence(event.currentTarget.value)}
          />
          <Radio.Group label={t('breach.follows')} value={action} onChange={setAction}>
            <Stack gap="xs" mt="xs">
              {actions.map((one) => (
                <Radio key={one} value={one} label={t(`breach.follows.${one}`)} />
              ))}
            </Stack>
          </Radio.Group>
        </>
      )}
    </FormDialog>
  );
}
