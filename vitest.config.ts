import { defineConfig } from 'vitest/config';
import { fastTests } from './test/support/fast.js';

const fast = fastTests();

export default defineConfig({
  resolve: {
    // Tests and examples import the package by its public names, from source.
    alias: [
      ...['testing', 'nestjs', 'metrics', 'admin'].map((name) => ({
        find: `pillion/${name}`,
        replacement: new URL(`./src/${name}/index.ts`, import.meta.url).pathname,
      })),
      { find: /^pillion$/, replacement: new URL('./src/index.ts', import.meta.url).pathname },
    ],
  },
  test: {
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Vitest would leave one of CI's two cores idle.
    maxWorkers: 2,
    projects: [
      // Modules are loaded once for each worker and not once for each file: two thirds of the time of these tests.
      { extends: true, test: { name: 'fast', include: fast, isolate: false, setupFiles: './test/support/inside.ts' } },
      { extends: true, test: { name: 'slow', include: ['test/**/*.test.ts'], exclude: fast } },
    ],
  },
});
