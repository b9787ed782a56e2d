/** What was probably meant by a value or key that is wrong. */
import { createHttpClient, type PillionError } from 'pillion';
import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { yaml } from '../../cli/checks/texts.js';

/** What is said of the one fault of a configuration. */
function said(config: object): string {
  try {
    createHttpClient(config);
  } catch (error) {
    const { faults = [] } = error as PillionError;
    expect(faults).toHaveLength(1);
    return faults[0]?.message ?? '';
  }
  throw new Error(`It was taken: ${JSON.stringify(config)}`);
}

const section = 'expected an object or false; ';
const condition =
  'expected one of "5xx", "gateway-error", "reset", "connect-failure", "refused-stream", "retriable-4xx", "rate-limited" or a whole number from 400 to 599; ';
const span = 'expected milliseconds or a string such as "250ms" or "1.5s"; ';

describe('a section', () => {
  const standing = ['timeouts', 'retry', 'circuitBreaker', 'limits', 'tracing', 'logging'];

  it.each(standing.flatMap((name) => [true, 'true', 'yes', 'on'].map((value) => ({ name, value }))))(
    'that is on without being asked for need not be switched on: $name = $value',
    ({ name, value }) => {
      expect(said({ [name]: value })).toBe(`${section}it is on with its defaults: leave it out, or give options`);
    },
  );

  it.each(standing)('is switched off by false and by no word for it: %s', (name) => {
    expect(said({ [name]: 'false' })).toBe(`${section}write false without quotes`);
    for (const word of ['no', 'off', 'disabled']) expect(said({ [name]: word })).toBe(`${section}write false`);
    expect(said({ [name]: { enabled: false } })).toBe(`unknown option: write ${name}: false to switch it off`);
  });

  it.each(standing)('without its contents: %s', (name) => {
    expect(said({ [name]: null })).toBe(`${section}it is empty: indent its options under it, or leave it out`);
  });

  it.each([
    [{ hedging: true }, 'expected an object; write {} for its defaults'],
    [{ rateLimit: 'on' }, 'expected an object; write {} for its defaults'],
    [{ healthCheck: true }, 'expected an object; give its options, at least path'],
    [{ tls: false }, 'expected an object; leave it out, and it is off'],
    [{ split: true }, 'expected a list; begin each entry with a dash, followed by its options'],
    [
      { mirror: { baseURL: 'http://a.test' } },
      'expected a list; begin each entry with a dash, followed by its options',
    ],
    [{ retry: 3 }, `${section}did you mean its option maxRetries?`],
    [{ timeouts: '5s' }, `${section}did you mean its option total?`],
    [{ limits: 100 }, `${section}did you mean its option maxRequests?`],
    [{ retry: [503] }, `${section}did you mean its option on?`],
    [{ balance: 'round_robin' }, 'expected an object; did you mean its option strategy?'],
    [{ healthCheck: '/health' }, 'expected an object; did you mean its option path?'],
  ])('that is no object says which one it would be: %j', (config, message) => {
    expect(said(config)).toBe(message);
  });
});

describe('a word', () => {
  it.each([
    ['5XX', 'did you mean "5xx"?'],
    ['gateway_error', 'did you mean "gateway-error"?'],
    ['gatewayError', 'did you mean "gateway-error"?'],
    ['gatway-error', 'did you mean "gateway-error"?'],
    ['CONNECT-FAILURE', 'did you mean "connect-failure"?'],
    ['connect-error', 'did you mean "connect-failure"?'],
    ['ECONNRESET', 'did you mean "reset"?'],
    ['envoy-ratelimited', 'did you mean "rate-limited"?'],
    ['503', 'write 503 without quotes'],
    [' 429 ', 'write 429 without quotes'],
  ])('of retry.on that is near to one: %j', (word, meant) => {
    expect(said({ retry: { on: [word] } })).toBe(condition + meant);
  });

  it.each([
    [{ retry: { on: 'gateway_error' } }, 'expected a list; write [gateway-error]'],
    [{ retry: { on: 503 } }, 'expected a list; write [503]'],
    [{ retry: { on: '5xx, reset' } }, 'expected a list; write [5xx, reset]'],
    [{ logging: { profile: 'ECS' } }, 'expected one of "otel", "ecs", "datadog", "gcp"; did you mean "ecs"?'],
    [{ tls: { minVersion: 1.3 } }, 'expected one of "TLSv1.2", "TLSv1.3"; did you mean "TLSv1.3"?'],
    [{ tls: { minVersion: 'tls1.2' } }, 'expected one of "TLSv1.2", "TLSv1.3"; did you mean "TLSv1.2"?'],
    [{ proxy: true }, 'expected "env" or false; did you mean "env"?'],
    [{ tls: { subjectAltNames: 'a.test' } }, 'expected a list; put it in brackets: [ ]'],
    [{ headers: { 'x-a': 5 } }, 'expected text; put it in quotes'],
    [{ headers: ['x-a: b'] }, 'expected an object of names and values; write names and values, without dashes'],
  ])('or list elsewhere: %j', (config, message) => {
    expect(said(config)).toBe(message);
  });
});

describe('a truth value', () => {
  it.each([
    ['true', 'write true without quotes'],
    ['False', 'write false'],
    ['yes', 'write true'],
    ['off', 'write false'],
    [1, 'write true'],
    ['0', 'write false'],
    [null, 'it has no value here: give it one, or leave it out'],
  ])('written as %j', (value, meant) => {
    expect(said({ allowAbsoluteUrls: value })).toBe(`expected true or false; ${meant}`);
  });
});

describe('a number', () => {
  it.each([
    [{ circuitBreaker: { errorThresholdPercentage: '50%' } }, 'expected a number from 1 to 100; write 50'],
    [{ circuitBreaker: { errorThresholdPercentage: 0.5 } }, 'Too small: expected number to be >=1; write 50'],
    [{ logging: { successSampleRate: '10%' } }, 'expected a number from 0 to 1; write 0.1'],
    [{ logging: { successSampleRate: 10 } }, 'Too big: expected number to be <=1; write 0.1'],
    [{ retry: { budget: { ratio: '20 %' } } }, 'expected a number from 0 to 10; write 0.2'],
    [{ maxRedirects: '5' }, 'expected a whole number from 0 to 50; write 5 without quotes'],
    [{ maxRedirects: 1.5 }, 'expected a whole number from 0 to 50'],
    [{ limits: { maxRequests: '100 connections' } }, 'expected a whole number from 1 to 1000000; write 100'],
    [{ limits: { maxPendingRequests: '1_000' } }, 'expected a whole number from 0 to 1000000; write 1000'],
    [{ maxContentLength: '10mb' }, 'expected a whole number, -1 or more; write 10485760'],
    [{ maxContentLength: '1 KiB' }, 'expected a whole number, -1 or more; write 1024'],
  ])('with quotes, a unit or per cent: %j', (config, message) => {
    expect(said(config)).toBe(message);
  });
});

describe('a duration', () => {
  it.each([
    ['5  s', '"5s"'],
    ['5sec', '"5s"'],
    ['5S', '"5s"'],
    ['1.5 seconds', '"1.5s"'],
    ['1,5s', '"1.5s"'],
    ['500 milliseconds', '"500ms"'],
    ['2 min', '"2m"'],
    ['1h30m', '"90m"'],
    ['1m 30s', '"90s"'],
    ['PT5S', '"5s"'],
    ['1d', '"24h"'],
    ['5', '"5ms" or "5s"'],
    ['never', 'false'],
    ['none', 'false'],
  ])('of other tools: %j', (value, meant) => {
    expect(said({ timeouts: { total: value } })).toBe(`${span}write ${meant}`);
  });

  it.each(['soon', '5 apples', '1h30', '-5  s', 's', '5 s!'])('that nobody can guess: %j', (value) => {
    expect(said({ timeouts: { total: value } })).toBe(span.slice(0, -2));
  });

  it('of a plain number below 10 is a warning, for somebody may have thought of seconds', () => {
    const { warnings } = checkText('clients: { a: { timeouts: { total: 5 }, retry: false } }', 'a', { env: {} });
    expect(warnings.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'clients.a.timeouts.total is 5 ms, too short for most calls: a plain number is milliseconds; for seconds write "5s"',
    ]);
  });
});

describe('a key', () => {
  it.each([
    ...[
      ['max_redirects', 'maxRedirects'],
      ['max-redirects', 'maxRedirects'],
      ['BASE_URL', 'baseURL'],
    ],
    ...[
      ['timeout', 'timeouts.total'],
      ['per_try_timeout', 'timeouts.attempt'],
      ['connect_timeout', 'timeouts.connect'],
    ],
    ...[
      ['retries', 'retry.maxRetries'],
      ['num_retries', 'retry.maxRetries'],
      ['maxRetries', 'retry.maxRetries'],
    ],
    ...[
      ['retryDelay', 'retry.backoff.base'],
      ['retry_on', 'retry.on'],
      ['retryCondition', 'retry.on'],
    ],
    ...[
      ['errorThreshold', 'circuitBreaker.errorThresholdPercentage'],
      ['circuit_breaker', 'circuitBreaker'],
    ],
    ...[
      ['rollingCountTimeout', 'circuitBreaker.rollingWindow'],
      ['httpsAgent', 'tls'],
      ['http2', 'allowH2'],
    ],
    ...[
      ['concurrency', 'limits.maxRequests'],
      ['outlier_detection', 'outlierDetection'],
    ],
  ] as [string, string][])('of another tool or spelling: %s', (key, ours) => {
    expect(said({ [key]: 1 })).toBe(`unknown option, did you mean "${ours}"?`);
  });

  it('of a section that is spelt as Envoy has it: max_requests', () => {
    expect(said({ max_requests: 1 })).toBe('unknown option here: it belongs under limits');
  });

  it.each([
    ['retry', 'retries', 'maxRetries'],
    ['retry', 'num_retries', 'maxRetries'],
    ['retry', 'retryDelay', 'retry.backoff.base'],
    ['retry', 'timeout', 'timeouts.attempt'],
    ['circuitBreaker', 'timeout', 'timeouts.attempt'],
    ['circuitBreaker', 'error_threshold_percentage', 'errorThresholdPercentage'],
    ['circuitBreaker', 'max_pending_requests', 'limits.maxPendingRequests'],
    ['tls', 'privateKey', 'key'],
    ['outlierDetection', 'consecutive_5xx', 'consecutiveFailures'],
  ])('in a section, of another tool or spelling: %s.%s', (name, key, ours) => {
    expect(said({ [name]: { [key]: 1 } })).toMatch(
      new RegExp(`^unknown option(, did you mean "${ours}"\\?| here: it belongs under ${ours.split('.')[0]})$`),
    );
  });

  it.each([
    [{ attempt: '1s' }, 'unknown option here: it belongs under timeouts'],
    [{ base: '1s' }, 'unknown option here: it belongs under retry.backoff'],
    [{ retry: { timeouts: {} } }, 'unknown option here: it belongs beside retry, not inside (indented as retry is)'],
    [
      { retry: { backoff: { budget: {} } } },
      'unknown option here: it belongs beside backoff, not inside (indented as backoff is)',
    ],
  ])('that is known elsewhere: %j', (config, message) => {
    expect(said(config)).toBe(message);
  });
});

describe('the shape of a file', () => {
  const errorsOf = (text: string) =>
    checkText(text, 'clients.yaml', { env: {} }).errors.map(
      ({ line, column, path, message }) => `${line}:${column} ${path} ${message}`,
    );

  it('with a list under clients, and what is wrong in it', () => {
    const text = yaml`
      clients:
        - name: billing
          baseURL: billing.test
    `;
    expect(errorsOf(text)).toEqual([
      '1:1 clients expected clients by name, not a list; write `billing:` and its options indented under it in place of `- name: billing`',
      '3:14 clients.0.baseURL expected a full http or https URL',
    ]);
  });

  it('with options of a client on the level of clients, and what is wrong in them', () => {
    const text = yaml`
      clients:
        billing:
        baseURL: http://billing.test
        retry:
          maxRetries: "3"
        timeouts:
        users: {}
    `;
    expect(errorsOf(text)).toEqual([
      '3:3 clients.baseURL is an option, not a client: indent it under billing',
      '4:3 clients.retry is an option, not a client: indent it under billing',
      '5:17 clients.retry.maxRetries expected a whole number from 0 to 10; write 3 without quotes',
      '6:3 clients.timeouts is an option, not a client: indent it under billing',
      '6:12 clients.timeouts expected an object or false; it is empty: indent its options under it, or leave it out',
    ]);
  });

  it('with options and clients at its top', () => {
    const text = yaml`
      retry: false
      clients:
      billing:
        baseURL: billing.test
    `;
    expect(errorsOf(text)).toEqual([
      '1:1 retry unknown option here: it belongs under defaults, or under one of clients',
      '2:9 clients expected at least one client, by name',
      '3:1 billing unknown option here: a client belongs under clients, indented',
      '4:12 billing.baseURL expected a full http or https URL',
    ]);
  });

  it('with a client inside another, or below a name for several', () => {
    const text = yaml`
      clients:
        billing:
          baseURL: http://billing.test
          users:
            baseURL: users.test
    `;
    expect(errorsOf(text)).toEqual([
      '4:5 clients.billing.users unknown option here: it looks like a client, which belongs beside this one, not inside',
      '5:16 clients.billing.users.baseURL expected a full http or https URL',
    ]);
  });

  it.each([
    ['Clients:\n  a: { retry: true }\n', '2:15 Clients.a.retry'],
    ['client:\n  a: { retry: true }\n', '2:15 client.a.retry'],
    ['defaults:\n  clients:\n    a: { retry: true }\n', '3:17 defaults.clients.a.retry'],
  ])('with clients under another key tells what is wrong in them: %j', (text, place) => {
    expect(errorsOf(text).some((each) => each.startsWith(`${place} expected an object or false; `))).toBe(true);
  });

  it('with an option of a section on the level of clients', () => {
    expect(errorsOf('clients:\n  a: {}\n  connect: 1s\n')).toEqual([
      '3:12 clients.connect expected an object; connect is an option of timeouts, not a client',
    ]);
  });

  it.each(['retry', 'mirror', 'timeouts', 'headers'])('may name a client as an option is called: %s', (name) => {
    expect(errorsOf(`clients: { ${name}: { baseURL: "http://a.test" }, b: {} }`)).toEqual([]);
  });

  it('with a variable that is empty or no number where one is expected', () => {
    const { errors } = checkText(
      'clients: { a: { maxRedirects: "${NONE}", limits: { maxRequests: "${WORD}" }, allowH2: "${YES}" } }',
      'clients.yaml',
      { env: { NONE: '', WORD: 'secret', YES: 'true' } },
    );
    expect(errors.map(({ message }) => message)).toEqual([
      'expected a whole number from 0 to 50; ${NONE} is empty',
      'expected a whole number from 1 to 1000000; it comes from ${WORD}',
    ]);
  });
});

describe('advice', () => {
  it('repeats no text that may be secret', () => {
    const secret = 'hunter2';
    const config = {
      headers: { authorization: [secret] },
      tls: { key: secret, cert: [secret], pins: secret, minVersion: secret },
      timeouts: { total: secret },
      retry: { on: secret },
      logging: { profile: secret },
    };
    const text = `clients: { a: ${JSON.stringify(config)} }`;
    expect(JSON.stringify(checkText(text, 'a', { env: {} }).errors)).not.toContain(secret);
  });
});
