import { Alert, Button, Group, NativeSelect, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getProgramsByProgramIdProductsOptions,
  getSalesOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { PostCommissionRulesQuoteResponse, Program } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { formatMoney, MoneyText } from '../../../kit/MoneyText.js';
import { AffiliateName } from '../../../kit/ObjectName.js';
import { useCan } from '../../../kit/session.js';
import { useReasonText } from '../../../kit/texts.js';

const events = ['payment', 'first_payment', 'registration', 'lead'] as const;
/** A transaction has a type that only a past one states. */
type AskedEvent = (typeof events)[number] | 'transaction';

/** The rule playground: an imagined sale, or a past one, and what it would earn, line by line; nothing is written (screens.md 3.9). */
export function QuotePanel({ program }: { readonly program: Program }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const reason = useReasonText();
  const [affiliateId, setAffiliateId] = useState('');
  const [event, setEvent] = useState<AskedEvent>('first_payment');
  const [amount, setAmount] = useState('100.00');
  const [tax, setTax] = useState('');
  const [number, setNumber] = useState('1');
  const [product, setProduct] = useState('');
  /** The past sale that is asked about, with all that it stated; what is typed over it makes it an imagined one. */
  const [saleId, setSaleId] = useState<string | null>(null);
  const affiliates = useQuery(getAffiliatesOptions({ query: { programId: program.id, limit: 200 } }));
  const products = useQuery(
    getProgramsByProgramIdProductsOptions({ path: { programId: program.id }, query: { limit: 200 } }),
  );
  const sales = useQuery({
    ...getSalesOptions({ query: { programId: program.id, limit: 50 } }),
    enabled: can('sale.read'),
  });
  const isLead = event === 'lead' || event === 'registration';
  const money = (text: string) => ({ amount: text.trim(), currency: program.currency });
  const ask = useMutation({
    mutationFn: () =>
      postPath<PostCommissionRulesQuoteResponse>('/v1/commission-rules/quote', {
        programId: program.id,
        affiliateId,
        event,
        ...(isLead
          ? {}
          : {
              paymentNumber: /^\d+$/.test(number) ? Number(number) : null,
              ...(saleId === null
                ? {
                    sale: {
                      amount: money(amount),
                      ...(tax.trim() === '' ? {} : { tax: money(tax) }),
                      ...(product === '' ? {} : { product }),
                    },
                  }
                : { saleId }),
            }),
      }),
  });
  const take = (saleId: string): void => {
    const sale = sales.data?.data.find((one) => one.id === saleId);
    setSaleId(sale?.id ?? null);
    if (sale === undefined) return;
    setAmount(sale.amount.amount);
    setTax('');
    if (sale.type === 'transaction') setEvent('transaction');
    else setEvent(sale.paymentNumber === null || sale.paymentNumber > 1 ? 'payment' : 'first_payment');
    setNumber(String(sale.paymentNumber ?? 1));
    setProduct(sale.lines.find((line) => line.productId !== null)?.productId ?? '');
    if (sale.attribution.affiliateId !== null) setAffiliateId(sale.attribution.affiliateId);
  };
  const imagine = (change: () => void): void => {
    setSaleId(null);
    if (event === 'transaction') setEvent('payment');
    change();
  };
  const submit = (submitted: FormEvent): void => {
    submitted.preventDefault();
    ask.mutate();
  };
  return (
    <Stack>
      <Text>{t('quote.text')}</Text>
      <form onSubmit={submit}>
        <Stack>
          {(sales.data?.data ?? []).length === 0 ? null : (
            <NativeSelect
              label={t('quote.past')}
              value={saleId ?? ''}
              onChange={(change) => take(change.currentTarget.value)}
              data={[
                { value: '', label: '–' },
                ...(sales.data?.data ?? []).map((sale) => ({
                  value: sale.id,
                  label: `${sale.externalId} · ${formatMoney(sale.amount)}`,
                })),
              ]}
            />
          )}
          <Group align="flex-end">
            <NativeSelect
              label={t('quote.affiliate')}
              value={affiliateId}
              required
              onChange={(change) => setAffiliateId(change.currentTarget.value)}
              data={[
                { value: '', label: '–' },
                ...(affiliates.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
            />
            <NativeSelect
              label={t('rule.event')}
              value={event}
              onChange={(change) => {
                const chosen = change.currentTarget.value as AskedEvent;
                if (chosen === 'lead' || chosen === 'registration' || event === 'transaction') setSaleId(null);
                setEvent(chosen);
              }}
              data={[...events, ...(event === 'transaction' ? [event] : [])].map((value) => ({
                value,
                label: t(`rule.event.${value}`),
              }))}
            />
          </Group>
          {isLead ? null : (
            <Group align="flex-end">
              <TextInput
                label={t('quote.amount', { currency: program.currency })}
                value={amount}
                inputMode="decimal"
                onChange={(change) => imagine(() => setAmount(change.currentTarget.value))}
                required
              />
              <TextInput
                label={t('quote.tax', { currency: program.currency })}
                value={tax}
                inputMode="decimal"
                onChange={(change) => imagine(() => setTax(change.currentTarget.value))}
              />
              <TextInput
                label={t('quote.number')}
                value={number}
                inputMode="numeric"
                onChange={(change) => setNumber(change.currentTarget.value)}
              />
              <NativeSelect
                label={t('quote.product')}
                value={product}
                onChange={(change) => imagine(() => setProduct(change.currentTarget.value))}
                data={[
                  { value: '', label: '–' },
                  ...(products.data?.data ?? []).map((one) => ({ value: one.productId, label: one.name })),
                ]}
              />
            </Group>
          )}
          <Group>
            <Button type="submit" loading={ask.isPending} disabled={affiliateId === ''}>
              {t('quote.ask')}
            </Button>
          </Group>
        </Stack>
      </form>
      {ask.error === null ? null : <ErrorView error={ask.error} />}
      {ask.data === undefined ? null : (
        <Stack role="status" gap="sm">
          {ask.data.commissions.length === 0 ? (
            <Alert>{t('quote.nothing', { reason: reason(ask.data.noCommissionCode ?? '') })}</Alert>
          ) : (
            ask.data.commissions.map((line) => (
              <Paper
                withBorder
                p="md"
                key={line.level}
                component="section"
                aria-label={t('quote.level', { level: line.level })}
              >
                <Group justify="space-between">
                  <Title order={3} size="h5">
                    {t('quote.level', { level: line.level })}
                  </Title>
                  <MoneyText value={line.amount} />
                </Group>
                <AffiliateName id={line.affiliateId} />
                <Text size="sm">{sentenceOf(line.explanation)}</Text>
              </Paper>
            ))
          )}
        </Stack>
      )}
    </Stack>
  );
}

function sentenceOf(explanation: Readonly<Record<string, unknown>>): string {
  const { sentence } = explanation;
  return typeof sentence === 'string' ? sentence : '';
}
