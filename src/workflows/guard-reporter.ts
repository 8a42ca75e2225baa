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
    shown(report: GuardReport): void;
    checked(report: CheckReport): void;
    ended(): void;
  };
}

const { guardMetrics } = proxySinks<GuardSinks>();

export class GuardReporter {
  #reported: Reported;

  /** `continued`: the run before has reported what the book holds. */
  constructor(book: GuardBook, continued: boolean) {
    this.#reported = continued ? reportedOf(book) : NOTHING_REPORTED;
  }

  shown(book: GuardBook, nextCheckAt: number): void {
    guardMetrics.shown(guardReport(book, this.#reported, nextCheckAt));
    this.#reported = reportedOf(book);
  }

  checked(report: CheckReport): void {
    guardMetrics.checked(report);
  }

  ended(): void {
    guardMetrics.ended();
  }
}
