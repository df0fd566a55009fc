import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { sessionCalls } from './payoutWorld.js';
import { openProgram } from './program.js';
import { ownerState, stackNotes } from './support.js';

// Work that waits for a reviewer, made through the real API: each referral was touched by Bob first and by Ada last, and bought once.

export interface WorkWorld {
  readonly programId: string;
  readonly productName: string;
  readonly affiliateName: string;
  readonly affiliateId: string;
  readonly otherName: string;
  readonly applicant: { readonly id: string; readonly name: string };
  readonly referrals: readonly {
    readonly id: string;
    readonly saleId: string;
    readonly order: string;
    readonly commissionId: string;
    readonly customer: string;
  }[];
}

const money = (amount: string) => ({ amount, currency: 'USD' });

/** The owner's calls, as their browser would make them. */
export async function ownerCalls() {
  const { origin } = stackNotes();
  const { cookies } = JSON.parse(readFileSync(ownerState, 'utf8')) as {
    readonly cookies: readonly { readonly name: string; readonly value: string }[];
  };
  return sessionCalls(origin, cookies.map(({ name, value }) => `${name}=${value}`).join('; '));
}

/** Reads until something holds. */
export async function until(path: string, holds: (body: unknown) => boolean): Promise<unknown> {
  const { must } = await ownerCalls();
  return eventually(
    async () => {
      const body = await must('GET', path);
      if (!holds(body)) throw new Error(`${path} is still ${JSON.stringify(body).slice(0, 800)}`);
      return body;
    },
    { within: 60_000 },
  );
}

export async function makeWorkWorld(count: number): Promise<WorkWorld> {
  const { origin } = stackNotes();
  const { must } = await ownerCalls();
  const tag = randomUUID().slice(0, 8);
  const settings = await must('GET', '/v1/settings');
  await must(
    'PATCH',
    '/v1/settings',
    { general: { timeZone: 'Europe/Warsaw', defaultCurrency: 'USD' } },
    { 'if-match': `"${String(at(settings, 'version'))}"` },
  );
  const productName = `Starter ${tag}`;
  const { programId } = await openProgram(
    must,
    { name: `Work ${tag}`, requirements: [], commissionApproval: 'manual', commissionHold: 'PT0S' },
    { name: productName, sku: `starter-${tag}`, price: money('49.99') },
  );
  const affiliate = async (name: string): Promise<{ readonly id: string; readonly name: string }> => {
    const email = `${name.toLowerCase().replaceAll(' ', '-')}@blog.example`;
    return { id: textAt(await must('POST', '/v1/affiliates', { name, email, programIds: [programId] }), 'id'), name };
  };
  const withLink = async (name: string, slug: string) => {
    const made = await affiliate(name);
    await must('POST', `/v1/affiliates/${made.id}/approve`, { reason: 'Known' });
    await must('POST', '/v1/links', { affiliateId: made.id, programId, slug, destinationUrl: 'https://shop.example/' });
    return made;
  };
  const bob = await withLink(`Bob ${tag}`, `bob-${tag}`);
  const ada = await withLink(`Ada ${tag}`, `ada-${tag}`);
  const applicant = await affiliate(`Cleo ${tag}`);
  const click = async (slug: string, cookie = '') => {
    const answer = await fetch(`${origin}/r/${slug}`, {
      redirect: 'manual',
      headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document', cookie },
    });
    return {
      id: new URL(answer.headers.get('location') ?? '').searchParams.get('click_id'),
      cookie: answer.headers
        .getSetCookie()
        .map((one) => one.split(';')[0])
        .join('; '),
    };
  };
  const referrals: WorkWorld['referrals'][number][] = [];
  for (let n = 1; n <= count; n += 1) {
    const first = await click(`bob-${tag}`);
    const last = await click(`ada-${tag}`, first.cookie);
    const person = `u-${tag}-${n}`;
    const customer = `Jo ${tag} ${n}`;
    const email = `${person}@buyer.example`;
    const lead = await must('POST', '/v1/leads', {
      externalId: `lead-${tag}-${n}`,
      customerExternalId: person,
      clickId: last.id,
      event: 'registration',
      name: customer,
      email,
    });
    const accepted = await until(`/v1/leads/${textAt(lead, 'id')}`, (body) => at(body, 'processedAt') !== null);
    const order = `order-${tag}-${n}`;
    const sale = await must('POST', '/v1/sales', {
      externalId: order,
      customer: { externalId: person, email },
      product: `starter-${tag}`,
      amount: money('49.99'),
    });
    const saleId = textAt(sale, 'id');
    const booked = await until(`/v1/sales/${saleId}`, (body) => at(body, 'commissionIds.0') !== undefined);
    referrals.push({
      id: textAt(accepted, 'referralId'),
      saleId,
      order,
      commissionId: textAt(booked, 'commissionIds.0'),
      customer,
    });
  }
  return {
    programId,
    productName,
    affiliateName: ada.name,
    affiliateId: ada.id,
    otherName: bob.name,
    applicant,
    referrals,
  };
}
