/** A Temporal server, a worker with the ledger's workflow and a venue of plain data; every history is replayed at the end. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { AUX_TASK_QUEUE, TASK_QUEUE, ledgerId } from '../../src/domain/names.ts';
import type { LedgerReading } from '../../src/domain/ledger-sync.ts';
import type { KeepLedgerInput } from '../../src/workflows/keep-ledger.ts';
import { reading } from './ledger-book.ts';
import { replayable } from './replay.ts';

export interface LedgerVenue {
  /** What the next reads show, or the failure that they throw. */
  answer: LedgerReading | ApplicationFailure;
  reads: number;
  watcherKept: number;
}

export interface LedgerServer {
  readonly env: TestWorkflowEnvironment;
  readonly venue: LedgerVenue;
  readonly start: (account: string, input?: KeepLedgerInput) => Promise<WorkflowHandle>;
  /** Starts a ledger whose first task already has a session in it, and waits until that is open. */
  readonly startWithSession: (account: string) => Promise<WorkflowHandle>;
  /** Runs a ledger worker until it is stopped. */
  readonly startWorker: () => Promise<{ readonly stop: () => Promise<void> }>;
  /** The same in a process of its own, which can be killed; its venue shows a constant balance of 1,000. */
  readonly spawnWorker: () => Promise<WorkerProcess>;
  /** Replays every run of every ledger that was started, then stops all. */
  readonly close: () => Promise<void>;
}

// Replays bring up a worker each, whose changes of state would drown what went wrong.
Runtime.install({ logger: new DefaultLogger('WARN') });

const WORKER_SCRIPT = fileURLToPath(new URL('ledger-worker.mjs', import.meta.url));

const bundle = bundleWorkflowCode({
  logger: new DefaultLogger('WARN'),
  workflowsPath: fileURLToPath(new URL('../../src/workflows/keep-ledger.ts', import.meta.url)),
});

export interface WorkerProcess {
  /** `kill -9`: nothing is said goodbye to. */
  readonly kill: () => Promise<void>;
}

export async function startLedgerServer(env: TestWorkflowEnvironment): Promise<LedgerServer> {
  const venue: LedgerVenue = { answer: reading(), reads: 0, watcherKept: 0 };
  const workflowBundle = await bundle;
  const started: string[] = [];
  const activities = {
    async readLedgerBalance(): Promise<LedgerReading> {
      venue.reads += 1;
      if (venue.answer instanceof ApplicationFailure) throw venue.answer;
      return venue.answer;
    },
    async ensureWatcher(): Promise<void> {
      venue.watcherKept += 1;
    },
  };

  const startWorker = async () => {
    const options = { connection: env.nativeConnection, shutdownGraceTime: '1 second', activities } as const;
    const workers = [
      await Worker.create({ ...options, taskQueue: TASK_QUEUE, workflowBundle }),
      await Worker.create({ ...options, taskQueue: AUX_TASK_QUEUE }),
    ];
    const running = Promise.all(workers.map((worker) => worker.run()));
    return {
      stop: async () => {
        for (const worker of workers) worker.shutdown();
        await running;
      },
    };
  };

  const folder = await mkdtemp(join(tmpdir(), 'stopkeeper-ledger-'));
  const bundlePath = join(folder, 'workflows.js');
  await writeFile(bundlePath, workflowBundle.code);
  const children = new Set<ChildProcess>();

  const spawnWorker = async (): Promise<WorkerProcess> => {
    const child = spawn(
      process.execPath,
      [WORKER_SCRIPT, env.address, bundlePath, JSON.stringify(reading())],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.add(child);
    await once(child.stdout, 'data');
    return {
      kill: async () => {
        child.kill('SIGKILL');
        if (child.signalCode === null) await once(child, 'exit');
        children.delete(child);
      },
    };
  };

  return {
    env,
    venue,
    startWorker,
    spawnWorker,
    start: async (account, input = { account, venue: 'paper' }) => {
      started.push(account);
      return env.client.workflow.start('keepLedger', startOf(account, input));
    },
    startWithSession: async (account) => {
      started.push(account);
      const startWorkflowOperation = new WithStartWorkflowOperation('keepLedger', {
        ...startOf(account, { account, venue: 'paper' }),
        workflowIdConflictPolicy: 'FAIL',
      });
      await env.client.workflow.executeUpdateWithStart('newSession', {
        startWorkflowOperation,
        args: [{ requestId: 's1' }],
      });
      return startWorkflowOperation.workflowHandle();
    },
    close: async () => {
      for (const account of started) {
        const workflowId = ledgerId(account);
        const all = (await historiesOf(env, workflowId)).map((history) => ({ workflowId, history }));
        for (const { history } of env.supportsTimeSkipping ? replayable(all) : all)
          await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
      }
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
      await env.teardown();
    },
  };
}

function startOf(account: string, input: KeepLedgerInput) {
  return { workflowId: ledgerId(account), taskQueue: TASK_QUEUE, args: [input] };
}

/** The histories of all runs that continued each other, newest first. */
async function historiesOf(env: TestWorkflowEnvironment, workflowId: string) {
  const histories = [];
  let runId: string | undefined;
  do {
    const history = await env.client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(history);
    const former = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    runId = former === null || former === '' ? undefined : former;
  } while (runId !== undefined);
  return histories;
}

/** One run's number of histories, for tests that must see a continue-as-new. */
export async function runsOf(env: TestWorkflowEnvironment, account: string): Promise<number> {
  return (await historiesOf(env, ledgerId(account))).length;
}
