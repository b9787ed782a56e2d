import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { type Config, type HttpClientConfig, parseConfig } from '../../../src/client/config/config.js';
import { ConfigDocument } from '../../../src/registry/file/document.js';
import { ParsedClients } from '../../../src/registry/file/named-clients.js';
import type { Surroundings } from '../../../src/registry/file/references.js';
import { files } from '../../support/files.js';
import { anchors, env, everySection, good, referring, traffic } from './good.js';
import { spelledOut, yaml } from './texts.js';

/** The options in force, by the client's name. */
function effective(text: string, surroundings: Surroundings = { env }): Record<string, Config> {
  const { clients, faults } = new ParsedClients(new ConfigDocument(text), 'clients.yaml', surroundings);
  expect(spelledOut(faults)).toEqual([]);
  return Object.fromEntries(clients.map(({ name, config }) => [name, config]));
}

const config = (name: string, options: HttpClientConfig) => parseConfig({ name, ...options });

describe('a file with', () => {
  it.each(Object.entries(good))('%s has no fault', (_, text) => {
    const { errors, warnings, clients } = checkText(text, 'clients.yaml', { env });
    expect(spelledOut([...errors, ...warnings])).toEqual([]);
    expect(clients.length).toBeGreaterThan(0);
  });

  it('every option of traffic has nothing to be warned of', () => {
    const { errors, warnings, clients } = checkText(traffic, 'clients.yaml', { env });
    expect(spelledOut(errors)).toEqual([]);
    expect(spelledOut(warnings)).toEqual([]);
    expect(clients).toEqual(['static', 'dns', 'srv']);
  });
});

describe('the options in force', () => {
  it('are those of the client over those of the defaults over those built in', () => {
    const clients = effective(everySection);
    expect(Object.keys(clients)).toEqual(['users', 'billing/v2', 'legacy_1.0']);
    expect(clients.users).toMatchObject({
      name: 'users',
      baseURL: 'https://users.test/v1',
      timeouts: { total: 10_000, attempt: 2500, connect: 500 },
      connections: { maxConnectionAge: false },
      maxContentLength: -1,
      tls: { minVersion: 'TLSv1.3', reload: { interval: 10_000, drainTimeout: 60_000 } },
    });
    expect(clients['billing/v2']).toEqual({
      ...clients.users,
      name: 'billing/v2',
      baseURL: 'https://billing.test',
      timeouts: { total: 3_600_000, attempt: 4000, connect: 500 },
      tls: { ...clients.users?.tls, reload: false },
    });
    expect(clients['legacy_1.0']).toEqual(
      config('legacy_1.0', {
        baseURL: 'http://legacy.test',
        headers: { accept: 'application/json', 'X-Team': 'payments' },
        maxRedirects: 5,
        proxy: 'env',
        allowH2: true,
        timeouts: { total: '10s', attempt: 2500, connect: false },
        retry: false,
        circuitBreaker: false,
        limits: false,
        connections: { maxConnections: 64, maxConnectionAge: false, keepAliveTimeout: '4s', maxOrigins: 16 },
        maxContentLength: -1,
        tracing: false,
        logging: false,
      }),
    );
  });

  it('merge objects key by key, at every depth', () => {
    const { a } = effective(yaml`
      defaults: { retry: { maxRetries: 1, backoff: { base: 10ms }, budget: { ratio: 0.5 } } }
      clients: { a: { retry: { backoff: { max: 1s }, budget: { minPerSecond: 2 } } } }
    `);
    expect(a?.retry).toMatchObject({
      maxRetries: 1,
      backoff: { base: 10, max: 1000 },
      budget: { ratio: 0.5, minPerSecond: 2 },
    });
  });

  it('take a list as a whole', () => {
    const { a, b } = effective(yaml`
      defaults: { retry: { on: [5xx, reset] } }
      clients: { a: { retry: { on: [429] } }, b: { retry: { on: [] } } }
    `);
    expect([a?.retry, b?.retry]).toMatchObject([{ on: [429] }, { on: [] }]);
  });

  it('replace a section by false, and false by a section', () => {
    const { off, on } = effective(yaml`
      defaults: { retry: { maxRetries: 1 }, limits: false }
      clients: { off: { retry: false }, on: { limits: { maxRequests: 3 } } }
    `);
    expect(off).toMatchObject({ retry: false, limits: false });
    expect(on).toMatchObject({ retry: { maxRetries: 1 }, limits: { maxRequests: 3, maxPendingRequests: 1024 } });
  });

  it('leave out an optional section of the defaults where the client says false', () => {
    const { without, with: kept } = effective(yaml`
      defaults: { tls: { serverName: a.test }, balance: {}, mirror: [{ baseURL: http://b.test }] }
      clients: { without: { tls: false, balance: false, mirror: false }, with: {} }
    `);
    expect(without).toEqual(config('without', {}));
    expect(Object.keys(kept ?? {})).toEqual(expect.arrayContaining(['tls', 'balance', 'mirror']));
  });

  it('have each header once, whatever its case', () => {
    const { a } = effective(yaml`
      defaults: { headers: { Accept: text/plain, X-Team: payments, "x-empty": a } }
      clients: { a: { headers: { accept: application/json, x-team: users, X-EMPTY: "" } } }
    `);
    expect(a?.headers).toEqual({ accept: 'application/json', 'x-team': 'users', 'X-EMPTY': '' });
  });

  it('are the same for clients that share an anchor, but for their names', () => {
    const { users, billing, refunds } = effective(anchors);
    expect(refunds).toEqual({ ...billing, name: 'refunds' });
    expect(users).toMatchObject({
      timeouts: { total: 30_000, attempt: 5000 },
      headers: { accept: 'application/json' },
    });
  });

  it('hold what references stand for, as numbers and truth values where those are expected', () => {
    const { users } = effective(referring);
    expect(users).toEqual(
      config('users', {
        baseURL: 'https://users.test/v1',
        allowH2: true,
        headers: { 'x-region': 'eu', 'x-price': '${5}', 'x-none': '', 'x-some': 'some' },
        timeouts: { total: '12s' },
        retry: { maxRetries: 3, on: ['reset', 425] },
        limits: { maxRequests: 7 },
        tracing: false,
      }),
    );
  });

  it('leave out an optional section where a reference says false', () => {
    const { a } = effective('clients: { a: { tls: "${TLS:-false}", tracing: "${TRACING:-false}" } }');
    expect(a).toEqual(config('a', { tracing: false }));
  });

  it('keep digits as text where text is expected', () => {
    const { a } = effective('clients: { a: { headers: { x-retries: "${RETRIES}", x-h2: "${H2}" } } }');
    expect(a?.headers).toEqual({ 'x-retries': '3', 'x-h2': 'true' });
  });

  it('hold what the file of a reference holds, without its last line end', () => {
    const { token } = files({ token: 'secret\r\n' });
    const { a } = effective(`clients: { a: { headers: { authorization: "Bearer \${file:${token}}" } } }`);
    expect(a?.headers).toEqual({ authorization: 'Bearer secret' });
  });

  it('are those of one client only, where a value of the defaults is read for several', () => {
    const { a, b } = effective(yaml`
      defaults: { retry: { maxRetries: "\${RETRIES}" } }
      clients: { a: {}, b: { retry: { maxRetries: 1 } } }
    `);
    expect([a?.retry, b?.retry]).toMatchObject([{ maxRetries: 3 }, { maxRetries: 1 }]);
  });
});

describe('a file that is checked far from where it is used', () => {
  const text = yaml`
    clients:
      users:
        baseURL: http://\${NOT_SET}:\${NOT_SET_EITHER}
        retry: { maxRetries: "\${NOT_SET}", on: ["\${NOT_SET}"] }
        headers: { authorization: "Bearer \${file:/nowhere}" }
        tls: { cert: /nowhere/tls.crt, key: "\${NOT_SET}" }
  `;
  const away = { env: {}, withoutEnv: true, files: false };

  it('has no error for variables that are not set and files that are not there', () => {
    expect(spelledOut(checkText(text, 'clients.yaml', away).errors)).toEqual([]);
  });

  it('has an error for what is wrong beside them', () => {
    const { errors } = checkText(text.replace('headers:', 'header:'), 'clients.yaml', away);
    expect(spelledOut(errors)).toEqual(['5:5 clients.users.header unknown option, did you mean "headers"?']);
  });

  it('has an error for an unknown option that has a variable for its value', () => {
    const { errors } = checkText('clients: { a: { baseUrl: "${NOT_SET}" } }', 'clients.yaml', away);
    expect(spelledOut(errors)).toEqual(['1:17 clients.a.baseUrl unknown option, did you mean "baseURL"?']);
  });

  it('has an error for a bad reference, and for a variable that is set and wrong', () => {
    const { errors } = checkText(
      'clients: { a: { maxRedirects: "${SET}", headers: { x-a: "${not this}" } } }',
      'clients.yaml',
      { ...away, env: { SET: 'many' } },
    );
    expect(spelledOut(errors)).toEqual([
      '1:31 clients.a.maxRedirects expected a whole number from 0 to 50; it comes from ${SET}',
      '1:57 clients.a.headers.x-a has an invalid reference; valid forms are ${NAME}, ${NAME:-default}, ${file:/path}; for a literal ${ write $${',
    ]);
  });

  it('counts the client whose options could not all be read', () => {
    expect(checkText(text, 'clients.yaml', away).clients).toEqual(['users']);
  });

  it('has an error for rules between the options that are said', () => {
    const options = 'maxRedirects: "${NOT_SET}", tls: { cert: a }, timeouts: { total: 1s, attempt: 2s }';
    const { errors } = checkText(`clients: { a: { ${options} } }`, 'clients.yaml', away);
    expect(errors.map(({ path }) => path)).toEqual(['clients.a.tls.key', 'clients.a.timeouts.attempt']);
  });
});
