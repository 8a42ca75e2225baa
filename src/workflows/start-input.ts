/** Checks what a workflow that lives long was started with: a wrong input ends it by name instead of leaving it hanging. */
import { ApplicationFailure } from '@temporalio/workflow';
import { ACCOUNT_ALIAS } from '../domain/names.ts';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function accountProblems(input: Record<string, unknown>): string[] {
  const { account } = input;
  const fits = typeof account === 'string' && ACCOUNT_ALIAS.test(account);
  return fits ? [] : ['account: expected an account alias: a-z, 0-9 and -, at most 32 characters'];
}

function legProblems(leg: unknown): string[] {
  if (!isObject(leg)) return ['leg: expected {"symbol", "positionIdx"}'];
  const { symbol, positionIdx } = leg;
  return [
    ...(typeof symbol === 'string' && symbol !== '' ? [] : ['leg.symbol: expected a symbol such as BTCUSDT']),
    ...([0, 1, 2].some((idx) => idx === positionIdx) ? [] : ['leg.positionIdx: expected 0, 1 or 2']),
  ];
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw ApplicationFailure.nonRetryable(problems.join('\n'), 'InvalidInput');
}

/** Throws `InvalidInput` unless it names an account and a leg; a policy is its starter's business. */
export function checkGuardInput(input: unknown): void {
  if (!isObject(input)) return refuse(['input: expected one JSON object with account, leg and policy']);
  const policy = isObject(input['policy']) ? [] : ['policy: expected the whole policy of the leg'];
  refuse([...accountProblems(input), ...legProblems(input['leg']), ...policy]);
}

/** Throws `InvalidInput` unless it names an account. */
export function checkWatchInput(input: unknown): void {
  if (!isObject(input)) return refuse(['input: expected one JSON object with an account']);
  refuse(accountProblems(input));
}
