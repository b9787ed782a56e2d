/** The admin handler below a path of node:http, Express, Fastify and Nest. */
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import fastify from 'fastify';
import { type Admin, type AdminOptions, createAdmin } from 'pillion/admin';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask, client, force } from './asking.js';

type Make = (options?: AdminOptions) => Admin;

async function listening(server: http.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

async function onExpress(make: Make, ...before: express.RequestHandler[]): Promise<number> {
  const app = express();
  for (const each of before) app.use(each);
  app.use('/admin', make());
  return listening(http.createServer(app));
}

async function onFastify(make: Make): Promise<number> {
  const app = fastify();
  const admin = make({ prefix: '/admin' });
  for (const path of ['/admin', '/admin/*'])
    app.all(path, (request, reply) => {
      reply.hijack();
      admin(request.raw, reply.raw);
    });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

async function onNest(make: Make, ...adapter: [] | [FastifyAdapter]): Promise<number> {
  @Module({})
  class App {}
  const app = await NestFactory.create(App, ...(adapter as [FastifyAdapter]), { logger: false });
  app.use('/admin', make());
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  return (app.getHttpServer().address() as AddressInfo).port;
}

const hosts: [string, (make: Make) => Promise<number>][] = [
  ['node:http, by prefix', (make) => listening(http.createServer(make({ prefix: '/admin' })))],
  ['Express', (make) => onExpress(make)],
  ['Express that has parsed the body', (make) => onExpress(make, express.json())],
  ['Express that has read the body as text', (make) => onExpress(make, express.text({ type: '*/*' }))],
  ['Fastify', (make) => onFastify(make)],
  ['Nest', (make) => onNest(make)],
  ['Nest on Fastify', (make) => onNest(make, new FastifyAdapter())],
];

function making(options: AdminOptions = {}): Make {
  return (more) => {
    const admin = createAdmin([client()], { writable: true, ...options, ...more });
    onTestFinished(() => admin.close());
    return admin;
  };
}

describe('mounted', () => {
  it.each(hosts)('on %s it answers below its path', async (_, mount) => {
    const port = await mount(making());
    expect((await ask(port, '/admin/ready')).json).toMatchObject({ status: 'up' });
    expect((await ask(port, '/admin/stats?format=json')).json).toMatchObject({ clients: { billing: {} } });
    expect(await force(port, 'open', { path: '/admin/clients/billing/circuit' })).toMatchObject({ status: 200 });
    expect((await ask(port, '/admin/')).text).toMatch(/^<!doctype html>/);
    expect(await ask(port, '/admin/nothing')).toMatchObject({ status: 404, json: { routes: expect.any(Array) } });
    // The page's links are relative.
    expect(await ask(port, '/admin')).toMatchObject({ status: 308, headers: { location: 'admin/' } });
  });

  it.each(hosts)('on %s its events come, and end with it', async (_, mount) => {
    let admin: Admin | undefined;
    const port = await mount((options) => {
      admin = making()(options);
      return admin;
    });
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get({ port, host: '127.0.0.1', path: '/admin/events', agent: false }, resolve).on('error', reject);
    });
    const pieces = response.setEncoding('utf8')[Symbol.asyncIterator]();
    expect((await pieces.next()).value).toMatch(/^data: \{.*"billing"/);
    await admin?.close();
    while (!(await pieces.next()).done);
    expect(response.complete).toBe(true);
  });

  it('a server that only gets connections from another one keeps its streams', async () => {
    const inner = http.createServer(making()());
    const outer = net.createServer((socket) => void inner.emit('connection', socket));
    const port = await listening(outer as http.Server);
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get({ port, host: '127.0.0.1', path: '/events', agent: false }, resolve).on('error', reject);
    });
    onTestFinished(() => void response.destroy());
    const pieces = response.setEncoding('utf8')[Symbol.asyncIterator]();
    for (let count = 0; count < 2; count++) expect((await pieces.next()).value).toMatch(/^data: /);
    const { headers } = await ask(port, '/ready', { headers: { connection: 'keep-alive' } });
    expect(headers.connection).toBe('keep-alive');
  });

  it('a server that closes answers what a connection asks meanwhile, and then closes the connection', async () => {
    const admin = making()();
    let release = () => {};
    const server = http.createServer((request, response) => {
      if (request.url !== '/slow') return admin(request, response);
      release = () => response.end();
    });
    const port = await listening(server);
    // A request that is still worked on keeps the connection of a server that closes.
    const asked = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
    const socket = net.connect(port, '127.0.0.1').setEncoding('utf8');
    await ask(port, '/ready');
    socket.write(asked('/slow'));
    await vi.waitFor(() => expect(String(release)).toContain('end'));
    const closed = new Promise((resolve) => server.close(resolve));
    release();
    socket.write(asked('/events'));
    let text = '';
    for await (const chunk of socket) text += chunk;
    await closed;
    const [, answer = ''] = text.split(/^(?=HTTP\/1\.1 503 )/m);
    expect(answer).toContain('The server is closing.');
    expect(answer).toMatch(/^connection: close\r$/im);
  });

  it.each([1, 2])('over HTTP/2 its events come, and let %d connections go when the server closes', async (count) => {
    const server = http2.createServer(making()() as never);
    const port = await listening(server as unknown as http.Server);
    const sessions = Array.from({ length: count }, () => http2.connect(`http://127.0.0.1:${port}`));
    const firsts = sessions.map((session) => {
      const stream = session.request({ ':path': '/events' }).setEncoding('utf8');
      return new Promise((resolve) => stream.once('data', resolve));
    });
    for (const first of await Promise.all(firsts)) expect(first).toMatch(/^data: \{.*"billing"/);
    const ended = sessions.map((session) => new Promise((resolve) => session.once('close', resolve)));
    await new Promise((resolve) => server.close(resolve));
    await Promise.all(ended);
  });

  it('a path that only begins like the prefix is another one', async () => {
    const port = await listening(http.createServer(making()({ prefix: '/admin' })));
    for (const path of ['/adminready', '/administrator', '/admin-ready'])
      expect((await ask(port, path)).status).toBe(404);
    expect((await ask(port, '/admin?x')).status).toBe(308);
  });
});
