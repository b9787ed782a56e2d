/** url: where a request goes. */
import axios from 'axios';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveUrl } from '../../src/call/url.js';
import { aRequest } from '../policies/alone.js';
import { rejection } from '../support/client.js';

type Asked = Parameters<typeof aRequest>[0];

const resolve = (asked: Asked) => resolveUrl(aRequest({ baseURL: 'http://api.test', ...asked }));
const refused = (asked: Asked) => rejection(Promise.resolve().then(() => resolve(asked)));

describe('resolveUrl', () => {
  it.each<[Asked, string]>([
    [{ url: '/a' }, 'http://api.test/a'],
    [{ url: 'a' }, 'http://api.test/a'],
    [{ url: '' }, 'http://api.test/'],
    [{ baseURL: 'http://api.test/v1', url: '/a' }, 'http://api.test/v1/a'],
    [{ baseURL: 'http://api.test/v1/', url: 'a' }, 'http://api.test/v1/a'],
    [{ baseURL: 'http://api.test/v1//', url: '/a' }, 'http://api.test/v1/a'],
    [{ baseURL: 'http://api.test/v1', url: '' }, 'http://api.test/v1'],
    [{ baseURL: 'http://api.test/v1', url: '?a=1' }, 'http://api.test/v1/?a=1'],
    [{ baseURL: '', url: 'https://other.test/a' }, 'https://other.test/a'],
    [{ url: 'https://other.test/a' }, 'https://other.test/a'],
    [{ url: 'HTTP://OTHER.test/A' }, 'http://other.test/A'],
    [{ url: '/a', params: { b: 1, c: 'd e' } }, 'http://api.test/a?b=1&c=d+e'],
    [{ url: '/a?b=1', params: { c: 2 } }, 'http://api.test/a?b=1&c=2'],
    [{ url: '/a', params: { list: [1, 2] } }, 'http://api.test/a?list%5B%5D=1&list%5B%5D=2'],
    [{ url: '/a', params: { no: undefined, nil: null } }, 'http://api.test/a'],
    [{ url: '/a', params: new URLSearchParams('b=1') }, 'http://api.test/a?b=1'],
    [{ url: '/é' }, 'http://api.test/%C3%A9'],
    [{ url: '/a/../b' }, 'http://api.test/b'],
  ])('reads %j as %s', (asked, href) => {
    expect(resolve(asked).href).toBe(href);
  });

  it('uses the serializer of the call', () => {
    const paramsSerializer = { serialize: (params: Record<string, unknown>) => Object.keys(params).join('~') };
    expect(resolve({ url: '/a', params: { b: 1, c: 2 }, paramsSerializer }).href).toBe('http://api.test/a?b~c');
    const indexes = { indexes: null };
    expect(resolve({ url: '/a', params: { l: [1, 2] }, paramsSerializer: indexes }).path).toBe('/a?l=1&l=2');
  });

  it.each<Asked>([
    { url: '/a/b?c=1' },
    { url: 'a' },
    { url: '' },
    { url: '?x=1' },
    { url: 'https://other.test/' },
    { url: '/a', baseURL: 'http://api.test/v1/' },
    { url: '/a', params: { q: 'a&b=c', list: ['x', 'y'], nested: { k: 'v' }, when: new Date(0) } },
    { url: '/a#top', params: { q: 1 } },
  ])('goes where axios would for %j', (asked) => {
    const base = 'http://api.test';
    const uri = axios.getUri({ baseURL: base, ...(asked as object) });
    expect(resolve(asked).href).toBe(new URL(uri, base).href);
  });

  it('goes where axios would for any base and path, seen before or not', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2E',
      '%41',
      '?',
      '#',
      '@',
      ':',
      'é',
      "'",
      ' x',
    );
    const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
    const base = fc
      .tuple(fc.constantFrom('http://api.test', 'https://API.test:443', 'http://127.1', 'http://api.test:80'), text)
      .map(([origin, tail]) => (tail === '' ? origin : `${origin}/${tail}`));
    fc.assert(
      fc.property(base, text, (baseURL, tail) => {
        const url = `/${tail}`;
        // Both spellings of a request are joined by axios; `new URL` is how a server is found and asked.
        const { href, origin, pathname, search } = new URL(axios.getUri({ baseURL, url, allowAbsoluteUrls: false }));
        const target = resolve({ baseURL, url, allowAbsoluteUrls: false });
        expect(target).toEqual(resolve({ baseURL, url, allowAbsoluteUrls: false }));
        expect({ ...target, href: new URL(target.href).href }).toEqual({ href, origin, path: pathname + search });
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['\r\nX: 1', '\n', '\t', '\0', '\x7f'])('refuses the control character %j', async (bad) => {
    for (const asked of [{ url: `/a${bad}b` }, { baseURL: `http://api.test/${bad}`, url: '/a' }])
      expect(await refused(asked)).toMatchObject({ code: 'ERR_INVALID_URL' });
  });

  it.each(['ftp://api.test/a', 'file:///etc/passwd', 'javascript:alert(1)', 'unix:/run/socket', 'ws://api.test/'])(
    'refuses what is neither http nor https: %s',
    async (url) => {
      expect(await refused({ url, baseURL: '' })).toMatchObject({ code: 'ERR_BAD_REQUEST' });
    },
  );

  it.each(['//a', 'http://', 'http://a b/', 'http://[::1/', 'http://api.test:99999/'])('refuses %j', async (url) => {
    const error = await refused({ url });
    expect(error).toMatchObject({ code: 'ERR_INVALID_URL' });
    expect(error.message).toMatch(/it cannot be parsed/);
  });

  it('says where a relative URL has no baseURL', async () => {
    const error = await refused({ url: '/a', baseURL: '' });
    expect(error.message).toBe('Invalid URL "/a": it is relative and there is no baseURL');
  });

  it.each(['http://user:hunter2@[bad/?token=hunter2', '//user:hunter2@ bad/#hunter2', 'x:hunter2@\n'])(
    'shows no secret of what it refuses: %j',
    async (url) => {
      const error = await refused({ url });
      expect(error.code).toBe('ERR_INVALID_URL');
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('hunter2');
    },
  );
});
