/** Everything that is wrong with a configuration is told in one run, and for code to read in `error.faults`. */

import axios from 'axios';
import {
  createHttpClient,
  createIdentity,
  createUndiciAdapter,
  deadline,
  loadHttpClients,
  PillionError,
  retry,
  usePolicies,
} from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { spelledOut, yaml } from '../../cli/checks/texts.js';
import { files } from '../../support/files.js';

function problem(run: () => unknown): PillionError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(PillionError);
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    return error as PillionError;
  }
  throw new Error('Nothing was wrong.');
}

const pathsOf = (run: () => unknown) => (problem(run).faults ?? []).map(({ path }) => path);

const noFile = (path: string) => ({ path, message: expect.stringMatching(/^\(.*\): there is no such file$/) });

describe('pillion check tells in one run', () => {
  const check = (text: string, surroundings = {}) => {
    const { errors, warnings } = checkText(text, 'clients.yaml', { env: {}, ...surroundings });
    return { errors: spelledOut(errors), warnings: spelledOut(warnings) };
  };

  it('files of certificates that are missing, beside faults of the same client and of others', () => {
    const text = yaml`
      clients:
        a:
          retry: { maxRetries: 99 }
          tls: { cert: /nowhere/a.crt, key: /nowhere/a.key, ca: [/nowhere/b.crt, /nowhere/c.crt], pins: none }
        b:
          timeouts: { total: soon }
          tls: { ca: /nowhere/ca.crt }
    `;
    expect(check(text).errors).toEqual([
      '3:26 clients.a.retry.maxRetries Too big: expected number to be <=10',
      '4:18 clients.a.tls.cert (/nowhere/a.crt): there is no such file',
      '4:39 clients.a.tls.key (/nowhere/a.key): there is no such file',
      '4:55 clients.a.tls.ca (/nowhere/b.crt): there is no such file',
      '4:55 clients.a.tls.ca (/nowhere/c.crt): there is no such file',
      '4:99 clients.a.tls.pins expected a list; put it in brackets: [ ]',
      '6:24 clients.b.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"',
      '7:16 clients.b.tls.ca (/nowhere/ca.crt): there is no such file',
    ]);
    expect(check(text, { files: false }).errors.filter((each) => each.includes('no such file'))).toEqual([]);
  });

  it('what is wrong behind a misplaced name, a bad name of a client, and bad defaults', () => {
    const text = yaml`
      defaults: nothing
      clients:
        a: { name: users, retires: 3 }
        "b c": { maxRedirects: -1, name: x }
        d: [retry]
        e: { allowH2: 2 }
    `;
    expect(check(text).errors).toEqual([
      '1:11 defaults expected an object',
      '3:14 clients.a.name a client is named by its key; remove this',
      '3:21 clients.a.retires unknown option, did you mean "retry"?',
      '4:3 clients.b c the name of a client may only have letters, digits and . _ - / (at most 100 characters)',
      '4:26 clients.b c.maxRedirects Too small: expected number to be >=0',
      '4:36 clients.b c.name a client is named by its key; remove this',
      '5:3 clients.d expected an object; write its options without dashes',
      '6:17 clients.e.allowH2 expected true or false or "prior-knowledge"',
    ]);
  });

  it('variables and files that are missing, beside the rest', () => {
    const text = yaml`
      clients:
        a:
          baseURL: https://\${HOST}
          headers: { x-a: "\${file:/nowhere/a}", x-b: 5 }
          tls: { ca: "\${CERTS}/ca.crt", cert: /nowhere/tls.crt }
    `;
    expect(check(text).errors).toEqual([
      '3:14 clients.a.baseURL the environment variable HOST is not set; set it, or write ${HOST:-default}',
      '4:21 clients.a.headers.x-a there is no file /nowhere/a',
      '4:48 clients.a.headers.x-b expected text; put it in quotes',
      '5:5 clients.a.tls.key cert and key must be given together',
      '5:16 clients.a.tls.ca the environment variable CERTS is not set; set it, or write ${CERTS:-default}',
      '5:41 clients.a.tls.cert (/nowhere/tls.crt): there is no such file',
    ]);
    // What a variable that need not be set here stands for is not looked for.
    expect(check(text, { withoutEnv: true }).errors.filter((each) => each.includes('tls.ca'))).toEqual([]);
  });

  it('keys that are given twice and aliases that lead nowhere, beside the rest', () => {
    const text = yaml`
      clients:
        a: { allowH2: true, allowH2: false, maxRedirects: many }
        b: *nothing
        c: { timeout: 5s }
    `;
    expect(check(text).errors).toEqual([
      '2:23 clients.a.allowH2 is given twice',
      '2:53 clients.a.maxRedirects expected a whole number from 0 to 50',
      '3:6 clients.b there is no anchor &nothing before this alias',
      '4:8 clients.c.timeout unknown option, did you mean "timeouts.total"?',
    ]);
  });

  it('what options are between each other, where others are wrong', () => {
    const text = yaml`
      clients:
        a:
          allowH2: 2
          endpoints: { static: [{ address: "a.test:80" }] }
          timeouts: { total: 1s, attempt: 2s, connect: soon }
          circuitBreaker: { resetTimeout: 9s, trials: none, volumeThreshold: all }
          rateLimit: { burst: 5, per: soon }
          outlierDetection: { baseEjectionTime: 9m, maxEjectionTime: 1m, interval: soon }
          tls: { rejectUnauthorized: false, pins: none, serverName: a.test }
    `;
    expect(check(text).errors.map((each) => each.replace(/^\d+:\d+ clients\.a\./, '').split(' ')[0])).toEqual([
      'allowH2',
      'endpoints',
      'timeouts.attempt',
      'timeouts.connect',
      'circuitBreaker.trials',
      'circuitBreaker.volumeThreshold',
      'rateLimit.burst',
      'rateLimit.per',
      'outlierDetection.maxEjectionTime',
      'outlierDetection.interval',
      'tls.rejectUnauthorized',
      'tls.pins',
    ]);
  });

  it('no rule that reads what is wrong itself', () => {
    const text = yaml`
      clients:
        a:
          baseURL: 5
          endpoints: { static: [{ address: "a.test:80" }] }
          timeouts: { total: soon, attempt: 2s }
          tls: { cert: 5 }
    `;
    expect(check(text).errors.map((each) => each.split(' ')[1])).toEqual([
      'clients.a.baseURL',
      'clients.a.timeouts.total',
      'clients.a.tls.cert',
    ]);
  });

  it('warnings about what is well, and none that hang on what is wrong', () => {
    const text = yaml`
      clients:
        a:
          timeouts: { total: soon, attempt: 9s, connect: 10s }
          retry: { budget: false, maxRetries: 3, maxConcurrentRetries: 0 }
          limits: { maxRequests: many }
          hedging: { delay: 9s }
          split: [{ targets: [] }]
          circuitBreaker: { rollingWindow: 1s }
    `;
    expect(check(text).warnings).toEqual([
      '3:52 clients.a.timeouts.connect is longer than timeouts.attempt, which ends the attempt first',
      '4:66 clients.a.retry.maxConcurrentRetries allows no retries at all; to switch retries off, write retry: false',
      '6:23 clients.a.hedging.delay is not shorter than timeouts.attempt, so a hedge is never sent',
      '8:38 clients.a.circuitBreaker.rollingWindow is shorter than two attempt timeouts, so it counts too few outcomes of a slow upstream',
    ]);
  });
});

describe('error.faults', () => {
  it('has the path and message of each fault of createHttpClient, its files included', () => {
    const config = {
      retires: 3,
      timeouts: { total: 'soon' },
      tls: { cert: '/nowhere/tls.crt', key: '/nowhere/tls.key' },
    };
    expect(problem(() => createHttpClient(config as object)).faults).toEqual([
      {
        path: 'timeouts.total',
        message: 'expected milliseconds or a string such as "250ms" or "1.5s"',
      },
      { path: 'retires', message: 'unknown option, did you mean "retry"?' },
      noFile('tls.cert'),
      noFile('tls.key'),
    ]);
  });

  it('has every file that is missing where nothing else is wrong', () => {
    const tls = { cert: '/nowhere/tls.crt', key: '/nowhere/tls.key', ca: ['/nowhere/a.crt', '/nowhere/b.crt'] };
    const four = ['cert', 'key', 'ca', 'ca'];
    expect(pathsOf(() => createHttpClient({ tls }))).toEqual(four.map((name) => `tls.${name}`));
    expect(pathsOf(() => createUndiciAdapter({ tls }))).toEqual(four.map((name) => `tls.${name}`));
    expect(pathsOf(() => createIdentity(tls))).toEqual(four);
  });

  it('leaves files alone that are not used', () => {
    const config = { retires: 3, tls: { ca: '/nowhere/ca.crt' } };
    const transport = async () => ({}) as never;
    expect(pathsOf(() => createHttpClient(config as object, { transport }))).toEqual(['retires']);
  });

  it('has line and column from a file', () => {
    const { 'clients.yaml': path } = files({
      'clients.yaml': 'clients:\n  a: { retires: 3, tls: { ca: /nowhere/ca.crt } }\n  b: { timeout: 1 }\n',
    });
    const error = problem(() => loadHttpClients(path));
    expect(error.faults).toEqual([
      { line: 2, column: 8, path: 'clients.a.retires', message: 'unknown option, did you mean "retry"?' },
      { line: 2, column: 31, ...noFile('clients.a.tls.ca') },
      { line: 3, column: 8, path: 'clients.b.timeout', message: 'unknown option, did you mean "timeouts.total"?' },
    ]);
    for (const { line, column, path: option } of error.faults ?? [])
      expect(error.message).toContain(`${path}:${line}:${column} ${option} `);
  });

  it('has no line for an object, and none for a source that cannot be loaded', () => {
    expect(problem(() => loadHttpClients({ clients: { a: { retires: 3 } as object } })).faults).toEqual([
      { path: 'clients.a.retires', message: 'unknown option, did you mean "retry"?' },
    ]);
    expect(problem(() => loadHttpClients('/nowhere/clients.yaml')).faults).toEqual([
      { path: '', message: 'there is no such file' },
    ]);
  });

  it('has every certificate of every client that cannot be read', () => {
    const tls = { ca: '/nowhere/ca.crt', cert: '/nowhere/tls.crt', key: '/nowhere/tls.key' };
    expect(pathsOf(() => loadHttpClients({ clients: { a: { tls }, b: {}, c: { tls } } }))).toEqual(
      ['a', 'c'].flatMap((name) => ['cert', 'key', 'ca'].map((option) => `clients.${name}.tls.${option}`)),
    );
  });

  it('comes with update, which changes nothing', async () => {
    const client = createHttpClient({ baseURL: 'http://a.test' });
    onTestFinished(() => client.close());
    const config = { baseURL: 'a.test', limits: { maxRequests: 0 } };
    expect(pathsOf(() => client.update(config))).toEqual(['baseURL', 'limits.maxRequests']);
    expect(client.defaults.baseURL).toBe('http://a.test');
  });

  it('comes with usePolicies, with all that the instance says itself', () => {
    const config = { baseURL: 'http://a.test', headers: {}, retires: 1 };
    expect(pathsOf(() => usePolicies(axios.create(), config as object))).toEqual(['baseURL', 'headers', 'retires']);
  });

  it('comes with createIdentity, without the name of a section', () => {
    const options = { cert: '/nowhere/tls.crt', kee: 'x' };
    expect(pathsOf(() => createIdentity(options as object))).toEqual(['kee', 'key', 'cert']);
  });

  it('comes with a policy alone', () => {
    expect(pathsOf(() => deadline({ totl: 1 } as object))).toEqual(['totl']);
    const options = { maxRetries: 11, on: ['5XX'], backoff: { base: '2s', max: '1s' } };
    expect(pathsOf(() => retry(options as object))).toEqual(['maxRetries', 'on.0', 'backoff']);
  });

  it.each([
    [{ timeouts: { total: 'soon', attempt: 0 } }, ['timeouts.total', 'timeouts.attempt']],
    [{ retry: { maxRetries: 11, on: ['5XX'] } }, ['retry.maxRetries', 'retry.on.0']],
    [{ idempotencyKey: '' }, ['idempotencyKey']],
    [{ headers: { 'x-a': 'a\nb' } }, ['headers']],
  ])('comes with options of a call: %j', async (options, paths) => {
    const client = createHttpClient({ logging: false }, { transport: async () => ({}) as never });
    const error = await client.get('http://a.test', options as object).catch((each) => each);
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    expect(error.faults.map(({ path }: { path: string }) => path)).toEqual(paths);
  });

  it('comes with what stands beside the configuration', () => {
    const client = createHttpClient({ circuitBreaker: false });
    expect(problem(() => client.forceCircuit('open')).faults).toHaveLength(1);
    expect(pathsOf(() => createHttpClient({}, { identity: {} as never }))).toEqual(['deps.identity']);
  });

  it('is on no other error, and prints nothing twice', async () => {
    const client = createHttpClient({ logging: false }, { transport: async () => ({}) as never });
    await client.close();
    const closed = await client.get('http://a.test').catch((error) => error);
    expect(closed.code).toBe('ERR_CLOSED');
    expect(closed.faults).toBeUndefined();
    expect(JSON.stringify(problem(() => createHttpClient({ x: 1 } as object)))).not.toContain('"faults"');
  });
});
