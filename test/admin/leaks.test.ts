/** The admin handler leaves nothing behind, and keeps no process alive. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpClient } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createMockTransport } from 'pillion/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { runChild } from '../support/child.js';
import { silent, until } from '../support/client.js';
import { ask, force, serving } from './asking.js';

const watch = (port: number) =>
  new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ port, host: '127.0.0.1', path: '/events', agent: false }, resolve).on('error', reject);
  });

it('after close there is no timer, socket or listener', async () => {
  const client = createHttpClient(
    { name: 'billing', baseURL: 'http://api.test' },
    { transport: createMockTransport([{ reply: 200 }]), logger: silent },
  );
  onTestFinished(() => client.close());
  await client.get('/');
  const { on } = client;
  let listeners = 0;
  vi.spyOn(client, 'on').mockImplementation((event, listener) => {
    const stop = on(event, listener);
    listeners++;
    return () => {
      listeners--;
      stop();
    };
  });
  const resources = () => process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name));
  const before = resources().length;

  const admin = createAdmin([client], { writable: true });
  const [{ port }, other] = await Promise.all([admin.listen(), admin.listen({ host: 'localhost' })]);
  const readers = [await watch(port), await watch(other.port)];
  for (const reader of readers) reader.resume();
  await force(port, 'open');
  await ask(port, '/stats');
  expect(listeners).toBeGreaterThan(0);

  await admin.close();
  await admin.close();
  expect(listeners).toBe(0);
  for (const reader of readers) reader.destroy();
  await until(() => resources().length <= before);
});

it('once closed it answers 503, watches nobody, and opens no server', async () => {
  const { admin } = await serving();
  await admin.close();
  const server = http.createServer(admin);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  for (const path of ['/', '/events', '/stats', '/ready']) expect((await ask(port, path)).status).toBe(503);
  await expect(admin.listen()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});

it('a server that is still opening is closed too', async () => {
  const { admin } = await serving();
  const opening = admin.listen({ host: 'localhost' });
  const refused = expect(opening).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  await admin.close();
  await refused;
});

it('a port that is taken is told, and nothing stays open', async () => {
  const { admin, port } = await serving();
  await expect(admin.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await admin.close();
});

it('a process ends by itself, though the handler listens and somebody watches', async () => {
  const { code, reports, stderr, lingered } = await runChild(`
    import http from 'node:http';
    import { createHttpClient } from 'pillion';
    import { createAdmin } from 'pillion/admin';
    const admin = createAdmin([createHttpClient({ baseURL: 'http://127.0.0.1:1' })]);
    const { port } = await admin.listen();
    await new Promise((resolve) => {
      http.get({ port, host: '127.0.0.1', path: '/events' }, (response) => {
        response.once('data', (chunk) => { report({ told: String(chunk).slice(0, 6) }); resolve(); });
        response.socket.unref();
      });
    });`);
  expect({ code, reports, stderr }).toEqual({ code: 0, reports: [{ told: 'data: ' }], stderr: '' });
  expect(lingered).toBeLessThan(2000);
});
