/** The admin handler below a path of node:http, Express, Fastify and Nest. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import fastify from 'fastify';
import { type Admin, type AdminOptions, createAdmin } from 'pillion/admin';
import { describe, expect, it, onTestFinished } from 'vitest';
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

  it('a path that only begins like the prefix is another one', async () => {
    const port = await listening(http.createServer(making()({ prefix: '/admin' })));
    for (const path of ['/adminready', '/administrator', '/admin-ready'])
      expect((await ask(port, path)).status).toBe(404);
    expect((await ask(port, '/admin?x')).status).toBe(308);
  });
});
