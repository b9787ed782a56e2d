/** UpstreamExceptionFilter: which failures it answers with which status, on Express and Fastify, and what it leaves alone. */
import http from 'node:http';
import { createRequire } from 'node:module';
import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Res,
  UseFilters,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import axios, { AxiosError, CanceledError } from 'axios';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import { UpstreamExceptionFilter, type UpstreamExceptionFilterOptions } from 'pillion/nestjs';
import { createTestClient, type Script } from 'pillion/testing';
import { lastValueFrom, type Observable } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

type Thrown = () => unknown;

/** What the controller does for the next request. */
let act: (response: never) => unknown = () => {};

@Controller()
class OrdersController {
  @Get()
  async find(): Promise<unknown> {
    return act(undefined as never);
  }

  @Get('own')
  async own(@Res() response: never): Promise<unknown> {
    return act(response);
  }
}

const platforms = ['Express', 'Fastify'] as const;

async function serving(platform: (typeof platforms)[number], options?: UpstreamExceptionFilterOptions) {
  const module = await Test.createTestingModule({ controllers: [OrdersController] }).compile();
  const app =
    platform === 'Express'
      ? module.createNestApplication({ logger: false })
      : module.createNestApplication(new FastifyAdapter() as never, { logger: false });
  app.useGlobalFilters(new UpstreamExceptionFilter(options));
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const url = await app.getUrl();
  const ask = async (thrown: Thrown, path = '') => {
    act = async () => {
      throw await thrown();
    };
    const response = await fetch(`${url}/${path}`, { headers: { connection: 'close' } });
    return { status: response.status, after: response.headers.get('retry-after'), body: await response.json() };
  };
  return { ask, url };
}

/** The error of a call with this script. */
const failed = (script: Script, config: HttpClientConfig = {}, call: object = {}) =>
  rejection(createTestClient(script, { baseURL: 'http://10.1.2.3:8080', retry: false, ...config }).get('/x', call));

const answered = (status: number, headers = {}) => failed([{ reply: { status, headers, data: { secret: 's3cr3t' } } }]);

async function refusedByCircuit() {
  const client = createTestClient([], { baseURL: 'http://a.test' });
  client.forceCircuit('open');
  return rejection(client.get('/'));
}

const gateway = { statusCode: 502, message: 'An upstream service failed.', error: 'Bad Gateway' };
const unavailable = {
  statusCode: 503,
  message: 'An upstream service is not available at the moment.',
  error: 'Service Unavailable',
};
const late = { statusCode: 504, message: 'An upstream service did not answer in time.', error: 'Gateway Timeout' };

const coded = (code: string, details = {}) => Object.assign(new AxiosError(`${code} at 10.1.2.3`, code), details);

const table: [string, Thrown, object, (string | null)?][] = [
  ['a status 500', () => answered(500), gateway],
  ['a status 502', () => answered(502, { 'retry-after': '7' }), gateway],
  ['a status 503', () => answered(503), unavailable],
  ['a status 503 with Retry-After', () => answered(503, { 'retry-after': '7' }), unavailable, '7'],
  ['a status 503 with a Retry-After that is no time', () => answered(503, { 'retry-after': 'soon' }), unavailable],
  ['a status 503 with a Retry-After without end', () => answered(503, { 'retry-after': '9'.repeat(400) }), unavailable],
  ['a status 504', () => answered(504), late],
  ['a status 429', () => answered(429, { 'retry-after': '3' }), unavailable, '3'],
  ['a status 404', () => answered(404), gateway],
  ['a status 401', () => answered(401), gateway],
  ['a status that validateStatus refuses', () => failed([204], {}, { validateStatus: () => false }), gateway],
  ['a connection that is refused', () => failed([{ error: 'ECONNREFUSED' }]), gateway],
  ['a connection that breaks', () => failed([{ error: 'ECONNRESET' }]), gateway],
  ['a name that is not known', () => coded('ENOTFOUND'), gateway],
  ['a certificate that is refused', () => coded('CERT_HAS_EXPIRED'), gateway],
  ['a body that is too long', () => coded('ERR_BAD_RESPONSE'), gateway],
  ['a redirect without end', () => coded('ERR_FR_TOO_MANY_REDIRECTS'), gateway],
  ["axios's timeout", () => coded('ECONNABORTED'), late],
  ["axios's timeout with clarifyTimeoutError", () => coded('ETIMEDOUT'), late],
  ['an attempt that took too long', () => coded('ERR_ATTEMPT_TIMEOUT'), late],
  ['a connection that took too long', () => coded('ERR_CONNECT_TIMEOUT'), late],
  ['a deadline', () => failed(['hang'], { timeouts: { total: 20, attempt: 20 } }), late],
  ['a circuit that is forced open', refusedByCircuit, unavailable],
  ['a circuit that is open for a while', () => coded('ERR_CIRCUIT_OPEN', { retryAfter: 1001 }), unavailable, '2'],
  ['a rate limit', () => coded('ERR_RATE_LIMITED', { retryAfter: 1 }), unavailable, '1'],
  ['a full queue', () => coded('ERR_LIMIT'), unavailable],
  ['no endpoint', () => coded('ERR_NO_ENDPOINT'), unavailable],
  ['a client that is closed', () => coded('ERR_CLOSED'), unavailable],
  ['a call that was cancelled', () => new CanceledError(), unavailable],
  ['a call that AbortSignal.timeout cancelled', () => failed(['hang'], {}, { signal: AbortSignal.timeout(5) }), late],
];

describe.each(platforms)('on %s', (platform) => {
  it('answers by the table of failures, in the shape of Nest, and tells nothing of the upstream', async () => {
    const { ask } = await serving(platform);
    for (const [name, thrown, body, after = null] of table) {
      const answer = await ask(thrown);
      expect(answer, name).toEqual({ status: (body as { statusCode: number }).statusCode, after, body });
    }
  });

  it('leaves faults of this service, and exceptions of any other kind, to Nest', async () => {
    const { ask } = await serving(platform);
    const config = await rejection(Promise.resolve().then(() => createHttpClient({ retry: 1 } as never)));
    const wrapped = new BadRequestException('no', { cause: await answered(503) });
    const others: [unknown, number][] = [
      [config, 500],
      [coded('ERR_BAD_OPTION'), 500],
      [coded('ERR_BAD_REQUEST'), 500],
      [coded('ERR_BODY_USED'), 500],
      [new AxiosError('without a code'), 500],
      [new TypeError('x is not a function'), 500],
      [Object.assign(new Error('own'), { cause: await answered(503) }), 500],
      ['a text', 500],
      [null, 500],
      [wrapped, 400],
    ];
    for (const [thrown, status] of others) expect((await ask(() => thrown)).status, String(thrown)).toBe(status);
  });

  it('answers for errors of fetch, and of the CommonJS copy of axios', async () => {
    const { ask } = await serving(platform);
    const client = createTestClient([{ error: 'ECONNREFUSED' }], { baseURL: 'http://a.test', retry: false });
    expect((await ask(() => rejection(client.fetch('/x')))).status).toBe(502);
    const theirs: typeof axios = createRequire(import.meta.url)('axios');
    expect(theirs).not.toBe(axios);
    const upstream = await startHttp((_, response) => void response.writeHead(503, { 'retry-after': '9' }).end('no'));
    const error = await rejection(theirs.get(upstream.origin));
    expect(error).not.toBeInstanceOf(AxiosError);
    expect(await ask(() => error)).toMatchObject({ status: 503, after: '9' });
  });

  it('takes the status that the option returns, if it is one, and survives an exception in it', async () => {
    const status = vi.fn<NonNullable<UpstreamExceptionFilterOptions['status']>>();
    const { ask } = await serving(platform, { status });
    status.mockReturnValueOnce(404);
    expect((await ask(() => answered(404))).body).toEqual({ ...gateway, statusCode: 404, error: 'Not Found' });
    status.mockReturnValueOnce(42);
    expect((await ask(() => answered(404))).status).toBe(502);
    status.mockImplementationOnce(() => {
      throw new Error('in the option');
    });
    expect((await ask(() => answered(404))).status).toBe(502);
  });

  it('breaks off an answer that the handler has begun, and leaves one that it has ended', async () => {
    const { url } = await serving(platform);
    interface Own {
      raw?: import('node:http').ServerResponse;
    }
    const raw = (response: Own) => response.raw ?? (response as import('node:http').ServerResponse);
    act = async (response: never) => {
      raw(response).write('the first part');
      throw await answered(500);
    };
    const asked = fetch(`${url}/own`).then((response) => response.text());
    await expect(asked).rejects.toThrow(/terminated|fetch failed/);

    act = async (response: never) => {
      raw(response).end('all of it');
      throw await answered(500);
    };
    expect(await (await fetch(`${url}/own`, { headers: { connection: 'close' } })).text()).toBe('all of it');
  });

  it('sends nothing to a client that has gone', async () => {
    const { url, ask } = await serving(platform);
    let arrived = () => {};
    const there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let over = () => {};
    const gone = new Promise<void>((resolve) => {
      over = resolve;
    });
    act = async () => {
      arrived();
      await gone;
      throw new CanceledError();
    };
    const asked = http.get(url, { agent: false }).on('error', () => {});
    await there;
    asked.destroy();
    await new Promise((resolve) => asked.once('close', resolve));
    over();
    expect((await ask(() => answered(503))).status).toBe(503);
  });
});

describe('registered in another way', () => {
  @Controller('used')
  @UseFilters(UpstreamExceptionFilter)
  class UsedController {
    @Get()
    find(): never {
      throw coded('ECONNREFUSED');
    }
  }

  @Catch(AxiosError)
  class OwnFilter implements ExceptionFilter {
    catch(_: unknown, host: ArgumentsHost) {
      host.switchToHttp().getResponse().status(418).send({});
    }
  }

  async function statusOf(controllers: (typeof UsedController)[], providers: object[]): Promise<number> {
    const module = await Test.createTestingModule({ controllers, providers: providers as never }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    const path = controllers[0] === UsedController ? '/used' : '/';
    return (await fetch(`${await app.getUrl()}${path}`, { headers: { connection: 'close' } })).status;
  }

  it('works by @UseFilters and by APP_FILTER', async () => {
    expect(await statusOf([UsedController], [])).toBe(502);
    act = () => {
      throw coded('ECONNABORTED');
    };
    const provider = { provide: APP_FILTER, useClass: UpstreamExceptionFilter };
    expect(await statusOf([OrdersController as never], [provider])).toBe(504);
  });

  it('leaves an AxiosError to a filter of the application that stands nearer', async () => {
    act = () => {
      throw coded('ECONNABORTED');
    };
    const providers = [UpstreamExceptionFilter, OwnFilter].map((useClass) => ({ provide: APP_FILTER, useClass }));
    expect(await statusOf([OrdersController as never], providers)).toBe(418);
  });
});

describe('outside HTTP', () => {
  const hostOf = (type: string, client = {}) =>
    ({ getType: () => type, switchToWs: () => ({ getClient: () => client }) }) as never;
  const filter = new UpstreamExceptionFilter();

  it('answers an RPC message as Nest does for unknown errors, with the message of the status', async () => {
    const answer = filter.catch(await answered(503), hostOf('rpc')) as Observable<unknown>;
    expect(await rejection(lastValueFrom(answer))).toEqual({ status: 'error', message: unavailable.message });
  });

  it('tells the client of a WebSocket', async () => {
    const emit = vi.fn();
    filter.catch(await answered(503), hostOf('ws', { emit }));
    expect(emit.mock.calls).toEqual([['exception', { status: 'error', message: unavailable.message }]]);
    expect(() => filter.catch(coded('ECONNREFUSED'), hostOf('ws'))).not.toThrow();
  });

  it('throws the exception again for GraphQL', async () => {
    const error = await answered(503);
    expect(() => filter.catch(error, hostOf('graphql'))).toThrow(error);
    expect(error).toBeInstanceOf(AxiosError);
  });
});
