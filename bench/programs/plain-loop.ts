/**
 * The same checks without durability: one process, one `setTimeout` for each leg, the same port, observation and judgement. Says
 * `ready`, then, on SIGTERM, its checks as one JSON line: how late each was done, ms.
 */
import { observeLeg, readingOf } from '../../src/activities/observe.ts';
import { decide } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { newBook, type GuardBook } from '../../src/domain/guard-state.ts';
import { venueReader } from '../support/venue-reader.ts';

const { reader, account, policy } = venueReader(process.env);

interface Done {
  readonly doneAt: number;
  readonly lagMs: number;
}
const done: Done[] = [];

async function check(book: GuardBook, dueAt: number): Promise<void> {
  const { episode, leg } = book;
  const observation = await observeLeg(reader, {
    account,
    leg,
    mode: 'routine',
    ...readingOf(policy),
    withStopOrders: false,
    known: {
      side: episode?.side ?? null,
      openTime: episode?.openTime ?? null,
      best: episode?.trailing?.best ?? null,
      gapSince: null,
      adoptedAt: episode?.adoptedAt ?? null,
    },
  });
  decide(book, observation, policy, { rewrite: false });
  const next = evolve(book, { kind: 'observed', observation, rewrite: false }, policy);
  const now = Date.now();
  done.push({ doneAt: now, lagMs: now - dueAt });
  later(next, now + policy.checkEveryMs);
}

function later(book: GuardBook, dueAt: number): void {
  setTimeout(() => void check(book, dueAt), dueAt - Date.now());
}

const { positions } = await reader.port.snapshot({ fresh: true });
const began = Date.now();
for (const [index, { symbol, positionIdx }] of positions.entries()) {
  // Spread over the interval, as guards are.
  const dueAt = began + (policy.checkEveryMs * index) / positions.length;
  later(newBook(account, { symbol, positionIdx }), dueAt);
}
process.once('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ checks: done })}\n`);
  process.exit(0);
});
process.stdout.write(`${JSON.stringify({ ready: true, positions: positions.length })}\n`);
