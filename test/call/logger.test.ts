/** The logger of clients that were given none: its level by LOG_LEVEL. */
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';

/** What a process logs that makes two clients and a call with each. */
async function lines(level: string | undefined) {
  const { code, reports, stderr } = await runChild(`
    ${level === undefined ? 'delete process.env.LOG_LEVEL' : `process.env.LOG_LEVEL = ${JSON.stringify(level)}`};
    const { createHttpClient } = await import('pillion');
    const transport = async (config) => ({ status: 200, statusText: '', headers: {}, data: '', config });
    for (const name of ['one', 'two']) await createHttpClient({ name, baseURL: 'http://api.test' }, { transport }).get('/');
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const warnings = reports.filter(({ msg }) => String(msg).includes('LOG_LEVEL'));
  return { warnings, calls: reports.filter(({ msg }) => msg === 'GET 200').length, all: reports.length };
}

describe('LOG_LEVEL', () => {
  it.each(['INFO', ' debug '])('%j is taken as people write it', async (level) => {
    const { warnings, calls } = await lines(level);
    expect([warnings, calls]).toEqual([[], 2]);
  });

  it.each([undefined, ''])('%j means info', async (level) => {
    expect(await lines(level)).toEqual({ warnings: [], calls: 2, all: 2 });
  });

  it.each(['silent'])('%j leaves the lines of good calls out', async (level) => {
    expect((await lines(level)).all).toBe(0);
  });

  it.each(['verbose', 'toString'])(
    '%j, which is unknown, means info, with one warning that names the variable and what is known',
    async (level) => {
      const { warnings, calls } = await lines(level);
      expect(calls).toBe(2);
      expect(warnings).toEqual([
        expect.objectContaining({
          level: 40,
          msg: expect.stringContaining('LOG_LEVEL'),
          known: expect.arrayContaining(['debug', 'info', 'silent']),
        }),
      ]);
    },
  );
});
