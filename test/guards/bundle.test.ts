import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { readTree } from '../support/sourceTree.js';
import { workflowSources } from '../support/workflowSources.js';

// Tried: 1.65 MB without a package of ours, 2.70 MB with zod, 2.3 MB with the date library (dependencies.md 2, fact 8).
const limitBytes = 2_000_000;

test('the bundle of all workflows holds no package beside the SDK and stays under 2 MB', async () => {
  const isThereAWorkflow = readTree(['workflows']).has('workflows/index.ts');
  if (!isThereAWorkflow) throw new Error('workflows/index.ts, the entry of the bundle, is missing');

  const { code } = await bundleWorkflowCode({ ...workflowSources(), logger: new DefaultLogger('WARN') });

  expect(Buffer.byteLength(code)).toBeGreaterThan(500_000);
  expect(Buffer.byteLength(code)).toBeLessThan(limitBytes);
});
