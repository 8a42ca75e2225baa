/** The faults that are laid: which one hits a request, how often, and for how long. */
import type { Fault } from './fault-kinds.ts';

/** A fault and what it has done so far. */
interface Laid {
  readonly id: number;
  readonly fault: Fault;
  readonly laidAtMs: number;
  skipped: number;
  hits: number;
}

/** A laid fault as control shows it. */
export interface LaidView {
  readonly id: number;
  readonly fault: Fault;
  readonly skipped: number;
  readonly hits: number;
  readonly spent: boolean;
}

/** What hits one request: delays add up, of the others the one that was laid first counts. */
export interface Hit {
  readonly delayMs: number;
  readonly fault: Exclude<Fault, { readonly kind: 'delay' }> | undefined;
  /** Id of the fault, or of the last delay where there is none; `undefined` where nothing hits. */
  readonly id: number | undefined;
}

export class FaultBook {
  #laid: Laid[] = [];
  #count = 0;

  /** Lays a fault; returns its id. */
  lay(fault: Fault, nowMs: number): number {
    this.#count += 1;
    this.#laid.push({ id: this.#count, fault, laidAtMs: nowMs, skipped: 0, hits: 0 });
    return this.#count;
  }

  clear(): void {
    this.#laid = [];
  }

  view(nowMs: number): readonly LaidView[] {
    return this.#laid.map((laid) => ({
      id: laid.id,
      fault: laid.fault,
      skipped: laid.skipped,
      hits: laid.hits,
      spent: isSpent(laid, nowMs),
    }));
  }

  /** Takes what hits a request to `path` that names `symbol` (`""` for none). */
  take(path: string, symbol: string, nowMs: number): Hit {
    let delayMs = 0;
    let hit: Hit['fault'];
    let delayedBy: number | undefined;
    let hitBy: number | undefined;
    for (const laid of this.#laid) {
      const { fault } = laid;
      if (!matches(laid, path, symbol, nowMs)) continue;
      if (fault.kind !== 'delay' && hit !== undefined) continue;
      if (laid.skipped < fault.skip) {
        laid.skipped += 1;
        continue;
      }
      laid.hits += 1;
      if (fault.kind === 'delay') {
        delayMs += fault.ms;
        delayedBy = laid.id;
      } else {
        hit = fault;
        hitBy = laid.id;
      }
    }
    return { delayMs, fault: hit, id: hitBy ?? delayedBy };
  }
}

function matches(laid: Laid, path: string, symbol: string, nowMs: number): boolean {
  const { fault } = laid;
  if (fault.path !== '*' && fault.path !== path) return false;
  if (fault.symbol !== undefined && fault.symbol !== symbol) return false;
  return nowMs >= laid.laidAtMs + fault.afterMs && !isSpent(laid, nowMs);
}

function isSpent(laid: Laid, nowMs: number): boolean {
  const { fault } = laid;
  if (fault.times !== 'always' && laid.hits >= fault.times) return true;
  return fault.forMs !== undefined && nowMs > laid.laidAtMs + fault.afterMs + fault.forMs;
}
