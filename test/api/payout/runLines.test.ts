import { randomUUID } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { insertRow } from '../../support/rows.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// The lines of a plan and what changed in them, as lists (api.md 1.6, 10.2): the order that was asked for, each line once. How a plan comes to
// its lines is tested in test/activities/payout.

let api: TestApi;
let shop: TestWorkspace;
let owner: Knex;
const runId = newId('payoutRun');
/** Every affiliate in two currencies. The first plan leaves all of them out, the second pays each of them. */
let lines: readonly (readonly [affiliateId: string, currency: string])[];

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: true });
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  const common = { workspace_id: shop.id };
  const contactId = newId('contact');
  await insertRow(owner, 'contacts', { ...common, id: contactId, name: 'Jo' });
  const affiliateIds = Array.from({ length: 3 }, () => newId('affiliate')).sort();
  for (const id of affiliateIds)
    await insertRow(owner, 'affiliates', {
      ...common,
      id,
      contact_id: contactId,
      email: `${id}@blog.example`,
      status: 'approved',
    });
  lines = affiliateIds.flatMap((id) => [
    [id, 'EUR'],
    [id, 'USD'],
  ]);
  await insertRow(owner, 'payout_runs', {
    ...common,
    id: runId,
    mode: 'live',
    status: 'planned',
    plan_version: 2,
    plan_hash: 'sha256:2',
    workflow_id: 'x',
    created_by_type: 'system',
  });
  for (const planVersion of [1, 2]) {
    await insertRow(owner, 'audit_entries', {
      ...common,
      id: newId('auditEntry'),
      mode: 'live',
      commit_id: randomUUID(),
      actor_type: 'system',
      object_type: 'payout_run',
      object_id: runId,
      seq: planVersion,
      event: 'planned',
      changes: JSON.stringify({ planVersion, planHash: `sha256:${planVersion}` }),
    });
    for (const [affiliateId, currency] of lines)
      await insertRow(owner, 'payout_run_rows', {
        ...common,
        run_id: runId,
        plan_version: planVersion,
        affiliate_id: affiliateId,
        currency,
        outcome: planVersion === 1 ? 'not_paid' : 'paid',
        reasons: '[]',
        stays_behind: '[]',
      });
  }
}, 60_000);
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
});

/** The whole list, two lines a page. */
async function walk(list: 'lines' | 'changes', sort: string | null): Promise<readonly (readonly unknown[])[]> {
  const found: (readonly unknown[])[] = [];
  const path = `/v1/payout-runs/${runId}/${list}?limit=2${sort === null ? '' : `&sort=${sort}`}`;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await api.as(shop.key, `${path}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    expect(page.status, page.text).toBe(200);
    found.push(...itemsOf(page.body['data']).map((one) => [one['affiliateId'], one['currency']]));
    cursor = page.body['nextCursor'] as unknown as string | null;
  }
  return found;
}

test.each(['lines', 'changes'] as const)(
  'the %s of a plan come in the order that was asked for, each once, over all pages',
  async (list) => {
    expect(await walk(list, 'affiliateId')).toEqual(lines);
    expect(await walk(list, '-affiliateId')).toEqual(lines.toReversed());
    expect(await walk(list, null)).toEqual(lines.toReversed()); // the default that the document names
    const unknown = await api.as(shop.key, `/v1/payout-runs/${runId}/${list}?sort=name`);
    expect([unknown.status, unknown.body['code']]).toEqual([422, 'validation_failed']);
  },
);
