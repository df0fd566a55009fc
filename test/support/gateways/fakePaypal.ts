import { createHmac } from 'node:crypto';
import { epochMs, type Instant } from '../../../domain/time.js';
import {
  type FakeProvider,
  minorOfText,
  type Reply,
  type Request,
  startFakeProvider,
  textOfMinor,
  wordOf,
  type World,
} from './fakeProvider.js';
import { shaped } from './shapes.js';

/** A merchant's credentials at the fake. */
export const paypalFields = {
  clientId: 'AYSq3RDGsmBLJE-otTkBtM-jBRd1TCQwFf9RGfwddNXWz0uFU9ztymylOhRS',
  clientSecret: 'EGnHDxD_qRPdaLdZz8iCr8N7_MzF-YHPTkjs6NKYQvQSBngp4PTTVWkPZRbL',
  webhookId: '1JE4291016473214C',
} as const;

const rememberMs = 30 * 86_400_000;
const slowMs = 30_000;
const fee = 25n;

interface Batch {
  readonly id: string;
  readonly sentAs: string;
  readonly reference: string;
  readonly receiver: string;
  readonly minor: bigint;
  readonly currency: string;
  readonly at: Instant;
  status?: string;
}

interface SentBatch {
  readonly sender_batch_header: { readonly sender_batch_id: string };
  readonly items: readonly {
    readonly receiver: string;
    readonly sender_item_id: string;
    readonly amount: { readonly value: string; readonly currency: string };
  }[];
}

export interface FakePaypal extends FakeProvider {
  /** From now on an item says this. */
  turn(reference: string, status: string): Promise<void>;
  /** An event as PayPal signs it: its headers and body. */
  event(type: string, reference: string): { readonly headers: Readonly<Record<string, string>>; readonly body: string };
  topUp(minor: bigint, currency: string): void;
}

export async function startFakePaypal(journalPath: string): Promise<FakePaypal> {
  const batches: Batch[] = [];
  const topUps: { readonly minor: bigint; readonly currency: string; readonly at: Instant }[] = [];
  let count = 0;
  const isAuthorised = ({ headers }: Request): boolean =>
    headers.authorization === `Bearer ${String(shaped('paypal', 'token')['access_token'])}`;

  const statusOf = (batch: Batch, now: Instant): string => {
    if (batch.status !== undefined) return batch.status;
    switch (wordOf(batch.receiver)) {
      case 'slow':
        return epochMs(now) - epochMs(batch.at) < slowMs ? 'PENDING' : 'SUCCESS';
      case 'refuse':
        return 'FAILED';
      case 'held':
        return 'ONHOLD';
      case 'odd':
        return 'LEVITATING';
      case 'ok':
      case 'returned':
        return 'SUCCESS';
    }
  };

  function view(batch: Batch, now: Instant): Reply {
    const amount = { currency: batch.currency, value: textOfMinor(batch.minor) };
    const item = shaped('paypal', 'item', {
      payout_item_id: `${batch.id}I`,
      transaction_id: `${batch.id}T`,
      transaction_status: statusOf(batch, now),
      payout_item_fee: { currency: batch.currency, value: textOfMinor(fee) },
      payout_batch_id: batch.id,
      payout_item: { amount, receiver: batch.receiver, sender_item_id: batch.reference },
      time_processed: batch.at,
      ...(wordOf(batch.receiver) === 'refuse'
        ? { errors: { name: 'RECEIVER_ACCOUNT_LOCKED', message: 'The account is locked.' } }
        : {}),
    });
    const body = shaped('paypal', 'batch', {
      batch_header: {
        payout_batch_id: batch.id,
        time_created: batch.at,
        sender_batch_header: { sender_batch_id: batch.sentAs },
        amount,
      },
      items: [item],
    });
    return { status: 200, body };
  }

  async function create(request: Request, world: World): Promise<Reply> {
    const sent = JSON.parse(request.text) as SentBatch;
    const [item] = sent.items;
    if (item === undefined) return { status: 400, body: { name: 'VALIDATION_ERROR' } };
    const sentAs = sent.sender_batch_header.sender_batch_id;
    const now = world.now();
    const before = batches.find((one) => one.sentAs === sentAs && epochMs(now) - epochMs(one.at) < rememberMs);
    if (before !== undefined) {
      const href = `${fake.origin}/v1/payments/payouts/${before.id}`;
      return {
        status: 400,
        body: shaped('paypal', 'duplicate', {
          links: [{ href, rel: 'self', method: 'GET', encType: 'application/json' }],
        }),
      };
    }
    count += 1;
    const batch: Batch = {
      id: `BATCH${String(count).padStart(8, '0')}`,
      sentAs,
      reference: item.sender_item_id,
      receiver: item.receiver,
      minor: minorOfText(item.amount.value),
      currency: item.amount.currency,
      at: now,
    };
    batches.push(batch);
    if (wordOf(batch.receiver) !== 'refuse')
      await world.book({
        kind: 'payment',
        key: sentAs,
        reference: batch.reference,
        providerId: batch.id,
        minor: batch.minor.toString(),
        currency: batch.currency,
        at: now,
      });
    return {
      status: 201,
      body: shaped('paypal', 'created', {
        batch_header: { payout_batch_id: batch.id, sender_batch_header: { sender_batch_id: sentAs } },
      }),
    };
  }

  const moved = (now: Instant): readonly { readonly batch: Batch; readonly code: string; readonly minor: bigint }[] =>
    batches.flatMap((batch) => {
      const status = statusOf(batch, now);
      if (['FAILED', 'PENDING', 'ONHOLD', 'LEVITATING'].includes(status)) return [];
      const payment = { batch, code: 'T0001', minor: -batch.minor };
      return ['RETURNED', 'REVERSED'].includes(status)
        ? [payment, { batch, code: 'T1107', minor: batch.minor }]
        : [payment];
    });

  async function handle(request: Request, world: World): Promise<Reply> {
    const now = world.now();
    if (request.path === '/v1/oauth2/token') {
      const basic = Buffer.from(`${paypalFields.clientId}:${paypalFields.clientSecret}`).toString('base64');
      return request.headers.authorization === `Basic ${basic}`
        ? { status: 200, body: shaped('paypal', 'token') }
        : { status: 401, body: shaped('paypal', 'unauthorized') };
    }
    if (!isAuthorised(request)) return { status: 401, body: shaped('paypal', 'unauthorized') };
    if (request.method === 'POST' && request.path === '/v1/payments/payouts') return create(request, world);
    const id = /^\/v1\/payments\/payouts\/(\w+)$/.exec(request.path)?.[1];
    if (id !== undefined) {
      const found = batches.find((batch) => batch.id === id);
      return found === undefined ? { status: 404, body: shaped('paypal', 'not_found') } : view(found, now);
    }
    if (request.path === '/v1/reporting/transactions') {
      const [from, to] = [request.query.get('start_date') ?? '', request.query.get('end_date') ?? ''];
      const details = [
        ...moved(now).map(({ batch, code, minor }) =>
          shaped('paypal', 'transaction', {
            transaction_info: {
              transaction_id: code === 'T0001' ? `${batch.id}T` : `${batch.id}R`,
              paypal_reference_id: batch.id,
              transaction_event_code: code,
              transaction_initiation_date: batch.at.replace('Z', '+0000'),
              transaction_updated_date: batch.at.replace('Z', '+0000'),
              transaction_amount: { currency_code: batch.currency, value: textOfMinor(minor) },
              fee_amount: { currency_code: batch.currency, value: code === 'T0001' ? textOfMinor(-fee) : '0.00' },
              custom_field: batch.reference,
            },
          }),
        ),
        ...topUps.map((one, index) =>
          shaped('paypal', 'transaction', {
            transaction_info: {
              transaction_id: `TOPUP${index}`,
              transaction_event_code: 'T0300',
              transaction_initiation_date: one.at,
              transaction_updated_date: one.at,
              transaction_amount: { currency_code: one.currency, value: textOfMinor(one.minor) },
              fee_amount: { currency_code: one.currency, value: '0.00' },
              custom_field: `topup-${index}`,
            },
          }),
        ),
      ];
      const inside = details.filter((one) => {
        const info = one['transaction_info'] as { readonly transaction_updated_date: string };
        const at = info.transaction_updated_date.replace('+0000', 'Z');
        return at >= from && at < to;
      });
      return {
        status: 200,
        body: { transaction_details: inside, total_items: inside.length, total_pages: 1, page: 1 },
      };
    }
    if (request.path === '/v1/reporting/balances') {
      const totals = new Map<string, bigint>();
      const add = (currency: string, minor: bigint): void =>
        void totals.set(currency, (totals.get(currency) ?? 0n) + minor);
      for (const one of topUps) add(one.currency, one.minor);
      for (const { batch, minor, code } of moved(now)) add(batch.currency, code === 'T0001' ? minor - fee : minor);
      const balances = [...totals].map(([code, minor]) => {
        const amount = { currency_code: code, value: textOfMinor(minor) };
        return shaped('paypal', 'balance', { currency: code, total_balance: amount, available_balance: amount });
      });
      return { status: 200, body: { balances, as_of_time: now } };
    }
    if (request.path === '/v1/notifications/verify-webhook-signature') {
      const asked = JSON.parse(request.text) as Record<string, unknown>;
      // What it signed was the bytes it sent: they are cut out as they stand, not written anew.
      const raw = request.text.slice(request.text.indexOf('"webhook_event":') + '"webhook_event":'.length, -1);
      const right = signatureOf(String(asked['transmission_id']), String(asked['transmission_time']), raw);
      const isRight = asked['webhook_id'] === paypalFields.webhookId && asked['transmission_sig'] === right;
      return { status: 200, body: { verification_status: isRight ? 'SUCCESS' : 'FAILURE' } };
    }
    return { status: 404, body: shaped('paypal', 'not_found') };
  }

  const fake = await startFakeProvider(journalPath, {
    kindOf: ({ method, path }) =>
      !path.startsWith('/v1/payments/payouts') ? 'other' : method === 'POST' ? 'pay' : 'lookUp',
    handle,
  });
  return {
    ...fake,
    async turn(reference, status) {
      const batch = batches.find((one) => one.reference === reference);
      if (batch === undefined) throw new Error(`no payout ${reference}`);
      batch.status = status;
    },
    event(type, reference) {
      const batch = batches.find((one) => one.reference === reference);
      const body = JSON.stringify(
        shaped('paypal', 'event', {
          id: `WH-${type}-${reference}`,
          create_time: fake.now(),
          event_type: `PAYMENT.PAYOUTS-ITEM.${type}`,
          resource: { payout_batch_id: batch?.id ?? 'NONE', payout_item: { sender_item_id: reference } },
        }),
      );
      const [id, time] = [`69cd13f0-${type.toLowerCase()}`, fake.now()];
      return {
        body,
        headers: {
          'paypal-auth-algo': 'SHA256withRSA',
          'paypal-cert-url': `${fake.origin}/v1/notifications/certs/CERT-360caa42`,
          'paypal-transmission-id': id,
          'paypal-transmission-sig': signatureOf(id, time, body),
          'paypal-transmission-time': time,
        },
      };
    },
    topUp: (minor, currency) => void topUps.push({ minor, currency, at: fake.now() }),
  };
}

/** Stands for PayPal's RSA signature, which only PayPal itself checks here. */
function signatureOf(id: string, time: string, body: string): string {
  return createHmac('sha256', 'only the fake knows').update(`${id}|${time}|${body}`).digest('base64');
}
