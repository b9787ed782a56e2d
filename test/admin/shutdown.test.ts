/** Processes that are told to end while the admin page is open: each server closes, whatever framework it is of. */
import { type ChildProcess, spawn } from 'node:child_process';
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../package/run.js';
import { authority } from '../support/certificates.js';

const prelude = `
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { writeSync } from 'node:fs';
import { createHttpClient } from 'pillion';
import { createAdmin } from 'pillion/admin';
const tls = JSON.parse(process.env.TLS);
const clients = [createHttpClient({ name: 'billing', baseURL: 'http://127.0.0.1:1' })];
const told = (port) => writeSync(1, JSON.stringify({ port }) + '\\n');
const listening = (server) => server.listen(0, '127.0.0.1', () => told(server.address().port));
const onTerm = (close) => process.once('SIGTERM', close);
`;

const plain = (create: string) => `
const admin = createAdmin(clients, { prefix: '/admin' });
const server = listening(${create});
onTerm(() => server.close());
`;
const nest = (imports: string, adapter: string) => `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
${imports}
class App {}
Module({})(App);
const app = await NestFactory.create(App, ${adapter}{ logger: false });
app.use('/admin', createAdmin(clients));
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
told(app.getHttpServer().address().port);
`;

/** Programs that listen, and close their server on SIGTERM as each framework has it. */
const programs: Record<string, string> = {
  'node:http': plain('http.createServer(admin)'),
  'node:https': plain('https.createServer(tls, admin)'),
  'node:http2 with HTTP/1.1': plain('http2.createSecureServer({ ...tls, allowHTTP1: true }, admin)'),
  Express: `
import express from 'express';
const app = express();
app.use('/admin', createAdmin(clients));
const server = listening(http.createServer(app));
onTerm(() => server.close());
`,
  Fastify: `
import fastify from 'fastify';
const app = fastify();
const admin = createAdmin(clients, { prefix: '/admin' });
app.all('/admin/*', (request, reply) => {
  reply.hijack();
  admin(request.raw, reply.raw);
});
await app.listen({ port: 0, host: '127.0.0.1' });
told(app.server.address().port);
onTerm(() => app.close());
`,
  Nest: nest('', ''),
  'admin.listen()': `
const { port } = await createAdmin(clients, { prefix: '/admin' }).listen();
told(port);
const working = setInterval(() => {}, 1000);
onTerm(() => clearInterval(working));
`,
  'Nest on Fastify': nest(`import { FastifyAdapter } from '@nestjs/platform-fastify';`, 'new FastifyAdapter(), '),
};

let tls: string;
beforeAll(async () => {
  const { cert, key } = await (await authority('an authority')).issue({ name: 'server', dns: ['localhost'] });
  tls = JSON.stringify({ cert, key });
});

/** Starts a program and resolves once it listens. */
async function started(program: string): Promise<{ child: ChildProcess; port: number; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', prelude + program], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', TLS: tls },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (text) => resolve(JSON.parse(String(text)).port));
    child.once('exit', () => reject(new Error('The program ended before it listened.')));
  });
  return { child, port, ended };
}

/** A stream of events, once its first snapshot is there; its agent would keep the connection for another request. */
async function watching(port: number, path: string, secure: boolean) {
  const { get, Agent } = secure ? https : http;
  const agent = new Agent({ keepAlive: true });
  const options = { port, host: '127.0.0.1', path, agent, rejectUnauthorized: false };
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    get(options, (response) => {
      response.on('error', () => {}).once('data', () => resolve(response));
    }).on('error', reject);
  });
}

const until = (stream: Readable) => new Promise((resolve) => stream.once('close', resolve));

/** How a process ended that gets SIGTERM now, and after how many milliseconds. */
async function terminated({ child, ended }: { child: ChildProcess; ended: Promise<unknown> }) {
  const from = performance.now();
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 8000);
  const how = await ended;
  clearTimeout(limit);
  return { how, ms: performance.now() - from };
}

describe('SIGTERM while event streams are open', () => {
  it.each(Object.entries(programs))(
    'lets a server of %s close',
    async (name, program) => {
      const { port, ...process } = await started(program);
      const secure = name.startsWith('node:https') || name.startsWith('node:http2');
      const streams = await Promise.all([1, 2, 3].map(() => watching(port, '/admin/events', secure)));
      const closed = Promise.all(streams.map(until));
      const { how, ms } = await terminated(process);
      expect([0, 'SIGTERM']).toContain(how);
      expect(ms).toBeLessThan(5000);
      await closed;
    },
    60_000,
  );
});
