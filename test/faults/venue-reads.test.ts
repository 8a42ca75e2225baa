/** Every way in which the list of positions can lie or fail, while a human takes a stop away (I2, I4, I5, I8). */
import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  cancelStop,
  guardedSystem,
  LIST,
  rateRefusal,
  settled,
  stopShown,
  symbolsOf,
} from '../support/fault-world.ts';
import type { System } from '../support/system.ts';
import { expectSafe } from '../support/verdict.ts';

const READ_FAULTS: readonly (readonly [name: string, fault: object | (() => object)])[] = [
  ['resets', { kind: 'drop' }],
  ['stalled bodies', { kind: 'stall' }],
  ['resets in the middle of the body', { kind: 'reset-mid-body' }],
  ['502 answers', { kind: 'status', code: 502 }],
  ['answers that are not JSON', { kind: 'not-json' }],
  ['truncated JSON', { kind: 'truncate' }],
  ['empty lists', { kind: 'empty-list' }],
  ['stale answers', { kind: 'stale' }],
  ['answers after 10 s', { kind: 'delay', ms: 10_000 }],
  ['10006 with a reset header', () => rateRefusal(2_500)],
  ['10006 without a reset header', rateRefusal],
  ['10016', { kind: 'ret-code', code: 10016, message: 'Service is restarting' }],
  ['33004, an expired key', { kind: 'ret-code', code: 33004, message: 'Your api key has expired.' }],
];

const SYMBOLS = symbolsOf(READ_FAULTS.length, 'R');

describe('while reads of the positions fail for 2.5 s', { timeout: 300_000 }, () => {
  let system: System;

  beforeAll(async () => {
    system = await guardedSystem({ open: SYMBOLS });
  });

  afterAll(async () => {
    await system.close();
  });

  // I4: none of this is flat; I5: no guard ends; I2: the vanished stop comes back, at its level, as soon as a read shows it gone.
  it.each(READ_FAULTS.map(([name, fault], at) => [name, fault, SYMBOLS[at] ?? ''] as const))(
    'with %s, a stop that a human took away comes back and no guard ends',
    async (name, fault, symbol) => {
      const since = Date.now();
      const laid = typeof fault === 'function' ? fault() : fault;
      await system.paper.fault({ path: LIST, times: 'always', forMs: 2_500, ...laid });
      await cancelStop(system, symbol);
      await stopShown(system, symbol, '94');
      await settled(system, [symbol]);
      await expectSafe(system, `reads meet ${name}`, { since });
    },
  );
});
