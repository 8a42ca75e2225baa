/** Recognises what guards hand to the watcher: a signal cannot be refused, and a malformed one must not break it. */
import type { Alert } from '../domain/alert.ts';
import type { Released } from '../domain/messages.ts';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;

function isLeg(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { symbol, positionIdx } = value;
  return isText(symbol) && symbol !== '' && [0, 1, 2].some((idx) => idx === positionIdx);
}

export function isReleased(value: unknown): value is Released {
  if (!isObject(value) || !isLeg(value)) return false;
  const { reason, since, until, untilAdopted, episode } = value;
  return (
    isText(reason) &&
    isTime(since) &&
    (until === null || isTime(until)) &&
    typeof untilAdopted === 'boolean' &&
    (episode === null || isText(episode))
  );
}

const LEVELS: readonly unknown[] = [
  'INFO',
  'WARNING',
  'CRITICAL',
  'EMERGENCY',
  'RESOLVED',
] satisfies Alert['level'][];

function isAlert(value: unknown): value is Alert {
  if (!isObject(value)) return false;
  const { id, level, kind, account, leg, message, todo, unprotectedSeconds, at } = value;
  return (
    [id, kind, account, message, todo].every(isText) &&
    LEVELS.includes(level) &&
    (leg === null || isLeg(leg)) &&
    (unprotectedSeconds === null || isText(unprotectedSeconds)) &&
    isTime(at)
  );
}

/** The alerts among what arrived. */
export function alertsAmong(value: unknown): readonly Alert[] {
  return Array.isArray(value) ? value.filter(isAlert) : [];
}
