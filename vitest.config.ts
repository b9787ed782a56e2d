import { defineConfig } from 'vitest/config';
import { adminPage } from './rolldown.config.js';
import { fastTests, mockingTests } from './test/support/fast.js';

const fast = fastTests();
const mocking = mockingTests();

/** As the build does. */
const markdown = {
  name: 'markdown',
  transform: (text: string, id: string) => (id.endsWith('.md') ? `export default ${JSON.stringify(text)};` : null),
};

export default defineConfig({
  plugins: [adminPage(), markdown],
  resolve: {
    // Tests and examples import the package by its public names, from source.
    alias: [
      ...['testing', 'nestjs', 'metrics', 'admin', 'sidecar'].map((name) => ({
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
      // Workers load modules once and not for each file, which took half of the time.
      { extends: true, test: { name: 'fast', include: fast, isolate: false, setupFiles: './test/support/inside.ts' } },
      {
        extends: true,
        test: { name: 'slow', include: ['test/**/*.test.ts'], exclude: [...fast, ...mocking], isolate: false },
      },
      { extends: true, test: { name: 'mocking', include: mocking } },
    ],
  },
});
