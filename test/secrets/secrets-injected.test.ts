import { inspect } from 'node:util';
import axios, { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { describe, expect, it } from 'vitest';
import { baseURL, rejection } from '../support/client.js';
import { basicCall, leaks, leaksOf, logging, secretBody } from './planted.js';

/** An AxiosError as other adapters and mocks make them: everything it knows is on it, enumerable. */
function foreign(request: InternalAxiosRequestConfig, code = 'ECONNRESET', cause?: unknown): AxiosError {
  const config = { ...request, headers: new AxiosHeaders({ authorization: 'planted-foreign' }) };
  const error = new AxiosError('socket hang up', code, config, { headers: { cookie: 'planted-foreign' } });
  return Object.assign(error, { extra: { token: 'planted-extra' } }, cause !== undefined && { cause });
}

function answered(request: InternalAxiosRequestConfig, status: number): AxiosError {
  const response = { status, statusText: '', headers: { 'x-token': 'planted' }, data: 'planted-body', config: request };
  return new AxiosError(`Request failed with status code ${status}`, 'ERR_BAD_RESPONSE', request, {}, response);
}

type Throwing = (request: InternalAxiosRequestConfig) => unknown;

const rejections: Record<string, Throwing> = {
  'an AxiosError without a response': (request) => foreign(request),
  'an AxiosError with a response': (request) => answered(request, 500),
  'an AxiosError with a successful response': (request) => answered(request, 200),
  'an AxiosError that is not retried': (request) => foreign(request, 'CERT_HAS_EXPIRED'),
  'an AxiosError whose cause is another': (request) => foreign(request, 'ECONNRESET', answered(request, 500)),
  'a chain of causes': (request) => {
    const inner = new Error('outer', { cause: new Error('middle', { cause: foreign(request) }) });
    return foreign(request, 'ECONNRESET', inner);
  },
  'an AxiosError that is its own cause': (request) => {
    const error = foreign(request);
    return Object.assign(error, { cause: error });
  },
  'a plain Error whose cause is an AxiosError': (request) => new Error('it failed', { cause: answered(request, 500) }),
  'an AggregateError of AxiosErrors': (request) =>
    new AggregateError([foreign(request), answered(request, 500)], 'all'),
  'an AxiosError whose cause is an AggregateError': (request) =>
    foreign(request, 'ECONNREFUSED', new AggregateError([foreign(request)], 'all')),
  'an AxiosError whose cause is no error': (request) => foreign(request, 'ECONNRESET', { token: 'planted-cause' }),
  'an AxiosError whose cause has the URL': (request) =>
    foreign(
      request,
      'ECONNRESET',
      Object.assign(new Error('x'), { url: 'http://api.test/?token=planted', reason: {} }),
    ),
  'a frozen AxiosError': (request) => Object.freeze(answered(request, 500)),
  'a sealed AxiosError': (request) => Object.seal(foreign(request)),
  'an AxiosError whose cause is frozen': (request) =>
    foreign(request, 'ECONNRESET', Object.freeze(answered(request, 500))),
  'a frozen Error whose cause is a frozen AxiosError': (request) =>
    Object.freeze(new Error('it failed', { cause: Object.freeze(answered(request, 500)) })),
  'an AxiosError with properties that cannot be taken off': (request) =>
    Object.defineProperty(foreign(request), 'session', { value: 'planted-session' }),
  'an AxiosError with symbols and getters': (request) =>
    Object.defineProperties(foreign(request), {
      [Symbol('token')]: { value: 'planted-symbol', enumerable: true, configurable: true },
      session: { get: () => 'planted-session', enumerable: true, configurable: true },
    }),
  'an AxiosError that would print itself': (request) =>
    Object.assign(foreign(request), {
      toJSON: () => request,
      [inspect.custom]: () => 'planted-inspected',
      reason: { token: 'planted-reason' },
    }),
  'an AxiosError over things that are no errors': (request) =>
    foreign(request, 'ECONNRESET', new AggregateError([{ token: 'planted-object' }, 'planted-text'], 'all')),
  'something that is no error': (request) => ({ config: request, token: 'planted-object' }),
  'a text': () => 'a text',
  nothing: () => undefined,
  'a CanceledError of its own': (request) => new axios.CanceledError('stopped', request),
  'an AxiosError of another copy of axios': (request) => {
    const error = new Error('socket hang up');
    const toJSON = () => ({ config: request });
    return Object.assign(error, { isAxiosError: true, code: 'ECONNRESET', config: request, toJSON });
  },
};

const errors = Object.keys(rejections).filter(
  (name) => !['something that is no error', 'a text', 'nothing'].includes(name),
);

async function failing(name: string, deps: (reject: Throwing) => HttpClientDeps) {
  const log = logging('otel');
  const reject = rejections[name] as Throwing;
  const config = { baseURL, ...log.config, retry: { backoff: { base: 1, max: 1 } } };
  const client = createHttpClient(config, { logger: log.logger, random: () => 0, ...deps(reject) });
  const error = await rejection(client.put('/path', secretBody, basicCall));
  return { error, log: log.text(), client };
}

describe('nothing secret is printed by an error', () => {
  it.each(Object.keys(rejections))('where the injected transport rejects with %s', async (name) => {
    const { error, log } = await failing(name, (reject) => ({
      transport: (request) => Promise.reject(reject(request)),
    }));
    expect(error).toBeInstanceOf(Error);
    expect(leaksOf(error)).toEqual([]);
    expect(leaks(log)).toEqual([]);
  });

  it.each(Object.keys(rejections))('where the injected transport throws %s', async (name) => {
    const transport = (reject: Throwing) => (request: InternalAxiosRequestConfig) => {
      throw reject(request);
    };
    const { error } = await failing(name, (reject) => ({ transport: transport(reject) }));
    expect(error).toBeInstanceOf(Error);
    expect(leaksOf(error)).toEqual([]);
  });

  it.each(errors)('where a policy of the caller rejects with %s', async (name) => {
    const { error, log } = await failing(name, (reject) => ({
      perCall: [() => (request) => Promise.reject(reject(request))],
    }));
    expect(leaksOf(error)).toEqual([]);
    expect(leaks(log)).toEqual([]);
  });
});

describe('a call ends', () => {
  it.each(Object.keys(rejections))('where a policy of the caller rejects with %s', async (name) => {
    const { client } = await failing(name, (reject) => ({
      perCall: [() => (request) => Promise.reject(reject(request))],
    }));
    expect(client.stats().calls).toMatchObject({ started: 1, active: 0, succeeded: 0 });
    await client.close();
  });
});

describe('nothing secret is printed by what axios throws around the adapter', () => {
  const client = () => {
    const transport = (config: InternalAxiosRequestConfig) =>
      Promise.resolve({ data: 'planted-body', status: 200, statusText: '', headers: {}, config });
    return createHttpClient({ baseURL, logging: false }, { transport });
  };

  it('where transformRequest throws', async () => {
    const thrown = new Error('cannot encode');
    const transformRequest = () => {
      throw thrown;
    };
    const error = await rejection(client().put('/', secretBody, { ...basicCall, transformRequest }));
    expect(error).toMatchObject({ isAxiosError: true, cause: thrown });
    expect(leaksOf(error)).toEqual([]);
  });

  it('where transformResponse throws an AxiosError', async () => {
    const error = await rejection(
      client().put('/', secretBody, {
        ...basicCall,
        transformResponse(this: InternalAxiosRequestConfig) {
          throw new AxiosError('not understood', 'ERR_BAD_RESPONSE', this);
        },
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE' });
    expect(leaksOf(error)).toEqual([]);
  });

  it('where the body cannot be made JSON', async () => {
    const body: Record<string, unknown> = { ...secretBody };
    body.self = body;
    const error = await rejection(client().put('/', body, basicCall));
    expect(error).toBeInstanceOf(Error);
    expect(leaksOf(error)).toEqual([]);
  });

  it('on an instance made by create', async () => {
    const options = { ...basicCall, responseType: 'json', transitional: { silentJSONParsing: false } } as const;
    const child = client().create();
    expect(leaksOf(await rejection(child.put('/', secretBody, options)))).toEqual([]);
    const signal = AbortSignal.abort();
    expect(leaksOf(await rejection(child.put('/', secretBody, { ...basicCall, signal })))).toEqual([]);
    const grandchild = child.create();
    expect(leaksOf(await rejection(grandchild.put('/', secretBody, { ...basicCall, signal })))).toEqual([]);
  });
});
