/** pathRewrite: which path is sent, what stays of the URL, and that no call leaves its origin. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scripted } from '../../support/client.js';

const origin = 'http://api.test';

async function sent(pathRewrite: Record<string, string>, path: string, config: object = {}, call: object = {}) {
  const { client, transport } = scripted([{ reply: 200 }], { pathRewrite, ...config });
  await client.get(path, call);
  return transport.requests.map(({ url }) => url);
}

describe('pathRewrite', () => {
  it.each([
    [{ '^/api/': '/v1/' }, '/api/x?y=/api/', '/v1/x?y=/api/'],
    [{ '^/api/': '/' }, '/api/x', '/x'],
    [{ '^/api': '' }, '/api', '/'],
    [{ '^/api': '' }, '/apix', '/x'],
    [{ '^/': '/base/' }, '/x', '/base/x'],
    [{ '^/old$': '/new' }, '/old?a=1', '/new?a=1'],
    [{ '^/old$': '/new' }, '/older', '/older'],
    [{ '^/user/(\\d+)/(.*)$': '/people/$2/$1' }, '/user/7/name', '/people/name/7'],
    [{ a: 'bb' }, '/a/a', '/bb/bb'],
    [{ '^/a/': '/b/', '^/b/': '/c/' }, '/a/x', '/b/x'],
    [{ '^/a': '/a#b' }, '/a/x', '/a%23b/x'],
    [{ '^/api': '' }, '/api//evil.test/x', '//evil.test/x'],
    [{ '^/api': 'http://evil.test' }, '/api/x', '/http://evil.test/x'],
    [{ '^/api': '@evil.test' }, '/api/x', '/@evil.test/x'],
  ])('%j sends %s as %s', async (rules, path, expected) => {
    const [url] = await sent(rules, path);
    expect(url).toBe(origin + expected);
  });

  it('sees the path as it is sent, that of baseURL and of params included', async () => {
    const config = { baseURL: `${origin}/v1` };
    expect(await sent({ '^/v1/a$': '/v2/b' }, '/a', config, { params: { q: 'x y' } })).toEqual([
      `${origin}/v2/b?q=x+y`,
    ]);
  });

  it('never sends a call to another origin, whatever the path and the text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.string(), async (path, text) => {
        const urls = await sent({ '^/': text.replaceAll('$', '$$$$') }, path || '/').catch(() => []);
        for (const url of urls) expect(new URL(url).origin).toBe(origin);
      }),
      { numRuns: 200 },
    );
  });

  it('of a route takes the place of that of the client', async () => {
    const config = {
      routes: [
        { match: { path: { prefix: '/a/' } }, pathRewrite: { '^/a/': '/one/' } },
        { match: { path: { prefix: '/none/' } }, pathRewrite: false },
      ],
    };
    expect(await sent({ '^/': '/all/' }, '/none/x', config)).toEqual([`${origin}/none/x`]);
    expect(await sent({ '^/': '/all/' }, '/a/x', config)).toEqual([`${origin}/one/x`]);
    expect(await sent({ '^/': '/all/' }, '/b/x', config)).toEqual([`${origin}/all/b/x`]);
  });

  it('reaches the target of a split and the copy of a mirror', async () => {
    const { client, transport } = scripted([{ reply: 200 }, { reply: 200 }], {
      pathRewrite: { '^/api/': '/v1/' },
      split: [{ targets: [{ name: 'green', baseURL: 'http://green.test', weight: 1 }] }],
      mirror: [{ baseURL: 'http://copy.test' }],
    });
    await client.get('/api/x?y=1');
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(transport.requests.map(({ url }) => url).sort()).toEqual([
      'http://copy.test/v1/x?y=1',
      'http://green.test/v1/x?y=1',
    ]);
  });
});
