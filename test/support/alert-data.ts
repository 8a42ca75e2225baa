/** An alert as guards raise it, with overrides. */
import type { Alert } from '../../src/domain/alert.ts';

export function anAlert(change: Partial<Alert> = {}): Alert {
  return {
    id: 'guard:main:BTCUSDT/1763838000000/0',
    level: 'CRITICAL',
    kind: 'unprotected',
    account: 'main',
    leg: { symbol: 'BTCUSDT', positionIdx: 0 },
    message: 'no stop for 3.2 s: the venue refused the stop',
    todo: 'set a stop by hand',
    unprotectedSeconds: '3.2',
    at: Date.parse('2025-11-22T19:14:24.000Z'),
    ...change,
  };
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function keptLog() {
  const lines: LogLine[] = [];
  const note =
    (level: LogLine['level']) =>
    (fields: object, event: string): void => {
      lines.push({ level, event, fields: { ...fields } });
    };
  return { lines, info: note('info'), warn: note('warn'), error: note('error') };
}
