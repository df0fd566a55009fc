import { Alert, Anchor, Badge, Box, Button, Card, Code, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { pageDetail } from '../kit/App.js';
import { MoneyText } from '../kit/MoneyText.js';

interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** What the server tells the page (api/demoShop.ts). */
interface Shop {
  readonly key: string;
  readonly consoleUrl: string;
  readonly programs: readonly {
    readonly name: string;
    readonly slug: string;
    readonly products: readonly { readonly sku: string; readonly name: string; readonly price: Money }[];
    readonly links: readonly { readonly slug: string; readonly affiliate: string }[];
  }[];
}

/** One call as it went over the wire; the key is shown by its first letters only. */
interface Exchange {
  readonly title: string;
  readonly request: string;
  readonly sent: unknown;
  readonly status: number;
  readonly answer: unknown;
  /** Where the console shows what came of it. */
  readonly path: string | null;
}

type Answer = Readonly<Record<string, unknown>>;

function readShop(): Shop {
  const bytes = Uint8Array.from(atob(pageDetail), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Shop;
}

const textOf = (answer: Answer, field: string): string => {
  const value = answer[field];
  return typeof value === 'string' ? value : '';
};

/**
 * A shop that does what a merchant's shop does: it keeps the click's id from the address, reports the customer, the order and the money given
 * back, and shows each call with its answer. Here the page itself plays the merchant's server.
 */
export function DemoShop(): ReactElement {
  const { t } = useTranslation();
  const [shop] = useState(readShop);
  const [exchanges, setExchanges] = useState<readonly Exchange[]>([]);
  const [customer] = useState(() => `shop-${crypto.randomUUID().slice(0, 8)}`);
  const [isKnown, setKnown] = useState(false);
  const [sale, setSale] = useState<{ readonly id: string; readonly isRefunded: boolean } | null>(null);
  const query = new URLSearchParams(window.location.search);
  const clickId = query.get('click_id');
  const program = shop.programs.find((one) => one.slug === query.get('shop')) ?? shop.programs[0];
  useEffect(() => {
    document.title = `${t('shop.title')} · Tributary`;
  }, [t]);

  const call = async (
    title: string,
    method: 'GET' | 'POST',
    path: string,
    sent: unknown,
    shownAt: (answer: Answer) => string | null,
  ): Promise<Answer> => {
    const response = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${shop.key}`,
        ...(method === 'POST' ? { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() } : {}),
      },
      ...(method === 'POST' ? { body: JSON.stringify(sent) } : {}),
    });
    const answer = (await response.json()) as Answer;
    const { status } = response;
    const request = `${method} ${path}`;
    setExchanges((before) => [
      { title, request, sent, status, answer, path: response.ok ? shownAt(answer) : null },
      ...before,
    ]);
    if (!response.ok) throw new Error(textOf(answer, 'title'));
    return answer;
  };

  const register = useMutation({
    mutationFn: () =>
      call(
        t('shop.registered'),
        'POST',
        '/v1/leads',
        {
          externalId: customer,
          customerExternalId: customer,
          clickId,
          event: 'registration',
          name: t('shop.visitor'),
          email: `${customer}@customer.test`,
        },
        (lead) => `/leads/${textOf(lead, 'id')}`,
      ),
    onSuccess: () => setKnown(true),
  });
  const buy = useMutation({
    mutationFn: async (product: { readonly sku: string; readonly price: Money }) => {
      const answer = await call(
        t('shop.bought'),
        'POST',
        '/v1/sales',
        {
          externalId: `order-${crypto.randomUUID().slice(0, 8)}`,
          customer: { externalId: customer },
          product: product.sku,
          amount: product.price,
        },
        (made) => `/sales/${textOf(made, 'id')}`,
      );
      const id = textOf(answer, 'id');
      setSale({ id, isRefunded: false });
      // What came of it is decided by a workflow: a moment later the sale names its commissions.
      for (let tries = 0; tries < 40; tries += 1) {
        await new Promise((done) => setTimeout(done, 250));
        const response = await fetch(`/v1/sales/${id}`, { headers: { authorization: `Bearer ${shop.key}` } });
        const seen = (await response.json()) as Answer;
        if (response.ok && seen['processedAt'] === null) continue;
        await call(t('shop.earned'), 'GET', `/v1/sales/${id}`, null, () => `/sales/${id}`);
        return;
      }
    },
  });
  const refund = useMutation({
    mutationFn: (saleId: string) =>
      call(
        t('shop.refunded'),
        'POST',
        `/v1/sales/${saleId}/refunds`,
        { externalId: `refund-${crypto.randomUUID().slice(0, 8)}`, reason: t('shop.refundReason') },
        () => `/sales/${saleId}`,
      ),
    onSuccess: () => setSale((before) => (before === null ? null : { ...before, isRefunded: true })),
  });
  const error = register.error ?? buy.error ?? refund.error;

  return (
    <Box component="main" p="md" maw={1100} mx="auto">
      <Stack>
        <Group justify="space-between">
          <Title order={1} size="h2">
            {program?.name ?? t('shop.title')}
          </Title>
          <Badge variant="default" size="lg">
            {t('shop.badge')}
          </Badge>
        </Group>
        <Text c="dimmed">{t('shop.text')}</Text>
        {clickId === null ? (
          <Links shop={shop} />
        ) : (
          <Alert variant="outline" color="green" c="var(--mantine-color-text)" title={t('shop.arrived')}>
            <Text size="sm">{t('shop.clickId')}</Text>
            <Code>{clickId}</Code>{' '}
            <Anchor href={`${shop.consoleUrl}/referrals`} underline="always">
              {t('shop.inConsole')}
            </Anchor>
          </Alert>
        )}
        {error === null ? null : (
          <Alert role="alert" color="red" variant="outline" c="var(--mantine-color-text)">
            {error.message}
          </Alert>
        )}
        <Group>
          <Button onClick={() => register.mutate()} disabled={clickId === null || isKnown} loading={register.isPending}>
            {t('shop.register')}
          </Button>
          <Button
            variant="default"
            disabled={sale === null || sale.isRefunded}
            loading={refund.isPending}
            onClick={() => {
              if (sale !== null) refund.mutate(sale.id);
            }}
          >
            {t('shop.refund')}
          </Button>
        </Group>
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          {(program?.products ?? []).map((product) => (
            <Card key={product.sku} withBorder>
              <Title order={2} size="h4">
                {product.name}
              </Title>
              <Text my="xs">
                <MoneyText value={product.price} />
              </Text>
              <Button disabled={!isKnown} loading={buy.isPending} onClick={() => buy.mutate(product)}>
                {t('shop.buy', { name: product.name })}
              </Button>
            </Card>
          ))}
        </SimpleGrid>
        <Title order={2} size="h3">
          {t('shop.calls')}
        </Title>
        <Box role="log" aria-live="polite">
          {exchanges.length === 0 ? <Text c="dimmed">{t('shop.noCalls')}</Text> : null}
          {exchanges.map((exchange, index) => (
            <Card key={exchanges.length - index} withBorder mb="sm">
              <Group justify="space-between">
                <Text fw={600}>{exchange.title}</Text>
                <Badge variant="default">{exchange.status}</Badge>
              </Group>
              <Code block tabIndex={0}>
                {`${exchange.request}\nAuthorization: Bearer ${shop.key.slice(0, 11)}…${
                  exchange.sent === null ? '' : `\n\n${JSON.stringify(exchange.sent, null, 2)}`
                }`}
              </Code>
              <Text size="sm" my={4}>
                {t('shop.answer')}
              </Text>
              <Code block tabIndex={0} mah={240} style={{ overflow: 'auto' }}>
                {JSON.stringify(exchange.answer, null, 2)}
              </Code>
              {exchange.path === null ? null : (
                <Anchor href={`${shop.consoleUrl}${exchange.path}`} underline="always" mt={4}>
                  {t('shop.inConsole')}
                </Anchor>
              )}
            </Card>
          ))}
        </Box>
      </Stack>
    </Box>
  );
}

/** The shop counts nobody who just walks in: one comes through an affiliate's link, as in life. */
function Links({ shop }: { readonly shop: Shop }): ReactElement {
  const { t } = useTranslation();
  return (
    <Alert variant="outline" color="blue" c="var(--mantine-color-text)" title={t('shop.comeThrough')}>
      <Stack gap={4}>
        {shop.programs.map((program) => (
          <Text key={program.slug} size="sm">
            {`${program.name}: `}
            {program.links.map((link, index) => (
              <span key={link.slug}>
                {index === 0 ? '' : ' · '}
                <Anchor href={`/r/${link.slug}`} underline="always" size="sm">
                  {link.affiliate}
                </Anchor>
              </span>
            ))}
          </Text>
        ))}
      </Stack>
    </Alert>
  );
}
