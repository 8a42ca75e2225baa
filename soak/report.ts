/** What a soak prints: its figures, each spell over 5 s with its outage, and the list of what was broken. */
import { rounded } from '../bench/support/figures.ts';
import type { Machine } from '../bench/support/machine.ts';
import type { Evidence } from './evidence.ts';
import { OLD_WORKER, recoveryText, type Judgement } from './judgement.ts';
import { spellText } from './verdicts/spells.ts';

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const percent = (share: number): string => `${rounded(share * 100)} %`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function counts(of: Readonly<Record<string, number>>): string {
  const all = Object.values(of).reduce((sum, count) => sum + count, 0);
  const parts = Object.entries(of).map(([name, count]) => `${name} ${count}`);
  return `${all} (${parts.join(', ')})`;
}

function figures(evidence: Evidence, judgement: Judgement): readonly (readonly [string, string])[] {
  const { unprotectedMs, stops, loosenings, turnover: positions, proofs, lateness: late, memory } = judgement;
  const { done, settled, databaseBytes: bytes } = evidence;
  const excused = (excuse: string): number => loosenings.filter((one) => one.excuse === excuse).length;
  const recovered = judgement.recoveries.map(recoveryText);
  return [
    ['processes killed', counts(done.kills)],
    ['faults of the venue', counts(done.venueFaults)],
    ['requests that met one', String(evidence.venueOutages.length)],
    ['humans', counts(done.hands)],
    ['operators', counts(done.operators)],
    ['a process away', `${percent(judgement.brokenShare.processes)} of the time`],
    ['anything broken', `${percent(judgement.brokenShare.anything)} of the time`],
    [
      'positions',
      `${positions.opened} opened, ${positions.closed} closed, ${positions.flipped} flipped, ${positions.open} open at the end`,
    ],
    [
      'stops sent',
      `${stops.sent} took effect, ${stops.refusedOrLost} were refused or lost; ${stops.triggered} stops triggered`,
    ],
    ['stops loosened', String(loosenings.filter((one) => one.excuse === null).length)],
    [
      'not counted as loosened',
      `${excused('passed')} put back behind a price that had passed them, ${excused('forgotten')} after their guard was ended by hand, ` +
        `${excused('crossed')} crossed a human's stop on the way`,
    ],
    [
      'unprotected',
      `${judgement.spells.length} spells, p50 ${seconds(unprotectedMs.p50)}, p99 ${seconds(unprotectedMs.p99)}, max ${seconds(unprotectedMs.max)}`,
    ],
    [
      'counted by closed guards',
      `${judgement.counted.guardsSeconds.toFixed(1)} s; the venue shows ${judgement.counted.venueSeconds.toFixed(1)} s of the same ${judgement.counted.positions} positions`,
    ],
    [
      'proofs',
      `${proofs.judged} claimed and borne out by a read after the write${proofs.problems.length > 0 ? `, but ${proofs.problems.length}` : ''}; ${proofs.notJudged} not judged`,
    ],
    [
      'checks',
      `${late.checks}; over 1 s late: ${late.late}, and ${late.lateInOutage} while a process was away; lag p50 ${late.lagMs.p50} ms, p99 ${late.lagMs.p99} ms, max ${late.lagMs.max} ms`,
    ],
    ['workflow tasks too slow', String(judgement.slowTasks.length)],
    [
      'tasks that failed once',
      String(evidence.runs.reduce((sum, { mendedTasks }) => sum + mendedTasks.length, 0)),
    ],
    ...recovered.map((text): readonly [string, string] => ['all guards check again', text]),
    ['histories replayed', `${evidence.replayed} of ${evidence.runs.length}`],
    ...(memory.some(({ name }) => name === OLD_WORKER)
      ? []
      : [[`memory of ${OLD_WORKER}`, 'not compared: its last life was too short'] as const]),
    ...memory.map(({ name, minutes, earlyMb, lateMb, ratio }): readonly [string, string] => [
      `memory of ${name}`,
      `${rounded(earlyMb)} MB at minute ${minutes[0]}, ${rounded(lateMb)} MB at minute ${rounded(minutes[1], 1)}: ratio ${ratio.toFixed(2)}`,
    ]),
    ["Temporal's database", `${megabytes(bytes[0])} before, ${megabytes(bytes[1])} at the end`],
    ['settled', settled.afterMs === null ? 'no' : `${seconds(settled.afterMs)} after the last fault`],
  ];
}

/** The whole report; ends with `PASSED` or the list of what was broken. */
export function reportText(
  evidence: Evidence,
  judgement: Judgement,
  machine: Machine,
  busyPct: number,
): string {
  const { seed, positions, began, faultsEnded } = evidence;
  const minutes = rounded((faultsEnded - began) / 60_000, 1);
  const head = `soak of ${minutes} min with ${positions} positions, seed ${seed}; ${machine.cores} cores (${machine.cpu}), Node.js ${machine.node}, busy ${busyPct} % of the time with everything that ran`;
  const lines = figures(evidence, judgement).map(([name, text]) => `  ${name.padEnd(24)} ${text}`);
  const spells = judgement.long.map((spell) => `  ${spellText(spell)}`);
  const broken = judgement.problems.map(({ promise, what }) => `  ${promise}: ${what}`);
  return [
    head,
    ...lines,
    `unprotected for more than 5 s: ${spells.length}`,
    ...spells,
    broken.length === 0 ? 'PASSED' : `BROKEN: ${broken.length}`,
    ...broken,
    '',
  ].join('\n');
}
