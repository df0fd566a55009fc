import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { LiveStack } from '../test/support/liveStack.js';

/** The worker of the bare workflow; it ends when it is disconnected. */
export function startBareWorker(stack: LiveStack, taskQueue: string): Promise<ChildProcess> {
  const child = fork(
    path.join(import.meta.dirname, 'bareWorker.ts'),
    [stack.temporalAddress, stack.namespace, taskQueue, stack.ownerUrl],
    { execArgv: ['--import', 'tsx'] },
  );
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`the bare worker ended with ${code}`)));
  });
}
