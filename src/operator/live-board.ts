/** The board that stays: redrawn in place on a terminal, printed again at each change elsewhere, and honest about its age. */
import type { Client } from '@temporalio/client';
import { createLogUpdate } from 'log-update';
import type { Environment } from '../config-environment.ts';
import { boardSignature, renderBoard } from './board-text.ts';
import { pause } from './pause.ts';
import { readSystemView, type SystemView } from './system-view.ts';
import { terminalOf } from './terminal.ts';

export interface LiveOptions {
  readonly client: Client;
  readonly accounts: readonly string[];
  readonly stream: NodeJS.WriteStream;
  readonly env: Environment;
  readonly intervalMs: number;
  readonly triggers: boolean;
  readonly trailing: boolean;
  /** Aborted to end it. */
  readonly signal: AbortSignal;
  /** Lines shown above the board on a terminal; the caller adds to them. */
  readonly notices: readonly string[];
}

/** Notices shown at a time. */
const NOTICES_SHOWN = 5;

/** Runs until the signal is aborted. A view that cannot be read again stays, marked as stale. */
export async function showLiveBoard(options: LiveOptions): Promise<void> {
  const draw = options.stream.isTTY ? redrawing(options) : printing(options);
  const last = new Map<string, SystemView>();
  // A function: the compiler takes a property for unchanged between two awaits.
  const stopped = (): boolean => options.signal.aborted;
  while (!stopped()) {
    const views: ShownView[] = [];
    for (const account of options.accounts) {
      const fresh = await readSystemView(options.client, account);
      const before = last.get(account);
      // Nothing answered at all: the last view says more than an empty one.
      const lost = fresh.board === null && fresh.dashboard === null && before !== undefined;
      if (!lost) last.set(account, fresh);
      views.push({
        view: lost ? before : fresh,
        stale: lost ? (fresh.silent[0]?.reason ?? 'no answer') : null,
      });
    }
    if (stopped()) break;
    draw.show(views);
    await pause(options.intervalMs, options.signal);
  }
  draw.end();
}

interface ShownView {
  readonly view: SystemView;
  readonly stale: string | null;
}

interface Drawing {
  show(views: readonly ShownView[]): void;
  end(): void;
}

function renderViews(views: readonly ShownView[], options: LiveOptions): string {
  const terminal = terminalOf(options.stream, options.env);
  const { triggers, trailing } = options;
  return views
    .map(({ view, stale }) => renderBoard(view, terminal, { nowMs: Date.now(), triggers, trailing, stale }))
    .join('\n');
}

/** log-update rewrites only lines that changed, so nothing flickers. */
function redrawing(options: LiveOptions): Drawing {
  const update = createLogUpdate(options.stream, { showCursor: true });
  return {
    show: (views) => {
      const notices = options.notices.slice(-NOTICES_SHOWN);
      update(topOf([...notices, renderViews(views, options)].join('\n'), options.stream.rows));
    },
    end: () => update.done(),
  };
}

/** What fits the terminal, from the top: trouble is sorted first, and what does not fit is counted. */
export function topOf(text: string, rows: number): string {
  const lines = text.trimEnd().split('\n');
  // The last row stays free for the cursor.
  if (lines.length < rows) return lines.join('\n');
  const shown = lines.slice(0, Math.max(1, rows - 2));
  return [...shown, `... ${lines.length - shown.length} more lines: enlarge the terminal`].join('\n');
}

function printing(options: LiveOptions): Drawing {
  let shown = '';
  return {
    show: (views) => {
      const signature = JSON.stringify(
        views.map(({ view, stale }) => [view.account, boardSignature(view), stale !== null]),
      );
      if (signature === shown) return;
      shown = signature;
      options.stream.write(`${renderViews(views, options)}\n`);
    },
    end: () => undefined,
  };
}
