import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { spelledOut, yaml } from './texts.js';

/** Of a client with these options and nothing else, without the line and the column. */
function warnings(options: string): string[] {
  const { errors, warnings } = checkText(`clients: { a: { ${options} } }\n`, 'clients.yaml', { env: {} });
  expect(spelledOut(errors)).toEqual([]);
  return spelledOut(warnings).map((each) => each.replace(/^\d+:\d+ clients\.a\./, ''));
}

/** What is likely a mistake, what is said of it, and a near twin that is none. */
const cases: readonly [mistake: string, warning: string, twin: string][] = [
  ['timeouts: false', 'timeouts without timeouts a call may wait forever; set timeouts.total', 'timeouts: {}'],
  [
    'timeouts: { total: false }',
    'timeouts.total without a limit for the whole call, retries may make it very long',
    'timeouts: { total: 1h }',
  ],
  [
    'timeouts: { attempt: false }',
    'timeouts.attempt without it one hanging attempt uses up the time of the whole call, and none is left for a retry',
    'timeouts: { attempt: false }, retry: false',
  ],
  [
    'timeouts: { attempt: 500ms, connect: 501ms }',
    'timeouts.connect is longer than timeouts.attempt, which ends the attempt first',
    'timeouts: { attempt: 500ms, connect: 500ms }',
  ],
  [
    'timeouts: { total: 5s }',
    'retry.maxRetries where attempts time out after 2500 ms, only 1 of 2 retries fit into timeouts.total of 5000 ms',
    'timeouts: { total: 5s }, retry: { maxRetries: 1 }',
  ],
  [
    'timeouts: { total: 2s, attempt: 2s }',
    'retry.maxRetries where attempts time out after 2000 ms, no retry fits into timeouts.total of 2000 ms',
    'timeouts: { total: 2s, attempt: 2s }, retry: { maxRetries: 0 }',
  ],
  [
    'retry: { backoff: { base: 20s, max: 20s } }',
    'retry.maxRetries where attempts time out after 2500 ms, no retry fits into timeouts.total of 10000 ms',
    'retry: { backoff: { base: 2s, max: 2s } }',
  ],
  [
    'retry: { budget: { ratio: 0, minPerSecond: 0 } }',
    'retry.budget allows almost no retries; to switch retries off, write retry: false',
    'retry: { budget: { ratio: 0, minPerSecond: 0.1 } }',
  ],
  [
    'retry: { maxConcurrentRetries: 0 }',
    'retry.maxConcurrentRetries allows no retries at all; to switch retries off, write retry: false',
    'retry: { maxRetries: 0, maxConcurrentRetries: 0 }',
  ],
  [
    'retry: { budget: { ratio: 2 } }',
    'retry.budget.ratio allows all 2 retries of every call, so it limits nothing',
    'retry: { budget: { ratio: 1.9 } }',
  ],
  [
    'retry: { budget: false }',
    'retry.budget without a budget, retries multiply the load on a failing upstream',
    'retry: { maxRetries: 0, budget: false }',
  ],
  [
    'circuitBreaker: { rollingWindow: 4999ms }',
    'circuitBreaker.rollingWindow is shorter than two attempt timeouts, so it counts too few outcomes of a slow upstream',
    'circuitBreaker: { rollingWindow: 5s }',
  ],
  [
    'tls: { rejectUnauthorized: false }',
    'tls.rejectUnauthorized accepts any server certificate, so anyone on the network path can read and change calls',
    'tls: { rejectUnauthorized: true }',
  ],
  [
    'baseURL: http://a.test, tls: { minVersion: TLSv1.3 }',
    'tls has no effect because baseURL is http',
    'baseURL: https://a.test, tls: { minVersion: TLSv1.3 }',
  ],
  [
    'baseURL: https://a.test, allowAbsoluteUrls: true, headers: { Authorization: Bearer x }',
    'allowAbsoluteUrls lets calls go to other hosts, and the header Authorization is sent there too',
    'baseURL: https://a.test, allowAbsoluteUrls: true, headers: { Accept: text/plain }',
  ],
  [
    'headers: { x-api-key: secret }',
    'headers without a baseURL the header x-api-key is sent to any host that a call names',
    'baseURL: https://a.test, headers: { x-api-key: secret }',
  ],
  [
    'baseURL: http://a.test, headers: { Cookie: a=b }',
    'baseURL the header Cookie is sent over http, readable by anyone on the network path',
    'baseURL: "http://127.0.0.1:8080", headers: { Cookie: a=b }',
  ],
  ...['balance: {}', 'outlierDetection: {}', 'healthCheck: { path: / }'].map((section): (typeof cases)[number] => [
    section,
    `${section.slice(0, section.indexOf(':'))} has no effect without endpoints (or a Discovery in deps)`,
    `baseURL: https://a.test, endpoints: { srv: { name: a.test } }, ${section}`,
  ]),
  [
    'hedging: { delay: 2500ms }',
    'hedging.delay is not shorter than timeouts.attempt, so a hedge is never sent',
    'hedging: { delay: 2499ms }',
  ],
  [
    'fault: { allowInProduction: true }',
    'fault.allowInProduction injects faults in production too',
    'fault: { allowInProduction: false }',
  ],
  [
    'split: [{ targets: [{ name: b, baseURL: https://b.test, weight: 1 }] }, { targets: [{ name: c, baseURL: https://c.test, weight: 1 }] }]',
    'split.1 is never reached: a rule before it matches every call',
    'split: [{ match: { methods: [GET] }, targets: [{ name: b, baseURL: https://b.test, weight: 1 }] }, { targets: [{ name: c, baseURL: https://c.test, weight: 1 }] }]',
  ],
  [
    'routes: [{ retry: false }, { match: { methods: [GET] }, retry: false }]',
    'routes.1 is never reached: a rule before it matches every call',
    'routes: [{ match: { methods: [GET] }, retry: false }, { retry: false }]',
  ],
  [
    'routes: [{ directResponse: { status: 404 }, pathRewrite: { a: b } }]',
    'routes.0.pathRewrite has no effect beside directResponse: nothing is sent',
    'routes: [{ match: { methods: [GET] }, directResponse: { status: 404 } }, { pathRewrite: { a: b } }]',
  ],
  [
    'limits: { per: origin }',
    'limits.per has no effect without endpoints (or a Discovery in deps)',
    'baseURL: https://a.test, endpoints: { srv: { name: a.test } }, limits: { per: origin }',
  ],
  [
    'connections: { maxConcurrentStreams: 9 }',
    'connections.maxConcurrentStreams has no effect without HTTP/2; set allowH2',
    'connections: { maxConcurrentStreams: 9 }, allowH2: true',
  ],
  ...['hashOn: [{ cookie: a }]', 'hashHeader: x-a'].map((option): (typeof cases)[number] => [
    `baseURL: https://a.test, endpoints: { srv: { name: a.test } }, balance: { ${option} }`,
    `balance.${option.slice(0, option.indexOf(':'))} has no effect unless balance.strategy is hash`,
    `baseURL: https://a.test, endpoints: { srv: { name: a.test } }, balance: { strategy: hash, ${option} }`,
  ]),
  [
    'baseURL: https://a.test, endpoints: { srv: { name: a.test } }, healthCheck: { path: /, endsEjection: true }',
    'healthCheck.endsEjection has no effect without outlierDetection',
    'baseURL: https://a.test, endpoints: { srv: { name: a.test } }, healthCheck: { path: /, endsEjection: true }, outlierDetection: {}',
  ],
  [
    'requestHeaders: { remove: [X-A], set: { x-a: b } }',
    'requestHeaders.remove of X-A has no effect: set gives it anew',
    'requestHeaders: { remove: [X-A], add: { x-a: b } }',
  ],
  [
    'requestHeaders: { replace: { x-a: a }, set: { x-a: b } }',
    'requestHeaders.replace of x-a has no effect: set gives it in any case',
    'requestHeaders: { replace: { x-a: a }, set: { x-b: b } }',
  ],
  [
    'baseURL: http://a.test, requestHeaders: { set: { authorization: x } }',
    'baseURL the header authorization is sent over http, readable by anyone on the network path',
    'baseURL: https://a.test, requestHeaders: { set: { authorization: x } }',
  ],
];

describe('a warning', () => {
  it.each(cases)('is given for `%s`: %s', (mistake, warning) => {
    expect(warnings(mistake)).toEqual([warning]);
  });

  it.each(cases.map(([mistake, warning, twin]) => [twin, warning, mistake] as const))(
    'is not given for `%s`',
    (twin) => {
      expect(warnings(twin)).toEqual([]);
    },
  );

  it.each(['authorization', 'COOKIE', 'x-api-key', 'apikey', 'X-Auth-Token', 'x-client-secret'])(
    'is given for a credential in any case: %s',
    (header) => {
      expect(warnings(`headers: { ${header}: x }`)).toEqual([
        `headers without a baseURL the header ${header} is sent to any host that a call names`,
      ]);
    },
  );

  it.each(['http://localhost', 'http://localhost:8080/v1', 'http://127.0.0.1', 'http://[::1]:80', 'https://a.test'])(
    'is not given for a credential that nobody can read on its way: %s',
    (baseURL) => {
      expect(warnings(`baseURL: "${baseURL}", headers: { authorization: x }`)).toEqual([]);
    },
  );

  it.each(['HTTP://a.test', 'http://localhost.a.test', 'http://127.a.test'])(
    'is given for a credential that anybody can read: %s',
    (baseURL) => {
      expect(warnings(`baseURL: "${baseURL}", headers: { authorization: x }`)).toEqual([
        'baseURL the header authorization is sent over http, readable by anyone on the network path',
      ]);
    },
  );

  it('is given for tls on a baseURL of HTTP', () => {
    expect(warnings('baseURL: HTTP://a.test, tls: {}')).toEqual(['tls has no effect because baseURL is http']);
  });

  it('is not given for a client that says nothing', () => {
    expect(warnings('')).toEqual([]);
  });

  it('stands at the option in the defaults, and is told once for two clients', () => {
    const text = yaml`
      defaults:
        timeouts:
          total: false
      clients: { a: {}, b: {} }
    `;
    expect(spelledOut(checkText(text, 'clients.yaml', { env: {} }).warnings)).toEqual([
      '3:12 defaults.timeouts.total without a limit for the whole call, retries may make it very long',
    ]);
  });

  it('stands at the client where neither it nor the defaults say the option', () => {
    const text = yaml`
      clients:
        a:
          timeouts: { total: 5s }
    `;
    const [warning, ...more] = checkText(text, 'clients.yaml', { env: {} }).warnings;
    expect(warning).toMatchObject({ line: 2, column: 3, path: 'clients.a.retry.maxRetries' });
    expect(more).toEqual([]);
  });

  it('is one of several, in the order of the lines', () => {
    const text = yaml`
      clients:
        a:
          retry: { budget: false }
          baseURL: http://a.test
          headers: { authorization: x }
          balance: {}
        b:
          timeouts: false
    `;
    expect(spelledOut(checkText(text, 'clients.yaml', { env: {} }).warnings)).toEqual([
      '3:22 clients.a.retry.budget without a budget, retries multiply the load on a failing upstream',
      '4:14 clients.a.baseURL the header authorization is sent over http, readable by anyone on the network path',
      '6:5 clients.a.balance has no effect without endpoints (or a Discovery in deps)',
      '8:15 clients.b.timeouts without timeouts a call may wait forever; set timeouts.total',
    ]);
  });

  it('is given for a client beside one that is broken', () => {
    const text = yaml`
      clients:
        a: { retires: 3 }
        b: { timeouts: false }
    `;
    const { errors, warnings, clients } = checkText(text, 'clients.yaml', { env: {} });
    expect([errors.length, warnings.length, clients]).toEqual([1, 1, ['a', 'b']]);
  });
});
