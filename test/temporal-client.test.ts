/** What our clients do with a query that a run refused because it is read anew (docs/temporal.md §7). */
import { describe, expect, it } from 'vitest';
import { QueryNotRegisteredError } from '@temporalio/client';
import { askAgain } from '../src/temporal-client.ts';

const INPUT = {
  queryType: 'status',
  args: [],
  workflowExecution: { workflowId: 'guard:main:BTCUSDT' },
  headers: {},
};
const READ_ANEW = new QueryNotRegisteredError('the run is read anew', 3);

/** Asks where the first answers are `refusals`; what comes of it, and how often the server was asked. */
async function ask(
  refusals: readonly Error[],
): Promise<{ readonly asked: number; readonly answer: unknown }> {
  let asked = 0;
  const next = (): Promise<unknown> => {
    const refusal = refusals[asked];
    asked += 1;
    return refusal === undefined ? Promise.resolve('PROTECTED') : Promise.reject(refusal);
  };
  const answer: unknown = await askAgain.query?.(INPUT, next).catch((error: unknown) => error);
  return { asked, answer };
}

describe('a query', () => {
  it('that is answered is asked once', async () => {
    expect(await ask([])).toEqual({ asked: 1, answer: 'PROTECTED' });
  });

  it('that a run refused is asked again, up to three times', async () => {
    expect(await ask([READ_ANEW])).toEqual({ asked: 2, answer: 'PROTECTED' });
    expect(await ask(Array(3).fill(READ_ANEW))).toEqual({ asked: 4, answer: 'PROTECTED' });
    expect(await ask(Array(4).fill(READ_ANEW))).toEqual({ asked: 4, answer: READ_ANEW });
  });

  it('that failed for another reason is not', async () => {
    const timeout = new Error('4 DEADLINE_EXCEEDED');
    expect(await ask([timeout])).toEqual({ asked: 1, answer: timeout });
  });
});
