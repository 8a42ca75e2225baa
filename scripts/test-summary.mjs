/** Adds up what the test projects report, so that the closing line is never better than what happened. */

/** @typedef {{ readonly passed: number, readonly failed: number, readonly skipped: number }} Counts */
/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {boolean} ok
 * @property {string} note
 * @property {'check' | 'tests' | 'setup'} kind `setup`: could not run, something is missing on the machine
 * @property {Counts} [counts]
 */

/**
 * Counts the tests of one vitest JSON report. A file that failed without a failed test (it did not load, a hook threw) counts as one
 * failure, and so does a run that ended badly without naming one (a crash, an unhandled error, no report).
 * @param {unknown} report @param {number} code exit code of vitest
 * @returns {Counts}
 */
export function tally(report, code) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of testFiles(report)) {
    const statuses = (file.assertionResults ?? []).map(({ status }) => status);
    passed += statuses.filter((status) => status === 'passed').length;
    skipped += statuses.filter((status) => status !== 'passed' && status !== 'failed').length;
    const failures = statuses.filter((status) => status === 'failed').length;
    failed += failures === 0 && file.status === 'failed' ? 1 : failures;
  }
  return { passed, failed: failed === 0 && (code !== 0 || report === undefined) ? 1 : failed, skipped };
}

/**
 * @param {unknown} report
 * @returns {readonly { readonly status?: string, readonly assertionResults?: readonly { readonly status: string }[] }[]}
 */
function testFiles(report) {
  if (typeof report !== 'object' || report === null || !('testResults' in report)) return [];
  return Array.isArray(report.testResults) ? report.testResults : [];
}

/** A check that failed is one failure: "0 failed" is never printed above a non-zero exit code. @param {readonly Stage[]} stages @returns {Counts} */
function total(stages) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { ok, counts } of stages) {
    sum.passed += counts?.passed ?? 0;
    sum.skipped += counts?.skipped ?? 0;
    sum.failed += counts?.failed ?? (ok ? 0 : 1);
  }
  return sum;
}

/** @param {readonly Stage[]} stages @returns {string} `N passed, N failed, N skipped` */
export function closingLine(stages) {
  const { passed, failed, skipped } = total(stages);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** @param {readonly Stage[]} stages @returns {number} */
export function exitCode(stages) {
  const { passed, failed } = total(stages);
  if (stages.some(({ kind }) => kind === 'setup')) return 2;
  return failed > 0 || passed === 0 ? 1 : 0;
}
