import { Anchor, Badge, Group, List, Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { PayoutRunPreview } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ScrollRegion } from '../../../kit/ScrollRegion.js';
import { useReasonText } from '../../../kit/texts.js';
import { tones } from '../../../kit/theme.js';

export type PaidLine = PayoutRunPreview['payable'][number];
export type NotPaidLine = PayoutRunPreview['notPayable'][number];

/** Per currency: who is paid how much by which method, who is not, and the run before. */
export function PreviewTotals({ preview }: { readonly preview: PayoutRunPreview }): ReactElement {
  const { t } = useTranslation();
  if (preview.totals.length === 0) return <Text>{t('run.nobody')}</Text>;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      {preview.totals.map((total) => (
        <Paper key={total.currency} withBorder p="md" component="section" aria-label={total.currency}>
          <Text size="sm" c="dimmed">
            {t('run.paidTo', { count: total.payable.affiliates })}
          </Text>
          <Text fz="1.7rem" fw={600}>
            <MoneyText value={total.payable.amount} />
          </Text>
          <List size="sm" mt="xs">
            {total.byMethod.map((one) => (
              <List.Item key={one.type}>
                {t(`method.${one.type}`)}: <MoneyText value={one.amount} /> ({one.affiliates})
              </List.Item>
            ))}
          </List>
          <Text size="sm" mt="xs">
            {t('run.notPaidTo', { count: total.notPayable.affiliates })} <MoneyText value={total.notPayable.amount} />
          </Text>
          <Text size="sm" c="dimmed">
            {t('run.previous')}{' '}
            {total.previousRun === null ? t('run.noPrevious') : <MoneyText value={total.previousRun} />}
          </Text>
          <Needs needs={total.byGateway} />
          <Causes causes={total.causes} />
        </Paper>
      ))}
    </SimpleGrid>
  );
}

type Total = PayoutRunPreview['totals'][number];

/** What has to lie at each provider, and what its payouts will probably cost. */
function Needs({ needs }: { readonly needs: Total['byGateway'] }): ReactElement | null {
  const { t } = useTranslation();
  if (needs.length === 0) return null;
  return (
    <>
      <Text size="sm" fw={500} mt="xs">
        {t('run.funding')}
      </Text>
      <List size="sm">
        {needs.map((need) => (
          <List.Item key={need.gatewayId}>
            {t(`gateway.name.${need.gatewayId}`)}: <MoneyText value={need.amount} />
            {need.balance === null ? null : (
              <>
                , {t('run.lies')} <MoneyText value={need.balance} />
              </>
            )}
            {need.missing === null || /^0(\.0+)?$/.test(need.missing.amount) ? null : (
              <Text span inherit fw={600}>
                , {t('run.fundFirst')} <MoneyText value={need.missing} />
              </Text>
            )}
            , {need.fees === null ? t('run.feesUnknown') : t('run.fees')}{' '}
            {need.fees === null ? null : <MoneyText value={need.fees} />}
          </List.Item>
        ))}
      </List>
    </>
  );
}

/** The affiliates that make this plan more or less than the last run. */
function Causes({ causes }: { readonly causes: Total['causes'] }): ReactElement | null {
  const { t } = useTranslation();
  if (causes.length === 0) return null;
  return (
    <>
      <Text size="sm" fw={500} mt="xs">
        {t('run.causes')}
      </Text>
      <List size="sm">
        {causes.map((cause) => (
          <List.Item key={cause.affiliateId}>
            <Anchor component={Link} to={`/affiliates/${cause.affiliateId}`} size="sm" underline="always">
              {cause.name}
            </Anchor>
            : <MoneyText value={cause.before} /> → <MoneyText value={cause.after} />,{' '}
            <MoneyText value={cause.difference} kind="difference" />
          </List.Item>
        ))}
      </List>
    </>
  );
}

/** Part of the money that stays behind, with how much, why and until when. */
export function StaysBehind({ line }: { readonly line: Pick<PaidLine, 'staysBehind'> }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  if (line.staysBehind.length === 0) return <Text span>–</Text>;
  return (
    <List size="sm" listStyleType="none">
      {line.staysBehind.map((rest) => (
        <List.Item key={`${rest.code}-${rest.amount.amount}`}>
          <MoneyText value={rest.amount} /> {reason(rest.code)}
          {rest.until === null ? null : (
            <>
              {' '}
              {t('run.until')} <DateText value={rest.until} time={false} />
            </>
          )}
        </List.Item>
      ))}
    </List>
  );
}

/** What looks odd about a line, as words. */
export function Oddities({ codes }: { readonly codes: readonly string[] }): ReactElement {
  const reason = useReasonText();
  if (codes.length === 0) return <Text span>–</Text>;
  return (
    <Group gap={4}>
      {codes.map((code) => (
        <Badge key={code} autoContrast={false} styles={{ root: { ...tones.wait, border: 0 } }} component="span">
          {reason(code)}
        </Badge>
      ))}
    </Group>
  );
}

/** Why somebody is not paid: every reason, the first to fix first, with the fix and who can do it. */
export function Reasons({ reasons }: { readonly reasons: NotPaidLine['reasons'] }): ReactElement {
  const { t } = useTranslation();
  const text = useReasonText();
  return (
    <Stack
      gap={6}
      component="ol"
      m={0}
      pl={reasons.length > 1 ? 'md' : 0}
      ta="left"
      style={{ listStyle: reasons.length > 1 ? 'decimal' : 'none' }}
    >
      {reasons.map((one) => (
        <li key={one.code}>
          <Text size="sm" fw={500}>
            {text(one.code)}
          </Text>
          {one.detail === '' ? null : <Text size="sm">{one.detail}</Text>}
          <Text size="sm" c="dimmed">
            {one.fix === '' ? null : `${one.fix} `}
            {t(`fixBy.${one.fixBy}`)}
            {one.fixPath === null || one.fixPath.startsWith('/v1/') ? null : (
              <>
                {' '}
                <Anchor component={Link} to={one.fixPath} size="sm" underline="always">
                  {t('run.fix')}
                </Anchor>
              </>
            )}
          </Text>
        </li>
      ))}
    </Stack>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      <ScrollRegion label={title}>{children}</ScrollRegion>
    </section>
  );
}

/** The payable of a dry run. */
export function PaidTable({ lines }: { readonly lines: readonly PaidLine[] }): ReactElement {
  const { t } = useTranslation();
  return (
    <Section title={t('run.paid')}>
      {lines.length === 0 ? (
        <Text>{t('run.nobody')}</Text>
      ) : (
        <Table className="resource-table">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('run.affiliate')}</Table.Th>
              <Table.Th data-align="right">{t('run.net')}</Table.Th>
              <Table.Th>{t('run.staysBehind')}</Table.Th>
              <Table.Th>{t('run.method')}</Table.Th>
              <Table.Th>{t('run.odd')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {lines.map((line) => (
              <Table.Tr key={`${line.affiliateId}-${line.net.currency}`}>
                <Table.Td data-label={t('run.affiliate')}>{line.name}</Table.Td>
                <Table.Td data-label={t('run.net')} data-align="right">
                  <MoneyText value={line.net} />
                </Table.Td>
                <Table.Td data-label={t('run.staysBehind')}>
                  <StaysBehind line={line} />
                </Table.Td>
                <Table.Td data-label={t('run.method')}>
                  {line.method === null ? '–' : `${t(`method.${line.method.type}`)} ${line.method.masked}`}
                </Table.Td>
                <Table.Td data-label={t('run.odd')}>
                  <Oddities codes={line.oddities} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

/** Everyone who would not be paid. */
export function NotPaidTable({ lines }: { readonly lines: readonly NotPaidLine[] }): ReactElement {
  const { t } = useTranslation();
  return (
    <Section title={t('run.notPaid')}>
      {lines.length === 0 ? (
        <Text>{t('run.everybody')}</Text>
      ) : (
        <Table className="resource-table">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('run.affiliate')}</Table.Th>
              <Table.Th data-align="right">{t('run.owed')}</Table.Th>
              <Table.Th>{t('run.why')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {lines.map((line) => (
              <Table.Tr key={`${line.affiliateId}-${line.owed.currency}`}>
                <Table.Td data-label={t('run.affiliate')}>{line.name}</Table.Td>
                <Table.Td data-label={t('run.owed')} data-align="right">
                  <MoneyText value={line.owed} />
                </Table.Td>
                <Table.Td data-label={t('run.why')}>
                  <Reasons reasons={line.reasons} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}
