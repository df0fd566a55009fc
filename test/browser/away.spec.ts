import { readFileSync } from 'node:fs';
import { at } from '../support/apiClient.js';
import { expect, ownerState, stackNotes, test } from './support.js';
import { makeWorkWorld, ownerCalls, until, type WorkWorld } from './workWorld.js';

// Parts that stand still: a decision is kept and happens once, and every page still reads (decisions 5, screens.md).

test.use({ storageState: ownerState, viewport: { width: 1280, height: 900 } });

let world: WorkWorld;
test.beforeAll(async () => {
  test.setTimeout(240_000);
  world = await makeWorkWorld(2);
});

/** Runs with a part of the stack standing still, and lets it go on whatever happens. */
async function without<T>(part: 'worker' | 'temporal', work: () => Promise<T>): Promise<T> {
  const pid = stackNotes().pids[part];
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

async function approvals(referralId: string): Promise<number> {
  const { must } = await ownerCalls();
  const story = await must('GET', `/v1/referrals/${referralId}/story`);
  return (at(story, 'data') as readonly { readonly kind: string; readonly event: string }[]).filter(
    (line) => line.kind === 'referral' && line.event === 'approved',
  ).length;
}

test('with the worker stopped a decision says that it is under way, and happens once when the worker is back', async ({
  page,
}) => {
  test.setTimeout(240_000);
  const [referral] = world.referrals;
  const id = referral?.id ?? '';
  await page.goto(`/referrals/${id}`);
  await expect(page.locator('[data-action="approve"]')).toBeVisible();

  await without('worker', async () => {
    await page.locator('[data-action="approve"]').click();
    await expect(page.getByText('Under way. It is kept and happens once.')).toBeVisible();
    expect(await approvals(id)).toBe(0);
  });

  await expect(page.getByText('The decision has been carried out')).toBeVisible({ timeout: 60_000 });
  await until(`/v1/referrals/${id}`, (body) => at(body, 'status') === 'approved');
  expect(await approvals(id)).toBe(1);
});

test('with Temporal away every page still reads, and a decision happens once when it is back', async ({ page }) => {
  test.setTimeout(420_000);
  const id = world.referrals[1]?.id ?? '';
  // All but the one that shows what an error looks like.
  const lists = [...readFileSync('web/console/screens.ts', 'utf8').matchAll(/path: '([^'$]+)'/g)]
    .map((match) => match[1] ?? '')
    .filter((path) => path !== '/kitchen-sink');
  const details = [
    `/referrals/${id}`,
    `/affiliates/${world.affiliateId}`,
    `/programs/${world.programId}`,
    `/commissions/${world.referrals[1]?.commissionId ?? ''}`,
    `/sales/${world.referrals[1]?.saleId ?? ''}`,
  ];
  await without('temporal', async () => {
    for (const path of [...lists, ...details]) {
      const refused: string[] = [];
      const watch = (response: { status(): number; url(): string }): void => {
        // What only Temporal knows: its failed runs, and the record of a run that is still open.
        const isEngine = /\/v1\/workflows|\/history(\?|$)/.test(response.url());
        if (response.status() >= 400 && !isEngine) refused.push(`${response.status()} ${response.url()}`);
      };
      page.on('response', watch);
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 }), path).toBeVisible();
      await expect(page.locator('[role="alert"]').filter({ hasText: 'Request' }), path).toHaveCount(0);
      page.off('response', watch);
      expect(refused, path).toEqual([]);
    }
    await page.goto('/system');
    await expect(page.getByText('The engine does not answer')).toBeVisible();

    await page.goto(`/referrals/${id}`);
    await page.locator('[data-action="approve"]').click();
    await expect(page.getByText('Under way. It is kept and happens once.')).toBeVisible();
  });

  await until(`/v1/referrals/${id}`, (body) => at(body, 'status') === 'approved');
  expect(await approvals(id)).toBe(1);
  await page.goto('/system');
  await expect(page.getByText('The engine does not answer')).toHaveCount(0);
});
