import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { silentAuditSinks } from '../../activities/audit/history.js';
import { provided } from './provided.js';

/** The run's dev server as one test file uses it. */
export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly client: Client;
  /** A name nobody else has: for task queues and for ids, so that files can run side by side on one server. */
  unique(prefix: string): string;
  /**
   * A worker with the run's workflow bundle. Use `worker.runUntil(…)`: it is stopped before its connection is closed.
   * `maxCachedWorkflows: 0` makes every task replay its history, which finds what is not deterministic.
   */
  createWorker(options: Partial<WorkerOptions> & { readonly taskQueue: string }): Promise<Worker>;
  close(): Promise<void>;
}

let isInstalled = false;

/** Once per process, before any worker or connection (temporal.md 11.2); vitest gives each file a process. */
function installRuntime(): void {
  if (isInstalled) return;
  Runtime.install({ logger: new DefaultLogger('WARN'), workerHeartbeatInterval: 0 });
  isInstalled = true;
}

/** Connects to the dev server of this run. One per test file, in `beforeAll`; close it in `afterAll`. */
export async function connectToTestTemporal(): Promise<TestTemporal> {
  const { address, namespace } = provided('temporal');
  const workflowBundle = provided('workflowBundle');
  installRuntime();
  const connection = await Connection.connect({ address });
  const workerConnection = await NativeConnection.connect({ address });
  return {
    address,
    namespace,
    client: new Client({ connection, namespace, identity: 'test' }),
    unique: (prefix) => `${prefix}-${randomUUID()}`,
    createWorker: (options) =>
      Worker.create({
        connection: workerConnection,
        namespace,
        workflowBundle,
        sinks: silentAuditSinks, // else the SDK logs an error for each report
        identity: 'test-worker',
        shutdownGraceTime: '1 second',
        shutdownForceTime: '5 seconds',
        ...options,
      }),
    close: async () => {
      await workerConnection.close();
      await connection.close();
    },
  };
}
