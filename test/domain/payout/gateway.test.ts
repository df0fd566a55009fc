import { expect, test } from 'vitest';
import type { CurrencyCode } from '../../../domain/money.js';
import {
  type ConnectableGateway,
  connectableGateways,
  judgeCredentials,
  routeOf,
} from '../../../domain/payout/gateway.js';
import type { PayoutMethodType } from '../../../domain/payout/payoutMethod.js';

const everything: ReadonlySet<ConnectableGateway> = new Set(connectableGateways);
const none: ReadonlySet<ConnectableGateway> = new Set();
const method = (type: PayoutMethodType, currency: string, masked: string) => ({
  type,
  currency: currency as CurrencyCode,
  masked,
});

// PAY-19: type, currency and form lead to a gateway that is connected; whatever it cannot express stays with a person (money.md 2).
test.each([
  ['paypal', 'EUR', 'o…@blog.example', 'paypal'],
  ['paypal', 'HUF', 'o…@blog.example', 'manual'],
  ['bank', 'EUR', 'DE89 …3000', 'wise'],
  ['bank', 'EUR', 'US …6789', 'manual'],
  ['bank', 'GBP', 'GB29 …6819', 'wise'],
  ['bank', 'GBP', 'GB …6819', 'wise'],
  ['bank', 'GBP', 'DE89 …3000', 'manual'],
  ['bank', 'USD', 'US …6789', 'manual'],
  ['wallet', 'USD', 'stripe …0001', 'stripe'],
  ['wallet', 'ISK', 'stripe …0001', 'manual'],
  ['wallet', 'USD', 'skrill …0001', 'manual'],
  ['cheque', 'USD', 'A…', 'manual'],
  ['sandbox', 'USD', 'ok', 'sandbox'],
] as const)('a method %s in %s as %s goes through %s', (type, currency, masked, gateway) => {
  const execution = gateway === 'manual' ? 'manual' : 'gateway';
  expect(routeOf(method(type, currency, masked), everything)).toEqual({ gateway, execution });
  const unconnected = type === 'sandbox' ? 'sandbox' : 'manual';
  expect(routeOf(method(type, currency, masked), none)).toMatchObject({ gateway: unconnected });
});

const stripe = { secretKey: 'sk_live_4eC39HqLyjWDarjtT1zdp7dc', accountId: 'acct_1032D82eZvKYlo2C' };

test('credentials are told apart by environment, trimmed, and name the account', () => {
  expect(judgeCredentials('stripe', 'production', { ...stripe, accountId: ` ${stripe.accountId} ` })).toEqual({
    ok: true,
    fields: stripe,
    account: stripe.accountId,
  });
  expect(judgeCredentials('stripe', 'sandbox', stripe)).toEqual({
    ok: false,
    problems: [{ field: 'secretKey', code: 'bad_format' }],
  });
});

test('every problem at once: missing, malformed, unknown', () => {
  const wrong = { apiToken: 'x y', webhookPublicKey: 'no key', constructor: 'y' };
  expect(judgeCredentials('wise', 'production', wrong)).toEqual({
    ok: false,
    problems: [
      { field: 'apiToken', code: 'bad_format' },
      { field: 'profileId', code: 'required' },
      { field: 'webhookPublicKey', code: 'bad_format' },
      { field: 'constructor', code: 'unknown_field' },
    ],
  });
});
