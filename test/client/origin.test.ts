import axios from 'axios';
import fc from 'fast-check';
import { createHttpClient, type HttpClient } from 'pillion';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientOver, rejection, scripted, silent } from '../support/client.js';
import { startHttp, type Upstream } from '../support/upstream.js';

const good = 'http://api.test:8080';
const refusals = new Set(['ERR_ORIGIN_NOT_ALLOWED', 'ERR_INVALID_URL', 'ERR_BAD_REQUEST']);

/** A client whose transport tells where a real one would go: it builds the URL as axios's adapters do. */
function telling(config = {}) {
  const destinations: URL[] = [];
  const client = clientOver(
    async (request) => {
      destinations.push(new URL(axios.getUri(request)));
      return { data: '', status: 200, statusText: '', headers: {}, config: request };
    },
    { baseURL: `${good}/v1`, ...config },
  );
  return { client, destinations };
}

const away = [
  'http://evil.test/',
  'https://api.test:8080/',
  'http://api.test/',
  'http://api.test:8081/',
  'HTTP://EVIL.TEST',
  '//evil.test/path',
  '//api.test/path',
  'http://api.test:8080@evil.test/',
  'http://api.test:8080.evil.test/',
  'http://evil.test#http://api.test:8080/',
  'ftp://api.test:8080/',
  'file:///etc/passwd',
];

describe('a URL that leaves the origin of baseURL', () => {
  it.each(away)('is refused before anything is sent: %s', async (url) => {
    const { client, destinations } = telling();
    const error = await rejection(client.get(url));
    expect(refusals).toContain(error.code);
    expect(destinations).toEqual([]);
  });

  it.each(away.slice(0, 5))('is refused as the baseURL of the call: %s', async (baseURL) => {
    const { client, destinations } = telling();
    const error = await rejection(client.get('/path', { baseURL }));
    expect(error.code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(destinations).toEqual([]);
  });

  it('is refused where client.defaults were changed', async () => {
    const { client, destinations } = telling();
    client.defaults.baseURL = 'http://evil.test';
    expect((await rejection(client.get('/path'))).code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(destinations).toEqual([]);
  });

  it('names both origins and shows neither credentials nor query values', async () => {
    const { client } = telling();
    const error = await rejection(client.get('http://user:hunter2@evil.test/path?token=s3cret'));
    expect(error.message).toContain('evil.test/path?token=');
    expect(error.message).toContain(good);
    expect(error.message).not.toMatch(/hunter2|s3cret/);
  });

  it.each([
    ['in the configuration', { allowAbsoluteUrls: true }, {}],
    ['in the call', {}, { allowAbsoluteUrls: true }],
  ])('is followed where allowAbsoluteUrls says so %s', async (_, config, options) => {
    const { client, destinations } = telling(config);
    await client.get('http://other.test/path', options);
    expect(destinations.map(String)).toEqual(['http://other.test/path']);
  });

  it('is no matter without a baseURL', async () => {
    const { client, transport } = scripted([200], { baseURL: undefined } as object);
    await client.get('http://anywhere.test/path');
    expect(transport.requests[0]?.url).toBe('http://anywhere.test/path');
  });
});

describe('a URL within the origin', () => {
  it.each([
    ['/items', `${good}/v1/items`],
    ['items', `${good}/v1/items`],
    ['', `${good}/v1`],
    ['?a=1', `${good}/v1/?a=1`],
    [`${good}/v2/items`, `${good}/v2/items`],
    ['HTTP://API.TEST:8080/v2', `${good}/v2`],
  ])('%j goes to %s', async (url, expected) => {
    const { client, transport } = scripted([200], { baseURL: `${good}/v1` });
    await client.get(url);
    expect(transport.requests[0]?.url).toBe(expected);
  });

  it.each([
    ['/\\evil.test', `${good}/v1//evil.test`],
    ['\\\\evil.test', `${good}/v1///evil.test`],
    ['@evil.test', `${good}/v1/@evil.test`],
    ['javascript:alert(1)', `${good}/v1/javascript:alert(1)`],
    ['data:text/plain,x', `${good}/v1/data:text/plain,x`],
    [' http://evil.test', `${good}/v1/%20http://evil.test`],
  ])('%j is a path like any other', async (url, expected) => {
    const { client, transport } = scripted([200], { baseURL: `${good}/v1` });
    await client.get(url);
    expect(transport.requests[0]?.url).toBe(expected);
  });
});

describe('a URL without its scheme or its slashes', () => {
  it('is ERR_INVALID_URL, as with axios', async () => {
    const { client, destinations } = telling();
    for (const url of ['//api.test:8080/v2', 'http:api.test', 'http:\\\\api.test'])
      expect((await rejection(client.get(url))).code).toBe('ERR_INVALID_URL');
    expect(destinations).toEqual([]);
  });
});

describe('a URL with a control character', () => {
  it.each(['ht\ttp://evil.test', '/\t/evil.test', '\n//evil.test', '/path\r\nx: y', '/a\u0000b', '/a\u007fb'])(
    'is ERR_INVALID_URL: %j',
    async (url) => {
      const { client, destinations } = telling();
      const error = await rejection(client.get(url));
      expect(error.code).toBe('ERR_INVALID_URL');
      expect(error.message).not.toMatch(/[\r\n\t\0]/);
      expect(destinations).toEqual([]);
    },
  );

  it('is ERR_INVALID_URL in a baseURL of the call and in what a serializer makes of params', async () => {
    const { client, destinations } = telling();
    expect((await rejection(client.get('/', { baseURL: `${good}/a\nb` }))).code).toBe('ERR_INVALID_URL');
    const options = { params: { a: 1 }, paramsSerializer: { serialize: () => 'a=1\r\nb: c' } };
    expect((await rejection(client.get('/', options))).code).toBe('ERR_INVALID_URL');
    expect(destinations).toEqual([]);
  });

  it('is encoded where axios makes a parameter of it', async () => {
    const { client, destinations } = telling();
    await client.get('/', { params: { a: 'x\r\ny' } });
    expect(destinations[0]?.search).toBe('?a=x%0D%0Ay');
  });
});

const pieces = [
  ...['http', 'https', 'HTTP', 'ftp', 'data', 'javascript', 'blob', 'file'],
  ...[
    ':',
    '//',
    '/',
    '\\',
    '\\\\',
    '@',
    '?',
    '#',
    '.',
    '..',
    '%2e%2e',
    '%2f',
    '%5c',
    '%40',
    '%00',
    ';',
    '[',
    ']',
    '|',
    '^',
  ],
  ...['\t', '\n', '\r', ' ', '\u00a0', '\ufeff', '\u200b', '\uff0f', '\u3002', '\u2044', '\uff1a'],
  ...[
    'evil.test',
    'api.test',
    'api.test:8080',
    ':8080',
    ':80',
    'user:pw',
    'localhost',
    '127.0.0.1',
    '0x7f.1',
    '[::1]',
    'xn--',
  ],
];
const urlish = fc
  .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: fc.string() }), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

describe('whatever URL a call is given', () => {
  it('goes to the origin of baseURL or is refused', async () => {
    const { client, destinations } = telling({ retry: false });
    const call = async (url: string, baseURL: string | undefined) => {
      destinations.length = 0;
      const options = { ...(baseURL !== undefined && { baseURL }), params: { q: 1 } };
      const error = await client.get(url, options).then(
        () => undefined,
        (reason) => reason,
      );
      if (error !== undefined) expect(refusals).toContain(error.code);
      expect(destinations).toHaveLength(error === undefined ? 1 : 0);
      for (const { origin } of destinations) expect(origin).toBe(good);
    };
    await fc.assert(fc.asyncProperty(urlish, fc.option(urlish, { nil: undefined, freq: 4 }), call), { numRuns: 2000 });
  });
});

describe('over real sockets', () => {
  let server: Upstream;
  let evil: Upstream;
  let client: HttpClient;

  beforeEach(async () => {
    server = await startHttp((_, response) => response.end('good'));
    evil = await startHttp((_, response) => response.end('evil'));
    client = createHttpClient({ baseURL: server.origin, retry: false }, { logger: silent });
  });

  it.each([
    ['the fast lane', {}],
    ["axios's http adapter", { maxRedirects: 1 }],
  ])('no trick reaches another server on %s', async (_, options) => {
    const host = evil.origin.replace('http://', '');
    const urls = [
      ...[evil.origin, `//${host}`, `/\\${host}`, `\\\\${host}`, `@${host}`, `http:${host}`, `http:\\\\${host}`],
      ...[`/..//${host}`, `${server.origin}@${host}`, `\t//${host}`, `/%2f${host}`, `;@${host}`, `.${host}`],
    ];
    for (const url of urls) {
      const answer = await client.get(url, options).catch((error) => error);
      if (answer instanceof Error) expect(refusals).toContain((answer as { code?: string }).code);
      else expect(answer.data).toBe('good');
    }
    expect(evil.requests).toEqual([]);
    await client.close();
  });
});
