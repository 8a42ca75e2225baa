/** Kills processes with `kill -9` and starts them again, and writes down when each was away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../test/support/program.ts';
import type { System } from '../test/support/system.ts';
import type { Kill } from './kills.ts';
import type { Outage } from './outages.ts';

/** Temporal learns from the workflow task's time-out that a worker died with one; the other worker has it after that, ms. */
const TASK_TIMEOUT_MS = 10_000;

/** A moment from which the guards had to be taken up again. */
export interface Restart {
  readonly what: 'workers' | 'power-cut';
  readonly killedAt: number;
  /** When the first worker process was started, ms. */
  readonly startedAt: number;
  /** When the last worker said that it is ready, ms. */
  readonly readyAt: number;
}

/** From a start to the kill or to now. */
export interface ProcessLife {
  readonly name: string;
  readonly pid: number;
  readonly from: number;
}

export class Processes {
  readonly outages: Outage[] = [];
  readonly restarts: Restart[] = [];
  /** Those that run now, by name. */
  readonly lives = new Map<string, ProcessLife>();
  readonly #system: System;
  readonly #beforeVenueDies: () => Promise<void>;
  readonly #venueDied: () => void;

  /** `beforeVenueDies` saves what the paper exchange keeps in memory only. */
  constructor(system: System, venue: { readonly dies: () => Promise<void>; readonly died: () => void }) {
    this.#system = system;
    this.#beforeVenueDies = venue.dies;
    this.#venueDied = venue.died;
    for (const [name, program] of this.#named()) this.#began(name, program);
  }

  #named(): readonly (readonly [string, Program])[] {
    const { temporal, paper, workers } = this.#system.programs;
    return [
      ['temporal', temporal],
      ['paper', paper],
      ...workers.map((worker, at) => [`worker-${at}`, worker] as const),
    ];
  }

  #began(name: string, program: Program): void {
    const { pid } = program;
    if (pid !== null) this.lives.set(name, { name, pid, from: Date.now() });
  }

  /** Starts processes again that ended without us, and names them. */
  async revived(): Promise<readonly string[]> {
    const gone = this.#named().filter(([name, program]) => this.lives.has(name) && !program.running);
    for (const [name] of gone) this.lives.delete(name);
    await this.#start(gone.map(([, program]) => program));
    return gone.map(([name]) => name);
  }

  /** Kills, waits, starts again; returns once everything is back. */
  async carryOut({ what, downMs }: Kill): Promise<void> {
    const { temporal, paper, workers } = this.#system.programs;
    const [first] = workers;
    switch (what) {
      case 'worker':
        if (first !== undefined)
          await this.#away([first], downMs, { part: 'worker', what: 'one worker killed' }, TASK_TIMEOUT_MS);
        return;
      case 'workers':
        await this.#allWorkers(downMs);
        return;
      case 'server':
        await this.#away([temporal], downMs, { part: 'server', what: 'Temporal server killed' });
        return;
      case 'venue':
        await this.#beforeVenueDies();
        await this.#away([paper], downMs, { part: 'venue', what: 'venue killed' });
        return;
      case 'power-cut':
        await this.#beforeVenueDies();
        await this.#powerCut(downMs);
        return;
    }
  }

  /** `lastsMs`: what it cost although others of its kind went on; otherwise until it is back. */
  async #away(
    programs: readonly Program[],
    downMs: number,
    kind: Pick<Outage, 'part' | 'what'>,
    lastsMs?: number,
  ): Promise<void> {
    const from = await this.#kill(programs);
    await sleep(downMs);
    await this.#start(programs);
    const to = lastsMs === undefined ? Date.now() : from + lastsMs;
    this.outages.push({ from, to, symbol: null, ...kind });
  }

  async #allWorkers(downMs: number): Promise<void> {
    const { workers } = this.#system.programs;
    const from = await this.#kill(workers);
    await sleep(downMs);
    const startedAt = Date.now();
    await this.#start(workers);
    const readyAt = Date.now();
    this.restarts.push({ what: 'workers', killedAt: from, startedAt, readyAt });
    this.outages.push({
      from,
      to: Math.max(readyAt, from + TASK_TIMEOUT_MS),
      part: 'worker',
      symbol: null,
      what: 'both workers killed',
    });
  }

  async #powerCut(downMs: number): Promise<void> {
    const { temporal, paper, workers } = this.#system.programs;
    const from = await this.#kill([temporal, paper, ...workers]);
    await sleep(downMs);
    await this.#start([temporal, paper]);
    const startedAt = Date.now();
    await this.#start(workers);
    const readyAt = Date.now();
    this.restarts.push({ what: 'power-cut', killedAt: from, startedAt, readyAt });
    this.outages.push({ from, to: readyAt, part: 'everything', symbol: null, what: 'power cut' });
  }

  async #kill(programs: readonly Program[]): Promise<number> {
    const { paper } = this.#system.programs;
    for (const [name, program] of this.#named()) if (programs.includes(program)) this.lives.delete(name);
    const from = Date.now();
    await Promise.all(programs.map((program) => program.kill()));
    if (programs.includes(paper)) this.#venueDied();
    return from;
  }

  async #start(programs: readonly Program[]): Promise<void> {
    await Promise.all(programs.map((program) => program.start()));
    for (const [name, program] of this.#named()) if (programs.includes(program)) this.#began(name, program);
  }
}
