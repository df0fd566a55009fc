import { Grid, Group, Paper, Stack, Table, Text, Textarea, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getSalesBySaleIdOptions, getSalesBySaleIdRefundsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { formatMoney, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink, ProductName, ProgramName } from '../../../kit/ObjectName.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusBadge, StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { AttributeDialog } from './attributeDialog.js';
import { ConfirmSaleDialog } from './confirmSaleDialog.js';
import type { Sale } from './saleList.js';

const pollMs = 5_000;

/** One sale: its lines, whom it credits and why, what came back of it (screens.md 3.8, 3.14). */
export function Screen(): ReactElement {
  const { saleId = '' } = useParams({ strict: false }) as { saleId?: string };
  const { t } = useTranslation();
  const [isRefunding, setRefunding] = useState(false);
  const [isAttributing, setAttributing] = useState(false);
  const [isConfirming, setConfirming] = useState(false);
  const query = useQuery({
    ...getSalesBySaleIdOptions({ path: { saleId } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const sale = query.data;
  return (
    <>
      <PageHead
        title={sale === undefined ? t('sale.one') : t('sale.named', { order: sale.externalId })}
        text={saleId}
        actions={
          sale === undefined ? undefined : (
            <DecisionButtons
              path={`/v1/sales/${sale.id}`}
              actions={sale.allowedActions}
              custom={{
                refund: () => setRefunding(true),
                attribute: () => setAttributing(true),
                confirm: () => setConfirming(true),
              }}
            />
          )
        }
      />
      <Loaded query={query} lines={8}>
        {(one) => <Detail sale={one} />}
      </Loaded>
      {isRefunding && sale !== undefined ? <RefundDialog sale={sale} onClose={() => setRefunding(false)} /> : null}
      {isConfirming && sale !== undefined ? (
        <ConfirmSaleDialog sale={sale} onClose={() => setConfirming(false)} />
      ) : null}
      {isAttributing && sale !== undefined ? (
        <AttributeDialog
          path={`/v1/sales/${sale.id}`}
          programId={sale.attribution.programId}
          onClose={() => setAttributing(false)}
        />
      ) : null}
    </>
  );
}

function Detail({ sale }: { readonly sale: Sale }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const refunds = useQuery({
    ...getSalesBySaleIdRefundsOptions({ path: { saleId: sale.id } }),
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 7 }}>
        <Paper withBorder p="md">
          <Group mb="sm" gap="xs">
            <StatusPill status={sale.status} objectId={sale.id} />
            {sale.inReview ? <StatusBadge status="in_review" /> : null}
          </Group>
          <Facts
            rows={[
              [t('sale.amount'), <MoneyText key="a" value={sale.amount} />],
              [t('sale.refunded'), <MoneyText key="r" value={sale.refunded} />],
              [t('sale.when'), <DateText key="w" value={sale.occurredAt} />],
              [t('sale.processed'), <DateText key="p" value={sale.processedAt} />],
              [t('sale.channel'), t(`channel.${sale.channel}`, { defaultValue: sale.channel })],
              [t('sale.paymentNumber'), sale.paymentNumber],
              [t('sale.affiliate'), <AffiliateName key="f" id={sale.attribution.affiliateId} />],
              [t('sale.program'), <ProgramName key="g" id={sale.attribution.programId} />],
              [t('sale.parked'), sale.parkedCode === null ? null : reason(sale.parkedCode)],
              [t('sale.noCommission'), sale.noCommissionCode === null ? null : reason(sale.noCommissionCode)],
              [t('sale.credit'), sale.attribution.code === null ? null : reason(sale.attribution.code)],
              [
                t('sale.referral'),
                sale.referralId === null ? null : (
                  <NameLink key="l" to={`/referrals/${sale.referralId}`} name={sale.referralId} />
                ),
              ],
            ]}
          />
        </Paper>
        <Title order={2} size="h4" mt="md">
          {t('sale.lines')}
        </Title>
        <Table className="resource-table">
          <Table.Caption>{t('sale.lines')}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('sale.product')}</Table.Th>
              <Table.Th data-align="right">{t('sale.quantity')}</Table.Th>
              <Table.Th data-align="right">{t('sale.amount')}</Table.Th>
              <Table.Th>{t('sale.why')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sale.lines.map((line, index) => (
              <Table.Tr key={index}>
                <Table.Td data-label={t('sale.product')}>
                  <span>
                    <ProductName id={line.productId} />
                  </span>
                </Table.Td>
                <Table.Td data-label={t('sale.quantity')} data-align="right">
                  {line.quantity}
                </Table.Td>
                <Table.Td data-label={t('sale.amount')} data-align="right">
                  <span>
                    <MoneyText value={line.amount} />
                  </span>
                </Table.Td>
                <Table.Td data-label={t('sale.why')}>{line.code === null ? '–' : reason(line.code)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 5 }}>
        <Stack>
          <Paper withBorder p="md" component="section" aria-label={t('referral.commissions')}>
            <Title order={2} size="h4" mb="xs">
              {t('referral.commissions')}
            </Title>
            {sale.commissionIds.length === 0 ? (
              <Text size="sm" c="dimmed">
                {t('referral.noCommissions')}
              </Text>
            ) : (
              sale.commissionIds.map((id) => (
                <Text key={id} size="sm">
                  <NameLink to={`/commissions/${id}`} name={id} />
                </Text>
              ))
            )}
          </Paper>
          <Paper withBorder p="md" component="section" aria-label={t('sale.refunds')}>
            <Title order={2} size="h4" mb="xs">
              {t('sale.refunds')}
            </Title>
            <Loaded query={refunds} lines={2}>
              {({ data }) =>
                data.length === 0 ? (
                  <Text size="sm" c="dimmed">
                    {t('sale.noRefunds')}
                  </Text>
                ) : (
                  <Stack gap="xs">
                    {data.map((refund) => (
                      <div key={refund.id} data-refund={refund.externalId}>
                        <Text>
                          <MoneyText value={refund.appliedAmount ?? refund.amount} /> · {refund.externalId}
                        </Text>
                        <Text size="sm" c="dimmed">
                          <DateText value={refund.occurredAt} />
                          {refund.reason === null ? '' : ` · ${refund.reason}`}
                          {refund.processedAt === null ? ` · ${t('sale.underWay')}` : ''}
                          {refund.flag === null ? '' : ` · ${reason(refund.flag)}`}
                        </Text>
                      </div>
                    ))}
                  </Stack>
                )
              }
            </Loaded>
          </Paper>
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

/** Reports a refund: a fact. What it takes off which commission is the API's business. */
function RefundDialog({ sale, onClose }: { readonly sale: Sale; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [externalId, setExternalId] = useState('');
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title={t('sale.refundTitle')}
      submit={t('sale.refundDo')}
      save={(key) =>
        postPath(
          `/v1/sales/${sale.id}/refunds`,
          {
            externalId: externalId.trim(),
            ...(amount.trim() === '' ? {} : { amount: { amount: amount.trim(), currency: sale.amount.currency } }),
            ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
          },
          key,
        )
      }
      onSaved={() => notifications.show({ message: t('sale.refundTaken'), color: 'river' })}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Text size="sm">
            {t('sale.refundText', { amount: formatMoney(sale.amount), refunded: formatMoney(sale.refunded) })}
          </Text>
          <TextInput
            label={t('sale.refundNumber')}
            description={t('sale.refundNumberHint')}
            value={externalId}
            onChange={(event) => setExternalId(event.currentTarget.value)}
            maxLength={255}
            required
            error={errors['externalId']}
          />
          <TextInput
            label={t('sale.refundAmount', { currency: sale.amount.currency })}
            description={t('sale.refundAmountHint')}
            value={amount}
            onChange={(event) => setAmount(event.currentTarget.value)}
            inputMode="decimal"
            error={errors['amount'] ?? errors['amount.amount']}
          />
          <Textarea
            label={t('sale.refundReason')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            error={errors['reason']}
          />
        </>
      )}
    </FormDialog>
  );
}
