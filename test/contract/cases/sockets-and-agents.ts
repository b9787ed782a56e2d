import nodeHttp from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxiosRequestConfig } from 'axios';
import { onTestFinished } from 'vitest';
import { type Case, once } from '../case.js';
import { failure, pick, refusal } from '../outcomes.js';

/** A server on a unix socket that says which path it was asked for. */
async function startUnix(): Promise<string> {
  const path = join(tmpdir(), `contract-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  const server = nodeHttp.createServer((request, response) => void response.end(request.url));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return path;
}

/** An agent that counts what it is asked for. */
function counting<A extends nodeHttp.Agent>(agent: A): { agent: A; count: () => number } {
  let requests = 0;
  const asked = agent as unknown as { addRequest(...given: unknown[]): void };
  const { addRequest } = asked;
  asked.addRequest = (...given) => {
    requests++;
    addRequest.apply(agent, given);
  };
  onTestFinished(() => agent.destroy());
  return { agent, count: () => requests };
}

export const socketsAndAgents: readonly Case[] = [
  {
    name: 'socketPath asks a unix socket',
    only: once,
    run: async ({ http }) => (await http.get('http://unix/a?b=1', { socketPath: await startUnix() })).data,
    expect: '/a?b=1',
  },
  {
    name: 'a socket outside allowedSocketPaths is refused',
    only: once,
    run: async ({ http }) => {
      const socketPath = await startUnix();
      const allowed = { socketPath, allowedSocketPaths: [socketPath] } as AxiosRequestConfig;
      const refused = { socketPath, allowedSocketPaths: ['/another.sock'] } as AxiosRequestConfig;
      const { status } = await http.get('http://unix/', allowed);
      return [status, pick(await failure(http.get('http://unix/', refused)), 'code')];
    },
    expect: [200, { code: 'ERR_BAD_OPTION_VALUE' }],
  },
  {
    name: "the caller's httpAgent makes the connection",
    only: once,
    run: async ({ http }) => {
      const { agent, count } = counting(new nodeHttp.Agent());
      return [(await http.get('/echo', { httpAgent: agent })).status, count()];
    },
    expect: [200, 1],
  },
  {
    name: "the caller's httpsAgent makes the connection",
    only: ['https'],
    run: async ({ http, ca }) => {
      const { agent, count } = counting(new https.Agent({ ca }));
      return [(await http.get('/echo', { httpsAgent: agent })).status, count()];
    },
    expect: [200, 1],
  },
  {
    name: 'socketPath has to be a string',
    only: once,
    run: async ({ http }) =>
      pick((await refusal(http.get('/echo', { socketPath: 1 as never }))) as { code: string }, 'code'),
    expect: { code: 'ERR_BAD_OPTION_VALUE' },
  },
];
