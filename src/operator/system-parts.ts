/** The programs that a start has running: kept alive, written down in `system.json`, stopped last in first out. */
import type { Child } from './child-process.ts';
import { StartError } from './start-error.ts';
import { supervise, type Supervision } from './supervision.ts';
import { removeSystemFile, writeSystemFile, type SystemFile } from './system-file.ts';

/** A program that ends this often in a row before the first report will not come up by itself. */
const GIVE_UP_AFTER_ENDS = 5;

/** What is known of the system so far; addresses come one by one while it starts. */
export type SystemFacts = Omit<SystemFile, 'processes' | 'pid' | 'startedAt'>;

export class SystemParts {
  /** Rejects when a program keeps ending: for whoever waits for the first report. */
  readonly broken: Promise<never>;
  readonly #dataDir: string;
  readonly #notice: (text: string) => void;
  readonly #startedAt = new Date().toISOString();
  /** The latest first: what was started last depends on what was started before. */
  #running: readonly Supervision[] = [];
  #facts: SystemFacts = {
    temporalAddress: '',
    temporalNamespace: 'default',
    uiUrl: null,
    paperUrl: null,
    paperUrls: {},
  };
  #breakDown: (error: Error) => void = () => undefined;

  constructor(dataDir: string, notice: (text: string) => void) {
    this.#dataDir = dataDir;
    this.#notice = notice;
    this.broken = new Promise((_resolve, reject) => {
      this.#breakDown = reject;
    });
    // Nobody may be waiting for it any more when it rejects.
    this.broken.catch(() => undefined);
  }

  know(facts: Partial<SystemFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#write();
  }

  keep(child: Child, start: () => Child): void {
    const supervision = supervise(child, start, {
      notice: this.#notice,
      restarted: () => this.#write(),
      endedEarly: (times) => {
        if (times >= GIVE_UP_AFTER_ENDS) this.#breakDown(keepsEnding(child.name, times));
      },
    });
    this.#running = [supervision, ...this.#running];
    this.#write();
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    for (const part of running) await part.stop();
    removeSystemFile(this.#dataDir);
  }

  #write(): void {
    writeSystemFile(this.#dataDir, {
      startedAt: this.#startedAt,
      pid: process.pid,
      ...this.#facts,
      processes: this.#running.map((part) => ({ name: part.current().name, ...part.current().identity })),
    });
  }
}

function keepsEnding(name: string, times: number): StartError {
  return new StartError([
    {
      setting: name,
      message: `ended ${times} times in a row`,
      hint: 'Its log in the folder "logs" of the data folder says why.',
    },
  ]);
}
