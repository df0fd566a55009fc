import { afterAll, beforeAll, expect, test } from 'vitest';
import { createJourneys, type Journeys } from '../../bench/journeys.js';
import { eventually } from '../support/eventually.js';
import { LiveStack } from '../support/liveStack.js';

// Nothing on the click path talks to Temporal (decisions 4): with the server gone a click is stored and redirected as ever.

let stack: LiveStack;
let journeys: Journeys;

beforeAll(async () => {
  stack = await LiveStack.start();
  journeys = await createJourneys(stack);
}, 120_000);
afterAll(async () => {
  await journeys?.close();
  await stack?.stop();
});

test('while Temporal is gone a click is a row and a 302; its workflow starts when Temporal is back', async () => {
  await stack.kill('temporal');

  const response = await fetch(`${stack.baseUrl}/r/${journeys.slug}`, {
    redirect: 'manual',
    headers: { 'user-agent': 'Mozilla/5.0' },
  });

  expect(response.status).toBe(302);
  const id = new URL(response.headers.get('location') ?? '').searchParams.get('click_id') ?? '';
  expect(await journeys.owner('clicks').where({ id }).select('credit')).toEqual([{ credit: 'credited' }]);

  await stack.startAgain('temporal');
  const referralId = await eventually(async () => {
    const row = await journeys
      .owner('clicks')
      .where({ id })
      .first<{ referral_id: string | null } | undefined>('referral_id');
    return row?.referral_id ?? undefined;
  });
  const { client, workspaceId } = journeys;
  const handle = client.workflow.getHandle(`referral/${workspaceId}/${referralId}`);
  await eventually(async () => (await handle.describe()).status.name === 'RUNNING', { within: 90_000 });
}, 180_000);
