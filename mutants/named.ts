/** The mutants with a name: each takes one promise of the product away, as a patch of its sources, and says which tests must notice. */

export interface Patch {
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly find: string;
  readonly put: string;
}

/** Tests that are run together; the next stage only where this one did not notice. */
export interface TestStage {
  readonly project: 'unit' | 'workflow' | 'integration';
  readonly files: readonly string[];
  /** Only tests whose name holds this text. */
  readonly only?: string;
}

export interface NamedMutant {
  readonly name: string;
  readonly breaks: string;
  readonly patches: readonly Patch[];
  readonly stages: readonly TestStage[];
}

const ENSURE_STOP = 'src/activities/ensure-stop.ts';

/** What a proof is when nothing was read: the row from before the write with the stop that was asked for. */
const CLAIMED =
  "add({ kind: 'observed', observation: { ...before, position: { ...before.position, stopLoss: stop }, readAt: reader.now() } });";

const attempts: TestStage = { project: 'unit', files: ['test/activities'] };
const domain: TestStage = { project: 'unit', files: ['test/domain'] };
const bytes: TestStage = { project: 'unit', files: ['test/fuzz/protection.test.ts'] };
const failures = workflow('guard-failures', 'is tried exactly three times');
const falseAnswers = workflow('guard-failures', 'an answer that is not true');
const life = workflow('guard-life', 'reads that fail');
const duringCheck = workflow('guard-life', 'in the middle of a check');
const duringRound = workflow('watch-account', 'in the middle of a round');
const ledger = workflow('keep-ledger', 'that fails three times');
const histories: TestStage = { project: 'integration', files: ['test/integration/secrets.test.ts'] };

function workflow(file: string, only: string): TestStage {
  return { project: 'workflow', files: [`test/workflows/${file}.test.ts`], only };
}

export const NAMED: readonly NamedMutant[] = [
  {
    name: 'read-back-removed',
    breaks: 'protection is claimed from the answer of the write (I2)',
    patches: [
      {
        file: ENSURE_STOP,
        find: 'await prove(attempt, stop, outcome, written, add, book);',
        put: `${CLAIMED} void prove; void book;`,
      },
    ],
    stages: [attempts, falseAnswers],
  },
  {
    name: 'any-stop-proves',
    breaks: 'a read that shows another, looser stop counts as proof (I2)',
    patches: [
      {
        file: ENSURE_STOP,
        find: 'return near || tighter(position.side, stop, dec(asked));',
        put: 'return near || stop.gt(0);',
      },
    ],
    stages: [attempts, falseAnswers],
  },
  {
    name: 'tightening-turned-round',
    breaks: 'the looser of two stops counts as the tighter one (I1)',
    patches: [
      {
        file: 'src/domain/levels.ts',
        find: "return side === 'long' ? a.gt(b) : a.lt(b);",
        put: "return side === 'long' ? a.lt(b) : a.gt(b);",
      },
    ],
    stages: [domain],
  },
  {
    name: 'failed-read-is-flat',
    breaks: 'a read that failed shows the leg flat (I4)',
    patches: [
      {
        file: 'src/activities/observe.ts',
        find: 'return unreadable(error.info.type, error.info.message, reader.now());',
        put: "return { kind: 'flat', confirmed: input.mode === 'confirm', readAt: reader.now() };",
      },
    ],
    stages: [attempts, bytes, life],
  },
  {
    name: 'broken-row-is-flat',
    breaks: 'a row that cannot be read is dropped from the list, so that its leg seems absent (I4, I7)',
    patches: [
      {
        file: 'src/exchange/parse-positions.ts',
        find: "unreadable: [...kept.flatMap((row) => (row.kind === 'unreadable' ? [row.row] : [])), ...loose],",
        put: 'unreadable: [...loose],',
      },
    ],
    stages: [{ project: 'unit', files: ['test/exchange/parse-positions.test.ts'] }, bytes, life],
  },
  {
    name: '34040-is-applied',
    breaks: '"not modified" counts as a stop that was set (I2)',
    patches: [
      {
        file: 'src/exchange/verdict.ts',
        find: "return { kind: 'unchanged', message: verdict.failure.message };",
        put: "return { kind: 'applied' };",
      },
    ],
    stages: [
      { project: 'unit', files: ['test/exchange/return-codes.test.ts', 'test/exchange/writes.test.ts'] },
    ],
  },
  {
    name: '34040-is-proof',
    breaks: '"not modified" counts as proof that the stop rests (I2)',
    patches: [
      {
        file: ENSURE_STOP,
        find: 'await prove(attempt, stop, outcome, written, add, book);',
        put: `if (outcome.kind === 'unchanged') ${CLAIMED} else await prove(attempt, stop, outcome, written, add, book);`,
      },
    ],
    stages: [attempts, falseAnswers],
  },
  {
    name: 'wake-cleared-after-check',
    breaks: 'a message that arrives during a check is forgotten when the check ends',
    patches: [
      {
        file: 'src/workflows/guard-position.ts',
        find: '  wishes.woken = false;\n  wishes.rewrite = false;\n  wishes.started += 1;',
        put: '  wishes.started += 1;',
      },
      {
        file: 'src/workflows/guard-position.ts',
        find: 'const report = await run.check(asked, rewrite);',
        put: 'const report = await run.check(asked, rewrite);\n  wishes.woken = false;\n  wishes.rewrite = false;',
      },
    ],
    stages: [duringCheck],
  },
  {
    name: 'watcher-wake-cleared-after-round',
    breaks: 'a reprotect to the watcher that arrives during a round is forgotten when the round ends',
    patches: [
      {
        file: 'src/workflows/watch-account.ts',
        find: '    watch.woken = false;\n    const began = Date.now();\n    nextRoundAt = began + (await round(watch));',
        put: '    const began = Date.now();\n    nextRoundAt = began + (await round(watch));\n    watch.woken = false;',
      },
    ],
    stages: [duringRound],
  },
  {
    name: 'secret-in-result',
    breaks: "the account's secret is part of what an activity answers, and so of the history (I9)",
    patches: [
      {
        file: 'src/exchange/bybit-port.ts',
        find: "keyInfo: async () => parseKeyInfo((await calls.read('keyInfo', {})).result),",
        put: "keyInfo: async () => ({ ...parseKeyInfo((await calls.read('keyInfo', {})).result), apiSecret }),",
      },
    ],
    stages: [histories],
  },
  {
    name: 'secret-in-report',
    breaks: "the account's key is part of the session's report (I9)",
    patches: [
      {
        file: 'src/exchange/bybit-port.ts',
        find: '    account,\n    venue,\n    ...reads.port,',
        put: '    account,\n    venue: `${venue} ${apiKey}` as typeof venue,\n    ...reads.port,',
      },
    ],
    stages: [histories],
  },
  {
    name: 'secret-in-failure',
    breaks: 'texts of the venue that echo the key go into failures, logs and histories as they are (I9)',
    patches: [
      {
        file: 'src/exchange/redaction.ts',
        find: "for (const needle of needles) clean = clean.replaceAll(needle, '[redacted]');",
        put: 'void needles;',
      },
    ],
    stages: [
      { project: 'unit', files: ['test/exchange/redaction.test.ts', 'test/exchange/bybit-client.test.ts'] },
    ],
  },
  {
    name: 'four-attempts',
    breaks: 'a regular activity is tried four times before CRITICAL',
    patches: [
      {
        file: 'src/workflows/activity-options.ts',
        find: 'const THREE_ATTEMPTS = { maximumAttempts: 3,',
        put: 'const THREE_ATTEMPTS = { maximumAttempts: 4,',
      },
    ],
    stages: [failures],
  },
  {
    name: 'four-attempts-of-the-ledger',
    breaks: 'the balance is asked for four times before a sync has failed',
    patches: [
      {
        file: 'src/workflows/ledger-run.ts',
        find: "retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumAttempts: 3 },",
        put: "retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumAttempts: 4 },",
      },
    ],
    stages: [ledger],
  },
];
