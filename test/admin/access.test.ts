/** Who may ask the admin handler, and how it is told. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdmin } from 'pillion/admin';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, client, serving, token } from './asking.js';

/** A server that believes its peer to have this address. */
async function asFrom(address: string, options: Parameters<typeof createAdmin>[1] = {}) {
  const admin = createAdmin([client()], options);
  const server = http.createServer((request, response) => {
    Object.defineProperty(request.socket, 'remoteAddress', { value: address, configurable: true });
    admin(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await admin.close();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('without a token', () => {
  it.each(['localhost', '127.0.0.1', '127.9.9.9:80', '[::1]:3000'])('a request to %s is answered', async (host) => {
    const { ask } = await serving();
    expect((await ask('/stats', { headers: { host } })).status).toBe(200);
  });

  it.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])('a request from %s is answered', async (address) => {
    expect((await ask(await asFrom(address), '/stats')).status).toBe(200);
  });

  it.each(['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '127.evil.test', ''])('one from %j is not', async (address) => {
    const port = await asFrom(address);
    for (const path of ['/stats', '/', '/events', '/config'])
      expect(await ask(port, path)).toMatchObject({ status: 403, json: { error: expect.stringContaining('token') } });
  });

  it.each([
    ['to another name, as by DNS rebinding', { host: 'evil.test' }],
    ['to a name that begins so', { host: '127.0.0.1.evil.test' }],
    ['to a private address', { host: '10.0.0.1' }],
    ['without a sensible Host', { host: '@' }],
    ['that a proxy has passed on', { 'x-forwarded-for': '10.0.0.1' }],
    ['that a proxy has passed on by the standard', { forwarded: 'for=10.0.0.1' }],
  ])('a request %s is refused, the page too, and told what to do', async (_, headers) => {
    const { ask } = await serving({ writable: true });
    for (const path of ['/stats', '/', '/events', '/config'])
      expect(await ask(path, { headers })).toMatchObject({
        status: 403,
        json: { error: expect.stringContaining('token') },
      });
    expect((await ask('/clients/billing/circuit', { method: 'POST', headers })).status).toBe(403);
  });

  it('a probe from elsewhere is told whether, but not why', async () => {
    const { ask, clients } = await serving();
    clients[0]?.forceCircuit('open');
    expect(await ask('/ready', { headers: { host: '10.0.0.1:8080' } })).toMatchObject({
      status: 200,
      text: '{\n  "status": "degraded"\n}\n',
    });
  });
});

describe('with a token', () => {
  it('requests from anywhere are answered that carry it, others are not', async () => {
    const port = await asFrom('10.0.0.1', { token });
    const stats = (headers: http.OutgoingHttpHeaders) => ask(port, '/stats', { headers });
    const host = 'admin.test';
    expect((await stats({ host, authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await stats({ host, authorization: `bearer  ${token}` })).status).toBe(200);
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${token}`, `Bearer ${token}x`])
      expect((await stats({ host, authorization })).status).toBe(401);
    expect((await stats({})).status).toBe(401);
    // In a URL it would be in logs and histories.
    expect((await ask(port, `/stats?token=${token}`)).status).toBe(401);
  });

  it('the page is there for everybody, without any figure', async () => {
    const { ask } = await serving({ token });
    const { status, text } = await ask('/');
    expect(status).toBe(200);
    expect(text).not.toContain('billing');
  });

  it('may be a rule', async () => {
    const { ask } = await serving({ token: (request) => request.headers['x-role'] === 'ops' });
    expect((await ask('/stats', { headers: { 'x-role': 'ops' } })).status).toBe(200);
    expect((await ask('/stats')).status).toBe(401);
  });

  it('a rule lets nobody in by a promise, by what is merely truthy, or by throwing, of which nothing is told', async () => {
    const rules = [
      async () => false,
      async () => true,
      () => 'yes',
      () => {
        throw new Error('the database of passwords is gone');
      },
    ];
    for (const rule of rules) {
      const { ask } = await serving({ token: rule as never });
      const { status, text } = await ask('/stats');
      expect(status).toBe(401);
      expect(text).not.toContain('database');
    }
  });
});

describe('createAdmin throws ERR_CONFIG', () => {
  it.each([
    ['a token that could be guessed', { token: 'short' }, /token: must be a string of at least 16 characters/],
    ['an empty token', { token: '' }, /token/],
    ['a token that is none', { token: 42 }, /token/],
    ['a word for whether it is writable', { writable: 'no' }, /writable/],
    ['days that are none', { certificateDays: '14' }, /certificateDays/],
    ['an option that it does not know', { wriatble: true }, /did you mean "writable"/],
    ['a prefix without a slash', { prefix: 'admin' }, /prefix: must be a path/],
    ['a prefix with a slash at its end', { prefix: '/admin/' }, /prefix/],
    ['a prefix with a query', { prefix: '/a?b' }, /prefix/],
    ['a prefix of slashes', { prefix: '//' }, /prefix/],
  ])('for %s', (_, options, message) => {
    expect(() => createAdmin([], options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(message) }),
    );
  });

  it('without telling the token', () => {
    const tell = () => createAdmin([], { token: 'hunter2' });
    expect(tell).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
  });

  it.each([
    ['nothing', undefined],
    ['a client that is in no list', client],
    ['clients that are still loading', Promise.resolve([])],
    ['a list of something else', [{}]],
  ])('for clients that are %s', (_, clients) => {
    expect(() => createAdmin(clients as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining('createAdmin([client])') }),
    );
  });

  it('and listen throws it too, for a port or a host that cannot be', async () => {
    const admin = createAdmin([]);
    onTestFinished(() => admin.close());
    for (const options of [{ port: 70_000 }, { port: -1 }, { port: '80' }, { host: '' }, { hots: 'localhost' }])
      await expect(admin.listen(options as never)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });
});
