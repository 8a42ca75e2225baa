/** Which activations a run may not take any more, as the SDK sends them (docs/temporal.md §7). */
import { describe, expect, it } from 'vitest';
import type { ActivateInput } from '@temporalio/workflow';
import { QueryFirst } from '../src/workflows/query-first.ts';

type Activation = ActivateInput['activation'];

/** At second `at` of the history, whose length then is `length`. */
const replay = (at: number, length: number): Activation => ({ ...live(at, length), isReplaying: true });
const live = (at: number, length: number): Activation => ({
  timestamp: { seconds: at as never, nanos: 7 },
  historyLength: length,
  isReplaying: false,
  jobs: [{ signalWorkflow: {} }],
});
const query = (length: number, queryId = 'legacy_query'): Activation => ({
  historyLength: length,
  isReplaying: true,
  jobs: [{ queryWorkflow: { queryId } }],
});

/** Whether the run takes the last of what it is told. */
function takesLast(seen: readonly Activation[]): boolean {
  const first = new QueryFirst();
  const [last, ...before] = seen.toReversed();
  for (const activation of before.toReversed()) first.see(activation);
  try {
    if (last !== undefined) first.see(last);
    return true;
  } catch {
    return false;
  }
}

interface Case {
  readonly title: string;
  readonly seen: readonly Activation[];
  readonly refused: boolean;
}

const CASES: readonly Case[] = [
  {
    title: 'a task after a query that brought events without a task with it',
    seen: [replay(10, 3), replay(20, 8), live(20, 11), query(11), live(30, 14)],
    refused: true,
  },
  {
    title: 'a task after several such queries, whose events had consequences of their own',
    seen: [replay(10, 3), live(10, 6), live(12, 6), query(6), query(6), live(30, 9)],
    refused: true,
  },
  {
    title: 'a task after a query that brought no events but those of tasks',
    seen: [replay(10, 3), replay(20, 8), query(9), live(30, 12)],
    refused: false,
  },
  {
    title: 'a task that brings the run here itself',
    seen: [replay(10, 3), replay(20, 8), live(30, 14), live(31, 14), live(40, 20)],
    refused: false,
  },
  {
    title: 'a task after a query that brought the start of a task with it',
    seen: [replay(10, 3), replay(20, 8), live(30, 12), query(12), live(40, 15)],
    refused: true,
  },
  {
    title: 'a task after a query that reached a run here with events that are newer than its last task',
    seen: [live(10, 3), live(20, 8), live(20, 10), query(10), live(30, 13)],
    refused: true,
  },
  {
    title: 'a task after a query of a run that was replayed and then had two tasks here',
    seen: [replay(10, 3), live(30, 8), live(40, 14), query(14), live(50, 20)],
    refused: false,
  },
  {
    title: 'a task after a query that came with a task',
    seen: [replay(10, 3), live(30, 8), query(8, 'a2'), live(40, 14)],
    refused: false,
  },
  {
    title: 'a task after queries of a run that had tasks here',
    seen: [live(10, 3), live(12, 3), query(4), live(20, 8), query(9), live(30, 14)],
    refused: false,
  },
];

describe('a query that brings a run into a process', () => {
  it.each(CASES)('$title', ({ seen, refused }) => {
    expect(takesLast(seen)).toBe(!refused);
  });
});
