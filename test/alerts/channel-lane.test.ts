/** A channel's deliveries: tries and pauses, nothing sent twice, one try at a time while there is trouble. */
import { describe, expect, it } from 'vitest';
import { ChannelFailure, type AlertChannel } from '../../src/alerts/channel.ts';
import { ChannelLane, type LaneTimes } from '../../src/alerts/channel-lane.ts';
import type { Alert } from '../../src/domain/alert.ts';
import { anAlert } from '../support/alert-data.ts';

/** Short, so that a test takes milliseconds; the order of things is the same. */
const TIMES: LaneTimes = {
  attemptMs: 1_000,
  backOffMs: [5, 10],
  secondLookMs: 40,
  longestWaitMs: 30,
  longestPauseMs: 60_000,
};
const NEVER = new AbortController().signal;
const DOWN = new ChannelFailure('answered HTTP 500', { passing: true });
const REFUSED = new ChannelFailure('answered HTTP 400', { passing: false });

/** A channel that meets each send with the next of these, `null` for success; and success after them. */
function scripted(...meets: readonly (ChannelFailure | null)[]) {
  const sent: string[] = [];
  const left = [...meets];
  const channel: AlertChannel = {
    name: 'scripted',
    send(alert) {
      sent.push(alert.id);
      const met = left.shift() ?? null;
      return met === null ? Promise.resolve() : Promise.reject(met);
    },
  };
  return { channel, sent };
}

/** A channel whose sends wait until the test says how they end. */
function held() {
  const waiting: { readonly alert: Alert; readonly end: (met: ChannelFailure | null) => void }[] = [];
  const channel: AlertChannel = {
    name: 'held',
    send: (alert) =>
      new Promise((resolve, reject) => {
        const end = (met: ChannelFailure | null): void => (met === null ? resolve() : reject(met));
        waiting.push({ alert, end });
      }),
  };
  return { channel, waiting };
}

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `no failure: ${String(value)}`,
    (error: unknown) => (error instanceof ChannelFailure ? error.message : `unexpected: ${String(error)}`),
  );

describe('tries', () => {
  it('a channel that fails and recovers has the alert, after as many tries as it took', async () => {
    const { channel, sent } = scripted(DOWN, DOWN);
    expect(await new ChannelLane(channel, Date.now, TIMES).deliver(anAlert(), NEVER)).toBe('sent');
    expect(sent).toHaveLength(3);
  });

  it('a channel that stays down is tried three times, then once for each delivery', async () => {
    const { channel, sent } = scripted(DOWN, DOWN, DOWN, DOWN);
    const lane = new ChannelLane(channel, Date.now, TIMES);
    expect(await messageOf(lane.deliver(anAlert(), NEVER))).toBe('answered HTTP 500, 3 tries');
    expect(await messageOf(lane.deliver(anAlert(), NEVER))).toBe('answered HTTP 500');
    expect(sent).toHaveLength(4);
    expect(await lane.deliver(anAlert(), NEVER)).toBe('sent');
  });

  it('a refusal ends the delivery at once, and does not count as trouble for other alerts', async () => {
    const { channel, sent } = scripted(REFUSED, DOWN);
    const lane = new ChannelLane(channel, Date.now, TIMES);
    expect(await messageOf(lane.deliver(anAlert({ id: 'a' }), NEVER))).toBe('answered HTTP 400');
    expect(await lane.deliver(anAlert({ id: 'b' }), NEVER)).toBe('sent');
    expect(sent).toEqual(['a', 'b', 'b']);
  });

  it('a receiver that asks for a short pause gets it, and then the alert', async () => {
    const { channel } = scripted(new ChannelFailure('busy', { passing: true, retryAfterMs: 20 }));
    expect(await new ChannelLane(channel, Date.now, TIMES).deliver(anAlert(), NEVER)).toBe('sent');
  });

  it('a receiver that asks for a long pause is not tried before', async () => {
    const { channel, sent } = scripted(new ChannelFailure('flood', { passing: true, retryAfterMs: 31_000 }));
    let now = 0;
    const lane = new ChannelLane(channel, () => now, TIMES);
    expect(await messageOf(lane.deliver(anAlert(), NEVER))).toBe('flood');
    now = 30_999;
    expect(await messageOf(lane.deliver(anAlert(), NEVER))).toContain('it asked for a pause');
    expect(sent).toHaveLength(1);
    now = 31_000;
    expect(await lane.deliver(anAlert(), NEVER)).toBe('sent');
  });

  it('a receiver that asks for a day is tried again after a minute', async () => {
    const { channel } = scripted(new ChannelFailure('flood', { passing: true, retryAfterMs: 86_400_000 }));
    let now = 0;
    const lane = new ChannelLane(channel, () => now, TIMES);
    await messageOf(lane.deliver(anAlert(), NEVER));
    now = 60_000;
    expect(await lane.deliver(anAlert(), NEVER)).toBe('sent');
  });

  it('a worker that stops ends the waiting between tries', async () => {
    const { channel } = scripted(DOWN);
    const stopping = new AbortController();
    const slow = { ...TIMES, backOffMs: [60_000] };
    const delivered = messageOf(new ChannelLane(channel, Date.now, slow).deliver(anAlert(), stopping.signal));
    stopping.abort();
    expect(await delivered).toBe('stopped before another try');
  });

  it('an error that is no failure of the channel is not hidden', async () => {
    const channel: AlertChannel = { name: 'broken', send: () => Promise.reject(new TypeError('a bug')) };
    const lane = new ChannelLane(channel, Date.now, TIMES);
    await expect(lane.deliver(anAlert(), NEVER)).rejects.toThrow(TypeError);
  });
});

describe('an alert that comes again', () => {
  it('is not sent twice to a channel that took it', async () => {
    const { channel, sent } = scripted();
    const lane = new ChannelLane(channel, Date.now, TIMES);
    expect(await lane.deliver(anAlert(), NEVER)).toBe('sent');
    expect(await lane.deliver(anAlert(), NEVER)).toBe('known');
    expect(sent).toHaveLength(1);
  });

  it('is not sent after the end of what it tells of', async () => {
    const { channel, sent } = scripted(REFUSED);
    const lane = new ChannelLane(channel, Date.now, TIMES);
    const critical = anAlert({ id: 'critical', at: 1_000 });
    await messageOf(lane.deliver(critical, NEVER));
    await lane.deliver(anAlert({ id: 'end', level: 'RESOLVED', kind: 'resolved', at: 2_000 }), NEVER);
    expect(await lane.deliver(critical, NEVER)).toBe('over');
    expect(sent).toEqual(['critical', 'end']);
  });

  it.each<readonly [string, Partial<Alert>]>([
    ['it is newer', { at: 3_000 }],
    ['it is of another position', { leg: { symbol: 'ETHUSDT', positionIdx: 0 } }],
    ['it is of another account', { account: 'desk' }],
    ['a proven stop does not end it', { kind: 'floor-passed' }],
  ])('is sent after an end if %s', async (_name, change) => {
    const { channel } = scripted();
    const lane = new ChannelLane(channel, Date.now, TIMES);
    await lane.deliver(anAlert({ id: 'end', level: 'RESOLVED', kind: 'resolved', at: 2_000 }), NEVER);
    expect(await lane.deliver(anAlert({ at: 1_000, ...change }), NEVER)).toBe('sent');
  });
});

describe('many alerts at a channel that hangs', () => {
  it('one of them tries, the others give up and leave their slots', async () => {
    const { channel, waiting } = held();
    const lane = new ChannelLane(channel, Date.now, { ...TIMES, secondLookMs: 5 });
    const first = messageOf(lane.deliver(anAlert({ id: '0' }), NEVER));
    const others = [1, 2, 3].map((n) => messageOf(lane.deliver(anAlert({ id: String(n) }), NEVER)));
    await expect.poll(() => waiting.length).toBe(4);
    for (const { end } of waiting) end(DOWN);
    for (const message of await Promise.all(others)) {
      expect(message).toContain('another alert is trying it: answered HTTP 500');
    }
    // The first goes on: its second and third tries are under way one after the other.
    for (const turn of [4, 5]) {
      await expect.poll(() => waiting.length).toBe(turn + 1);
      waiting[turn]?.end(DOWN);
    }
    expect(await first).toBe('answered HTTP 500, 3 tries');
    expect(waiting).toHaveLength(6);
  });

  it('a short trouble costs the others no delivery', async () => {
    const { channel, waiting } = held();
    const lane = new ChannelLane(channel, Date.now, { ...TIMES, secondLookMs: 1_000 });
    const both = ['a', 'b'].map((id) => lane.deliver(anAlert({ id }), NEVER));
    await expect.poll(() => waiting.length).toBe(2);
    for (const { end } of waiting) end(DOWN);
    await expect.poll(() => waiting.length).toBe(3);
    waiting[2]?.end(null);
    await expect.poll(() => waiting.length).toBe(4);
    waiting[3]?.end(null);
    expect(await Promise.all(both)).toEqual(['sent', 'sent']);
  });
});
