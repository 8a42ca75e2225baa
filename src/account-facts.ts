/**
 * What metrics show of whole accounts, asked where it is kept: the watcher's board and the ledger's summary from their workflows, so
 * that it is true after a restart and on every worker; the key's end from the venue. Guards that moved away are forgotten here too.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EventLog } from './activities/deps.ts';
import type { Board, GuardStatus } from './domain/board.ts';
import type { LedgerSummary } from './domain/ledger-view.ts';
import { ledgerId, watchId } from './domain/names.ts';
import { pooled } from './domain/pool.ts';
import type { VenuePort } from './exchange/port.ts';
import type { AccountMetrics } from './metrics/account-metrics.ts';
import type { GuardMetrics } from './metrics/guard-metrics.ts';

const EVERY_MS = 15_000;
const ASK_LIMIT_MS = 5_000;
/** The ledger reads its balance every five minutes; a query is a request to Temporal, which its cloud bills. */
const BALANCE_EVERY_MS = 60_000;
/** A key's end is a date: the venue is asked rarely, and again soon where it did not answer. */
const KEY_EVERY_MS = 3_600_000;
const KEY_AGAIN_MS = 60_000;
/** A guard whose check is so late may have moved to another worker. */
const OVERDUE_MS = 15_000;
const ASKED_AT_ONCE = 10;
/** With very many late checks the system has other things to do than to answer how late they are. */
const MOST_ASKED = 40;

export interface FactSources {
  readonly client: Client;
  readonly accounts: readonly string[];
  readonly port: (account: string) => Pick<VenuePort, 'keyInfo'>;
  readonly metrics: { readonly accounts: AccountMetrics; readonly guards: GuardMetrics };
  readonly log: Pick<EventLog, 'debug'>;
  readonly now: () => number;
}

export class AccountFacts {
  readonly #sources: FactSources;
  /** When what is asked more rarely is due next, ms, by fact and account. */
  readonly #dueAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #reading = false;

  constructor(sources: FactSources) {
    this.#sources = sources;
  }

  /** Reads now and every 15 s until `stop`. */
  start(): void {
    this.#timer = setInterval(() => void this.#read(), EVERY_MS);
    this.#timer.unref();
    void this.#read();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const { accounts } = this.#sources;
    try {
      const of = (account: string) => [this.#board(account), this.#balance(account), this.#key(account)];
      await Promise.all([...accounts.flatMap(of), this.#overdueGuards()]);
    } finally {
      this.#reading = false;
    }
  }

  /** A fact that cannot be had now keeps its last value: what is shown has its time beside it. */
  async #attempt(fact: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return;
      this.#sources.log.debug({ fact, message: (error as Error).message }, 'metrics.fact-unknown');
    }
  }

  /** Attempts a fact when it is due: every `everyMs`, and `againMs` after it could not be had. */
  async #rarely(
    fact: string,
    { everyMs, againMs }: { readonly everyMs: number; readonly againMs: number },
    work: () => Promise<void>,
  ): Promise<void> {
    const began = this.#sources.now();
    if (began < (this.#dueAt.get(fact) ?? 0)) return;
    this.#dueAt.set(fact, began + againMs);
    await this.#attempt(fact, async () => {
      await work();
      this.#dueAt.set(fact, began + everyMs);
    });
  }

  #query<T>(workflowId: string, name: string): Promise<T> {
    const { client } = this.#sources;
    return client.withDeadline(Date.now() + ASK_LIMIT_MS, () =>
      client.workflow.getHandle(workflowId).query<T>(name),
    );
  }

  #board(account: string): Promise<void> {
    return this.#attempt(`board ${account}`, async () => {
      const board = await this.#query<Board>(watchId(account), 'board');
      this.#sources.metrics.accounts.boardRead(account, board);
    });
  }

  #balance(account: string): Promise<void> {
    return this.#rarely(`balance ${account}`, { everyMs: BALANCE_EVERY_MS, againMs: EVERY_MS }, async () => {
      const { lastSync } = await this.#query<LedgerSummary>(ledgerId(account), 'summary');
      if (lastSync !== null) this.#sources.metrics.accounts.balanceRead(account, Date.parse(lastSync));
    });
  }

  #key(account: string): Promise<void> {
    const { port, metrics } = this.#sources;
    return this.#rarely(`key ${account}`, { everyMs: KEY_EVERY_MS, againMs: KEY_AGAIN_MS }, async () => {
      metrics.accounts.keyRead(account, (await port(account).keyInfo()).expiresAt);
    });
  }

  async #overdueGuards(): Promise<void> {
    const overdue = this.#sources.metrics.guards.overdue(OVERDUE_MS).slice(0, MOST_ASKED);
    await pooled(overdue, ASKED_AT_ONCE, ({ id, checkedAt }) =>
      this.#attempt(id, () => this.#forgetIfElsewhere(id, checkedAt)),
    );
  }

  /** Forgets a guard that has ended without a word (terminated), or whose newer checks another worker has made. */
  async #forgetIfElsewhere(id: string, checkedAt: number): Promise<void> {
    const { client, metrics } = this.#sources;
    const running = await client.withDeadline(Date.now() + ASK_LIMIT_MS, () => isRunning(client, id));
    const known = running ? Date.parse((await this.#query<GuardStatus>(id, 'status')).checkedAt ?? '') : null;
    if (known === null || known > checkedAt) metrics.guards.forget(id, checkedAt);
  }
}

async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
