/** One measured offset between the venue's clock and this machine's, kept fresh; signatures and staleness use it (I8). */
import type { ClockReading } from './port.ts';
import type { PortLogger } from './logger.ts';
import { within, type TimeSource } from './time-source.ts';

export interface VenueClock {
  /** Venue clock minus this machine's, ms (negative: this machine is fast); `null` before the first measurement. */
  offsetMs(): number | null;
  /** The venue's clock as far as known, ms. */
  venueNow(): number;
  /** Never ahead of the venue's clock by more than the network's asymmetry in our favour: the venue refuses the future. */
  signingTime(): number;
  /** Before a signed request: measures at first use (bounded), later in the background every few minutes. */
  ready(): Promise<void>;
  /** Measures now; throws `VenueError`. */
  read(): Promise<ClockReading>;
  /** After 10002: measures again; where that fails, learns from the two clocks that the refusal names. */
  relearn(refusalText: string): Promise<void>;
}

export interface VenueClockOptions {
  /** Asks the venue for its time, ms; throws where it cannot. */
  readonly ask: () => Promise<number>;
  readonly time: TimeSource;
  readonly logger: PortLogger;
  readonly maxAgeMs?: number;
  /** How long the first signed request waits for a measurement, ms. */
  readonly firstWaitMs?: number;
}

/** A sample this slow may be off by as much; it does not replace a better one. */
const SLOW_SAMPLE_MS = 1_500;

/** A round trip longer than this is measured once more; the shorter one counts. */
const COARSE_SAMPLE_MS = 250;

interface Sample {
  readonly offsetMs: number;
  /** Offset at the end of the round trip: at or behind the true one. */
  readonly signingOffsetMs: number;
  readonly roundTripMs: number;
  readonly takenAt: number;
}

export function createVenueClock({
  ask,
  time,
  logger,
  maxAgeMs = 300_000,
  firstWaitMs = 2_000,
}: VenueClockOptions): VenueClock {
  let sample: Sample | null = null;
  let running: Promise<ClockReading> | null = null;
  let triedAt = Number.NEGATIVE_INFINITY;

  async function measure(force: boolean): Promise<ClockReading> {
    triedAt = time.mono();
    let best = await sampleOnce(ask, time);
    if (best.roundTripMs > COARSE_SAMPLE_MS) {
      // The first request of a process also loads its HTTP client; that must not look like an offset.
      const second = await sampleOnce(ask, time);
      if (second.roundTripMs < best.roundTripMs) best = second;
    }
    if (force || sample === null || best.roundTripMs <= SLOW_SAMPLE_MS) sample = best;
    return { offsetMs: best.offsetMs, roundTripMs: Math.round(best.roundTripMs) };
  }

  /** One measurement at a time; callers share it. */
  function shared(force: boolean): Promise<ClockReading> {
    running ??= measure(force).finally(() => {
      running = null;
    });
    return running;
  }

  return {
    offsetMs: () => sample?.offsetMs ?? null,
    venueNow: () => time.wall() + (sample?.offsetMs ?? 0),
    signingTime: () => Math.floor(time.wall() + (sample?.signingOffsetMs ?? 0)),
    ready: async () => {
      const known = sample;
      if (known !== null && time.mono() - known.takenAt < maxAgeMs) return;
      // A venue that does not tell the time is asked again now and then, not before every request.
      if (running === null && time.mono() - triedAt < Math.min(maxAgeMs, 10_000)) return;
      const attempt = shared(false).catch((error: unknown) => {
        logger.warn(
          { event: 'venue.clock', problem: String(error) },
          'the clock of the venue could not be read',
        );
      });
      if (known === null) await within(firstWaitMs, attempt, () => new Error('slow')).catch(() => undefined);
    },
    read: () => shared(false),
    relearn: async (refusalText) => {
      try {
        await shared(true);
      } catch {
        sample = sampleFromRefusal(refusalText, time) ?? sample;
      }
    },
  };
}

async function sampleOnce(ask: () => Promise<number>, time: TimeSource): Promise<Sample> {
  const began = time.mono();
  const venueMs = await ask();
  const roundTripMs = time.mono() - began;
  const endedAt = time.wall();
  return {
    offsetMs: Math.round(venueMs - (endedAt - roundTripMs / 2)),
    signingOffsetMs: Math.floor(venueMs - endedAt),
    roundTripMs,
    takenAt: time.mono(),
  };
}

/** From the moment that a clock refusal names; `null` where it names none. */
function sampleFromRefusal(text: string, time: TimeSource): Sample | null {
  const named = /server_timestamp\[(\d{13})\]/.exec(text)?.[1];
  if (named === undefined) return null;
  const offsetMs = Math.floor(Number(named) - time.wall());
  return { offsetMs, signingOffsetMs: offsetMs, roundTripMs: SLOW_SAMPLE_MS, takenAt: time.mono() };
}
