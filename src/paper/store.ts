/** The paper exchange's memory: tables of immutable records, changed only inside a transaction that is journalled as one line. */
import type {
  AccountRecord,
  Candle,
  ClosedPnl,
  Execution,
  Leg,
  Order,
  PriceRecord,
  StopEvent,
  SymbolSettings,
  UnheardRecord,
  Wallet,
} from './records.ts';

/** One change inside a transaction: table, key, the new record or `null` when it was removed. */
export type Change = readonly [table: string, key: string, record: unknown];

/** Where committed transactions go before anybody hears of them. */
export interface Journal {
  append(elapsedMs: number, changes: readonly Change[]): void;
}

/** Everything in the store as plain JSON: what a state file holds and what two stores are compared by. */
export interface Dump {
  readonly elapsedMs: number;
  readonly tables: Readonly<Record<string, readonly (readonly [string, unknown])[]>>;
}

/** How many finished things are kept; the oldest go first. */
const keptClosedOrders = 10_000;
const keptExecutions = 20_000;
const keptClosedPnls = 10_000;
const keptStopEvents = 20_000;
const keptUnheard = 5_000;

/** Records by key in the order of their creation. Only a transaction may write. */
class Table<T> {
  readonly name: string;
  readonly rows: ReadonlyMap<string, T>;
  readonly #rows = new Map<string, T>();
  readonly #note: (key: string) => void;
  readonly #keep: number;
  readonly #groupOf: ((record: T) => string) | undefined;
  readonly #groups = new Map<string, Set<string>>();

  constructor(store: Store, name: string, keep = Number.POSITIVE_INFINITY, groupOf?: (record: T) => string) {
    this.name = name;
    this.rows = this.#rows;
    this.#note = (key) => store.note(this, key);
    this.#keep = keep;
    this.#groupOf = groupOf;
  }

  get(key: string): T | undefined {
    return this.#rows.get(key);
  }

  values(): IterableIterator<T> {
    return this.#rows.values();
  }

  /** Records of one group (tables of orders group by symbol), oldest first. */
  group(name: string): readonly T[] {
    const keys = this.#groups.get(name);
    if (keys === undefined) return [];
    return [...keys].flatMap((key) => this.#rows.get(key) ?? []);
  }

  set(key: string, record: T): void {
    this.#note(key);
    this.write(key, record);
    if (this.#rows.size <= this.#keep) return;
    const oldest = this.#rows.keys().next().value;
    if (oldest !== undefined) this.delete(oldest);
  }

  delete(key: string): void {
    if (!this.#rows.has(key)) return;
    this.#note(key);
    this.write(key, undefined);
  }

  /** Puts a record in place, or takes it out, past the transaction: for rolling back and loading. */
  write(key: string, record: T | undefined): void {
    if (this.#groupOf !== undefined) this.#regroup(key, this.#groupOf, record);
    if (record === undefined) this.#rows.delete(key);
    else this.#rows.set(key, record);
  }

  clear(): void {
    this.#rows.clear();
    this.#groups.clear();
  }

  #regroup(key: string, groupOf: (record: T) => string, record: T | undefined): void {
    const before = this.#rows.get(key);
    const from = before === undefined ? undefined : groupOf(before);
    const to = record === undefined ? undefined : groupOf(record);
    if (from === to) return;
    if (from !== undefined) this.#groups.get(from)?.delete(key);
    if (to === undefined) return;
    const keys = this.#groups.get(to) ?? new Set();
    keys.add(key);
    this.#groups.set(to, keys);
  }
}

export type { Table };

export class Store {
  readonly legs = new Table<Leg>(this, 'legs');
  readonly orders = new Table<Order>(this, 'orders', undefined, (order) => order.symbol);
  readonly closedOrders = new Table<Order>(this, 'closedOrders', keptClosedOrders);
  readonly executions = new Table<Execution>(this, 'executions', keptExecutions);
  readonly closedPnls = new Table<ClosedPnl>(this, 'closedPnls', keptClosedPnls);
  readonly stopEvents = new Table<StopEvent>(this, 'stopEvents', keptStopEvents);
  readonly prices = new Table<PriceRecord>(this, 'prices');
  readonly minutes = new Table<Candle>(this, 'minutes');
  readonly hours = new Table<Candle>(this, 'hours');
  readonly symbols = new Table<SymbolSettings>(this, 'symbols');
  readonly wallets = new Table<Wallet>(this, 'wallets');
  readonly accounts = new Table<AccountRecord>(this, 'accounts');
  readonly linkIds = new Table<string>(this, 'linkIds');
  readonly unheard = new Table<UnheardRecord>(this, 'unheard', keptUnheard);

  /** Grows with every committed transaction; what is derived from the records may be cached by it. */
  version = 0;
  /** Engine time of the last commit: how long the exchange has been running, in ms. */
  elapsedMs = 0;

  readonly #tables: ReadonlyMap<string, Table<unknown>>;
  #journal: Journal | undefined;
  #before: Map<Table<unknown>, Map<string, unknown>> | undefined;
  #committing: ReadonlyMap<Table<unknown>, Map<string, unknown>> | undefined;
  /** Legs and orders as they were before the last transaction that touched them; the `stale` fault reads here. */
  #previous = new Map<Table<unknown>, Map<string, unknown>>();

  constructor() {
    const all: readonly Table<never>[] = [
      this.legs,
      this.orders,
      this.closedOrders,
      this.executions,
      this.closedPnls,
      this.stopEvents,
      this.prices,
      this.minutes,
      this.hours,
      this.symbols,
      this.wallets,
      this.accounts,
      this.linkIds,
      this.unheard,
    ] as unknown as readonly Table<never>[]; // one list for tables of different records: their types meet only in JSON
    this.#tables = new Map(all.map((table) => [table.name, table as unknown as Table<unknown>]));
  }

  /** From now on every commit is written there first. */
  journalTo(journal: Journal): void {
    this.#journal = journal;
  }

  /** Called by the tables: remembers what a record was before this transaction. */
  note(table: unknown, key: string): void {
    if (this.#before === undefined) throw new Error('the store is written outside a transaction');
    const of = table as Table<unknown>; // tables pass themselves
    let rows = this.#before.get(of);
    if (rows === undefined) this.#before.set(of, (rows = new Map()));
    if (!rows.has(key)) rows.set(key, of.rows.get(key));
  }

  /** Runs `change` as one unit: all of it is journalled and visible, or, when it throws, none of it happened. */
  transact<R>(elapsedMs: number, change: () => R): R {
    if (this.#before !== undefined) return change();
    const before = new Map<Table<unknown>, Map<string, unknown>>();
    this.#before = before;
    try {
      const result = change();
      this.#before = undefined;
      this.#commit(elapsedMs, before);
      return result;
    } catch (error) {
      if (this.#before !== undefined) rollBack(before);
      this.#before = undefined;
      throw error;
    }
  }

  /** Runs `read` against the legs and orders as they were before the last transaction that changed them. */
  asBefore<R>(read: () => R): R {
    const saved = new Map<Table<unknown>, Map<string, unknown>>();
    for (const [table, rows] of this.#previous) {
      saved.set(table, new Map([...rows.keys()].map((key) => [key, table.rows.get(key)])));
      for (const [key, record] of rows) table.write(key, record);
    }
    this.version += 1;
    try {
      return read();
    } finally {
      rollBack(saved);
      this.version += 1;
    }
  }

  /** All records as they are. */
  dump(): Dump {
    const tables: Record<string, readonly (readonly [string, unknown])[]> = {};
    for (const [name, table] of this.#tables) tables[name] = [...table.rows];
    return { elapsedMs: this.elapsedMs, tables };
  }

  /** All records without what a transaction that is just being committed changes. */
  dumpCommitted(): Dump {
    if (this.#committing === undefined) return this.dump();
    const after = new Map<Table<unknown>, Map<string, unknown>>();
    for (const [table, rows] of this.#committing) {
      after.set(table, new Map([...rows.keys()].map((key) => [key, table.rows.get(key)])));
    }
    rollBack(this.#committing);
    const dump = this.dump();
    rollBack(after);
    return dump;
  }

  /** Replaces the contents with a dump; throws on tables that it does not know. */
  restore(dump: Dump): void {
    for (const [name, rows] of Object.entries(dump.tables)) {
      const table = this.#table(name);
      table.clear();
      for (const [key, record] of rows) table.write(key, record);
    }
    this.elapsedMs = dump.elapsedMs;
    this.version += 1;
  }

  /** Applies a journalled transaction again. */
  replay(elapsedMs: number, changes: readonly Change[]): void {
    for (const [name, key, record] of changes) this.#table(name).write(key, record ?? undefined);
    this.elapsedMs = elapsedMs;
    this.version += 1;
  }

  #table(name: string): Table<unknown> {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Error(`unknown table ${JSON.stringify(name)}`);
    return table;
  }

  #commit(elapsedMs: number, before: ReadonlyMap<Table<unknown>, Map<string, unknown>>): void {
    const changes: Change[] = [];
    for (const [table, rows] of before) {
      for (const key of rows.keys()) changes.push([table.name, key, table.rows.get(key) ?? null]);
    }
    if (changes.length === 0) return;
    this.#committing = before;
    try {
      this.#journal?.append(elapsedMs, changes);
    } catch (error) {
      rollBack(before);
      throw error;
    } finally {
      this.#committing = undefined;
    }
    this.elapsedMs = elapsedMs;
    this.version += 1;
    const legs = before.get(this.legs as unknown as Table<unknown>);
    const orders = before.get(this.orders as unknown as Table<unknown>);
    if (legs === undefined && orders === undefined) return;
    this.#previous = new Map();
    if (legs !== undefined) this.#previous.set(this.legs as unknown as Table<unknown>, legs);
    if (orders !== undefined) this.#previous.set(this.orders as unknown as Table<unknown>, orders);
  }
}

function rollBack(before: ReadonlyMap<Table<unknown>, ReadonlyMap<string, unknown>>): void {
  for (const [table, rows] of before) {
    for (const [key, record] of rows) table.write(key, record);
  }
}
