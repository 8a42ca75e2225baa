/** Worker of what guards are compared with: the product's venue port and `observe`, the SDK's default settings. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { observeLeg, type ObserveInput } from '../../src/activities/observe.ts';
import { connectWorker, temporalSettings } from '../../src/temporal-connection.ts';
import { venueReader } from '../support/venue-reader.ts';

Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('WARN') });
const settings = temporalSettings(process.env);
const connection = await connectWorker(settings);
const { reader } = venueReader(process.env);
const worker = await Worker.create({
  connection,
  taskQueue: 'plain',
  workflowsPath: fileURLToPath(new URL('./plain-workflows.js', import.meta.url)),
  activities: {
    observe: (input: ObserveInput) => observeLeg(reader, input),
    nothing: () => Promise.resolve(),
  },
});
process.once('SIGTERM', () => worker.shutdown());
const running = worker.run();
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
await running;
reader.port.close();
await connection.close();
