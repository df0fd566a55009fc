import { randomUUID } from 'node:crypto';
import { at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { openProgram } from './program.js';

// A merchant with money to pay, made through the real API: Ada can be paid, Bo has no payout method, Cy has next to nothing.

export interface PayoutWorld {
  readonly programId: string;
  readonly ada: { readonly id: string; readonly email: string; readonly slug: string };
  readonly bo: { readonly id: string };
  readonly cy: { readonly id: string };
  /** The second person: may approve and execute, did not prepare. */
  readonly approver: { readonly email: string; readonly password: string };
  readonly referralId: string;
  readonly commissionId: string;
  readonly customer: { readonly name: string; readonly email: string };
}

const money = (amount: string) => ({ amount, currency: 'USD' });

/** Calls of one signed-in person, with what a browser would send. */
export async function sessionCalls(origin: string, cookie: string) {
  const me = (await (await fetch(`${origin}/v1/me`, { headers: { cookie } })).json()) as { csrfToken: string };
  const headers = {
    cookie,
    'x-csrf-token': me.csrfToken,
    'content-type': 'application/json',
  };
  const call = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { ...headers, 'idempotency-key': randomUUID(), ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const found: unknown = text === '' ? {} : JSON.parse(text);
    return { status: response.status, body: found };
  };
  /** Fails with what was answered when it is not a success. */
  const must = async (method: string, path: string, body?: unknown, more?: Record<string, string>) => {
    const answer = await call(method, path, body, more);
    if (answer.status >= 300)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return { call, must };
}

export async function makePayoutWorld(
  origin: string,
  cookie: string,
  options: { readonly customerVisibility?: 'full' | 'name_only' | 'anonymous' } = {},
): Promise<PayoutWorld> {
  const { must } = await sessionCalls(origin, cookie);
  const tag = randomUUID().slice(0, 8);
  const settings = await must('GET', '/v1/settings');
  await must(
    'PATCH',
    '/v1/settings',
    {
      general: { timeZone: 'Europe/Warsaw', defaultCurrency: 'USD' },
      payouts: { minimumPayout: [money('5.00')], methodTypes: ['sandbox', 'paypal', 'bank'] },
    },
    { 'if-match': `"${String(at(settings, 'version'))}"` },
  );
  const { programId } = await openProgram(
    must,
    {
      name: `Spring ${tag}`,
      requirements: [],
      commissionApproval: 'manual',
      commissionHold: 'PT0S',
      ...(options.customerVisibility === undefined ? {} : { customerVisibility: options.customerVisibility }),
    },
    { name: `Starter ${tag}`, sku: `starter-${tag}`, price: money('49.99') },
  );
  const affiliate = async (name: string): Promise<string> => {
    const email = `${name.toLowerCase()}-${tag}@blog.example`;
    const id = textAt(await must('POST', '/v1/affiliates', { name, email, programIds: [programId] }), 'id');
    await must('POST', `/v1/affiliates/${id}/approve`, { reason: 'Known' });
    return id;
  };
  const [adaId, boId, cyId] = [await affiliate('Ada'), await affiliate('Bo'), await affiliate('Cy')];
  const slug = `ada-${tag}`;
  await must('POST', '/v1/links', {
    affiliateId: adaId,
    programId,
    slug,
    destinationUrl: 'https://shop.example/pricing',
  });
  const click = await fetch(`${origin}/r/${slug}?sid=kw1`, {
    redirect: 'manual',
    headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document' },
  });
  const clickId = new URL(click.headers.get('location') ?? '').searchParams.get('click_id');
  const customer = { name: `Jo Buyer ${tag}`, email: `jo-${tag}@buyer.example` };
  const leadId = textAt(
    await must('POST', '/v1/leads', {
      externalId: `lead-${tag}`,
      customerExternalId: `u-${tag}`,
      clickId,
      event: 'registration',
      ...customer,
    }),
    'id',
  );
  const lead = await untilFound(must, `/v1/leads/${leadId}`, (body) => at(body, 'processedAt') !== null);
  const referralId = textAt(lead, 'referralId');
  const saleId = textAt(
    await must('POST', '/v1/sales', {
      externalId: `order-${tag}`,
      customer: { externalId: `u-${tag}`, email: customer.email },
      product: `starter-${tag}`,
      amount: money('49.99'),
    }),
    'id',
  );
  const sale = await untilFound(must, `/v1/sales/${saleId}`, (body) => at(body, 'commissionIds.0') !== undefined);
  const commissionId = textAt(sale, 'commissionIds.0');
  // On a busy machine a decision is answered with 202 and takes effect a little later.
  const approve = async (path: string, reason: string): Promise<void> => {
    await must('POST', `${path}/approve`, { reason });
    await untilFound(must, path, (body) => at(body, 'status') === 'approved');
  };
  await approve(`/v1/referrals/${referralId}`, 'Real customer');
  await approve(`/v1/commissions/${commissionId}`, 'ok');
  for (const [affiliateId, amount] of [
    [boId, '25.00'],
    [cyId, '1.20'],
  ] as const) {
    const bonus = await must('POST', '/v1/commissions', {
      affiliateId,
      programId,
      kind: 'bonus',
      amount: money(amount),
      reason: 'Welcome bonus',
      skipHold: true,
    });
    const id = textAt(bonus, 'id');
    const found = await must('GET', `/v1/commissions/${id}`);
    if (at(found, 'status') === 'pending') await approve(`/v1/commissions/${id}`, 'ok');
  }
  const approver = { email: `ben-${tag}@shop.example`, password: 'a long pass phrase of ben' };
  await must('POST', '/v1/users', {
    email: approver.email,
    name: 'Ben',
    roleIds: ['finance_approver', 'developer', 'auditor'],
  });
  const mails = await untilFound(
    must,
    `/v1/dev/emails?to=${approver.email}`,
    (body) => at(body, 'data.0.links.0') !== undefined,
  );
  const accepted = await fetch(`${origin}/v1/auth/accept-invite`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: textAt(mails, 'data.0.links.0').split('/').at(-1), password: approver.password }),
  });
  const ben = await sessionCalls(origin, cookieOf(accepted));
  const methodId = textAt(
    await must('POST', `/v1/affiliates/${adaId}/payout-methods`, {
      type: 'sandbox',
      currency: 'USD',
      details: { account: 'ok' },
    }),
    'id',
  );
  await ben.must('POST', `/v1/payout-methods/${methodId}/verify`, { reason: 'Called her' });
  await ben.must('POST', '/v1/gateways/sandbox/funding', { amount: money('100.00'), reference: `F-${tag}` });
  return {
    programId,
    ada: { id: adaId, email: `ada-${tag}@blog.example`, slug },
    bo: { id: boId },
    cy: { id: cyId },
    approver,
    referralId,
    commissionId,
    customer,
  };
}

export function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

function untilFound(
  must: (method: string, path: string) => Promise<unknown>,
  path: string,
  isThere: (body: unknown) => boolean,
): Promise<unknown> {
  return eventually(
    async () => {
      const body = await must('GET', path);
      if (!isThere(body)) throw new Error(`not yet: ${JSON.stringify(body).slice(0, 300)}`);
      return body;
    },
    { within: 90_000 },
  );
}
