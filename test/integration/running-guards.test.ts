/** Which guards run, as a real server knows it: whole lists a minute apart, and in between only what ended. */
import { Client, type WorkflowClient } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { guardId } from '../../src/domain/names.ts';
import { legKey, type Leg } from '../../src/domain/position.ts';
import { startTemporalServer } from '../../src/operator/temporal-server.ts';
import { createRunningGuards } from '../../src/running-guards.ts';
import { connectClient, temporalSettings } from '../../src/temporal-connection.ts';
import { scratchFolder } from '../support/scratch.ts';
import { until } from '../support/waiting.ts';

const ACCOUNT = 'main';
const LEGS: readonly Leg[] = Array.from({ length: 30 }, (_, at) => ({
  symbol: `S${String(at).padStart(2, '0')}USDT`,
  positionIdx: 0,
}));
const [FIRST, ...OTHERS] = LEGS as [Leg, ...Leg[]];
const keysOf = (legs: readonly Leg[]): string[] => legs.map(legKey).toSorted();

async function serverClient(): Promise<Client> {
  const server = await startTemporalServer({
    cli: process.env['STOPKEEPER_TEMPORAL_CLI'] ?? null,
    dataDir: scratchFolder(),
    env: process.env,
    signal: new AbortController().signal,
  });
  onTestFinished(() => server.child.stop());
  const settings = temporalSettings(server.env);
  const connection = await connectClient(settings);
  onTestFinished(() => connection.close());
  return new Client({ connection, namespace: settings.namespace });
}

/** Thirty guards that run although nobody works for them, all of them listed once. */
async function thirtyGuards() {
  const client = await serverClient();
  const clock = { now: Date.now() };
  const lists: string[] = [];
  const list: WorkflowClient['list'] = (options) => {
    lists.push(options?.query?.includes('"Running"') === true ? 'all' : 'ended');
    return client.workflow.list(options);
  };
  const getHandle = client.workflow.getHandle.bind(client.workflow);
  const ask = createRunningGuards({ workflow: { list, getHandle } }, () => clock.now);
  const running = async (legs = LEGS): Promise<string[]> => [...(await ask(ACCOUNT, legs))].toSorted();
  const begin = (leg: Leg): Promise<unknown> =>
    client.workflow.start('guardPosition', {
      workflowId: guardId(ACCOUNT, leg),
      taskQueue: 'nobody-polls',
    });
  for (const leg of LEGS) await begin(leg);
  await until('all are seen', async () => (await running()).length === LEGS.length);
  /** The lists that were asked for since the last look. */
  const asked = (): readonly string[] => lists.splice(0);
  asked();
  return { client, clock, running, begin, asked };
}

test('after one list of all only those that ended are listed, for a minute', async () => {
  const { clock, running, asked } = await thirtyGuards();
  clock.now += 59_000;
  expect(await running()).toEqual(keysOf(LEGS));
  expect(asked()).toEqual(['ended']);
  clock.now += 1_000;
  expect(await running()).toEqual(keysOf(LEGS));
  expect(asked()).toEqual(['all']);
});

test('a guard that was terminated is missed without a list of all, and found when it runs again', async () => {
  const { client, running, begin, asked } = await thirtyGuards();
  await client.workflow.getHandle(guardId(ACCOUNT, FIRST)).terminate('by hand');
  await until('it is missed', async () => (await running()).length === OTHERS.length);
  expect(await running()).toEqual(keysOf(OTHERS));
  await begin(FIRST);
  expect(await running()).toEqual(keysOf(LEGS));
  expect(asked()).not.toContain('all');
});

test('a leg that nobody knew is described, and with many of them all are listed', async () => {
  const { running, begin, asked } = await thirtyGuards();
  const added = Array.from({ length: 30 }, (_, at): Leg => ({ symbol: `NEW${at}USDT`, positionIdx: 0 }));
  const [one] = added as [Leg, ...Leg[]];
  expect(await running([...LEGS, one])).toEqual(keysOf(LEGS));
  await begin(one);
  expect(await running([...LEGS, one])).toEqual(keysOf([...LEGS, one]));
  expect(asked()).toEqual(['ended', 'ended']);
  // A list may lag behind what a description has shown.
  await until('it is listed', async () => (await running([...LEGS, ...added])).length === LEGS.length + 1);
  expect(await running([...LEGS, ...added])).toEqual(keysOf([...LEGS, one]));
  expect(asked().slice(0, 2)).toEqual(['ended', 'all']);
});

test('a guard whose records were deleted is missed by the next list of all', async () => {
  const { client, clock, running, asked } = await thirtyGuards();
  await client.workflowService.deleteWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: guardId(ACCOUNT, FIRST) },
  });
  await until('it is missed', async () => {
    clock.now += 60_000;
    return (await running()).length === OTHERS.length;
  });
  expect(await running()).toEqual(keysOf(OTHERS));
  expect(asked()).toContain('all');
});
