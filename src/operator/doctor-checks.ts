/** What `npm run doctor` looks at: one account on its venue, and the Temporal server; reads only, each check by itself. */
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { balanceFailure, balanceProblem, balanceReading, readBalance } from '../domain/balance.ts';
import { keyFacts } from '../domain/key-facts.ts';
import { balanceCriteria, clockCriteria, keyCriteria } from '../domain/report-criteria.ts';
import type { Criterion } from '../domain/report.ts';
import { VenueError, type VenuePort } from '../exchange/port.ts';
import { inspectSearchAttributes } from '../search-attributes.ts';
import { counted } from './figures.ts';

const DAY_SECONDS = 86_400;
/** Under this, last week's trouble cannot be looked into. */
const RETENTION_WARNING_DAYS = 7;

/** Key, clock, balance, positions, and what is not covered. A check that fails says why and how to mend it; none stops the others. */
export async function checkVenue(port: VenuePort, now: () => number): Promise<readonly Criterion[]> {
  // The clock first: with it wrong every signed call fails, and that should stand at the top.
  const clock = await check('clock', async () => clockCriteria((await port.clock()).offsetMs));
  const others = await Promise.all([
    check('key', async () => keyCriteria(keyFacts(await port.keyInfo(), now()))),
    check('balance', () => balanceOf(port, now)),
    check('positions', () => positionsOf(port)),
    check('not covered', () => notCoveredOf(port)),
  ]);
  return [...clock, ...others.flat()];
}

async function check(id: string, look: () => Promise<readonly Criterion[]>): Promise<readonly Criterion[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    const { type, code, message, hint } = error.info;
    const from = code === null ? type : `${type}, code ${code}`;
    return [{ id, level: 'failure', message: `${id}: ${message} (${from}). ${hint}` }];
  }
}

async function balanceOf(port: VenuePort, now: () => number): Promise<readonly Criterion[]> {
  const [wallet, info] = await Promise.all([port.wallet(), port.accountInfo()]);
  const outcome = readBalance(wallet);
  const problem = balanceProblem(outcome);
  if (problem !== null) return balanceCriteria(balanceFailure(problem));
  if (outcome.kind !== 'read') return [];
  const readAt = new Date(now()).toISOString();
  const { marginMode } = info;
  return [
    ...balanceCriteria(balanceReading(outcome, { previousTotal: null, marginMode, readAt })),
    { id: 'account', level: 'ok', message: `account ${outcome.accountType}, margin mode ${marginMode}` },
  ];
}

async function positionsOf(port: VenuePort): Promise<readonly Criterion[]> {
  const { positions, unreadable } = await port.snapshot({ fresh: true });
  const without = positions.filter((position) => position.stopLoss === null).map(({ symbol }) => symbol);
  const bare = without.length === 0 ? 'each with a stop' : `without a stop: ${without.join(', ')}`;
  const open = `${counted(positions.length, 'open position')}${positions.length === 0 ? '' : `, ${bare}`}`;
  return [
    { id: 'positions', level: without.length === 0 ? 'ok' : 'warning', message: open },
    ...unreadable.map(({ symbol, reason }): Criterion => ({
      id: 'positions',
      level: 'failure',
      message: `${symbol} cannot be read: ${reason}`,
    })),
  ];
}

async function notCoveredOf(port: VenuePort): Promise<readonly Criterion[]> {
  return (await port.notCovered()).map(({ category, symbol, size, reason }) => ({
    id: 'not-covered',
    level: 'warning',
    message: `${symbol} (${category}, size ${size}) is not guarded: ${reason}`,
  }));
}

/** Server, namespace with its retention, search attributes, and whether a worker polls. The connection has proven that the server answers. */
export async function checkTemporal(
  connection: Connection,
  namespace: string,
  polls: boolean,
): Promise<readonly Criterion[]> {
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  return [
    { id: 'temporal', level: 'ok', message: `the server answers, version ${serverVersion}` },
    await retentionOf(connection, namespace),
    await searchAttributesOf(connection, namespace),
    {
      id: 'worker',
      level: polls ? 'ok' : 'failure',
      message: polls ? 'a worker polls' : 'no worker polls: nothing is guarded; start one with "npm start"',
    },
  ];
}

async function retentionOf(connection: Connection, namespace: string): Promise<Criterion> {
  const id = 'retention';
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_SECONDS;
    const short = days < RETENTION_WARNING_DAYS;
    const message = `namespace ${namespace} keeps closed histories for ${counted(days, 'day')}${short ? '; 14 are advised' : ''}`;
    return { id, level: short ? 'warning' : 'ok', message };
  } catch (error) {
    // A cloud's key may not describe its namespace; protection does not depend on it.
    if (!isGrpcServiceError(error)) throw error;
    return {
      id,
      level: 'warning',
      message: `the retention of namespace ${namespace} cannot be read: ${error.message}`,
    };
  }
}

async function searchAttributesOf(connection: Connection, namespace: string): Promise<Criterion> {
  const id = 'search-attributes';
  try {
    const { missing, wrong } = await inspectSearchAttributes(connection, namespace);
    if (wrong.length > 0) {
      const message = `search attributes are of another type: ${wrong.join(', ')}; guards do without until they are removed by hand`;
      return { id, level: 'warning', message };
    }
    const absent = `search attributes are missing: ${missing.join(', ')}; a worker registers them when it starts`;
    return missing.length === 0
      ? { id, level: 'ok', message: 'search attributes are registered' }
      : { id, level: 'warning', message: absent };
  } catch (error) {
    // A cloud's key may not list them; protection does not depend on them.
    if (!isGrpcServiceError(error)) throw error;
    return { id, level: 'warning', message: `search attributes cannot be listed: ${error.message}` };
  }
}
