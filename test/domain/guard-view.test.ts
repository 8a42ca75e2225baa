/** What people see of a guard: status, warnings in words, the markdown of the Temporal UI (DESIGN §5, §7). */
import { describe, expect, it } from 'vitest';
import { guardDetails } from '../../src/domain/guard-details.ts';
import { guardStatus, iso, positionReport, protectionState } from '../../src/domain/guard-view.ts';
import { unexplained } from '../../src/domain/closing.ts';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { aFailure, GuardUnderTest, protectedGuard, T0, trailingGuard } from '../support/guard-under-test.ts';

const statusOf = (guard: GuardUnderTest) =>
  guardStatus(guard.book, { checks: 3, nextCheckAt: T0 + 30_000, now: guard.now });

describe('status', () => {
  it('of a trailing long shows levels, stop, proof, best price and the money at its stop', () => {
    expect(statusOf(trailingGuard())).toMatchObject({
      account: 'main',
      side: 'long',
      stop: '100.3',
      stopKind: 'trailing',
      rule: 'trailing',
      trigger: '101.0606',
      bestPrice: '101.1',
      provenAt: iso(T0),
      pnlUsd: '1.10',
      pnlPct: '11',
      pnlAtStopUsd: '0.30',
      atRiskUsd: '0.00',
      state: 'PROTECTED',
      unprotectedSince: null,
      unprotectedSeconds: '0.0',
      checks: 3,
      nextCheckAt: iso(T0 + 30_000),
      guard: 'guard:main:BTCUSDT',
      warnings: [],
    });
  });

  it('of a bare leg counts its seconds until now', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.now += 12_340;
    expect(statusOf(guard)).toMatchObject({
      stop: null,
      stopKind: null,
      provenAt: null,
      state: 'UNPROTECTED',
      unprotectedSince: iso(T0),
      unprotectedSeconds: '12.3',
    });
  });

  it('of a leg never seen says so', () => {
    expect(statusOf(new GuardUnderTest())).toMatchObject({
      side: null,
      size: null,
      state: 'BLIND',
      checkedAt: null,
    });
  });

  it("of a human's tighter stop calls it kept", () => {
    const guard = new GuardUnderTest({ stopLoss: '97' });
    guard.sees();
    expect(statusOf(guard)).toMatchObject({ stop: '97', stopKind: 'human', rule: 'kept' });
  });

  it('blind keeps the proof that there was', () => {
    const guard = protectedGuard();
    guard.seesNothing('VenueUnavailable', 5_000);
    expect(statusOf(guard)).toMatchObject({ state: 'BLIND', stop: '94', provenAt: iso(T0) });
    expect(statusOf(guard).warnings).toContain('not readable: no answer');
  });

  it('has a name for every state', () => {
    const guard = new GuardUnderTest();
    const names: string[] = [protectionState(guard.book)];
    const note = () => names.push(protectionState(guard.book));
    guard.sees();
    note();
    guard.writes();
    note();
    guard.sees({ stopLoss: '94' });
    note();
    guard.seesFlat(false, 1_000);
    note();
    guard.apply({ kind: 'closed', report: unexplained(guard.book.episode, 0) });
    note();
    expect(names).toEqual(['BLIND', 'UNPROTECTED', 'UNCERTAIN', 'PROTECTED', 'CONFIRMING', 'CLOSED']);
  });
});

describe('warnings', () => {
  it.each<[string, Parameters<GuardUnderTest['sees']>[0], string]>([
    [
      'the wrong-side rule with the loss',
      { price: '90' },
      "price beyond the policy's stop: stop at 84.6, PnL if hit -15.4",
    ],
    ['portfolio margin', { leverage: null }, 'portfolio margin: PnL % is of price, without leverage'],
    ['partial stops of others', { partialStopQty: '0.4' }, 'partial stops cover 0.4'],
    ['a native trailing stop', { nativeTrailing: '3' }, 'native trailing stop, distance 3'],
    [
      'an isolated liquidation that is near',
      { liqPrice: '99.9', marginMode: 'ISOLATED_MARGIN' },
      'liquidation at 99.9 is near',
    ],
    ['a cross liquidation', { liqPrice: '95' }, 'stop beyond or near the estimated liquidation price 95'],
  ])('name %s', (_name, row, warning) => {
    const guard = new GuardUnderTest(row);
    guard.sees();
    expect(statusOf(guard).warnings).toContain(warning);
  });

  it('name missing candles where bands were asked for', () => {
    const bands = { ...DEFAULT_POLICY, trailing: { ...DEFAULT_POLICY.trailing, mode: 'bands' as const } };
    const guard = new GuardUnderTest({ atrPct: null }, bands);
    guard.sees({ atrPct: null });
    expect(statusOf(guard).warnings).toContain('no candles: trailing by the middle band');
  });

  it('name the failure that ended a write', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.fails(aFailure('VenueRefused', 'the symbol is halted'));
    expect(statusOf(guard).warnings).toContain('the symbol is halted');
  });
});

it('a dry run shows the planned stop and no proof', () => {
  const guard = new GuardUnderTest({ stopLoss: '90' });
  guard.sees();
  const planned = { stop: '94', kind: 'fixed', rule: 'fixed' } as const;
  expect(positionReport(guard.book, { previousStop: '90', guard: null, planned })).toMatchObject({
    stop: '94',
    previousStop: '90',
    provenAt: null,
    pnlAtStopUsd: '-6.00',
  });
});

describe('the details in the UI', () => {
  it('show what is guarded, stop and proof, the last decisions with request and answer, and commands to copy', () => {
    const guard = trailingGuard();
    const text = guardDetails(statusOf(guard), guard.book.log, 'guard:main:BTCUSDT');
    expect(text).toContain('### BTCUSDT on main: PROTECTED');
    expect(text).toContain('| stop | 100.3 (trailing, trailing) |');
    expect(text).toContain(`| proven at | ${iso(T0) ?? ''} |`);
    expect(text).toContain('no stop rests: trailing stop → 100.3 (applied)');
    expect(text).toContain('temporal workflow update execute -w guard:main:BTCUSDT --name reprotectNow');
    expect(Buffer.byteLength(text)).toBeLessThan(2_500);
  });

  it('say plainly when there is no stop, no position and for how long', () => {
    const guard = new GuardUnderTest();
    expect(guardDetails(statusOf(guard), [], 'x')).toContain('no position seen yet');
    guard.sees();
    guard.now += 5_000;
    const text = guardDetails(statusOf(guard), guard.book.log, 'x');
    expect(text).toContain('| stop | **none** |');
    expect(text).toContain(`5.0 s, since ${iso(T0) ?? ''}`);
  });
});
