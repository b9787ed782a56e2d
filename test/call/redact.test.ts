/** redact: how a URL may be shown. */
import { describe, expect, it } from 'vitest';
import { redactQuery, redactUrl } from '../../src/call/redact.js';

describe('redactUrl', () => {
  it.each([
    ['http://api.test/a', 'http://api.test/a'],
    ['/a', '/a'],
    ['', ''],
    ['http://api.test/a?b=1&c=2', 'http://api.test/a?b=REDACTED&c=REDACTED'],
    ['/a?b=1', '/a?b=REDACTED'],
    ['http://api.test/a?', 'http://api.test/a?REDACTED'],
    ['http://api.test/a?token', 'http://api.test/a?REDACTED'],
    ['http://api.test/a?=x', 'http://api.test/a?=REDACTED'],
    ['http://api.test/a?b=1=2', 'http://api.test/a?b=REDACTED'],
    ['http://api.test/a?b=http://x.test/?c=1', 'http://api.test/a?b=REDACTED'],
    ['http://api.test/a#part', 'http://api.test/a'],
    ['http://api.test/a?b=1#part', 'http://api.test/a?b=REDACTED'],
    ['http://api.test/a#part?b=1', 'http://api.test/a'],
    ['http://user:secret@api.test/a', 'http://REDACTED@api.test/a'],
    ['http://user@api.test/a', 'http://REDACTED@api.test/a'],
    ['http://us@er:sec@ret@api.test/a', 'http://REDACTED@api.test/a'],
    ['//user:secret@api.test/a', '//REDACTED@api.test/a'],
    ['HTTPS://user:secret@api.test', 'HTTPS://REDACTED@api.test'],
    ['http://user:secret@api.test?b=1', 'http://REDACTED@api.test?b=REDACTED'],
    ['http://api.test/@me', 'http://api.test/@me'],
    ['http://api.test/a?to=me@x.test', 'http://api.test/a?to=REDACTED'],
  ])('shows %s as %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });

  it('shows what it has shown once unchanged', () => {
    for (const url of ['http://user:secret@api.test/a?b=1&c#d', '/a?b', '//u@x.test?y=z'])
      expect(redactUrl(redactUrl(url))).toBe(redactUrl(url));
  });
});

describe('redactQuery', () => {
  it.each([
    ['', ''],
    ['?a=1', '?a=REDACTED'],
    ['?a=1&b&c=', '?a=REDACTED&REDACTED&c=REDACTED'],
    ['?a=1#b=2', '?a=REDACTED'],
    ['?a=1&b#secret=2', '?a=REDACTED&REDACTED'],
    ['?a=1#part&secret=2', '?a=REDACTED'],
    ['?a[]=1&a[]=2', '?a[]=REDACTED&a[]=REDACTED'],
  ])('shows %j as %j', (query, shown) => {
    expect(redactQuery(query)).toBe(shown);
  });
});
