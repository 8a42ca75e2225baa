/** The ledger's memory of request ids: an id that was answered gets the same answer again (DESIGN §6). */
import type { LimitName } from './ledger-answers.ts';

export type CompactReason = readonly [limit: LimitName, asked: string, allowed: string];

/** An answer's figures without its words, which are rebuilt: 2,000 of them must fit into carried state. */
export type CompactAnswer =
  | readonly ['allocated', id: string, amount: string, symbol: string]
  | readonly ['reserved', id: string, amount: string, symbol: string, expiresAt: number | null]
  | readonly ['released', id: string, amount: string]
  | readonly ['refused', operation: Operation, reasons: readonly CompactReason[]]
  | readonly [
      'trade',
      symbol: string,
      notional: string,
      adjusted: string,
      margin: string,
      slotsLeft: number,
      reasons: readonly CompactReason[],
    ]
  | readonly ['session', open: number, closed: number];

export type Operation =
  'allocateMargin' | 'reserveMargin' | 'releaseMargin' | 'validateNewTrade' | 'newSession';

/** `at` in ms. */
export type Remembered = readonly [requestId: string, at: number, answer: CompactAnswer];

/** Ids are kept this long, within the other two bounds. */
export const REMEMBER_MS = 24 * 60 * 60_000;
const REMEMBER_COUNT = 2_000;

interface Memory {
  readonly answers: readonly Remembered[];
  readonly answersBytes: number;
}

export function recall(memory: Memory, requestId: string): CompactAnswer | null {
  return memory.answers.find(([id]) => id === requestId)?.[2] ?? null;
}

/** The operation that an answer belongs to: an id may not be used again for another one. */
export function operationOf(answer: CompactAnswer): Operation {
  switch (answer[0]) {
    case 'allocated':
      return 'allocateMargin';
    case 'reserved':
      return 'reserveMargin';
    case 'released':
      return 'releaseMargin';
    case 'trade':
      return 'validateNewTrade';
    case 'session':
      return 'newSession';
    case 'refused':
      return answer[1];
  }
}

/** The memory with one more answer; the oldest leave first: by age, by count, then until all fit `budgetBytes`. */
export function remember(memory: Memory, added: Remembered, budgetBytes: number): Memory {
  const answers = [...memory.answers, added];
  let bytes = memory.answersBytes + rememberedBytes(added);
  let gone = 0;
  for (const oldest of memory.answers) {
    const tooOld = oldest[1] <= added[1] - REMEMBER_MS;
    if (!tooOld && answers.length - gone <= REMEMBER_COUNT && bytes <= budgetBytes) break;
    bytes -= rememberedBytes(oldest);
    gone += 1;
  }
  return { answers: gone === 0 ? answers : answers.slice(gone), answersBytes: bytes };
}

function rememberedBytes(each: Remembered): number {
  return byteLength(JSON.stringify(each)) + 1;
}

/** Bytes of a text in UTF-8, the form in which state travels. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
