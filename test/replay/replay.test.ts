/** Histories that released versions made replay with the code of now: a guard that began under them goes on (I11). */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { replayAll, tornBy, type RecordedRun } from '../support/replay.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
});

const folder = fileURLToPath(new URL('histories/', import.meta.url));
const names = readdirSync(folder).flatMap((version) =>
  readdirSync(`${folder}${version}`).map((file) => ({ version, name: file.replace(/\.json$/, '') })),
);

function runOf({ version, name }: { readonly version: string; readonly name: string }): RecordedRun {
  return JSON.parse(readFileSync(`${folder}${version}/${name}.json`, 'utf8')) as RecordedRun;
}

const COVERED = [
  'guard-fixed',
  'guard-trailing',
  'guard-restored',
  'guard-closed',
  'guard-continued-run-2',
  'session',
  'session-dry-run',
  'session-failed',
  'watch-run-1',
  'ledger',
];

describe('recorded histories', () => {
  it.each(names)('of $version: $name replays', async (one) => {
    const run = runOf(one);
    expect(run.history.events.length).toBeGreaterThan(5);
    await replayAll([run]);
  });

  it('cover every workflow and the turns of a guard', () => {
    expect(names.filter(({ version }) => version === '0.1.0').map(({ name }) => name)).toEqual(
      expect.arrayContaining(COVERED),
    );
  });

  it('that the code of now would not have made are found', async () => {
    const run = runOf({ version: '0.1.0', name: 'guard-fixed' });
    const text = JSON.stringify(run).replace('"ensureStop"', '"somethingElse"');
    await expect(replayAll([JSON.parse(text) as RecordedRun])).rejects.toThrow(run.workflowId);
  });
});

describe('a history of the time-skipping server', () => {
  const event = (eventId: number, kind: string) => ({ eventId, [`${kind}EventAttributes`]: {} });
  const history = (...events: readonly object[]) => ({ events }) as unknown as Parameters<typeof tornBy>[0];

  it.each(['Completed', 'Failed', 'TimedOut'])('is whole where each workflow task has %s', (end) => {
    const task = ['workflowExecutionStarted', 'workflowTaskStarted', `workflowTask${end}`, 'timerStarted'];
    expect(tornBy(history(...task.map((kind, at) => event(at + 1, kind))))).toBe(null);
  });

  it('is whole where its last task is still running or was ended by a termination', () => {
    expect(tornBy(history(event(1, 'workflowTaskStarted')))).toBe(null);
    expect(tornBy(history(event(1, 'workflowTaskStarted'), event(2, 'workflowExecutionTerminated')))).toBe(
      null,
    );
  });

  it('is torn where something else was written before the end of a task', () => {
    const events = [
      event(1, 'workflowTaskStarted'),
      event(2, 'activityTaskCanceled'),
      event(3, 'workflowTaskCompleted'),
    ];
    expect(tornBy(history(...events))).toBe('activityTaskCanceled (event 2)');
  });
});
