/** createAdmin: its routes, who may ask, and where it can be mounted. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import fastify from 'fastify';
import { createHttpClient, type HttpClient, type HttpClientConfig, loadHttpClients } from 'pillion';
import { type Admin, type AdminOptions, createAdmin } from 'pillion/admin';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, silent } from '../client/scripted.js';
import { exposition } from '../metrics/exposition.js';

const baseURL = 'http://api.test';
const token = 'a-token-of-some-length';

function client(config: HttpClientConfig = {}): HttpClient {
  const transport = createMockTransport([{ reply: 200 }]);
  const made = createHttpClient({ name: 'billing', baseURL, ...config }, { transport, logger: silent });
  onTestFinished(() => made.close({ grace: 0 }));
  return made;
}

interface Answered {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON was sent.
  json: any;
}

/** By node:http, which lets a test say any Host. */
function ask(port: number, path: string, options: http.RequestOptions = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', path, agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const json = /json/.test(response.headers['content-type'] ?? '') && text ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    request.on('error', reject).end();
  });
}

async function serving(options: AdminOptions = {}, clients = [client()]) {
  const admin = createAdmin(clients, options);
  onTestFinished(() => admin.close());
  const { port, url } = await admin.listen();
  return { admin, port, url, clients, ask: (path: string, more?: http.RequestOptions) => ask(port, path, more) };
}

describe('the routes', () => {
  it('/ready is 200 while clients are up or degraded, 503 once one is down, and says why', async () => {
    const { ask, clients } = await serving();
    expect(await ask('/ready')).toMatchObject({ status: 200, json: { status: 'up' } });
    clients[0]?.forceCircuit('open');
    expect(await ask('/ready')).toMatchObject({
      status: 200,
      json: { status: 'degraded', clients: { billing: { reasons: ['the circuit is forced open'] } } },
    });
    await clients[0]?.close();
    expect(await ask('/ready')).toMatchObject({ status: 503, json: { status: 'down' } });
  });

  it('/stats is JSON, or Prometheus where that is asked for', async () => {
    const { ask, clients } = await serving();
    await clients[0]?.get('/');
    expect((await ask('/stats')).json).toMatchObject({ clients: { billing: { attempts: 1 } } });
    const scrape = {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1' },
    };
    for (const answer of [await ask('/stats?format=prometheus'), await ask('/stats', scrape)]) {
      expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(exposition(answer.text).find(({ name }) => name === 'pillion_client_attempts_total')?.value).toBe(1);
    }
    expect((await ask('/stats?format=xml')).status).toBe(400);
  });

  it('/clients tells of each: health, calls, policies', async () => {
    const { ask } = await serving();
    expect((await ask('/clients')).json).toMatchObject({
      billing: { status: 'up', calls: { started: 0 }, pipeline: expect.arrayContaining(['retry', 'circuitBreaker']) },
    });
  });

  it('/config is what is in force, secrets masked, with its version', async () => {
    const config = { clients: { billing: { baseURL: 'http://u:hunter2@api.test', headers: { 'x-key': 's3cr3t' } } } };
    const registry = loadHttpClients(config, { logger: silent });
    const admin = createAdmin(registry);
    onTestFinished(async () => {
      await admin.close();
      await registry.close();
    });
    const { port } = await admin.listen();
    const { json, text } = await ask(port, '/config');
    expect(json).toMatchObject({
      version: { version: 1, refused: false },
      clients: { billing: { retry: { maxRetries: 2 } } },
    });
    expect(text).not.toMatch(/s3cr3t|hunter2/);
  });

  it('/certs has null for a client without a certificate', async () => {
    const { ask } = await serving();
    expect((await ask('/certs')).json).toEqual({ billing: null });
  });

  it('what is not there is 404 and lists what is; another method is 405 and says which', async () => {
    const { ask } = await serving();
    expect(await ask('/nothing')).toMatchObject({
      status: 404,
      json: { routes: expect.arrayContaining(['GET /ready']) },
    });
    expect(await ask('/stats', { method: 'DELETE' })).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    expect(await ask('/clients/billing/circuit')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await ask('/events', { method: 'POST' })).toMatchObject({ status: 405 });
  });

  it('answer HEAD without a body, and are never kept by a cache', async () => {
    const { ask } = await serving();
    const { status, text, headers } = await ask('/stats', { method: 'HEAD' });
    expect({ status, text }).toEqual({ status: 200, text: '' });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(Number(headers['content-length'])).toBeGreaterThan(100);
  });

  it('take odd URLs', async () => {
    const { ask } = await serving();
    for (const path of ['//evil.test/', '/%', '/clients/%ff/circuit', '/?x', '/..%2f', '/stats?format=%00'])
      expect((await ask(path)).status).toBeLessThan(500);
  });
});

describe('a circuit', () => {
  const post = { method: 'POST' };

  it('is forced where the handler is writable', async () => {
    const { ask, clients } = await serving({ writable: true });
    expect(await ask('/clients/billing/circuit?state=open', post)).toMatchObject({
      status: 200,
      json: { circuit: 'open' },
    });
    expect((await rejection((clients[0] as HttpClient).get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await ask('/clients/billing/circuit?state=auto', post);
    expect((await clients[0]?.get('/'))?.status).toBe(200);
  });

  it('is not elsewhere, nor of a client nobody knows, nor to another state, nor where there is none', async () => {
    const closed = await serving();
    expect(await closed.ask('/clients/billing/circuit?state=open', post)).toMatchObject({ status: 403 });
    const { ask } = await serving({ writable: true }, [client({ circuitBreaker: false })]);
    expect(await ask('/clients/users/circuit?state=open', post)).toMatchObject({
      status: 404,
      json: { clients: ['billing'] },
    });
    expect(await ask('/clients/billing/circuit?state=open', post)).toMatchObject({ status: 400 });
    const other = await serving({ writable: true });
    expect(await other.ask('/clients/billing/circuit?state=ajar', post)).toMatchObject({ status: 400 });
    expect(await other.ask('/clients/billing/circuit', post)).toMatchObject({ status: 400 });
  });

  it.each([
    ['an origin of its own', { origin: 'http://evil.test' }],
    ['no origin', { origin: 'null' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['a browser that says so', { 'sec-fetch-site': 'cross-site' }],
    ['a sister domain', { 'sec-fetch-site': 'same-site' }],
  ])('is not forced by a page of another site: %s', async (_, headers) => {
    const { ask, clients } = await serving({ writable: true });
    expect((await ask('/clients/billing/circuit?state=open', { method: 'POST', headers })).status).toBe(403);
    expect(clients[0]?.stats()).not.toHaveProperty('forcedCircuit');
  });

  it('is forced by its own page', async () => {
    const { ask, port } = await serving({ writable: true });
    const headers = { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' };
    expect((await ask('/clients/billing/circuit?state=open', { method: 'POST', headers })).status).toBe(200);
  });
});

describe('without a token', () => {
  it.each(['localhost', '127.0.0.1', '127.9.9.9:80', '[::1]:3000'])('a request to %s is answered', async (host) => {
    const { ask } = await serving();
    expect((await ask('/stats', { headers: { host } })).status).toBe(200);
  });

  it.each([
    ['to another name, as by DNS rebinding', { host: 'evil.test' }],
    ['to a name that begins so', { host: '127.0.0.1.evil.test' }],
    ['to a private address', { host: '10.0.0.1' }],
    ['without a sensible Host', { host: '@' }],
    ['that a proxy has passed on', { 'x-forwarded-for': '10.0.0.1' }],
    ['that a proxy has passed on by the standard', { forwarded: 'for=10.0.0.1' }],
  ])('a request %s is refused, the page too, and told what to do', async (_, headers) => {
    const { ask } = await serving();
    for (const path of ['/stats', '/', '/events', '/config'])
      expect(await ask(path, { headers })).toMatchObject({
        status: 403,
        json: { error: expect.stringContaining('token') },
      });
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
    const { ask } = await serving({ token });
    const host = 'admin.test';
    expect((await ask('/stats', { headers: { host, authorization: `Bearer ${token}` } })).status).toBe(200);
    expect((await ask('/stats', { headers: { host, authorization: `bearer  ${token}` } })).status).toBe(200);
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${token}`, `Bearer ${token}x`])
      expect((await ask('/stats', { headers: { host, authorization } })).status).toBe(401);
    expect((await ask('/stats')).status).toBe(401);
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

  it.each([['short'], [''], [42 as never]])('is ERR_CONFIG where it is %j', (bad) => {
    expect(() => createAdmin([], { token: bad })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});

describe('mounted', () => {
  const listening = async (server: http.Server) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
    return (server.address() as AddressInfo).port;
  };

  const hosts: [string, (admin: (options: AdminOptions) => Admin) => Promise<number>][] = [
    ['node:http, by prefix', (admin) => listening(http.createServer(admin({ prefix: '/admin' })))],
    [
      'Express',
      (admin) => {
        const app = express();
        app.use(express.json());
        app.use('/admin', admin({}));
        return listening(http.createServer(app));
      },
    ],
    [
      'Fastify',
      async (admin) => {
        const app = fastify();
        const handle = admin({ prefix: '/admin' });
        for (const path of ['/admin', '/admin/*'])
          app.all(path, (request, reply) => {
            reply.hijack();
            handle(request.raw, reply.raw);
          });
        await app.listen({ port: 0, host: '127.0.0.1' });
        onTestFinished(() => app.close());
        return (app.server.address() as AddressInfo).port;
      },
    ],
    [
      'Nest',
      async (admin) => {
        @Module({})
        class App {}
        const app = await NestFactory.create(App, { logger: false });
        app.use('/admin', admin({}));
        await app.listen(0, '127.0.0.1');
        onTestFinished(() => app.close());
        return (app.getHttpServer().address() as AddressInfo).port;
      },
    ],
  ];

  it.each(hosts)('on %s it answers below its path', async (_, mount) => {
    const port = await mount((options) => {
      const admin = createAdmin([client()], { writable: true, ...options });
      onTestFinished(() => admin.close());
      return admin;
    });
    expect((await ask(port, '/admin/ready')).json).toMatchObject({ status: 'up' });
    expect((await ask(port, '/admin/stats?format=json')).json).toMatchObject({ clients: { billing: {} } });
    expect((await ask(port, '/admin/clients/billing/circuit?state=open', { method: 'POST' })).status).toBe(200);
    expect((await ask(port, '/admin/')).text).toMatch(/^<!doctype html>/);
    // The page's links are relative.
    expect(await ask(port, '/admin')).toMatchObject({ status: 308, headers: { location: 'admin/' } });
  });

  it.each(['admin', '/admin/', '/a?b', '//'])('a prefix like %j is ERR_CONFIG', (prefix) => {
    expect(() => createAdmin([], { prefix })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});
