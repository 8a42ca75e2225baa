/** Vitest for listing the fault tests by name, not for running them: without the global set-up, which builds and finds servers. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest reads its configuration from there
export default defineConfig({ test: { root: '.', include: ['test/faults/**/*.test.ts'] } });
