import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

// The last step of `npm run build`: the workflows of dist/ as one file, so that a worker in production starts without webpack and every
// worker of a release runs the same bytes.
const pathOf = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: pathOf('workflows/index.js'),
  workflowInterceptorModules: [pathOf('workflows/auditInterceptor.js')],
});
await writeFile(pathOf('workflowBundle.js'), code);
