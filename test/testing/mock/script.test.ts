import { isAxiosError } from 'axios';
import { createMockTransport, type Reply, type Rule } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { rejection, scripted } from '../../support/client.js';

/** Statuses that GETs to these paths end with. */
async function statuses(script: readonly (Reply | Rule)[], ...paths: string[]) {
  const { client } = scripted(script, { retry: false });
  const all: unknown[] = [];
  for (const path of paths) {
    const [method = 'GET', url = '/'] = path.includes(' ') ? path.split(' ') : ['GET', path];
    const outcome = await client.request({ method, url, validateStatus: null }).catch((error: Error) => error);
    all.push(outcome instanceof Error ? outcome.message : outcome.status);
  }
  return all;
}

describe('replies without a rule', () => {
  it('are given in their order, one for each request', async () => {
    expect(await statuses([200, { status: 201 }, 404], '/a', '/b', '/c')).toEqual([200, 201, 404]);
  });
});

describe('a rule', () => {
  it('answers every request it matches, by method in any case', async () => {
    expect(await statuses([{ method: 'post', reply: 201 }, 200], 'POST /', 'GET /', 'POST /')).toEqual([201, 200, 201]);
  });

  it('matches a path by the same text, without the query', async () => {
    const script = [{ path: '/items', reply: 200 }, 404, 404];
    expect(await statuses(script, '/items?page=2', '/items/7', '/ITEMS')).toEqual([200, 404, 404]);
  });

  it('matches a path by a pattern', async () => {
    expect(await statuses([{ path: /^\/items\/\d+$/, reply: 200 }, 404], '/items/7', '/items/x')).toEqual([200, 404]);
  });

  it.each([/items/g, /\/items/y, /ITEMS/gi])('matches every time by a pattern with flags: %s', async (path) => {
    expect(await statuses([{ path, reply: 200 }], '/items', '/items', '/items')).toEqual([200, 200, 200]);
  });

  it('matches by a function, which sees the request', async () => {
    const second = {
      match: ({ query }: { query: Readonly<Record<string, string>> }) => query.page === '2',
      reply: 202,
    };
    expect(await statuses([second, 200], '/?page=2', '/?page=1')).toEqual([202, 200]);
  });

  it('needs all its conditions', async () => {
    const rule = { method: 'GET', path: '/a', match: () => false, reply: 200 };
    expect(await statuses([rule, 404, 404], '/a', 'POST /a')).toEqual([404, 404]);
    const holds = { ...rule, match: () => true };
    expect(await statuses([holds, 404], '/a', 'POST /a')).toEqual([200, 404]);
  });

  it('without conditions matches everything', async () => {
    expect(await statuses([{ reply: 204 }], '/a', 'POST /b')).toEqual([204, 204]);
  });

  it('goes before replies without a rule, and an earlier rule before a later', async () => {
    const script = [200, { path: /a/, reply: 201 }, { path: '/a', reply: 202 }];
    expect(await statuses(script, '/a', '/b')).toEqual([201, 200]);
  });

  it('with several replies gives them in order and then matches no more', async () => {
    const script = [
      { path: '/a', reply: [500, 404] },
      { path: '/a', reply: 201 },
    ];
    expect(await statuses(script, '/a', '/a', '/a', '/a')).toEqual([500, 404, 201, 201]);
  });

  it('leaves the array it was given alone, so that a script can serve two tests', async () => {
    const script = [{ reply: [200, 201] }];
    expect(await statuses(script, '/', '/')).toEqual([200, 201]);
    expect(await statuses(script, '/', '/')).toEqual([200, 201]);
  });
});

describe('a request that nothing answers', () => {
  const script: Rule[] = [
    { method: 'GET', path: '/items', reply: [200] },
    { path: /^\/orders/, reply: 200 },
    { method: 'post', match: () => false, reply: 200 },
  ];

  it('rejects with what came and what was expected', async () => {
    const { client } = scripted(script);
    await client.get('/items');
    const error = await rejection(client.get('/items?page=1'));
    expect(error.message).toBe(
      'The mock transport has no reply for GET /items (attempt 1). Expected: ' +
        'GET /items (used up); any method /^\\/orders/; POST any path where match() holds.',
    );
  });

  it('of an empty script says that nothing was expected', async () => {
    const { client } = scripted([]);
    const error = await rejection(client.delete('/x'));
    expect(error.message).toBe('The mock transport has no reply for DELETE /x (attempt 1). Expected: nothing more.');
  });

  it('is a plain Error, so that no policy repeats it and no catch block takes it for an answer', async () => {
    const { client, transport } = scripted([503]);
    const error = await rejection(client.get('/'));
    expect(isAxiosError(error)).toBe(false);
    expect(error.message).toContain('(attempt 2)');
    expect(transport.requests).toHaveLength(2);
  });
});

describe('add', () => {
  it('goes on with the script', async () => {
    const { client, transport } = scripted([200], { retry: false });
    transport.add(201, { path: '/x', reply: 202 });
    const got = [await client.get('/'), await client.get('/x'), await client.get('/')];
    expect(got.map(({ status }) => status)).toEqual([200, 202, 201]);
  });
});

describe('assertDone', () => {
  it('is content where every reply was asked for', async () => {
    const { client, transport } = scripted([200, { path: '/a', reply: [201] }, { reply: 204 }]);
    await client.get('/a');
    await client.get('/');
    transport.reset();
    transport.assertDone();
    const done = scripted([200, { path: '/a', reply: [201] }]);
    await done.client.get('/a');
    await done.client.get('/');
    done.transport.assertDone();
  });

  it('throws where replies are left, of rules too, and says how many', async () => {
    const { client, transport } = scripted([200, 200, { path: '/a', reply: [200, 200] }]);
    expect(() => transport.assertDone()).toThrow('4 scripted replies that were never requested');
    await client.get('/a');
    expect(() => transport.assertDone()).toThrow('3 scripted replies');
  });

  it('does not count a rule whose one reply serves any number of requests', () => {
    expect(() => createMockTransport([{ path: '/a', reply: 200 }]).assertDone()).not.toThrow();
  });
});

describe('reset', () => {
  it('forgets script and requests, and the transport can be used on', async () => {
    const { client, transport } = scripted([200, { reply: 404 }]);
    await rejection(client.get('/'));
    transport.reset();
    expect(transport.requests).toEqual([]);
    transport.assertDone();
    expect((await rejection(client.get('/'))).message).toContain('Expected: nothing more.');
    transport.add(201);
    expect((await client.get('/')).status).toBe(201);
    expect(transport.requests).toHaveLength(2);
  });
});
