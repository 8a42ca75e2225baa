/** What the watcher's memory looks like to people: its `board` (DESIGN §5). */
import type { Board, BoardLeg } from './board.ts';
import { iso } from './guard-view.ts';
import { guardId } from './names.ts';
import { legKey } from './position.ts';
import type { WatchState } from './watch-state.ts';

/** Answer of the `board` query. */
export function boardOf(state: WatchState): Board {
  const released = new Set(state.released.map(legKey));
  const legs = Object.values(state.legs).map((leg): BoardLeg => {
    const free = released.has(legKey(leg));
    return {
      symbol: leg.symbol,
      positionIdx: leg.positionIdx,
      side: leg.side,
      size: leg.size,
      state: free ? 'RELEASED' : leg.state,
      stop: leg.stop,
      guard: free || leg.state === 'UNREADABLE' ? null : guardId(state.account, leg),
      note: leg.note,
      since: iso(leg.since) ?? '',
    };
  });
  return {
    account: state.account,
    roundAt: iso(state.roundAt),
    rounds: state.rounds,
    failedRounds: state.failedRounds,
    legs,
    released: state.released.map(({ symbol, positionIdx, reason, until }) => ({
      symbol,
      positionIdx,
      reason,
      until: iso(until),
    })),
    notCovered: state.ignored.map(({ symbol, size }) => ({
      category: 'linear',
      symbol,
      size,
      reason: 'ignored by policy',
    })),
  };
}
