/** Whether this worker does its work now: every probe looked at once, each within a bound, each with what it found. */

/** A probe that has found nothing by then says so itself; monitors give up after 5 to 10 s. */
const PROBE_LIMIT_MS = 4_000;

export interface Probe {
  /** As the answer shows it: `temporal`, `worker`, `venue main`. */
  readonly name: string;
  /** Says in words what is so; throws `NotReady` (or anything) where this part does not work. */
  readonly look: () => Promise<string>;
}

/** The reason why a part does not work, in words for a person; never with an address's secrets or a key (I9). */
export class NotReady extends Error {
  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
    this.name = 'NotReady';
  }
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** Never throws; takes 4 s at most. */
export async function readinessOf(probes: readonly Probe[]): Promise<Readiness> {
  const checks = await Promise.all(
    probes.map(async ({ name, look }) => {
      try {
        return { name, ok: true, detail: await bounded(look()) };
      } catch (error) {
        return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return { ready: checks.length > 0 && checks.every(({ ok }) => ok), checks };
}

function bounded(work: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new NotReady(`no answer within ${PROBE_LIMIT_MS / 1_000} s`));
    const timer = setTimeout(late, PROBE_LIMIT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
