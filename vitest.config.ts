import { defineConfig } from 'vitest/config';

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
  // Vitest would leave one of CI's two cores idle.
  test: { include: ['test/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 20_000, maxWorkers: 2 },
});
