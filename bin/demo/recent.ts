import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { insertApiKey, lockApiKey, updateApiKey } from '../../db/access/apiKey.js';
import type { Db } from '../../db/connection.js';
import { listWorkspaces } from '../../db/directory.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import { type Act, systemActor } from '../../domain/act.js';
import type { ApiKeyId, WorkspaceId } from '../../domain/ids.js';
import { type CurrencyCode, formatMoney, type MoneyWire } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { newId } from '../../platform/newId.js';
import { hashToken, newApiKey } from '../../platform/secrets.js';
import { staff, type DemoStaff } from './cast.js';
import { troubled } from './affiliates.js';

// What happened today: made through the real HTTP API and the real workflows, so that its timelines are true and replay. Every step names
// itself by an external id or an idempotency key: a start that is killed half way goes on at the next.

export interface RecentDeps {
  readonly db: Db;
  /** Where the API answers from this machine. */
  readonly apiUrl: string;
  readonly signal: AbortSignal;
}

type Json = Readonly<Record<string, unknown>>;

interface Caller {
  get(path: string): Promise<Json>;
  post(path: string, body: Json, step: string): Promise<Json>;
}

/** Answers that say: this was done before. */
const doneBefore: ReadonlySet<string> = new Set([
  'already_exists',
  'already_decided',
  'transition_not_allowed',
  'in_open_payout',
  'nothing_to_pay',
  'in_use',
]);
const longestWaitMs = 60_000;
/** This visitor buys on another device, by a click of its own: that journey merges into the one of the lead (TST-11). */
const otherDevice = 6;

/** Makes the recent items unless they are there. Answers what it made, in words; undefined when there was nothing to do. */
export async function makeRecent(deps: RecentDeps): Promise<string | undefined> {
  const workspaceId = (await listWorkspaces(deps.db))[0]?.id;
  if (workspaceId === undefined) return undefined;
  const isDue = await readWorkspace(deps.db, workspaceId, async (tx) => {
    const row = await tx('demo_data').first<{ recent_done_at: Instant | null } | undefined>('recent_done_at');
    return row !== undefined && row.recent_done_at === null;
  });
  if (!isDue) return undefined;
  const keys = await openKeys(deps.db, workspaceId);
  try {
    const as = (key: DemoStaff['key']): Caller => callerOf(deps, keys.get(key)?.secret ?? '');
    const said = await act(deps, workspaceId, as);
    await inWorkspace(deps.db, workspaceId, (tx, now) => tx('demo_data').update({ recent_done_at: now }));
    return said;
  } finally {
    await closeKeys(
      deps.db,
      workspaceId,
      [...keys.values()].map(({ id }) => id),
    );
  }
}

interface OpenKey {
  readonly id: ApiKeyId;
  readonly secret: string;
}

const acting: readonly DemoStaff['key'][] = ['developer', 'reviewer', 'approver', 'manager'];

/** A key for each who acts, for as long as it lasts: nobody has to keep a secret between two starts. */
async function openKeys(db: Db, workspaceId: WorkspaceId): Promise<ReadonlyMap<DemoStaff['key'], OpenKey>> {
  return inWorkspace(db, workspaceId, async (tx, now) => {
    const keys = new Map<DemoStaff['key'], OpenKey>();
    for (const person of staff.filter((one) => acting.includes(one.key))) {
      const user = await tx('users')
        .where({ email: person.email, audience: 'staff' })
        .first<{ id: string } | undefined>('id');
      if (user === undefined) continue; // somebody let them go; their part stays undone
      const secret = newApiKey('sk', 'live');
      const id = newId('apiKey');
      await insertApiKey(tx, actOf(workspaceId, now), {
        id,
        name: 'Demo data of today',
        kind: 'secret',
        mode: 'live',
        tokenHash: hashToken(secret),
        hint: secret.slice(-4),
        publicKey: null,
        signingSecret: null,
        permissions: [],
        roleId: person.roleIds[0] ?? null,
        affiliateId: null,
        createdBy: user.id,
        expiresOn: null,
        ipRestricted: true,
        ipAllowList: ['127.0.0.0/8', '::1/128'],
      });
      keys.set(person.key, { id, secret });
    }
    return keys;
  });
}

async function closeKeys(db: Db, workspaceId: WorkspaceId, ids: readonly ApiKeyId[]): Promise<void> {
  await inWorkspace(db, workspaceId, async (tx, now) => {
    for (const id of ids) {
      const key = await lockApiKey(tx, id);
      if (key !== undefined) await updateApiKey(tx, actOf(workspaceId, now), key, 'revoked', { revokedAt: now });
    }
  });
}

function actOf(workspaceId: WorkspaceId, now: Instant): Act {
  const none = { cause: null, reasonCode: null, origin: null, requestId: null };
  return { workspaceId, mode: 'live', now, actor: systemActor, newId, ...none };
}

interface Call {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function callerOf({ apiUrl, signal }: RecentDeps, secret: string): Caller {
  const call = async (path: string, init: Call = {}): Promise<Json> => {
    const response = await fetch(`${apiUrl}${path}`, {
      ...init,
      signal,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...init.headers },
    });
    const body = (await response.json()) as Json;
    if (response.ok || (response.status === 409 && doneBefore.has(textOf(body, 'code')))) return body;
    throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status} ${textOf(body, 'code')}`);
  };
  return {
    get: (path) => call(path),
    post: (path, body, step) =>
      call(path, {
        method: 'POST',
        body: JSON.stringify(body),
        // A uuid of the step's name: the same step again is the same request.
        headers: { 'idempotency-key': uuidOf(step) },
      }),
  };
}

/** A text of an answer; empty where there is none. */
function textOf(body: Json, field: string): string {
  const value = body[field];
  return typeof value === 'string' ? value : '';
}

function uuidOf(step: string): string {
  const hex = createHash('sha256').update(`tributary demo ${step}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const visitors = [
  'Nora Blum',
  'Theo Sander',
  'Mila Rossi',
  'Jan Kubiak',
  'Ida Holm',
  'Luca Ferri',
  'Emma Stone',
  'Paul Weiss',
];

async function act(deps: RecentDeps, workspaceId: WorkspaceId, as: (key: DemoStaff['key']) => Caller): Promise<string> {
  const shop = as('developer');
  const until = async (path: string, holds: (body: Json) => boolean): Promise<Json> => {
    const began = performance.now();
    for (;;) {
      const body = await shop.get(path);
      if (holds(body)) return body;
      if (performance.now() - began > longestWaitMs) throw new Error(`${path} did not come to its end`);
      await sleep(200, undefined, { signal: deps.signal });
    }
  };
  const findId = async (path: string): Promise<string | undefined> => {
    const [found] = (await shop.get(`${path}&limit=1`))['data'] as readonly Json[];
    return found === undefined ? undefined : textOf(found, 'id');
  };
  const { slugs, troubled: troubledIds, portal: portalIds } = await readTargets(deps.db, workspaceId);

  await as('manager').post(
    '/v1/affiliates',
    { name: 'Nova Keller', email: 'nova.keller@demo.test', website: 'https://nova-notes.test/', programIds: [] },
    'apply',
  );
  const known: { leadId: string; referralId: string; number: number }[] = [];
  for (const [number, name] of visitors.entries()) {
    const slug = slugs[number % slugs.length];
    if (slug === undefined) break;
    const externalId = `today-${number}`;
    // A start that was killed in between has clicked before; a second click would be a second visitor.
    const leadId =
      (await findId(`/v1/leads?externalId=${externalId}`)) ??
      textOf(
        await shop.post(
          '/v1/leads',
          {
            externalId,
            customerExternalId: externalId,
            clickId: await follow(deps, slug, number),
            event: 'registration',
            name,
            email: `${name.toLowerCase().replace(' ', '.')}@customer.test`,
          },
          `lead ${number}`,
        ),
        'id',
      );
    const settled = await until(`/v1/leads/${leadId}`, (body) => body['processedAt'] !== null);
    known.push({ leadId, referralId: textOf(settled, 'referralId'), number });
  }
  const products = await readProducts(deps.db, workspaceId, slugs);
  const sales: string[] = [];
  for (const { number } of known.filter((one) => one.number % 2 === 0)) {
    const slug = slugs[number % slugs.length] ?? '';
    const product = products.get(slug);
    if (product === undefined) continue;
    const externalId = `today-order-${number}`;
    const saleId =
      (await findId(`/v1/sales?externalId=${externalId}`)) ??
      textOf(
        await shop.post(
          '/v1/sales',
          {
            externalId,
            customer: { externalId: `today-${number}` },
            ...(number === otherDevice ? { clickId: await follow(deps, slug, number + visitors.length) } : {}),
            product: product.sku,
            amount: product.price,
          },
          `sale ${number}`,
        ),
        'id',
      );
    sales.push(saleId);
  }
  const [refunded] = sales;
  if (refunded !== undefined) {
    await until(`/v1/sales/${refunded}`, (body) => body['processedAt'] !== null);
    await shop.post(
      `/v1/sales/${refunded}/refunds`,
      { externalId: 'today-refund-1', reason: 'Ordered twice' },
      'refund',
    );
  }
  // Two decided, the others wait for whoever opens the queue.
  const [first, second] = known.filter((one) => one.number % 2 === 1);
  const reviewer = as('reviewer');
  if (first !== undefined)
    await reviewer.post(`/v1/referrals/${first.referralId}/approve`, { reason: 'Called them, real' }, 'approve');
  if (second !== undefined)
    await reviewer.post(
      `/v1/referrals/${second.referralId}/reject`,
      { reasonCode: 'invalid_lead', publicReason: 'The address does not exist.' },
      'reject',
    );
  const holdable = await shop.get('/v1/commissions?status=pending&onHold=false&limit=1');
  const line = (holdable['data'] as readonly Json[])[0];
  if (line !== undefined)
    await reviewer.post(`/v1/commissions/${textOf(line, 'id')}/hold`, { reason: 'Asked for the invoice' }, 'hold');

  // Enough for the run in each of its currencies, so that whoever executes it sees it paid.
  for (const [index, currency] of ['USD', 'EUR', 'GBP'].entries())
    await as('approver').post(
      '/v1/gateways/sandbox/funding',
      { amount: { amount: '20000.00', currency }, reference: `DEMO-${index + 1}` },
      `funding ${currency}`,
    );
  // One that was given up: its money is owed again, and the next draft takes it (TST-11).
  const [givenUpOf] = troubledIds;
  if (givenUpOf !== undefined) {
    const draft = await shop.post('/v1/payouts', { affiliateId: givenUpOf, currency: 'USD' }, 'payout given up');
    const payoutId = draft['object'] === 'payout' ? textOf(draft, 'id') : '';
    if (payoutId !== '') {
      await as('approver').post(`/v1/payouts/${payoutId}/cancel`, { reason: 'Asked for too early' }, 'give up');
      await until(`/v1/payouts/${payoutId}`, (body) => body['status'] === 'cancelled');
    }
  }
  for (const affiliateId of troubledIds) {
    const draft = await shop.post('/v1/payouts', { affiliateId, currency: 'USD' }, `payout ${affiliateId}`);
    const payoutId = draft['object'] === 'payout' ? textOf(draft, 'id') : textOf(draft, 'payoutId');
    if (payoutId !== '')
      await as('approver').post(`/v1/payouts/${payoutId}/approve`, { reason: 'Checked' }, `approve ${payoutId}`);
  }
  // Without Ana, so that her portal still says what she gets on the 3rd, and the preview says who was left out.
  const runId =
    (await findId('/v1/payout-runs?status=planned,planning')) ??
    textOf(
      await shop.post(
        '/v1/payout-runs',
        { note: 'Extra run, waits for your approval', excludeAffiliateIds: portalIds },
        'run',
      ),
      'id',
    );
  await until(`/v1/payout-runs/${runId}`, (body) => body['status'] !== 'planning');
  return `${known.length} leads, ${sales.length} sales, a refund, ${troubledIds.length} payouts, a run to approve`;
}

/** The visitor's browser: a click, and its id from where it leads. */
async function follow({ apiUrl, signal }: RecentDeps, slug: string, number: number): Promise<string> {
  const response = await fetch(`${apiUrl}/r/${slug}?sid=today`, {
    redirect: 'manual',
    signal,
    headers: {
      'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:14${number}.0) Gecko/20100101 Firefox/14${number}.0`,
      'sec-fetch-dest': 'document',
    },
  });
  const clickId = new URL(response.headers.get('location') ?? 'http://none.test').searchParams.get('click_id');
  if (clickId === null) throw new Error(`/r/${slug} answered ${response.status} without a click`);
  return clickId;
}

async function readTargets(
  db: Db,
  workspaceId: WorkspaceId,
): Promise<{
  readonly slugs: readonly string[];
  readonly troubled: readonly string[];
  readonly portal: readonly string[];
}> {
  return readWorkspace(db, workspaceId, async (tx) => {
    const { rows: links } = await tx.raw<{ rows: { slug: string }[] }>(
      `select link.slug
       from links as link
       join programs as program on program.id = link.program_id
       where link.is_default and link.status = 'active' and program.status = 'active'
         and link.affiliate_id in (select id from affiliates where status = 'approved' order by created_at, id limit 6)
       order by program.created_at, link.created_at, link.id
       limit 4`,
    );
    const { rows: troubledRows } = await tx.raw<{ rows: { affiliate_id: string }[] }>(
      `select affiliate_id from payout_methods
       where type = 'sandbox' and currency = 'USD' and masked = any (:accounts::text[]) and status = 'active'
       order by id`,
      { accounts: [...troubled] },
    );
    const ana = await tx('affiliates').where({ email: 'ana@demo.test' }).first<{ id: string } | undefined>('id');
    return {
      slugs: links.map((row) => row.slug),
      troubled: troubledRows.map((row) => row.affiliate_id),
      portal: ana === undefined ? [] : [ana.id],
    };
  });
}

interface SoldProduct {
  readonly sku: string;
  readonly price: MoneyWire;
}

async function readProducts(
  db: Db,
  workspaceId: WorkspaceId,
  slugs: readonly string[],
): Promise<ReadonlyMap<string, SoldProduct>> {
  const { rows } = await readWorkspace(db, workspaceId, (tx) =>
    tx.raw<{ rows: { slug: string; sku: string; minor: bigint; currency: CurrencyCode }[] }>(
      `select distinct on (link.slug) link.slug, product.sku, product.price_currency as currency, product.price_minor as minor
       from links as link
       join program_products as attached on attached.program_id = link.program_id and attached.active
       join products as product on product.id = attached.product_id
       where link.slug = any (:slugs::text[]) and product.sku is not null and product.price_minor is not null
       order by link.slug, product.price_minor desc`,
      { slugs: [...slugs] },
    ),
  );
  return new Map(
    rows.map(({ slug, sku, minor, currency }) => [slug, { sku, price: formatMoney({ minor, currency }) }]),
  );
}
