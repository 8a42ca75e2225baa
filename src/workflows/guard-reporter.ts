/** Tells the worker's metrics what a guard is doing; a replay tells nothing again, and nothing of it is history (I11, I12). */
import { proxySinks, type Sinks } from '@temporalio/workflow';
import type { GuardBook } from '../domain/guard-state.ts';
import {
  guardReport,
  NOTHING_REPORTED,
  reportedOf,
  type CheckReport,
  type GuardReport,
  type Reported,
} from '../domain/guard-report.ts';

/** Every worker that runs guards has to offer these. */
export interface GuardSinks extends Sinks {
  readonly guardMetrics: {
    /** `check` has ended since the last call; `null` where none has. */
    shown(report: GuardReport, check: CheckReport | null): void;
    ended(): void;
  };
}

const { guardMetrics } = proxySinks<GuardSinks>();

export class GuardReporter {
  #reported: Reported;
  #check: CheckReport | null = null;

  /** `continued`: the run before has reported what the book holds. */
  constructor(book: GuardBook, continued: boolean) {
    this.#reported = continued ? reportedOf(book) : NOTHING_REPORTED;
  }

  shown(book: GuardBook, nextCheckAt: number): void {
    guardMetrics.shown(guardReport(book, this.#reported, nextCheckAt), this.#check);
    this.#reported = reportedOf(book);
    this.#check = null;
  }

  /** Told with what is shown next: each call copies the whole of `workflowInfo` to the worker (docs/performance.md). */
  checked(report: CheckReport): void {
    this.#check = report;
  }

  ended(): void {
    guardMetrics.ended();
  }
}
