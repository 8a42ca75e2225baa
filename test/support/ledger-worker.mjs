/** `node ledger-worker.mjs ADDRESS BUNDLE READING`: a ledger worker as a process that can be killed, on a constant balance. */
import process from 'node:process';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

const [address = '', codePath = '', reading = ''] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const activities = {
  readLedgerBalance: async () => JSON.parse(reading),
  ensureWatcher: async () => undefined,
};
const workers = await Promise.all([
  Worker.create({
    connection,
    activities,
    taskQueue: 'stopkeeper',
    workflowBundle: { codePath },
    stickyQueueScheduleToStartTimeout: '3 seconds',
  }),
  Worker.create({ connection, activities, taskQueue: 'stopkeeper-aux' }),
]);
const running = Promise.all(workers.map((worker) => worker.run()));
process.stdout.write('running\n');
await running;
