/** The chaos program, for twelve seconds of its one minute, and whether it would see what it is to see (against dist: build first). */
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';

// Plain JavaScript without types.
const load = (name: string) => import(new URL(name, import.meta.url).href);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[] = [], flags: readonly string[] = []): Promise<Ended> {
  const path = new URL(program, import.meta.url).pathname;
  const child = spawn(process.execPath, [...flags, path, ...args], { env: { ...process.env, NODE_OPTIONS: '' } });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => stream.setEncoding('utf8').toArray());
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', async (code) => {
      resolve({ code, stdout: (await stdout)?.join('') ?? '', stderr: (await stderr)?.join('') ?? '' });
    });
  });
}

describe('twelve seconds of chaos', () => {
  it('lose no byte, double no call, cross nothing, hang nowhere, throw nothing and leave nothing behind', async () => {
    const { code, stdout, stderr } = await run('run.mjs', ['--seconds', '12', '--seed', '20']);
    console.log(stdout.split('\n').slice(0, 2).join('\n'));
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  }, 120_000);
});

describe('four thousand calls that are aborted at any moment', () => {
  it('do not end the process, which catches nothing for them', async () => {
    const { code, stdout, stderr } = await run('aborts.mjs', ['4000', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ calls: 4000, failures: [] });
  }, 120_000);
});

describe('what counts the faults', () => {
  it('sees every one of them in clients that are broken on purpose', async () => {
    const { stdout } = await run('defective.mjs', [], ['--no-warnings']);
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(seen.length).toBeGreaterThan(15);
    expect(seen.map(({ name, counted }) => ({ name, counted }))).toEqual(
      seen.map(({ name, expected }) => ({ name, counted: expected })),
    );
  }, 60_000);

  it('tells the seed of a run that failed, and of each failure what the call was', async () => {
    const { Ledger } = await load('ledger.mjs');
    const { report } = await load('report.mjs');
    const { planOf } = await load('plan.mjs');
    const { callOf } = await load('call.mjs');
    const ledger = new Ledger();
    const plan = planOf(42, 7);
    ledger.count('lost', callOf(plan, { ledger }), '3 of 4 bytes');
    const weather = { reloads: 0, rotations: 0, restarts: 0, closed: 0 };
    const text: string = report({ seed: 42, ledger, season: { calls: 1, took: 1, weather }, grown: 0 });
    expect(text).toContain('--seed 42');
    expect(text).toContain(`${plan.server} ${plan.lane} ${plan.way} ${plan.method}, body ${plan.upload.kind}`);
    expect(text).toContain('3 of 4 bytes');
  });

  it.each(['soon', '-1'])('refuses --seconds=%s', async (text) => {
    const { code, stderr } = await run('run.mjs', [`--seconds=${text}`]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `--seconds has to be a number above 0, not "${text}".\n` });
  });
});
