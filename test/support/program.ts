/** A process of a test's system: started, killed and started again by its id, with its output kept. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 60_000;

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Another user than the one that runs the tests, who has to be root for that. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export class Program {
  readonly #name: string;
  readonly #folder: string;
  readonly #launch: () => Launch;
  readonly #ready: (output: string) => boolean | Promise<boolean>;
  #child: ChildProcess | null = null;
  #output = '';

  constructor(
    name: string,
    folder: string,
    launch: () => Launch,
    ready: (output: string) => boolean | Promise<boolean>,
  ) {
    this.#name = name;
    this.#folder = folder;
    this.#launch = launch;
    this.#ready = ready;
  }

  /** Process id of the present life, also while it is coming up; `null` while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Standard output since the last start. */
  get output(): string {
    return this.#output;
  }

  /** Standard error of all its lives. */
  get log(): string {
    const file = join(this.#folder, `${this.#name}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(): Promise<void> {
    const { command, args, env, user } = this.#launch();
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], ...user });
    this.#child = child;
    this.#output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    child.stderr.pipe(createWriteStream(join(this.#folder, `${this.#name}.log`), { flags: 'a' }));
    const deadline = Date.now() + READY_MS;
    while (!(await this.#ready(this.#output))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(
          `${this.#name} did not come up: ${this.log.slice(-2_000)}\n${this.#output.slice(-2_000)}`,
        );
      }
      await sleep(50);
    }
  }

  /** Ends it and waits for its end; answers its exit code, `null` where a signal ended it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    this.#child = null;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    }
    return child.exitCode;
  }

  /** `SIGSTOP` freezes it with its sockets open, `SIGCONT` lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }
}
