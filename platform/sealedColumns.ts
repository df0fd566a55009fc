import { signInProviderPurpose } from '../domain/access/signInProvider.js';
import { paymentSecretPurpose } from '../domain/earning/paymentEvent.js';
import { webhookSecretPurpose } from '../domain/messaging/webhook.js';
import { gatewayAccessPurpose } from '../domain/payout/gateway.js';
import { payoutFilePurpose } from '../domain/payout/payoutFile.js';
import { detailsPurpose } from '../domain/payout/payoutMethod.js';

/**
 * Every stored value that SECRET_KEY seals, for `rotate-secret`. `expression` reads the sealed text of a row, `assign` writes one back from
 * the bind `:sealed`; both are ours, never input. A new sealed column gets a line here, or a rotation leaves it behind: a test compares.
 */
export interface SealedColumn {
  readonly name: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly purpose: string;
  readonly expression: string;
  readonly assign: string;
}

export const sealedColumns: readonly SealedColumn[] = [
  {
    name: 'payout method details',
    table: 'payout_methods',
    key: ['workspace_id', 'id'],
    purpose: detailsPurpose,
    expression: `details ->> 'sealed'`,
    assign: `details = jsonb_set(details, '{sealed}', to_jsonb($1::text))`,
  },
  {
    name: 'signing secrets of public keys',
    table: 'api_keys',
    key: ['workspace_id', 'id'],
    purpose: 'signing',
    expression: 'signing_secret',
    assign: 'signing_secret = $1',
  },
  {
    name: 'secrets of payment sources',
    table: 'payment_sources',
    key: ['workspace_id', 'id'],
    purpose: paymentSecretPurpose,
    expression: 'secret',
    assign: 'secret = $1',
  },
  {
    name: 'secrets of webhooks',
    table: 'webhook_endpoints',
    key: ['workspace_id', 'id'],
    purpose: webhookSecretPurpose,
    expression: 'secret',
    assign: 'secret = $1',
  },
  {
    name: 'secrets of webhooks before a change',
    table: 'webhook_endpoints',
    key: ['workspace_id', 'id'],
    purpose: webhookSecretPurpose,
    expression: 'previous_secret',
    assign: 'previous_secret = $1',
  },
  {
    name: 'credentials of gateways',
    table: 'gateway_credentials',
    key: ['workspace_id', 'gateway'],
    purpose: gatewayAccessPurpose,
    expression: 'sealed',
    assign: 'sealed = $1',
  },
  {
    name: 'contents of payout files',
    table: 'payout_files',
    key: ['workspace_id', 'id'],
    purpose: payoutFilePurpose,
    expression: 'content',
    assign: 'content = $1',
  },
  {
    name: 'second factors',
    table: 'logins',
    key: ['id'],
    purpose: 'totp',
    expression: 'totp_secret',
    assign: 'totp_secret = $1',
  },
  {
    name: 'second factors being set up',
    table: 'logins',
    key: ['id'],
    purpose: 'totp',
    expression: 'totp_draft',
    assign: 'totp_draft = $1',
  },
  {
    name: 'secrets of sign-in providers',
    table: 'sign_in_providers',
    key: ['workspace_id'],
    purpose: signInProviderPurpose,
    expression: 'client_secret',
    assign: 'client_secret = $1',
  },
  {
    name: 'stored answers that hold a secret',
    table: 'idempotency_keys',
    key: ['workspace_id', 'mode', 'caller_id', 'route', 'key'],
    purpose: 'answer',
    // Only sealed bodies begin with the id of a key and a dot; JSON begins with a brace or bracket.
    expression: `case when get_byte(body, 0) not in (91, 123) then convert_from(body, 'UTF8') end`,
    assign: `body = convert_to($1, 'UTF8')`,
  },
];
