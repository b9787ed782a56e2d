/** The ES module and the CommonJS build in one process, as where an application has files of both kinds. */
import { beforeAll, describe, expect, it } from 'vitest';
import { authority } from '../support/certificates.js';
import { run } from './run.js';

const prelude = `
import { createRequire } from 'node:module';
process.env.LOG_LEVEL = 'silent';
const require = createRequire(process.cwd() + '/package.json');
const load = async (name) => ({ esm: await import(name), cjs: require(name) });
const [main, testing, admin, metrics, nestjs, axios] = await Promise.all(
  ['pillion', 'pillion/testing', 'pillion/admin', 'pillion/metrics', 'pillion/nestjs', 'axios'].map(load),
);
const json = async (of, path) => {
  const handler = of.admin.createAdmin(of.clients);
  const { url } = await handler.listen();
  const answer = await (await fetch(url + path)).json();
  await handler.close();
  return answer;
};
const caught = (promise) => promise.then(() => undefined, (error) => error);
`;

/** What a script prints as JSON; it has \`mine\` and \`theirs\`, which are the builds in either order. */
async function printed(mine: 'esm' | 'cjs', script: string): Promise<unknown> {
  const theirs = mine === 'esm' ? 'cjs' : 'esm';
  const builds = `const of = (name) => Object.fromEntries(Object.entries({ main, testing, admin, metrics, nestjs, axios }).map(([key, both]) => [key, both[name]]));
const mine = of('${mine}'); const theirs = of('${theirs}');`;
  const { code, stdout, stderr } = await run(
    process.execPath,
    '--input-type=module',
    '-e',
    `${prelude + builds}
console.log(JSON.stringify(await (async () => { ${script} })()));`,
  );
  if (code !== 0 || stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout);
}

/** A Nest application whose module is of one build and whose service is of the other. */
const nest = `
  const { NestFactory } = await import('@nestjs/core');
  const { Module, Inject } = await import('@nestjs/common');
  class Users { constructor(http, client, registry) { Object.assign(this, { http, client, registry }); } }
  for (const [index, token] of [mine.nestjs.HttpService, mine.nestjs.getHttpModuleClientToken('users'), mine.nestjs.getHttpClientsToken()].entries())
    Inject(token)(Users, undefined, index);
  class App {}
  Module({
    imports: [
      theirs.nestjs.HttpModule.register({ name: 'users', baseURL: 'http://a.test', deps: { transport: theirs.testing.createMockTransport([{ data: 'b' }]) } }),
      theirs.nestjs.HttpClientModule.forRoot({ clients: { one: { baseURL: 'http://b.test' } } }),
    ],
    providers: [Users, mine.nestjs.HttpClientHealthIndicator],
  })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: false });
  const { http, client, registry } = app.get(Users);
  const { data } = await http.axiosRef.get('/');
  const health = await app.get(mine.nestjs.HttpClientHealthIndicator).isHealthy('http');
  await app.close();
  return [data, client.stats().calls.succeeded, registry.names, health.http.status];`;

/** What is true of what the other build has made: a title, the script of one child and its result. */
const cases: readonly (readonly [title: string, script: string, result: unknown])[] = [
  [
    'is not the same code',
    `return [mine.main.createHttpClient === theirs.main.createHttpClient, mine.axios.AxiosError === theirs.axios.AxiosError];`,
    [false, false],
  ],
  [
    'fails with the AxiosError of its own axios, and with a PillionError of both',
    `
      const client = theirs.main.createHttpClient({ baseURL: 'http://a.test', logging: false });
      const error = await caught(client.get('http://b.test/'));
      const { PillionError } = mine.main;
      return [error.code, error instanceof theirs.axios.AxiosError, error instanceof PillionError, mine.axios.isAxiosError(error)];`,
    ['ERR_ORIGIN_NOT_ALLOWED', true, true, true],
  ],
  [
    'does not make a PillionError of any error, nor of a subclass',
    `
      const { PillionError } = mine.main;
      class Own extends PillionError {}
      const error = await caught(theirs.main.createHttpClient({ logging: false }).get('nowhere'));
      return [new mine.axios.AxiosError('a') instanceof PillionError, new Own('ERR_CONFIG', 'a') instanceof Own, error instanceof Own, {} instanceof PillionError];`,
    [false, true, false, false],
  ],
  [
    'is shown by the admin handler, with its configuration, and counted by the metrics',
    `
      const client = theirs.testing.createTestClient([200], { name: 'theirs', baseURL: 'http://a.test', limits: { maxRequests: 7 } });
      const prometheus = mine.metrics.createPrometheus([client]);
      await client.get('/');
      const shown = await json({ ...mine, clients: [client] }, 'config');
      return [shown.clients.theirs.limits.maxRequests, /theirs.* 1$/m.test(prometheus.text()), mine.main.healthOfClients([client]).status];`,
    [7, true, 'up'],
  ],
  [
    'is shown where it is a registry',
    `
      const clients = await theirs.main.loadHttpClients({ clients: { users: { baseURL: 'http://a.test' } } });
      const shown = await json({ ...mine, clients }, 'config');
      await clients.close();
      return Object.keys(shown.clients);`,
    ['users'],
  ],
  [
    'is asserted on where it is a test client, and can be given as a transport',
    `
      const client = theirs.testing.createTestClient([503, { data: 'a' }], { baseURL: 'http://a.test' });
      await client.get('/x');
      mine.testing.assertRequested(client, { path: '/x', attempt: 2 });
      mine.testing.assertAttempts(client, 2, { path: '/x' });
      const held = theirs.testing.holdReply();
      const other = mine.testing.createTestClient([held], { baseURL: 'http://a.test' });
      const answer = other.get('/y');
      await held.arrived;
      held.reply({ data: 'b' });
      return (await answer).data;`,
    'b',
  ],
  [
    'is refused a second stack on the instance that has one',
    `
      const instance = theirs.axios.default.create();
      theirs.main.usePolicies(instance);
      try { mine.main.usePolicies(instance); } catch ({ code, message }) { return [code, message.includes('already')]; }`,
    ['ERR_CONFIG', true],
  ],
  [
    'carries the id of an inbound request and its deadline',
    `
      const client = theirs.testing.createTestClient([200, 'hang'], { baseURL: 'http://a.test' });
      await mine.main.runWithInbound({ requestId: 'r-1' }, () => client.get('/'));
      const late = await caught(mine.main.runWithDeadline(10, () => client.get('/')));
      return [client.transport.requests[0].headers['x-request-id'], late.code];`,
    ['r-1', 'ERR_DEADLINE'],
  ],
  [
    'keeps its classification: a request that was not sent is repeated by a policy of this build',
    `
      const wire = theirs.main.createUndiciAdapter();
      const client = mine.main.createHttpClient(
        { baseURL: 'http://127.0.0.1:1', logging: false, retry: { backoff: { base: 1, max: 1 } } }, { transport: wire });
      const error = await caught(client.post('/', {}));
      await wire.close();
      return [error.code, error.attempts, mine.main.classify(error)];`,
    ['ECONNREFUSED', 3, 'connect'],
  ],
  ['is injected in a Nest application by the tokens of this build', nest, ['b', 1, ['one'], 'up']],
];

describe.each(['esm', 'cjs'] as const)('what the other build than %s has made', (mine) => {
  let results: unknown[];
  beforeAll(async () => {
    const scripts = cases.map(([, script]) => `await (async () => { ${script}\n})().catch((error) => error.stack)`);
    results = (await printed(mine, `return [${scripts.join(',\n')}];`)) as unknown[];
  }, 60_000);

  it.each(cases)('%s', (title, _, result) => {
    expect(results[cases.findIndex(([each]) => each === title)]).toEqual(result);
  });
});

describe('an identity of one build', () => {
  let pem: { ca: string; cert: string; key: string };
  beforeAll(async () => {
    const ca = await authority('an authority');
    const { cert, key } = await ca.issue({ name: 'localhost', dns: ['localhost'] });
    pem = { ca: ca.cert, cert, key };
  });

  it.each(['esm', 'cjs'] as const)('is used by a client of the other: %s', async (mine) => {
    const script = `
      const https = await import('node:https');
      const identity = theirs.main.createIdentity(${JSON.stringify(pem)});
      const server = https.createServer({ ...identity.serverOptions(), requestCert: true }, (request, response) => response.end(request.socket.getPeerCertificate().subject.CN));
      await new Promise((resolve) => server.listen(0, resolve));
      const client = mine.main.createHttpClient({ baseURL: 'https://localhost:' + server.address().port, logging: false }, { identity });
      const { data } = await client.get('/');
      await client.close();
      server.close();
      identity.close();
      return data;`;
    expect(await printed(mine, script)).toBe('localhost');
  });
});
