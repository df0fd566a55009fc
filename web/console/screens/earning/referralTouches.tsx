import { List, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getReferralsByReferralIdAttributionsOptions,
  getReferralsByReferralIdTouchesOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { Attribution } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { useReasonText } from '../../../kit/texts.js';

/** Every touch of every affiliate, and for each decision who won and why the others did not (screens.md 3.8, 4). */
export function ReferralTouches({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const touches = useQuery(getReferralsByReferralIdTouchesOptions({ path: { referralId } }));
  return (
    <Stack>
      <Title order={2} size="h4">
        {t('credit.decisions')}
      </Title>
      <CreditDecisions referralId={referralId} />
      <Title order={2} size="h4">
        {t('credit.touches')}
      </Title>
      <Loaded query={touches}>
        {({ data }) =>
          data.length === 0 ? (
            <Text c="dimmed">{t('credit.noTouch')}</Text>
          ) : (
            <Table className="resource-table">
              <Table.Caption>{t('credit.touches')}</Table.Caption>
              <Table.Thead>
                <Table.Tr>
                  {['when', 'kind', 'affiliate', 'link', 'sub', 'ends', 'fate'].map((name) => (
                    <Table.Th key={name}>{t(`credit.${name}`)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((touch) => (
                  <Table.Tr key={touch.id}>
                    <Table.Td data-label={t('credit.when')}>
                      <DateText value={touch.at} />
                    </Table.Td>
                    <Table.Td data-label={t('credit.kind')}>{t(`touch.${touch.kind}`)}</Table.Td>
                    <Table.Td data-label={t('credit.affiliate')}>
                      <span>
                        <AffiliateName id={touch.affiliateId} />
                      </span>
                    </Table.Td>
                    <Table.Td data-label={t('credit.link')}>{touch.slug ?? touch.url ?? '–'}</Table.Td>
                    <Table.Td data-label={t('credit.sub')}>{touch.sub1 ?? '–'}</Table.Td>
                    <Table.Td data-label={t('credit.ends')}>
                      <DateText value={touch.endsAt} />
                    </Table.Td>
                    <Table.Td data-label={t('credit.fate')}>
                      {touch.code === null
                        ? t(touch.credited === true ? 'credit.credited' : fateOf(touch.kind))
                        : `${t('credit.notCredited')}: ${reason(touch.code)}`}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Stack>
  );
}

function fateOf(kind: string): string {
  return kind === 'visit' ? 'credit.visitOnly' : 'credit.undecided';
}

/** Each decision of one referral: who won, and why the others did not. */
export function CreditDecisions({ referralId }: { readonly referralId: string }): ReactElement {
  const { t } = useTranslation();
  const decisions = useQuery(getReferralsByReferralIdAttributionsOptions({ path: { referralId } }));
  return (
    <Loaded query={decisions}>
      {({ data }) =>
        data.length === 0 ? (
          <Text c="dimmed">{t('credit.noDecision')}</Text>
        ) : (
          <Stack gap="sm">
            {data.map((one) => (
              <Decision key={one.id} decision={one} />
            ))}
          </Stack>
        )
      }
    </Loaded>
  );
}

function Decision({ decision }: { readonly decision: Attribution }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <Paper withBorder p="md">
      <Text fw={500}>
        {decision.affiliateId === null ? t('credit.nobody') : t('credit.winner')}{' '}
        {decision.affiliateId === null ? null : <AffiliateName id={decision.affiliateId} />}
      </Text>
      <Text size="sm" c="dimmed">
        {t(`credit.choice.${decision.referrerChoice}`)} · <DateText value={decision.at} />
        {decision.code === null ? '' : ` · ${reason(decision.code)}`}
      </Text>
      <List size="sm" mt="xs">
        {decision.candidates.map((one) => (
          <List.Item key={one.sourceId} icon={<span aria-hidden="true">{one.won ? '✓' : '✕'}</span>}>
            <AffiliateName id={one.affiliateId} /> · {t(`touch.${one.kind}`, { defaultValue: one.kind })} ·{' '}
            <DateText value={one.at} /> ·{' '}
            <Text span inherit fw={500}>
              {t(one.won ? 'credit.won' : 'credit.lost')}
            </Text>
            {one.code === null ? '' : `: ${reason(one.code)}`}
          </List.Item>
        ))}
      </List>
    </Paper>
  );
}
