import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const pathOf = (file: string) => fileURLToPath(new URL(`../../workflows/${file}`, import.meta.url));

/** What a worker's bundle is made of: the same for the tests, for the size guard and for the replay of histories. */
export function workflowSources(): { workflowsPath: string; workflowInterceptorModules: string[] } {
  return {
    workflowsPath: pathOf('index.ts'),
    workflowInterceptorModules: [pathOf('auditInterceptor.ts')].filter((file) => existsSync(file)),
  };
}
