/** Bare spells of positions against the outages that explain them: what lasted longer than its outage and 35 s is broken (I2, I12). */
import type { BareSpell, Life } from '../../test/support/venue-log.ts';
import { bareSpells } from '../../test/support/venue-log.ts';
import { coveredMs, outagesOf, pausesOf, type Outage } from '../outages.ts';

/** One interval of checks with its jitter, and a write. */
const ALLOWED_MS = 35_000;
/** Spells from here on are told one by one. */
const NAMED_MS = 5_000;

export interface JudgedSpell extends BareSpell {
  readonly ms: number;
  /** Part of it during which something was broken, ms. */
  readonly outageMs: number;
  readonly causes: readonly string[];
  readonly tooLong: boolean;
}

export function judgedSpells(
  lives: readonly Life[],
  outages: readonly Outage[],
  span: { readonly from: number; readonly to: number },
): readonly JudgedSpell[] {
  return bareSpells(lives, span.from, span.to).map((spell) => {
    const own = outagesOf(outages, spell.symbol, spell);
    const ms = spell.to - spell.from;
    const outageMs = coveredMs(spell, [...own, ...pausesOf(own)]);
    const causes = [...new Set(own.map(({ what }) => what))];
    return { ...spell, ms, outageMs, causes, tooLong: ms - outageMs > ALLOWED_MS };
  });
}

export function longSpells(spells: readonly JudgedSpell[]): readonly JudgedSpell[] {
  return spells.filter(({ ms }) => ms > NAMED_MS).toSorted((a, b) => b.ms - a.ms);
}

const secondsOf = (ms: number): string => (ms / 1_000).toFixed(1);

/** `X003USDT 12.1 s, 8.0 s of them outage (both workers killed)`. */
export function spellText({ symbol, positionIdx, ms, outageMs, causes, from }: JudgedSpell): string {
  const leg = positionIdx === 0 ? symbol : `${symbol}:${positionIdx}`;
  const why =
    causes.length === 0
      ? 'nothing was broken: found by the next check or round'
      : `${secondsOf(outageMs)} s of them outage (${causes.join(', ')})`;
  return `${new Date(from).toISOString().slice(11, 19)} ${leg} ${secondsOf(ms)} s, ${why}`;
}
