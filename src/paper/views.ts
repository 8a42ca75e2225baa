/** What is derived from the records and asked for often, kept until the records change. */
import { accountMargin, type AccountMargin } from './margin.ts';
import type { Leg } from './records.ts';
import { positionRow, type Row } from './rows.ts';
import type { Venue } from './venue.ts';

export class Views {
  readonly #venue: Venue;
  #version = -1;
  #account: AccountMargin | undefined;
  #rows = new Map<string, Row>();
  #held: readonly Leg[] | undefined;

  constructor(venue: Venue) {
    this.#venue = venue;
  }

  account(): AccountMargin {
    this.#refresh();
    return (this.#account ??= accountMargin(this.#venue));
  }

  /** Positions in the order of their legs. */
  held(): readonly Leg[] {
    this.#refresh();
    return (this.#held ??= this.#venue.held());
  }

  positionRow(leg: Leg): Row {
    this.#refresh();
    const key = `${leg.symbol}:${leg.positionIdx}`;
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, (row = positionRow(this.#venue, leg, this.account())));
    return row;
  }

  #refresh(): void {
    if (this.#version === this.#venue.store.version) return;
    this.#version = this.#venue.store.version;
    this.#account = undefined;
    this.#held = undefined;
    this.#rows = new Map();
  }
}
