import { writeFileSync } from 'node:fs';
import { type HttpClientConfig, type HttpClientsConfig, type HttpClientsDeps, loadHttpClients } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority } from '../support/certificates.js';
import { files } from '../support/files.js';

/** Every client answers 200; no line is written. */
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function load(config: string | HttpClientsConfig, deps: HttpClientsDeps = {}) {
  const transport = createMockTransport([{ reply: { data: 'ok' } }]);
  const registry = loadHttpClients(config, { logger: quiet, transport, ...deps });
  onTestFinished(() => registry.close());
  return { registry, transport };
}

const yaml = (text: string) => files({ 'clients.yaml': text })['clients.yaml'];

describe('a registry', () => {
  it('opens the clients that a YAML file names, in its order', () => {
    const { registry } = load(
      yaml('clients:\n  users: { baseURL: http://users }\n  billing: { baseURL: http://billing }\n'),
    );
    expect(registry.names).toEqual(['users', 'billing']);
    expect(registry.get('billing').stats().name).toBe('billing');
  });

  it('reads JSON as well', () => {
    const path = files({ 'clients.json': '{\n\t"clients": {"users": {"baseURL": "http://users"}}\n}' })['clients.json'];
    expect(load(path).registry.names).toEqual(['users']);
  });

  it('takes an object, and a change of that counts from the next refresh on', async () => {
    const config = { clients: { users: { baseURL: 'http://users' } } };
    const { registry, transport } = load(config);
    config.clients.users.baseURL = 'http://elsewhere';
    await registry.get('users').get('/1');
    expect(await registry.refresh()).toBe(true);
    await registry.get('users').get('/1');
    expect(transport.requests.map(({ url }) => url)).toEqual(['http://users/1', 'http://elsewhere/1']);
  });

  it('merges the defaults under each client', async () => {
    const { registry, transport } = load({
      defaults: { headers: { 'X-Team': 'payments', accept: 'text/plain' }, timeouts: { total: '7s' }, retry: false },
      clients: {
        users: { baseURL: 'http://users', headers: { Accept: 'application/json' } },
        billing: { baseURL: 'http://billing', timeouts: { attempt: '1s' }, retry: { maxRetries: 1 } },
      },
    });
    await registry.get('users').get('/');
    expect(transport.requests[0]?.headers).toMatchObject({ 'x-team': 'payments', accept: 'application/json' });
    expect(registry.get('users').pipeline).not.toContain('retry');
    expect(registry.get('billing').pipeline).toContain('retry');
  });

  it('names the clients there are where one is asked for that there is not', () => {
    const { registry } = load({ clients: { users: {}, billing: {} } });
    expect(() => registry.get('orders')).toThrow(
      expect.objectContaining({
        code: 'ERR_UNKNOWN_CLIENT',
        message: 'There is no HTTP client "orders"; the clients in the configuration are users, billing.',
      }),
    );
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('has no client called %s by itself', (name) => {
    const { registry } = load({ clients: { users: {} } });
    expect(() => registry.get(name)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_CLIENT' }));
  });

  it('gives the same client each time', () => {
    const { registry } = load({ clients: { users: {} } });
    expect(registry.get('users')).toBe(registry.get('users'));
  });

  it('reports its version and every client', async () => {
    const { registry } = load({ clients: { users: { baseURL: 'http://users' }, billing: {} } });
    await registry.get('users').get('/');
    const { config, clients } = registry.stats();
    expect(config).toEqual({
      version: 1,
      hash: expect.stringMatching(/^[0-9a-f]{12}$/),
      source: 'the configuration',
      appliedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      changes: [],
      rejected: 0,
      lastRejection: null,
      refused: false,
    });
    expect(Object.keys(clients)).toEqual(['users', 'billing']);
    expect(clients.users?.calls).toMatchObject({ succeeded: 1 });
    expect(JSON.parse(JSON.stringify(registry.stats()))).toEqual(registry.stats());
  });

  it('closes every client', async () => {
    const { registry } = load({ clients: { users: {}, billing: {} } });
    const [users, billing] = [registry.get('users'), registry.get('billing')];
    await registry.close();
    for (const client of [users, billing])
      await expect(client.get('http://x/')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await expect(registry.refresh()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });
});

describe('a configuration with faults', () => {
  it('is ERR_CONFIG with a line for each: file, line, column, path, message', () => {
    const path = yaml(
      'clients:\n  users:\n    baseURL: users\n    retires: 3\n  billing: { timeouts: { total: soon } }\n',
    );
    expect(() => load(path)).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG',
        message: [
          'Bad configuration of HTTP clients:',
          `  ${path}:3:14 clients.users.baseURL expected a full http or https URL`,
          `  ${path}:4:5 clients.users.retires unknown option, did you mean "retry"?`,
          `  ${path}:5:33 clients.billing.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"`,
        ].join('\n'),
      }),
    );
  });

  it('has no line where it is an object', () => {
    expect(() => load({ clients: { users: { baseURL: 'users' } } })).toThrow(
      /\n {2}the configuration clients\.users\.baseURL expected a full/,
    );
  });

  it('is reported where the file is not there', () => {
    expect(() => load('/nowhere/clients.yaml')).toThrow(/\n {2}\/nowhere\/clients\.yaml there is no such file/);
  });

  it('is reported with the place of a certificate that cannot be used', () => {
    const path = yaml('clients:\n  users:\n    tls: { ca: /nowhere/ca.crt }\n');
    expect(() => loadHttpClients(path, { logger: quiet })).toThrow(
      `${path}:3:16 clients.users.tls.ca (/nowhere/ca.crt): there is no such file`,
    );
  });

  it('opens no client at all where one of them cannot be opened', async () => {
    const { cert, key } = await (await authority('CA')).issue({ name: 'client' });
    const paths = files({ 'tls.crt': cert, 'tls.key': key });
    const good = { tls: { cert: paths['tls.crt'], key: paths['tls.key'] } };
    const config = { clients: { good, bad: { tls: { ca: '/nowhere' } } } };
    expect(() => loadHttpClients(config, { logger: quiet })).toThrow(/clients\.bad\.tls\.ca/);
  });
});

describe('references', () => {
  const env = { URL: 'http://users', MAX: '7', OFF: 'false', EMPTY: '' };
  const seen = (options: object) => {
    const users: HttpClientConfig = { baseURL: 'http://users', ...options };
    const { registry, transport } = load({ clients: { users } }, { env });
    return { client: registry.get('users'), transport };
  };

  it('stand for environment variables, and for text where there is none', async () => {
    const { client, transport } = seen({
      baseURL: '${URL}/${VERSION:-v1}',
      headers: { a: 'x ${MAX} y', b: '${EMPTY:-filled}', c: '$${MAX}' },
    });
    await client.get('/1');
    expect(transport.requests[0]?.url).toBe('http://users/v1/1');
    expect(transport.requests[0]?.headers).toMatchObject({ a: 'x 7 y', b: 'filled', c: '${MAX}' });
  });

  it('become numbers and booleans where the option takes those', () => {
    const { client } = seen({ limits: { maxRequests: '${MAX}' }, retry: '${OFF}' });
    expect(client.pipeline).not.toContain('retry');
  });

  it('stand for the contents of files, without the last line break', async () => {
    const { token } = files({ token: 'geheim\n' });
    const { client, transport } = seen({ headers: { authorization: `Bearer $${''}{file:${token}}` } });
    await client.get('/');
    expect(transport.requests[0]?.headers).toMatchObject({ authorization: 'Bearer geheim' });
  });

  it('that stand for nothing are faults that name them', () => {
    expect(() => seen({ baseURL: '${NOWHERE}' })).toThrow(/environment variable NOWHERE is not set/);
    expect(() => seen({ headers: { a: '${file:/nowhere}' } })).toThrow(/there is no file \/nowhere/);
    expect(() => seen({ headers: { a: '${not this}' } })).toThrow(/has an invalid reference/);
    expect(() => seen({ headers: { a: '${open' } })).toThrow(/has an invalid reference/);
  });
});

describe('a refresh', () => {
  it('puts another version in force and says what changed, secrets masked', async () => {
    const path = yaml('clients:\n  users: { baseURL: http://users, headers: { authorization: one } }\n  gone: {}\n');
    const lines: unknown[] = [];
    const logger = { ...quiet, info: (fields: object, message: string) => lines.push({ ...fields, message }) };
    const { registry } = load(path, { logger });
    const applied: unknown[] = [];
    registry.on('config.applied', (version) => applied.push(version));
    const users = registry.get('users');
    const gone = registry.get('gone');
    writeFileSync(
      path,
      'clients:\n  users: { baseURL: "http://me:pw@users", timeouts: { total: 7s }, headers: { authorization: two } }\n  new: {}\n',
    );
    expect(await registry.refresh()).toBe(true);
    expect(registry.get('users')).toBe(users);
    expect(registry.names).toEqual(['users', 'new']);
    await expect(gone.get('http://x/')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    const version = {
      version: 2,
      source: path,
      changes: [
        { client: 'users', path: 'baseURL', before: 'http://users', after: 'http://REDACTED@users' },
        { client: 'users', path: 'headers.authorization', before: '***', after: '***' },
        { client: 'users', path: 'timeouts.total', before: 10_000, after: 7000 },
        { client: 'new', path: '', after: 'added' },
        { client: 'gone', path: '', before: 'removed' },
      ],
    };
    expect(applied).toEqual([expect.objectContaining(version)]);
    expect(registry.stats().config).toMatchObject(version);
    expect(lines.at(-1)).toEqual({
      'event.name': 'pillion.config.applied',
      ...{ config_version: 2, config_source: path, config_hash: expect.stringMatching(/^[\da-f]{12}$/) },
      changes: [
        'users baseURL: "http://users" -> "http://REDACTED@users"',
        'users headers.authorization: "***" -> "***"',
        'users timeouts.total: 10000 -> 7000',
        'new: added',
        'gone: removed',
      ],
      message: `configuration applied: version 2 of ${path} is in force`,
    });
  });

  it('does not reveal what a file of a reference holds or held, whatever the option', async () => {
    const { hook } = files({ hook: 'https://hooks.test/T0/hunter2' });
    const path = yaml(`clients: { chat: { baseURL: "\${file:${hook}}" } }`);
    const { registry } = load(path);
    const changes = async () => {
      await registry.refresh();
      return registry.stats().config.changes;
    };
    writeFileSync(hook, 'https://hooks.test/T0/hunter3');
    expect(await changes()).toEqual([{ client: 'chat', path: 'baseURL', before: '***', after: '***' }]);
    writeFileSync(path, 'clients: { chat: { baseURL: https://hooks.test/free } }');
    expect(await changes()).toEqual([{ client: 'chat', path: 'baseURL', before: '***', after: '***' }]);
    writeFileSync(path, 'clients: { chat: { baseURL: https://hooks.test/other } }');
    expect(await changes()).toEqual([
      { client: 'chat', path: 'baseURL', before: 'https://hooks.test/free', after: 'https://hooks.test/other' },
    ]);
  });

  it('is in force in every client, whatever the logger throws', async () => {
    const { path } = files({ path: 'clients: { users: {}, billing: {} }' });
    const fails = () => {
      throw new Error('the disk of the logs is full');
    };
    const { registry } = load(path, { logger: { debug: fails, info: fails, warn: fails, error: fails } });
    const fault = '{ delay: { duration: 1s, fraction: 0.1 } }';
    writeFileSync(path, `clients: { users: { fault: ${fault} }, billing: { retry: false } }`);
    expect(await registry.refresh()).toBe(true);
    expect(registry.get('billing').pipeline).not.toContain('retry');
    expect(registry.stats().config).toMatchObject({ version: 2, rejected: 0 });
  });

  it('that changes nothing is no version', async () => {
    const path = yaml('clients:\n  users: {}\n');
    const { registry } = load(path);
    writeFileSync(path, '# a comment\nclients:\n  users: { retry: { maxRetries: 2 } }\n');
    expect(await registry.refresh()).toBe(false);
    expect(registry.stats().config.version).toBe(1);
  });

  it('that finds faults leaves everything as it was, and reports once where they are', async () => {
    const path = yaml('clients:\n  users: { timeouts: { total: 7s } }\n  billing: {}\n');
    const lines: unknown[] = [];
    const logger = { ...quiet, warn: (fields: object, message: string) => lines.push({ ...fields, message }) };
    const { registry } = load(path, { logger });
    const rejected: unknown[] = [];
    registry.on('config.rejected', (rejection) => rejected.push(rejection));
    writeFileSync(path, 'clients:\n  users: { timeouts: { total: 9s } }\n  billing: { retry: { maxRetries: 11 } }\n');
    expect(await registry.refresh()).toBe(false);
    expect(await registry.refresh()).toBe(false);
    const fault = {
      file: path,
      line: 3,
      column: 35,
      path: 'clients.billing.retry.maxRetries',
      message: 'Too big: expected number to be <=10',
    };
    expect(rejected).toEqual([{ ...fault, faults: [fault], rejectedAt: expect.any(String) }]);
    expect(registry.stats().config).toMatchObject({ version: 1, rejected: 1, lastRejection: fault });
    expect(lines).toEqual([
      {
        'event.name': 'pillion.config.rejected',
        ...{ config_version: 1, config_source: path, file: path, line: 3, column: 35, path: fault.path },
        reason: fault.message,
        faults: [`${path}:3:35 clients.billing.retry.maxRetries Too big: expected number to be <=10`],
        message: `configuration rejected, version 1 stays in force: ${path}:3:35 ${fault.path} ${fault.message}`,
      },
    ]);
    writeFileSync(path, 'clients:\n  users: { timeouts: { total: 9s } }\n  billing: {}\n');
    expect(await registry.refresh()).toBe(true);
  });

  it.each<[string, string, string[]]>([
    [
      'the names of the profile of the first client that logs',
      'logging: { profile: ecs }',
      ['event.action', 'pillion.reason'],
    ],
    ['no line from a level above it', 'logging: { level: error }', []],
    ['no line where no client logs', 'logging: false', []],
  ])('that finds faults has %s', async (_, logging, names) => {
    const path = yaml(`defaults: { ${logging} }\nclients:\n  users: {}\n`);
    const lines: object[] = [];
    const { registry } = load(path, { logger: { ...quiet, warn: (fields: object) => lines.push(fields) } });
    writeFileSync(path, `defaults: { ${logging} }\nclients:\n  users: { retry: { maxRetries: 11 } }\n`);
    expect(await registry.refresh()).toBe(false);
    expect(registry.stats().config).toMatchObject({ refused: true });
    expect(lines).toHaveLength(names.length > 0 ? 1 : 0);
    for (const name of names) expect(lines[0]).toHaveProperty([name]);
  });

  it('that finds a certificate it cannot use changes no client', async () => {
    const path = yaml('clients:\n  users: { timeouts: { total: 7s } }\n  billing: {}\n');
    const registry = loadHttpClients(path, { logger: quiet });
    onTestFinished(() => registry.close());
    const updated: unknown[] = [];
    registry.get('users').on('config.updated', (event) => updated.push(event));
    writeFileSync(path, 'clients:\n  users: { timeouts: { total: 9s } }\n  billing: { tls: { ca: /nowhere } }\n');
    expect(await registry.refresh()).toBe(false);
    expect(updated).toEqual([]);
    expect(registry.stats().config.lastRejection).toMatchObject({ line: 3, path: 'clients.billing.tls.ca' });
  });

  it.each([
    ['empty', ''],
    ['without clients', 'clients: {}\n'],
    ['cut in the middle', 'clients:\n  users: { timeo'],
  ])('of a file that is %s is a rejection, not an outage', async (_, text) => {
    const path = yaml('clients:\n  users: { baseURL: http://users }\n');
    const { registry } = load(path);
    writeFileSync(path, text);
    expect(await registry.refresh()).toBe(false);
    expect((await registry.get('users').get('/')).data).toBe('ok');
  });

  it('keeps what has state and did not change: the budget, the circuit', async () => {
    const config = (total: string) => ({
      clients: { users: { timeouts: { total }, circuitBreaker: { volumeThreshold: 2 }, retry: { maxRetries: 0 } } },
    });
    const document = config('5s');
    const registry = loadHttpClients(document as HttpClientsConfig, {
      logger: quiet,
      transport: createMockTransport([{ reply: 503 }]),
    });
    onTestFinished(() => registry.close());
    const users = registry.get('users');
    for (let call = 0; call < 4; call++) await users.get('http://users/').catch(() => {});
    Object.assign(document, config('6s'));
    expect(await registry.refresh()).toBe(true);
    expect(users.stats().policies).toMatchObject({ retry: { calls: 4 } });
    await expect(users.get('http://users/')).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
  });

  it('one of many at once loads after the change of whoever asked', async () => {
    const path = yaml('clients:\n  users: { timeouts: { total: 1s } }\n');
    const { registry } = load(path);
    const refreshes = [2, 3, 4, 5].map((seconds) => {
      writeFileSync(path, `clients:\n  users: { timeouts: { total: ${seconds}s } }\n`);
      return registry.refresh();
    });
    await Promise.all(refreshes);
    expect(registry.stats().config.changes).toContainEqual({
      client: 'users',
      path: 'timeouts.total',
      before: 1000,
      after: 5000,
    });
  });
});
