/** Waiting with a bound: what is late goes on for others, and protection goes on without it. */

/** What only completes a picture may take this long; protection never waits for it. */
const EXTRA_LIMIT_MS = 1_500;

/** Waits for `work` at most `ms`; its late rejection is handled, the work itself goes on for others. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  work.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An extra reading that may fail or be late without harm. */
export async function extra<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    const value = await within(EXTRA_LIMIT_MS, work());
    return value === 'late' ? undefined : value;
  } catch {
    return undefined;
  }
}
