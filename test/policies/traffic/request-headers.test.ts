/** requestHeaders: what a call is sent with, whatever it has set itself. */
import { AxiosHeaders } from 'axios';
import type { HttpClientConfig, Request } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { turn } from '../../properties/world.js';
import { clientOver, rejection, scripted } from '../../support/client.js';

type Changes = NonNullable<HttpClientConfig['requestHeaders']>;

/** A client, and the headers of each request that reached the wire, by their lower-case names. */
function changing(requestHeaders: Changes, config: HttpClientConfig = {}, ...statuses: number[]) {
  const requests: Request[] = [];
  const transport = async (request: Request) => {
    const status = statuses[requests.length] ?? 200;
    requests.push(request);
    return { status, statusText: '', data: '', headers: {}, config: request, request: {} };
  };
  const client = clientOver(transport as never, { requestHeaders, ...config });
  onTestFinished(() => client.close({ grace: 0 }));
  const sent = () =>
    requests.map(({ headers }) =>
      Object.fromEntries(
        Object.entries(AxiosHeaders.from(headers as AxiosHeaders).toJSON()).map(([name, value]) => [
          name.toLowerCase(),
          value,
        ]),
      ),
    );
  return { client, requests, sent };
}

const get = async (requestHeaders: Changes, headers: object = {}, config: HttpClientConfig = {}) => {
  const { client, sent } = changing(requestHeaders, config);
  await client.get('/', { headers } as object);
  return sent()[0] as Record<string, unknown>;
};

describe('a header', () => {
  it('of `remove` is not sent, in whatever case the call has set it', async () => {
    expect(await get({ remove: ['X-Internal'] }, { 'x-internal': '1', 'x-other': '2' })).toMatchObject({
      'x-other': '2',
    });
    expect(await get({ remove: ['x-internal'] }, { 'X-INTERNAL': '1' })).not.toHaveProperty('x-internal');
  });

  it('of `remove` is not sent either where `headers` has set it', async () => {
    expect(await get({ remove: ['x-a'] }, {}, { headers: { 'x-a': '1' } })).not.toHaveProperty('x-a');
  });

  it('of `replace` replaces that of the call, and is not added where the call has none', async () => {
    expect(await get({ replace: { 'x-a': 'new' } }, { 'X-A': 'old' })).toMatchObject({ 'x-a': 'new' });
    expect(await get({ replace: { 'x-a': 'new' } })).not.toHaveProperty('x-a');
    expect(await get({ replace: { 'x-a': 'new' } }, { 'x-a': null })).not.toHaveProperty('x-a');
    expect(await get({ replace: { 'x-a': 'new' } }, { 'x-a': '' })).toMatchObject({ 'x-a': 'new' });
  });

  it('of `set` is sent in place of that of the call', async () => {
    expect(await get({ set: { 'x-a': 'set' } }, { 'X-A': 'call' }, { headers: { 'x-a': 'client' } })).toMatchObject({
      'x-a': 'set',
    });
    expect(await get({ set: { 'x-a': 'set' } })).toMatchObject({ 'x-a': 'set' });
  });

  it('of `add` comes behind that of the call, as a line of its own', async () => {
    expect(await get({ add: { 'x-a': 'one' } })).toMatchObject({ 'x-a': 'one' });
    expect(await get({ add: { 'x-a': ['one', 'two'] } }, { 'X-A': 'call' })).toMatchObject({
      'x-a': ['call', 'one', 'two'],
    });
    expect(await get({ add: { 'x-a': 'one' } }, { 'x-a': ['a', 'b'] })).toMatchObject({ 'x-a': ['a', 'b', 'one'] });
  });

  it('is removed, then replaced, then set, then added to', async () => {
    const all = { remove: ['x-a'], replace: { 'x-a': 'replaced' }, add: { 'x-a': 'added' } };
    expect(await get(all, { 'x-a': 'call' })).toMatchObject({ 'x-a': 'added' });
    expect(await get({ ...all, set: { 'x-a': 'set' } }, { 'x-a': 'call' })).toMatchObject({ 'x-a': ['set', 'added'] });
  });
});

describe('the headers of a call', () => {
  it('are changed once: each retry sends the same', async () => {
    const { client, sent } = changing(
      { add: { 'x-a': 'added' } },
      { retry: { backoff: { base: 1, max: 1 } } },
      503,
      503,
    );
    await client.get('/', { headers: { 'x-a': 'call' } });
    expect(sent().map((headers) => headers['x-a'])).toEqual(Array(3).fill(['call', 'added']));
  });

  it('stay as they are in the object of the caller, and in the error that it gets', async () => {
    const { client } = changing({ set: { authorization: 'Bearer secret' } }, { retry: false }, 500);
    const config = { headers: { 'x-a': 'call' } };
    const error = await rejection(client.get('/', config));
    expect(config).toEqual({ headers: { 'x-a': 'call' } });
    expect(JSON.stringify((error.config as unknown as { headers: AxiosHeaders }).headers)).not.toContain('secret');
    expect(String(error.stack)).not.toContain('secret');
  });

  it('come to a mirrored copy as they were changed, and to the target of a split', async () => {
    const { client, sent } = changing(
      { remove: ['x-token'], set: { 'x-a': 'set' } },
      {
        split: [
          {
            targets: [
              { name: 'a', baseURL: 'http://a.test', weight: 1, headers: { 'x-b': 'target' }, removeHeaders: ['X-C'] },
            ],
          },
        ],
        mirror: [{ baseURL: 'http://shadow.test' }],
      },
    );
    await client.get('/', { headers: { 'x-token': 't', 'x-a': 'call', 'x-c': 'call' } });
    await turn();
    await turn();
    expect(sent()).toHaveLength(2);
    for (const headers of sent()) {
      expect(headers).toMatchObject({ 'x-a': 'set', 'x-b': 'target' });
      for (const name of ['x-token', 'x-c']) expect(headers).not.toHaveProperty(name);
    }
  });
});

describe('credentials', () => {
  const auth = { username: 'u', password: 'p' };
  const removed: Changes = { remove: ['Authorization'] };

  it.each([
    ['in the `auth` option', { auth }, {}],
    ['in the URL of the client', {}, { baseURL: 'http://u:p@api.test' }],
    ['in a header', { headers: { Authorization: 'Basic dTpw' } }, {}],
  ] as const)('%s are removed, replaced and set like every header', async (_, call, config) => {
    const authorization = async (changes: Changes) => {
      const { client, sent, requests } = changing(changes, config);
      await client.get('/', call as object);
      const [request] = requests;
      expect(JSON.stringify([request?.auth, request?.baseURL, request?.url])).not.toMatch(/u:p@|password/);
      return sent()[0]?.authorization;
    };
    expect(await authorization(removed)).toBeUndefined();
    expect(await authorization({ set: { authorization: 'Bearer ours' } })).toBe('Bearer ours');
    expect(await authorization({ replace: { authorization: 'Bearer ours' } })).toBe('Bearer ours');
    expect(
      await authorization({ replace: { authorization: 'Bearer ours' }, remove: ['authorization'] }),
    ).toBeUndefined();
  });

  it('are removed and set for the target of a split too', async () => {
    const authorization = async (fields: object) => {
      const targets = [{ name: 'a', baseURL: 'http://a.test', weight: 1, ...fields }];
      const { client, sent, requests } = changing({ remove: ['x-none'] }, { split: [{ targets }] });
      await client.get('/', { auth });
      expect(requests[0]?.auth === undefined).toBe(Object.keys(fields).length > 0);
      return sent()[0]?.authorization;
    };
    expect(await authorization({ removeHeaders: ['Authorization'] })).toBeUndefined();
    expect(await authorization({ headers: { authorization: 'Bearer target' } })).toBe('Bearer target');
    expect(await authorization({})).toBeUndefined();
  });

  it('are left alone where no change is about them', async () => {
    const { client, requests } = changing({ remove: ['x-a'] });
    await client.get('/', { auth });
    expect(requests[0]?.auth).toEqual(auth);
  });
});

describe('headers of ours', () => {
  it('of the call are changed like those of the caller: request id and idempotency key', async () => {
    const { client, sent } = changing({ remove: ['x-request-id'], set: { 'idempotency-key': 'fixed' } });
    await client.post('/', {}, { idempotencyKey: 'mine' });
    expect(sent()[0]).not.toHaveProperty('x-request-id');
    expect(sent()[0]).toMatchObject({ 'idempotency-key': 'fixed' });
  });

  it('of each attempt come later: the number of the attempt and the time that is left', async () => {
    const { client, sent } = changing(
      { set: { 'x-attempt': 'no', 'x-left': 'no' } },
      { tracing: { attemptCountHeader: 'x-attempt' }, deadlineHeader: { name: 'x-left', external: true } },
    );
    await client.get('/');
    expect(sent()[0]).toMatchObject({ 'x-attempt': '1', 'x-left': expect.stringMatching(/^\d+$/) });
  });

  it('that the wire would add are not sent where they are removed', async () => {
    const { client, requests } = changing({ remove: ['User-Agent', 'accept-encoding'] });
    await client.get('/', { headers: { 'user-agent': 'me' } });
    const headers = requests[0]?.headers as unknown as Record<string, unknown>;
    expect([headers['User-Agent'], headers['accept-encoding']]).toEqual([false, false]);
  });
});

describe('the section', () => {
  it('is not in the stack where it is absent', () => {
    expect(scripted([]).client.pipeline).not.toContain('requestHeaders');
  });

  it.each<[object, string]>([
    [{ add: { Host: 'a.test' } }, 'one host'],
    [{ add: { 'content-length': '1' } }, 'one host'],
    [{ set: { 'x a': 'b' } }, 'name of a header'],
    [{ set: { 'x-a': 'a\r\nx-b: c' } }, 'one line of text'],
    [{ add: { 'x-a': [] } }, 'requestHeaders.add'],
    [{ put: { 'x-a': 'b' } }, 'requestHeaders.put'],
  ])('is refused for %j', (requestHeaders, message) => {
    expect(() => changing(requestHeaders as Changes)).toThrow(message);
  });
});
