/** Vitest for recording, not for testing: `npx vitest run --config test/replay/record.config.ts`. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest reads its configuration from there
export default defineConfig({
  test: {
    root: '.',
    include: ['test/replay/record.ts'],
    globalSetup: ['test/support/prepare.ts'],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
