import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const options = JSON.stringify({
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
});

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/**
 * What axe finds against WCAG 2.2 AA in a page (screens.md 1.7): which rule, of which element, and why. Run in the page itself: the
 * library for Playwright opens a second page for each look, to put frames of foreign origins together, of which we have none, and
 * takes five times as long.
 */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  // A page that was looked at before still has it.
  if (!(await page.evaluate<boolean>(`'axe' in globalThis`))) await page.evaluate(axeSource);
  const { violations } = await page.evaluate<AxeResults>(`axe.run(${options})`);
  return violations.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 240)} ${node.failureSummary ?? ''}`),
  );
}
