/** The judgement on a soak: every promise that its evidence can show broken, and the figures that are printed. */
import { spreadOf, type Spread } from '../bench/support/figures.ts';
import { guardId } from '../src/domain/names.ts';
import { shown } from '../test/support/claims.ts';
import type { Life } from '../test/support/venue-log.ts';
import { problemsOf, type Evidence, type Problem } from './evidence.ts';
import { ageing, type Ageing } from './memory.ts';
import { coveredMs } from './outages.ts';
import { counted, type Counted } from './verdicts/counted.ts';
import { judgedProofs, type ProofVerdict } from './verdicts/proofs.ts';
import { STOP, touchedElse } from './verdicts/requests.ts';
import {
  lateness,
  missingRuns,
  recoveries,
  slowTasks,
  type Lateness,
  type Recovery,
} from './verdicts/runs.ts';
import { judgedSpells, longSpells, spellText, type JudgedSpell } from './verdicts/spells.ts';
import { judgedLoosenings, type JudgedLoosening } from './verdicts/stops.ts';

/** A worker may grow by so much between its second minute and the end. */
const MOST_GROWTH = 1.2;
/** The worker that grows old; the other one is killed all the time. */
export const OLD_WORKER = 'worker-1';

export interface Judgement {
  readonly problems: readonly Problem[];
  readonly spells: readonly JudgedSpell[];
  readonly long: readonly JudgedSpell[];
  readonly unprotectedMs: Spread;
  /** Share of the time with faults in which a process was away or a request at the venue was spoiled. */
  readonly brokenShare: { readonly processes: number; readonly anything: number };
  readonly stops: { readonly sent: number; readonly triggered: number; readonly refusedOrLost: number };
  readonly loosenings: readonly JudgedLoosening[];
  readonly turnover: {
    readonly opened: number;
    readonly closed: number;
    readonly flipped: number;
    readonly open: number;
  };
  readonly proofs: ProofVerdict;
  readonly lateness: Lateness;
  readonly recoveries: readonly Recovery[];
  readonly counted: Counted;
  readonly slowTasks: readonly string[];
  readonly memory: readonly Ageing[];
}

/** Needs the venue to be up: it is asked for candles. */
export async function judged(evidence: Evidence): Promise<Judgement> {
  const { lives, runs, requests, began, log, processOutages, venueOutages } = evidence;
  const outages = [...processOutages, ...venueOutages];
  const writes = runs.flatMap((run) => run.writes);
  const spells = judgedSpells(lives, outages, { from: began, to: log.readAt });
  const loosenings = await judgedLoosenings({ ...evidence, writes }, began);
  const proofs = judgedProofs({ ...evidence, writes });
  const lied = requests.filter(({ fault }) => fault === 'stale');
  const count = counted(runs, lives, outages, (from, to) =>
    lied.some(({ time }) => time >= from && time <= to),
  );
  const recovered = recoveries(runs, evidence.restarts, evidence.endedByHand);
  const slow = slowTasks(runs, processOutages).map(
    ({ workflowId, takenAt }) => `${workflowId} at ${new Date(takenAt).toISOString()}`,
  );
  const memory = ageing(evidence.memory);
  return {
    problems: [
      ...evidence.found,
      ...problemsOf(
        'unprotected at most for the outage and 35 s',
        spells.filter(({ tooLong }) => tooLong).map(spellText),
      ),
      ...problemsOf(
        'I1: a stop never loosens',
        loosenings.filter(({ excuse }) => excuse === null).map(looseningText),
      ),
      ...problemsOf('I2: only a read is proof', [...proofs.problems, ...falseAnswers(evidence)]),
      ...problemsOf('I6, I10: nothing but stops and reduce-only closes', touchedElse(requests)),
      ...problemsOf(
        'I9: keys stay in the worker',
        runs.flatMap((run) => run.leaked.map((name) => `${run.workflowId}: ${name}`)),
      ),
      ...problemsOf(
        'I11: no workflow task fails',
        runs.flatMap((run) => run.failedTasks),
      ),
      ...problemsOf('no workflow task takes too long', slow),
      ...problemsOf('all histories are read', [
        ...missingRuns(runs),
        ...(evidence.replayed === runs.length ? [] : [`${evidence.replayed} of ${runs.length} replayed`]),
      ]),
      ...problemsOf('I12: unprotected time is measured', count.problems),
      ...problemsOf(
        'all guards check again within an interval and 15 s of a restart',
        recovered.filter(({ inTime }) => !inTime).map(recoveryText),
      ),
      ...problemsOf(
        'memory stays',
        memory.filter(grew).map(({ name, ratio }) => `${name}: ${ratio.toFixed(2)} times`),
      ),
    ],
    spells,
    long: longSpells(spells),
    unprotectedMs: spreadOf(spells.map(({ ms }) => ms)),
    brokenShare: {
      processes: shareOf(evidence, processOutages),
      anything: shareOf(evidence, outages),
    },
    stops: stopsOf(evidence),
    loosenings,
    turnover: turnoverOf(lives, began),
    proofs,
    lateness: lateness(runs, processOutages),
    recoveries: recovered,
    counted: count,
    slowTasks: slow,
    memory,
  };
}

function grew({ name, ratio }: Ageing): boolean {
  return name === OLD_WORKER && ratio > MOST_GROWTH;
}

function shareOf({ began, faultsEnded }: Evidence, outages: Evidence['processOutages']): number {
  return coveredMs({ from: began, to: faultsEnded }, outages) / (faultsEnded - began);
}

function looseningText({ symbol, positionIdx, kind, from, to, at }: JudgedLoosening): string {
  return `${symbol}:${positionIdx} ${kind} ${from} → ${to === '' ? 'none' : to} at ${new Date(at).toISOString()}`;
}

export function recoveryText({ what, guards, lastCheckMs, longer, startedAt }: Recovery): string {
  const seconds = lastCheckMs === null ? 'never all' : `${(lastCheckMs / 1_000).toFixed(1)} s`;
  const waited = longer === 0 ? '' : `; ${longer} had a longer interval: the key was rejected`;
  return `${new Date(startedAt).toISOString().slice(11, 19)} ${what}: ${guards} guards, the last one after ${seconds}${waited}`;
}

/** Answers of `reprotectNow` that the venue's log does not bear out. */
function falseAnswers({ reprotected, lives, requests }: Evidence): readonly string[] {
  const lied = requests.filter(({ fault }) => fault === 'stale');
  return reprotected.flatMap(({ leg, answer: { state, stop, provenAt } }) => {
    if (state !== 'PROTECTED' || stop === null || provenAt === null) return [];
    const at = Date.parse(provenAt);
    const excused = lied.some(({ time }) => Math.abs(time - at) < 5_000);
    return excused || shown(lives, leg, stop, at)
      ? []
      : [`${guardId('main', leg)} answered ${stop} at ${provenAt}`];
  });
}

function stopsOf({ lives, requests, began }: Evidence): Judgement['stops'] {
  const events = lives.flatMap(({ stops }) => stops).filter(({ at }) => at >= began);
  const sent = requests.filter(({ path, time }) => path === STOP && time >= began);
  return {
    sent: events.filter(({ by }) => by === 'api').length,
    triggered: events.filter(({ reason }) => reason === 'triggered').length,
    refusedOrLost: sent.filter(({ code }) => code !== 0).length,
  };
}

function turnoverOf(lives: readonly Life[], began: number): Judgement['turnover'] {
  const opened = lives.filter(({ from }) => from >= began);
  const closed = lives.filter(({ to }) => to !== null && to >= began);
  const flipped = opened.filter((life) =>
    closed.some(
      ({ symbol, positionIdx, to }) =>
        symbol === life.symbol && positionIdx === life.positionIdx && to === life.from,
    ),
  );
  return {
    opened: opened.length - flipped.length,
    closed: closed.length - flipped.length,
    flipped: flipped.length,
    open: lives.filter(({ to }) => to === null).length,
  };
}
