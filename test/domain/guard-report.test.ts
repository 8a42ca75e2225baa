/** What a guard tells its worker: every unprotected second once, whatever ended the spell (I12), and how old its proof is. */
import { describe, expect, it } from 'vitest';
import {
  guardReport,
  newUnprotectedMs,
  NOTHING_REPORTED,
  reportedOf,
} from '../../src/domain/guard-report.ts';
import { GuardUnderTest, protectedGuard, T0 } from '../support/guard-under-test.ts';

const NEXT = T0 + 30_000;
const reportOf = (guard: GuardUnderTest) => guardReport(guard.book, NOTHING_REPORTED, NEXT);

describe('unprotected time', () => {
  it('is told as it grows, each part once', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    expect(reportOf(guard)).toMatchObject({
      state: 'UNPROTECTED',
      unprotectedSince: T0,
      newUnprotectedMs: 0,
    });
    guard.sees({}, 5_000);
    expect(reportOf(guard).newUnprotectedMs).toBe(5_000);
    const told = reportedOf(guard.book);
    guard.sees({ stopLoss: '94' }, 2_500);
    expect(guardReport(guard.book, told, NEXT)).toMatchObject({
      state: 'PROTECTED',
      newUnprotectedMs: 2_500,
    });
    expect(newUnprotectedMs(reportedOf(guard.book), guard.book)).toBe(0);
  });

  it('of a position that turned over is told to its end, with that of the new one', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.sees({}, 1_000);
    const told = reportedOf(guard.book);
    guard.sees({ side: 'short' }, 4_000);
    expect(newUnprotectedMs(told, guard.book)).toBe(4_000);
    const again = reportedOf(guard.book);
    guard.sees({}, 3_000);
    expect(newUnprotectedMs(again, guard.book)).toBe(3_000);
  });

  it('of a spell that a session ended before the guard began is told by its first report', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.sees({ stopLoss: '94' }, 700);
    expect(reportOf(guard).newUnprotectedMs).toBe(700);
  });
});

describe('the age of the proof', () => {
  it('of a protected leg begins with the last read that showed the stop, also once it cannot be read', () => {
    const guard = protectedGuard();
    const { provenAt } = reportOf(guard);
    expect(provenAt).toBe(guard.now);
    guard.seesNothing('VenueUnavailable', 30_000);
    expect(reportOf(guard)).toMatchObject({ state: 'BLIND', provenAt });
  });

  it('of a bare leg begins with the first read without a stop', () => {
    const guard = new GuardUnderTest();
    guard.sees();
    guard.sees({}, 5_000);
    expect(reportOf(guard).provenAt).toBe(T0);
  });

  it('does not grow for a leg that is gone, nor for one that was never read', () => {
    expect(reportOf(new GuardUnderTest())).toMatchObject({ state: 'BLIND', provenAt: null, checkedAt: 0 });
    const guard = protectedGuard();
    guard.seesFlat(false, 30_000);
    expect(reportOf(guard)).toMatchObject({ state: 'CONFIRMING', provenAt: null });
  });
});
