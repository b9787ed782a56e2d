/** Which names tell of secrets, and what is found in texts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mask, masked } from '../../../src/testing/masking/masking.js';
import { type NamePlace, tellsOfSecret } from '../../../src/testing/masking/secret-names.js';

describe('a name', () => {
  it.each([
    ...['password', 'Password', 'user_password', 'passwordHash', 'newPassword', 'passwd', 'pwd', 'passphrase'],
    ...[
      'token',
      'access_token',
      'accessToken',
      'accesstoken',
      'ACCESS_TOKEN',
      'refresh-token',
      'id_token',
      'X-Auth-Token',
    ],
    ...['secret', 'client_secret', 'clientSecret', 'clientsecret', 'client[secret]', 'oauth.client.secret'],
    ...['apiKey', 'api_key', 'apikey', 'x-api-key', 'secretAccessKey', 'private_key', 'AWSSecretKey'],
    ...['authorization', 'Proxy-Authorization', 'auth', 'bearer', 'jwt', 'credential', 'credentials', 'cookie'],
    ...['X-Amz-Signature', 'X-Amz-Credential', 'X-Amz-Security-Token', 'sig', 'signature', 'hmac', 'code_verifier'],
    ...['client_assertion', 'SAMLResponse', 'sessionId', 'JSESSIONID', 'PHPSESSID', 'csrfToken', 'otp', 'pin', 'cvv'],
    ...['card_number', 'iban', 'ssn'],
  ])('%s marks a secret', (name) => {
    for (const place of ['header', 'parameter', 'field'] as const) expect(tellsOfSecret(name, place), place).toBe(true);
  });

  it.each([
    ...['id', 'name', 'author', 'authors', 'keyboard', 'monkey', 'pinned', 'shopping', 'description', 'className'],
    ...['carbonFootprint', 'passed', 'passenger', 'compass', 'tokens', 'max_tokens', 'total_tokens', 'tokenize'],
    ...[
      'token_type',
      'tokenCount',
      'token_expires_in',
      'password_policy',
      'session_count',
      'sigma',
      'signal',
      'design',
    ],
    ...['www-authenticate', 'content-type', 'keep-alive', 'etag', 'x-ratelimit-limit', '', 'Ünïcödé'],
  ])('%s does not', (name) => {
    for (const place of ['header', 'parameter', 'field'] as const)
      expect(tellsOfSecret(name, place), place).toBe(false);
  });

  it.each<[string, readonly NamePlace[]]>([
    ['key', ['header', 'parameter']],
    ['code', ['parameter']],
    ['X-Auth-Key', ['header', 'parameter', 'field']],
    ['Ocp-Apim-Subscription-Key', ['header']],
    ['Idempotency-Key', ['header']],
  ])('%s does in %j only', (name, places) => {
    const all: NamePlace[] = ['header', 'parameter', 'field'];
    expect(all.filter((place) => tellsOfSecret(name, place))).toEqual(places);
  });
});

describe('a header', () => {
  it.each([
    ['Authorization', 'Bearer abc', 'Bearer ***'],
    ['Authorization', 'Basic dTpw', 'Basic ***'],
    ['Authorization', 'AWS4-HMAC-SHA256 Credential=A, Signature=b', 'AWS4-HMAC-SHA256 ***'],
    ['Authorization', 'two words', '***'],
    ['Cookie', 'a=1; b=2', '***'],
    ['Set-Cookie', 'sid=abc=d; Path=/; HttpOnly', 'sid=***; Path=/; HttpOnly'],
    ['X-Api-Key', 'abc', '***'],
    ['X-Empty-Token', '', ''],
    [
      'Location',
      'https://u:p@host/cb?code=abc&state=1#access_token=xyz',
      'https://***@host/cb?code=***&state=1#access_token=***',
    ],
    ['WWW-Authenticate', 'Bearer realm="api"', 'Bearer realm="api"'],
    ['Content-Type', 'application/json', 'application/json'],
  ])('%s: %s is shown as %s', (name, value, shown) => {
    expect(new Mask().header(name, value)).toBe(shown);
  });
});

describe('a URL', () => {
  it.each([
    ['https://user:pw@api.test/a?b=1#c', 'https://api.test/a?b=1'],
    ['https://api.test/a?token=x&b=1&token=y', 'https://api.test/a?token=***&b=1&token=***'],
    ['https://api.test/a?b=%20+c&key=x', 'https://api.test/a?b=%20+c&key=***'],
    ['https://api.test/a?user%5Bpassword%5D=x', 'https://api.test/a?user%5Bpassword%5D=***'],
    [
      'https://api.test/a?to=https%3A%2F%2Fu%3Ap%40b.test%2F%3Fsig%3D1',
      'https://api.test/a?to=https%3A%2F%2F***%40b.test%2F%3Fsig%3D***',
    ],
    ['https://api.test/a?flag&&=', 'https://api.test/a?flag&&='],
    ['https://api.test/a;jsessionid=x/b', 'https://api.test/a;jsessionid=***'],
    ['https://api.test/%E0%A4%A?token=%E0%A4%A', 'https://api.test/%E0%A4%A?token=***'],
  ])('%s is shown as %s', (url, shown) => {
    expect(new Mask().url(url)).toBe(shown);
  });
});

describe('JSON', () => {
  it('keeps its shape: texts become ***, numbers 0, at any depth below a name that tells', () => {
    const value = {
      id: 1,
      password: 'x',
      pin: 1234,
      token: null,
      secret: true,
      empty: [],
      credentials: { user: 'u', list: ['a', 2, { deep: 'b' }] },
      note: 'plain',
    };
    expect(new Mask().json(value)).toEqual({
      id: 1,
      password: '***',
      pin: 0,
      token: null,
      secret: true,
      empty: [],
      credentials: { user: '***', list: ['***', 0, { deep: '***' }] },
      note: 'plain',
    });
  });

  it('may have any names, __proto__ too', () => {
    const value = JSON.parse('{"__proto__":{"password":"x"},"constructor":1}');
    expect(JSON.stringify(new Mask().json(value))).toBe('{"__proto__":{"password":"***"},"constructor":1}');
  });
});

describe('a text', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl';
  it.each([
    ['{"token":"a\\"b"}\n{"id":"1"}\n', '{"token":"***"}\n{"id":"1"}\n'],
    ['data: {"access_token": "x"}', 'data: {"access_token": "***"}'],
    ['<a><Password kind="x">hunter2</Password><b>c</b></a>', '<a><Password kind="x">***</Password><b>c</b></a>'],
    ['grant_type=password&password=x&scope=y', 'grant_type=password&password=***&scope=y'],
    ['sent Authorization: Bearer abcdef0123456789', 'sent Authorization: Bearer ***'],
    ['Basic authentication is needed', 'Basic authentication is needed'],
    [`found ${token}.`, 'found ***.'],
    ['postgres://u:p@db/x', 'postgres://***@db/x'],
    ['a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b', 'a *** b'],
    ['mail to a@b.c, 1 == 1, x=y', 'mail to a@b.c, 1 == 1, x=y'],
  ])('%j is shown as %j', (text, shown) => {
    expect(new Mask().text(text)).toBe(shown);
  });

  it('is shown the same when it is masked again', () => {
    const parts = fc.constantFrom(
      'token',
      '=',
      '"',
      ':',
      '&',
      'x1',
      'https://',
      '@',
      '<pin>',
      '</pin>',
      ' ',
      '***',
      'Bearer ',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), (all) => {
        const once = new Mask().text(all.join(''));
        expect(new Mask().text(once)).toBe(once);
      }),
    );
  });

  it('of a million characters takes no time to speak of', () => {
    for (const piece of ['a', '=', '"', '<', '-----BEGIN PRIVATE KEY-----', 'eyJ', 'https://', '\\'])
      expect(new Mask().text(piece.repeat(1_000_000 / piece.length)).length).toBeGreaterThan(0);
  }, 5000);
});

describe('a secret that was met under a name', () => {
  it('is found where no name stands, in any spelling', () => {
    const mask = new Mask();
    mask.header('authorization', 'Bearer s3cr/t value');
    expect(mask.scrub({ a: ['got s3cr/t value'], b: '/x/s3cr%2Ft%20value', c: 'q=s3cr%2Ft+value', d: 7 })).toEqual({
      a: ['got ***'],
      b: '/x/***',
      c: 'q=***',
      d: 7,
    });
  });

  it('is not looked for where it may be a word of the language', () => {
    const mask = new Mask();
    mask.json({ password: 'password', token: 'billing', secret: 'production' });
    expect(mask.scrub('the billing password of production')).toBe('the billing password of production');
  });
});

describe('options', () => {
  it('name further headers and fields, keep some, and have the last word on texts', () => {
    const mask = new Mask({
      headers: ['X-Tenant'],
      fields: ['birth_date', /^mail/],
      keep: ['page_token', 'X-Cache-Key'],
      text: (text) => text.replaceAll('ACME', masked),
    });
    expect(mask.header('x-tenant', 'acme')).toBe('***');
    expect(mask.header('X-Cache-Key', 'abc')).toBe('abc');
    expect(mask.json({ birthDate: '1', mailbox: '2', pageToken: '3', name: 'ACME Ltd', token: '4' })).toEqual({
      birthDate: '***',
      mailbox: '***',
      pageToken: '3',
      name: '*** Ltd',
      token: '***',
    });
    expect(mask.url('https://a.test/ACME?birth-date=1&page_token=3')).toBe(
      'https://a.test/***?birth-date=***&page_token=3',
    );
  });
});
