// The worker of the bare workflow, in a process of its own as ours is: the same slots, each step one trivial transaction.
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import pg from 'pg';

const [address = '', namespace = '', taskQueue = '', databaseUrl = ''] = process.argv.slice(2);
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowBundle: await bundleWorkflowCode({
    workflowsPath: path.join(import.meta.dirname, 'bareWorkflow.ts'),
    logger,
  }),
  activities: {
    step: async (batch: string): Promise<void> => {
      await pool.query({ name: 'step', text: 'insert into bench_steps (batch) values ($1)', values: [batch] });
    },
  },
  maxCachedWorkflows: 300,
  maxConcurrentLocalActivityExecutions: 6,
  maxConcurrentActivityTaskExecutions: 3,
});
process.on('disconnect', () => worker.shutdown());
process.send?.('ready');
await worker.run();
await connection.close();
await pool.end();
