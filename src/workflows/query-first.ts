/**
 * Keeps a query from spoiling a history (docs/temporal.md §7). Where a query brings a run into a process, SDK 1.24.0 also applies the events that
 * no task has taken yet; what they cause is sent with the next task, in another order than a replay of it has, and such a history never replays
 * again. So that next task is failed here, once: the run is forgotten, and its whole history read before it goes on.
 */
import type { ActivateInput, WorkflowInterceptors, WorkflowInterceptorsFactory } from '@temporalio/workflow';

type Activation = ActivateInput['activation'];

/** The id that the SDK gives a query that came without a task. */
const WITHOUT_A_TASK = 'legacy_query';

const NOT_BEFORE_ITS_TASK =
  'stopkeeper: a query was answered before this task, from events that belong to it; the run is read anew';

/** Two tasks of a run never began in the same nanosecond. */
function timeOf({ timestamp }: Activation): string {
  return `${String(timestamp?.seconds)}.${String(timestamp?.nanos)}`;
}

/** Looks at what a run is told, one activation after another, and throws at the first that must not be applied. */
export class QueryFirst {
  #time: string | null = null;
  #length: number | null = null;
  /** The history has been replayed here, and so many tasks been done since; what a query applies looks like the first of them. */
  #replayed = false;
  #tasks = 0;
  /** The length of the history as events were applied at the time of the task before. */
  #early: number | null = null;
  #spoilt = false;

  /** @throws {Error} which fails the task, and makes the worker forget the run. */
  see(activation: Activation): void {
    const length = activation.historyLength ?? 0;
    const queries = (activation.jobs ?? []).flatMap(({ queryWorkflow }) => queryWorkflow ?? []);
    if (queries.length > 0) {
      const alone = queries.some(({ queryId }) => queryId === WITHOUT_A_TASK);
      const first = this.#replayed && this.#tasks === 1 && this.#length === length;
      if (alone && (first || this.#early === length)) this.#spoilt = true;
      return;
    }
    if (this.#spoilt) throw new Error(NOT_BEFORE_ITS_TASK);
    this.#note(timeOf(activation), length, activation.isReplaying === true);
  }

  #note(time: string, length: number, replaying: boolean): void {
    if (replaying) {
      this.#replayed = true;
      this.#tasks = 0;
    } else if (length !== this.#length) {
      this.#tasks += 1;
      if (this.#time === time) this.#early = length;
    }
    this.#time = time;
    this.#length = length;
  }
}

export const interceptors: WorkflowInterceptorsFactory = (): WorkflowInterceptors => {
  const first = new QueryFirst();
  return {
    internals: [
      {
        activate(input, next): void {
          first.see(input.activation);
          next(input);
        },
      },
    ],
  };
};
