/** What an error looks like. */
import { AxiosError, type AxiosResponse } from 'axios';
import { closedPort } from '../../support/upstream.js';
import { type Case, h1, once } from '../case.js';
import { failure, pick } from '../outcomes.js';
import { sends } from '../server.js';

export const errorShape: readonly Case[] = [
  {
    name: 'a rejection is an AxiosError with config, request and response',
    run: async ({ http, serve }) => {
      const path = serve(sends({ status: 400, body: '{"why":"so"}', headers: { 'x-a': 'b' } }));
      const error = await failure(http.get(path));
      const { name, isAxiosError, status, response, config, request } = error;
      const { data, headers } = response as AxiosResponse;
      const shape = { name, isAxiosError, status, data, header: headers['x-a'], url: config?.url === path };
      return {
        ...shape,
        request: request !== undefined,
        own: error instanceof AxiosError,
        config: config === response?.config,
      };
    },
    expect: {
      name: 'AxiosError',
      isAxiosError: true,
      status: 400,
      data: { why: 'so' },
      header: 'b',
      url: true,
      request: true,
      own: true,
      config: true,
    },
  },
  {
    name: 'the answer of an error has a duration',
    run: async ({ http, serve }) => {
      const { response } = await failure(http.get(serve(sends({ status: 500 }))));
      return Number.isInteger((response as { duration?: number }).duration);
    },
    expect: true,
  },
  {
    name: 'an error without an answer has its cause and the config',
    only: once,
    run: async ({ http }) => {
      const { cause, config, request } = await failure(http.get(`http://127.0.0.1:${await closedPort()}/a`));
      return [(cause as { code?: string }).code, config?.method, request !== undefined];
    },
    expect: ['ECONNREFUSED', 'get', true],
  },
  {
    name: 'error.request says method and path',
    only: h1,
    run: async ({ http, serve }) => {
      const path = serve(sends({ status: 500 }));
      const { request } = await failure(http.get(path));
      return [request.method, request.path === path];
    },
    expect: ['GET', true],
  },
  {
    name: 'an error can be made JSON',
    only: once,
    run: async ({ http, serve }) => {
      const error = await failure(http.get(serve(sends({ status: 404 })), { headers: { 'x-a': 'b' } }));
      return pick(JSON.parse(JSON.stringify(error)), 'code', 'status', 'message', 'name');
    },
    expect: {
      code: 'ERR_BAD_REQUEST',
      status: 404,
      message: 'Request failed with status code 404',
      name: 'AxiosError',
    },
  },
  {
    name: 'the JSON of an error has its config',
    only: once,
    run: async ({ http, serve }) => {
      const error = await failure(http.get(serve(sends({ status: 404 })), { headers: { 'x-a': 'b' } }));
      return JSON.parse(JSON.stringify(error)).config?.headers['x-a'];
    },
    expect: 'b',
    differs: {
      reason: 'No error prints a secret: what is made of one by JSON has no config.',
      wires: ['client'],
      expect: undefined,
    },
  },
  {
    name: 'redact takes secrets out of the JSON of an error',
    only: once,
    run: async ({ http, serve }) => {
      const config = { headers: { 'x-key': 'secret' }, redact: ['x-key'] } as object;
      return JSON.stringify(await failure(http.get(serve(sends({ status: 404 })), config))).includes('secret');
    },
    expect: false,
  },
];
