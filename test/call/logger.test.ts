/** The logger of clients that were given none: it writes to stderr, from the level in LOG_LEVEL on. */
import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../package/run.js';
import { runChild } from '../support/child.js';

/** Sets LOG_LEVEL, and makes clients over a wire that answers every call with one status. */
const prelude = (level: string | undefined) => `
${level === undefined ? 'delete process.env.LOG_LEVEL' : `process.env.LOG_LEVEL = ${JSON.stringify(level)}`};
const { createHttpClient, loadHttpClients, usePolicies } = await import('pillion');
const answering = (status) => async (config) => ({ status, statusText: '', headers: {}, data: '', config });
const call = (name, status) =>
  createHttpClient({ name, baseURL: 'http://api.test', retry: false }, { transport: answering(status) }).get('/').catch(() => {});
`;

const parsed = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { level: number; msg: string });

/** What a process writes to stderr that runs a script; nothing of it goes to stdout. */
async function linesOf(level: string | undefined, script: string) {
  const { code, reports, stderr } = await runChild(prelude(level) + script);
  expect({ code, reports }).toEqual({ code: 0, reports: [] });
  return parsed(stderr);
}

const calls = `
for (const name of ['one', 'two']) for (const status of [200, 404, 503]) await call(name, status);`;

const hint = { level: 30, msg: expect.stringMatching(/a line of every call pass a logger .*LOG_LEVEL to info/) };
const messages = (lines: readonly { msg: string }[]) => lines.map(({ msg }) => msg);

describe('without a logger', () => {
  it.each([undefined, '', 'warn'])(
    'and LOG_LEVEL %j, warnings and errors go to stderr, and the first line says once how to get all',
    async (level) => {
      const [first, ...rest] = await linesOf(level, calls);
      expect(first).toMatchObject(hint);
      expect(first?.msg).toContain('level warn');
      expect(messages(rest)).toEqual(['GET 404', 'GET 503', 'GET 404', 'GET 503']);
    },
  );

  it('a process whose calls go well writes nothing', async () => {
    expect(await linesOf(undefined, `await call('one', 200);`)).toEqual([]);
  });

  it.each(['info', 'INFO', ' info '])('and LOG_LEVEL %j, every call has its line, and no hint', async (level) => {
    const each = ['GET 200', 'GET 404', 'GET 503'];
    expect(messages(await linesOf(level, calls))).toEqual([...each, ...each]);
  });

  it('and LOG_LEVEL debug, attempts have lines too', async () => {
    expect(messages(await linesOf('debug', `await call('one', 200);`))).toEqual(['attempt 1 200', 'GET 200']);
  });

  it('and LOG_LEVEL error, the hint comes with the first error', async () => {
    const [first, ...rest] = await linesOf('error', calls);
    expect(first?.msg).toContain('level error');
    expect(messages(rest)).toEqual(['GET 503', 'GET 503']);
  });

  it('and LOG_LEVEL silent, nothing is written', async () => {
    expect(await linesOf('silent', calls)).toEqual([]);
  });

  it.each(['verbose', 'toString'])(
    'and LOG_LEVEL %j, which is unknown, it is warn, with one warning that names the variable and what is known',
    async (level) => {
      const [first, second, ...rest] = await linesOf(level, calls);
      expect(first).toMatchObject(hint);
      expect(second).toMatchObject({
        level: 40,
        msg: expect.stringContaining('LOG_LEVEL'),
        known: expect.arrayContaining(['debug', 'info', 'silent']),
      });
      expect(messages(rest)).toEqual(['GET 404', 'GET 503', 'GET 404', 'GET 503']);
    },
  );

  it('registries and usePolicies write as clients do', async () => {
    const lines = await linesOf(
      undefined,
      `
      const axios = (await import('axios')).default;
      const registry = loadHttpClients({ clients: { a: { baseURL: 'http://api.test', retry: false } } }, { transport: answering(500) });
      await registry.get('a').get('/').catch(() => {});
      const instance = axios.create({ adapter: 'http' });
      usePolicies(instance, { tls: {} });
      createHttpClient({ baseURL: 'http://api.test', balance: {} });`,
    );
    expect(messages(lines)).toEqual([
      expect.stringContaining('LOG_LEVEL'),
      'GET 500',
      expect.stringMatching(/^usePolicies: /),
      'these sections of the configuration have no effect',
    ]);
  });

  it('the ES module and the CommonJS build in one process share the logger and its hint', async () => {
    const lines = await linesOf(
      undefined,
      `
      const { createRequire } = await import('node:module');
      const required = createRequire(process.cwd() + '/package.json')('pillion');
      for (const build of [{ createHttpClient }, required])
        await build.createHttpClient({ baseURL: 'http://api.test' }, { transport: answering(404) }).get('/').catch(() => {});`,
    );
    expect(messages(lines)).toEqual([expect.stringContaining('LOG_LEVEL'), 'GET 404', 'GET 404']);
  });
});

describe('without a logger, lines are what the pipeline of the profile wants:', () => {
  const linesIn = (profile: string) =>
    linesOf(
      'warn',
      `const client = createHttpClient({ baseURL: 'http://api.test', retry: false, logging: { profile: '${profile}', level: 'debug' } }, { transport: answering(404) });
      await client.get('/').catch(() => {});
      client.forceCircuit('closed', { by: 'alice' });`,
    );
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

  // https://www.elastic.co/docs/reference/ecs/logging/intro: "@timestamp", "log.level", "message", "ecs.version" are required.
  it('ecs has @timestamp, log.level, message and ecs.version', async () => {
    const lines = await linesIn('ecs');
    const line = { '@timestamp': time, 'ecs.version': '8.11.0', 'service.target.name': 'default' };
    expect(lines).toMatchObject([
      { ...line, 'log.level': 'debug', message: 'attempt 1 404' },
      { ...line, 'log.level': 'warn', message: 'GET 404', 'error.type': '404' },
      { ...line, 'log.level': 'warn', message: 'circuits forced closed by alice', 'pillion.by': 'alice' },
    ]);
    // Each of these is an object in ECS: a text or number there makes Elasticsearch refuse the line.
    for (const name of ['client', 'destination', 'level', 'time', 'msg', 'pid', 'hostname', 'host', 'event', 'error'])
      for (const each of lines) expect(each).not.toHaveProperty([name]);
  });

  // https://docs.datadoghq.com/logs/log_configuration/pipelines/#preprocessing: the default attributes of date are "timestamp"
  // and others, of status "status" and others, of the message "message" and others.
  it('datadog has timestamp, status and message', async () => {
    expect(await linesIn('datadog')).toMatchObject([
      { timestamp: time, status: 'debug', message: 'attempt 1 404' },
      { timestamp: time, status: 'warn', message: 'GET 404', 'error.kind': '404' },
      { timestamp: time, status: 'warn', message: 'circuits forced closed by alice', by: 'alice' },
    ]);
  });

  // https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields: "severity" is one of LogSeverity,
  // "time" is RFC 3339.
  it('gcp has severity, time and message', async () => {
    expect(await linesIn('gcp')).toMatchObject([
      { time, severity: 'DEBUG', message: 'attempt 1 404' },
      { time, severity: 'WARNING', message: 'GET 404', httpRequest: { status: 404 } },
      { time, severity: 'WARNING', message: 'circuits forced closed by alice', by: 'alice' },
    ]);
  });

  it('otel has the names of pino', async () => {
    expect(await linesIn('otel')).toMatchObject([
      { level: 20, time: expect.any(Number), msg: 'attempt 1 404' },
      { level: 40, msg: 'GET 404' },
      { level: 40, msg: 'circuits forced closed by alice' },
    ]);
  });
});

describe('a process that ends', () => {
  it.each(['process.exit(0)', ''])('has written the calls that were turned away and counted: %j', async (end) => {
    const lines = await linesOf(
      'error',
      `const client = createHttpClient({ baseURL: 'http://api.test' });
      client.forceCircuit('open');
      for (let i = 0; i < 7; i++) await client.get('/').catch(() => {});
      ${end}`,
    );
    const counted = (lines as { calls?: number }[]).flatMap(({ calls }) => (calls === undefined ? [] : [calls]));
    expect(counted).toEqual([1, 6]);
  });
});

describe('stderr', () => {
  it('has every line where the process exits right after it', async () => {
    const lines = await linesOf(undefined, `for (let i = 0; i < 500; i++) await call('one', 404);\nprocess.exit(0);`);
    expect(lines).toHaveLength(501);
  });

  it('has every line of a worker thread that exits right after it', async () => {
    const work = `
      const { workerData } = require('node:worker_threads');
      import(workerData).then(async ({ createHttpClient }) => {
        const transport = async (config) => ({ status: 404, statusText: '', headers: {}, data: '', config });
        const client = createHttpClient({ baseURL: 'http://api.test' }, { transport });
        for (let i = 0; i < 50; i++) await client.get('/').catch(() => {});
        process.exit(0);
      });`;
    const lines = await linesOf(
      undefined,
      `const { Worker } = await import('node:worker_threads');
      new Worker(${JSON.stringify(work)}, { eval: true, execArgv: [], workerData: 'file://' + process.cwd() + '/dist/esm/index.js' });`,
    );
    expect(lines).toHaveLength(51);
  });

  it('can be captured by whoever replaces its write', async () => {
    const script = `
      const lines = [];
      process.stderr.write = (text) => lines.push(text);
      await call('one', 404);
      report({ lines: lines.length });`;
    const { reports, stderr } = await runChild(prelude(undefined) + script);
    expect({ reports, stderr }).toEqual({ reports: [{ lines: 2 }], stderr: '' });
  });

  /** Runs 400 calls, whose lines are more than a pipe holds; returns the code, or the signal after 18 s. */
  async function endOf(stderr: 'unread' | 'broken' | 'full') {
    const script = `${prelude(undefined)}for (let i = 0; i < 400; i++) await call('one', 404);`;
    const command = [process.execPath, '--input-type=module', '--eval', script];
    const [file = '', ...args] = stderr === 'full' ? ['sh', '-c', '"$@" 2>/dev/full', 'sh', ...command] : command;
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], timeout: 18_000 });
    onTestFinished(() => void child.kill('SIGKILL'));
    if (stderr === 'broken') child.stderr?.destroy();
    return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  }

  it.each(['unread', 'broken', 'full'] as const)('that is %s neither ends the process nor keeps it', async (stderr) => {
    expect(await endOf(stderr)).toBe(0);
  });
});
