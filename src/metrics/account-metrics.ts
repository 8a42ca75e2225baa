/** What is known of each account as a whole: its positions by the watcher's last round, its balance's age, its key's end. */
import { Gauge, type Registry } from 'prom-client';
import type { Board } from '../domain/board.ts';

const DAY_S = 86_400;
/** Rounds older than this, or than three intervals, are shown no more: a state of a minute ago is not the state of now. */
const ROUND_KEPT_MS = 60_000;
const ROUNDS_KEPT = 3;
const STATES = ['PROTECTED', 'UNPROTECTED', 'UNCERTAIN', 'UNREADABLE', 'RELEASED', 'IGNORED'] as const;

export interface AccountFact {
  readonly account: string;
  readonly venue: string;
  /** DEMO is the paper exchange, LIVE any Bybit environment. */
  readonly mode: string;
  /** ms between rounds of the watcher. */
  readonly discoverEveryMs: number;
}

interface Facts {
  /** How long a round counts as the present, ms. */
  readonly roundKeptMs: number;
  board: Board | null;
  /** ms */
  balanceReadAt: number | null;
  /** ms; `null` for a key that does not expire, or that could not be read. */
  keyExpiresAt: number | null;
}

export class AccountMetrics {
  readonly #now: () => number;
  readonly #facts: ReadonlyMap<string, Facts>;

  /** `now` in ms. */
  constructor(registry: Registry, accounts: readonly AccountFact[], now: () => number) {
    this.#now = now;
    this.#facts = new Map(
      accounts.map(({ account, discoverEveryMs }) => {
        const roundKeptMs = Math.max(ROUND_KEPT_MS, ROUNDS_KEPT * discoverEveryMs);
        return [account, { roundKeptMs, board: null, balanceReadAt: null, keyExpiresAt: null }];
      }),
    );
    const registers = [registry];
    const info = new Gauge({
      name: 'stopkeeper_account_info',
      help: 'Always 1: an account that this worker serves, with its venue and mode.',
      labelNames: ['account', 'venue', 'mode'],
      registers,
    });
    for (const { account, venue, mode } of accounts) info.set({ account, venue, mode }, 1);
    this.#boardGauges(registers);
    this.#eachAccount(
      registers,
      'stopkeeper_balance_read_timestamp_seconds',
      'When the balance of the account was last read well, seconds since 1970; absent before the first time.',
      ({ balanceReadAt }) => (balanceReadAt === null ? null : balanceReadAt / 1_000),
    );
    this.#eachAccount(
      registers,
      'stopkeeper_api_key_expiry_days',
      'Days until the API key of the account expires, negative once it has; absent for one that does not expire.',
      ({ keyExpiresAt }) => (keyExpiresAt === null ? null : (keyExpiresAt - this.#now()) / 1_000 / DAY_S),
    );
  }

  #boardGauges(registers: Registry[]): void {
    const positions = new Gauge({
      name: 'stopkeeper_account_positions',
      help: "Open positions of the account as the watcher's last round read them from the venue, whether or not a guard runs.",
      labelNames: ['account', 'state'],
      registers,
      collect: () => {
        positions.reset();
        for (const [account, facts] of this.#facts) {
          const board = this.#present(facts);
          if (board === null) continue;
          for (const state of STATES) positions.set({ account, state }, countOf(board, state));
        }
      },
    });
    this.#eachAccount(
      registers,
      'stopkeeper_account_unprotected_max_seconds',
      'Longest time for which the rounds of the watcher have shown a position without a stop; 0 while none is, absent while not known.',
      (facts) => {
        const board = this.#present(facts);
        return board === null ? null : this.#barest(board);
      },
    );
    this.#eachAccount(
      registers,
      'stopkeeper_account_round_timestamp_seconds',
      'When the watcher last read the whole account, seconds since 1970; absent while no watcher was ever heard.',
      ({ board }) => {
        const roundAt = board?.roundAt ?? null;
        return roundAt === null ? null : Date.parse(roundAt) / 1_000;
      },
    );
  }

  #eachAccount(
    registers: Registry[],
    name: string,
    help: string,
    value: (facts: Facts) => number | null,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['account'],
      registers,
      collect: () => {
        gauge.reset();
        for (const [account, facts] of this.#facts) {
          const shown = value(facts);
          if (shown !== null) gauge.set({ account }, shown);
        }
      },
    });
  }

  /** The board while its round is recent. */
  #present({ board, roundKeptMs }: Facts): Board | null {
    const roundAt = board?.roundAt ?? null;
    return roundAt !== null && this.#now() - Date.parse(roundAt) <= roundKeptMs ? board : null;
  }

  #barest(board: Board): number {
    const bare = board.legs.filter(({ state }) => state === 'UNPROTECTED');
    return Math.max(0, ...bare.map(({ since }) => (this.#now() - Date.parse(since)) / 1_000));
  }

  boardRead(account: string, board: Board): void {
    this.#change(account, { board });
  }

  /** `at` in ms. */
  balanceRead(account: string, at: number): void {
    this.#change(account, { balanceReadAt: at });
  }

  /** ISO 8601; `null` for a key that does not expire. */
  keyRead(account: string, expiresAt: string | null): void {
    this.#change(account, { keyExpiresAt: expiresAt === null ? null : Date.parse(expiresAt) });
  }

  #change(account: string, change: Partial<Facts>): void {
    const facts = this.#facts.get(account);
    if (facts !== undefined) Object.assign(facts, change);
  }
}

function countOf(board: Board, state: (typeof STATES)[number]): number {
  if (state === 'IGNORED') return board.notCovered.length;
  return board.legs.filter((leg) => leg.state === state).length;
}
