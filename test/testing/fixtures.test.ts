/** createFixtureTransport: records a real upstream, replays it, and writes no secret down. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import {
  createFixtureTransport,
  createMockTransport,
  type FixtureOptions,
  type RecordedRequest,
} from 'pillion/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection, silent } from '../client/scripted.js';
import { startHttp } from '../support/upstream.js';

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-fixtures-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'deep', 'billing.json');
}

function client(file: string, options: FixtureOptions, config: HttpClientConfig = {}) {
  const transport = createFixtureTransport(file, options);
  const made = createHttpClient(
    { baseURL: 'http://api.test', ...config },
    { transport, logger: silent, random: () => 0 },
  );
  onTestFinished(() => made.close({ grace: 0 }));
  return Object.assign(made, { transport });
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a recorded upstream', () => {
  it('answers offline as it did: JSON, text, bytes, streams, statuses, headers', async () => {
    const file = place();
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const upstream = await startHttp((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://x');
      if (pathname === '/json') response.setHeader('content-type', 'application/json').end('{"id": 1, "list": [1, 2]}');
      else if (pathname === '/bytes') response.end(bytes);
      else if (pathname === '/empty') response.writeHead(204).end();
      else response.writeHead(404, { 'x-why': 'gone', 'set-cookie': ['a=1', 'b=2'] }).end('not here');
    });
    const ask = async (mode: 'record' | 'replay') => {
      const asked = client(file, { mode }, { baseURL: upstream.origin });
      const missing = (await rejection(asked.get('/missing'))).response as {
        status: number;
        data: string;
        headers: Record<string, string>;
      };
      let streamed = '';
      for await (const chunk of (await asked.get('/json', { responseType: 'stream' })).data) streamed += chunk;
      return {
        json: (await asked.get('/json', { params: { page: 2 } })).data,
        bytes: (await asked.get('/bytes', { responseType: 'arraybuffer' })).data,
        empty: (await asked.get('/empty')).status,
        missing: { status: missing.status, data: missing.data, why: missing.headers['x-why'] },
        streamed: JSON.parse(streamed),
      };
    };
    const real = await ask('record');
    const before = upstream.requests.length;
    expect(await ask('replay')).toEqual(real);
    expect(upstream.requests).toHaveLength(before);
    expect(real).toMatchObject({
      json: { id: 1 },
      bytes,
      empty: 204,
      missing: { status: 404, data: 'not here', why: 'gone' },
    });
  });

  it('is asked again by a retry, and each attempt is an exchange of its own, in order', async () => {
    const file = place();
    await client(file, { mode: 'record', upstream: createMockTransport([503, { data: { id: 1 } }]) }).get('/x');
    const replayed = client(file, { mode: 'replay' });
    expect((await replayed.get('/x')).data).toEqual({ id: 1 });
    expect(replayed.stats().attempts).toBe(2);
    replayed.transport.assertDone();
  });

  it('fails by the codes it failed by', async () => {
    const file = place();
    await rejection(
      client(file, { mode: 'record', upstream: createMockTransport([{ error: 'CERT_HAS_EXPIRED' }]) }).get('/x'),
    );
    expect((await rejection(client(file, { mode: 'replay' }).get('/x'))).code).toBe('CERT_HAS_EXPIRED');
  });

  it('is known by method, path, query and body, in any order and by any host', async () => {
    const file = place();
    const upstream = createMockTransport([
      { reply: ({ body, method }: RecordedRequest) => ({ data: { was: body, method } }) },
    ]);
    const recorded = client(file, { mode: 'record', upstream });
    for (const id of [1, 2, 3]) await recorded.post('/x', { id, at: undefined });
    await recorded.put('/x', { id: 1 });
    const replayed = client(file, { mode: 'replay' }, { baseURL: 'http://other.test' });
    const answers = await Promise.all([3, 1, 2].map((id) => replayed.post('/x', { id })));
    expect(answers.map(({ data }) => data.was.id)).toEqual([3, 1, 2]);
    expect((await replayed.put('/x', { id: 1 })).data.method).toBe('PUT');
  });

  it('tells of a request that it does not know what it knows', async () => {
    const file = place();
    await client(file, { mode: 'record', upstream: createMockTransport([200]) }).post('/payments', { total: 1 });
    const replayed = client(file, { mode: 'replay' });
    const { message } = await rejection(replayed.post('/payments', { total: 2 }));
    expect(message.split('\n')).toEqual([
      `${file} has no answer for POST /payments.`,
      'The nearest, POST /payments, differs:',
      '  body.total is 2, not 1',
      'It has:',
      '  POST /payments',
      "Record it anew with mode: 'record'.",
    ]);
    // No policy repeats it.
    expect(replayed.stats().attempts).toBe(1);
    await replayed.post('/payments', { total: 1 });
    expect((await rejection(replayed.post('/payments', { total: 1 }))).message).toContain(
      'The nearest, POST /payments, was recorded as often as it has answered now\nIt has:\n  POST /payments (used up)',
    );
  });

  it('tells of answers that were never asked for', async () => {
    const file = place();
    await client(file, { mode: 'record', upstream: createMockTransport([200]) }).get('/x');
    expect(() => createFixtureTransport(file, { mode: 'replay' }).assertDone()).toThrow('GET /x');
  });

  it('may go by headers too', async () => {
    const file = place();
    const upstream = createMockTransport([
      { reply: ({ headers }: RecordedRequest) => ({ data: headers['x-tenant'] }) },
    ]);
    const matchHeaders = ['X-Tenant'];
    const recorded = client(file, { mode: 'record', upstream });
    for (const tenant of ['a', 'b']) await recorded.get('/x', { headers: { 'x-tenant': tenant } });
    const replayed = client(file, { mode: 'replay', matchHeaders });
    expect((await replayed.get('/x', { headers: { 'x-tenant': 'b' } })).data).toBe('b');
  });
});

describe('auto', () => {
  const upstream = () => createMockTransport([{ reply: 200 }]);

  it('records where there is no file, and replays where there is one', async () => {
    vi.stubEnv('CI', '');
    const file = place();
    const first = createFixtureTransport(file, { upstream: upstream() });
    expect(first.mode).toBe('record');
    await createHttpClient({}, { transport: first, logger: silent }).get('http://api.test/x');
    expect(createFixtureTransport(file).mode).toBe('replay');
  });

  it('never records in CI: a file that is missing is an error that says what to do', () => {
    vi.stubEnv('CI', 'true');
    expect(() => createFixtureTransport(place())).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining("mode: 'record'") }),
    );
  });
});

it('a file that is no fixture is ERR_CONFIG', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pillion-')), 'x.json');
  writeFileSync(file, '{');
  expect(() => createFixtureTransport(file, { mode: 'replay' })).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG' }),
  );
});

describe('the file', () => {
  it('holds whole exchanges at any time, however many are under way, and nothing is left beside it', async () => {
    const file = place();
    const recorded = client(file, {
      mode: 'record',
      upstream: createMockTransport([{ reply: { status: 200, data: { ok: true } } }]),
    });
    await Promise.all(Array.from({ length: 30 }, (_, id) => recorded.get(`/${id}`)));
    const { exchanges } = JSON.parse(readFileSync(file, 'utf8'));
    expect(exchanges).toHaveLength(30);
    expect(readdirSync(join(file, '..'))).toEqual(['billing.json']);
    expect(existsSync(file)).toBe(true);
  });

  it('can be read and compared: no dates, no ids, one field a line', async () => {
    const file = place();
    const reply = { data: { id: 1 }, headers: { date: 'today', etag: '"x"', 'x-b': '2', 'content-length': '8' } };
    await client(file, { mode: 'record', upstream: createMockTransport([reply]) }).get('/x');
    const { version, exchanges } = JSON.parse(readFileSync(file, 'utf8'));
    expect({ version, exchanges }).toEqual({
      version: 1,
      exchanges: [
        {
          request: {
            method: 'GET',
            url: 'http://api.test/x',
            headers: { accept: 'application/json, text/plain, */*' },
          },
          response: {
            status: 200,
            headers: { 'content-type': 'application/json', etag: '"x"', 'x-b': '2' },
            json: { id: 1 },
          },
        },
      ],
    });
  });

  it('has no secret that a header, parameter or field tells of, wherever it stands, and replays all the same', async () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{24}$/);
    const name = fc.constantFrom(
      ...[
        'password',
        'api_key',
        'X-Api-Key',
        'access_token',
        'clientSecret',
        'Authorization',
        'session-id',
        'sig',
        'otp',
      ],
    );
    await fc.assert(
      fc.asyncProperty(secret, name, async (text, field) => {
        const file = place();
        const answer = {
          data: { deep: [{ [field]: text }], [field]: { inner: text } },
          headers: { 'set-cookie': `sid=${text}`, [field]: text },
        };
        const send = async (mode: 'record' | 'replay', upstream = createMockTransport([answer, 200])) => {
          const asked = client(file, { mode, upstream }, { retry: false });
          const headers = { [field]: text, cookie: `a=${text}`, 'proxy-authorization': text };
          await asked.post(`/x?${field}=${text}&a=1&${field}=${text}`, { a: [{ [field]: text }] }, { headers });
          await asked.post('http://user:pw@api.test/form', new URLSearchParams({ [field]: text, a: '1' }));
        };
        await send('record');
        expect(readFileSync(file, 'utf8')).not.toContain(text);
        await send('replay', undefined);
      }),
      { numRuns: 40 },
    );
  });

  it('masks what it is told to, by name and in any text', async () => {
    const file = place();
    const mask = {
      headers: ['X-Tenant'],
      fields: ['Iban', /^email$/i],
      text: (text: string) => text.replaceAll('ACME', '***'),
    };
    const reply = { data: { email: 'a@b.c', iban: 'DE1', note: 'for ACME' } };
    const options = { mask, upstream: createMockTransport([reply]) };
    await client(file, { mode: 'record', ...options }).post(
      '/ACME/x?email=a@b.c',
      { iban: 'DE1' },
      { headers: { 'x-tenant': 'ACME 1' } },
    );
    expect(readFileSync(file, 'utf8')).not.toMatch(/ACME|DE1|a@b|a%40b/);
    const replayed = await client(file, { mode: 'replay', mask }).post('/ACME/x?email=other', { iban: 'FR2' });
    expect(replayed.data).toEqual({ email: '***', iban: '***', note: 'for ***' });
  });

  it('keeps what only sounds like one', async () => {
    const file = place();
    const data = { tokens: 12, keyboard: 'de', author: 'x', pinned: true, monkey: 'y', description: 'z', code: 'E_X' };
    await client(file, { mode: 'record', upstream: createMockTransport([{ data }]) }).get('/x');
    expect(JSON.parse(readFileSync(file, 'utf8')).exchanges[0].response.json).toEqual(data);
  });
});
