/** HttpModule and HttpService: what @nestjs/axios does, and what it does not. */
import type { Readable } from 'node:stream';
import * as theirs from '@nestjs/axios';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import axios from 'axios';
import { healthOfClients, type InstancePolicies, type RetryDeps } from 'pillion';
import * as ours from 'pillion/nestjs';
import { createMockTransport } from 'pillion/testing';
import { lastValueFrom, type Observable, retry, take, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { collecting, rejection, silent } from '../support/client.js';
import { type Received, startHttp, type Upstream } from '../support/upstream.js';

type Service = theirs.HttpService;
type Options = theirs.HttpModuleOptions;

/** Both services, with the same options. */
async function both(options: Options): Promise<[string, Service][]> {
  const made = [
    ['@nestjs/axios', theirs.HttpModule.register(options), theirs.HttpService],
    ['pillion/nestjs', ours.HttpModule.register({ ...options, deps: { logger: silent } }), ours.HttpService],
  ] as const;
  return Promise.all(
    made.map(async ([name, module, token]): Promise<[string, Service]> => {
      const app = await Test.createTestingModule({ imports: [module] }).compile();
      await app.init();
      onTestFinished(() => app.close());
      return [name, app.get(token as never, { strict: false })];
    }),
  );
}

/** Answers with what it was asked. */
async function echoing(): Promise<Upstream> {
  const upstream: Upstream = await startHttp((_, response) => {
    const { method, path, headers, body } = upstream.requests.at(-1) as Received;
    const { authorization, accept, 'content-type': type, 'x-app': app } = headers;
    response.setHeader('content-type', 'application/json');
    // The boundary is each library's own.
    const form = type?.startsWith('multipart');
    response.end(
      JSON.stringify({ method, path, authorization, accept, app, type: type?.split(';')[0], body: form || body }),
    );
  });
  return upstream;
}

const calls: [string, (service: Service) => Observable<{ data: unknown; status: number }>][] = [
  ['request', (service) => service.request({ url: '/r', method: 'patch', data: { a: 1 } })],
  ['get', (service) => service.get('/g', { params: { q: 'x y' } })],
  ['delete', (service) => service.delete('/d', { headers: { 'x-app': 'call' } })],
  ['head', (service) => service.head('/h')],
  ['post', (service) => service.post('/p', { a: [1, 'ü'] })],
  ['post without a body', (service) => service.post('/p')],
  ['put', (service) => service.put('/p', 'text', { headers: { 'content-type': 'text/plain' } })],
  ['patch', (service) => service.patch('/p', new URLSearchParams({ a: 'b' }))],
  ['postForm', (service) => service.postForm('/f', { a: 'b' })],
  ['putForm', (service) => service.putForm('/f', { a: 'b' })],
  ['patchForm', (service) => service.patchForm('/f', { a: 'b' })],
  ['query', (service) => service.query('/q', { a: 1 })],
];

describe('HttpService sends and gives what that of @nestjs/axios does', () => {
  it.each(calls)('%s', async (_, call) => {
    const upstream = await echoing();
    const options = {
      baseURL: `${upstream.origin}/v1`,
      headers: { 'x-app': 'shop' },
      auth: { username: 'u', password: 'p' },
    };
    const [expected, given] = await Promise.all(
      (await both(options)).map(async ([, service]) => {
        const { data, status } = await lastValueFrom(call(service));
        return { data, status };
      }),
    );
    expect(given).toEqual(expected);
    expect(given?.status).toBe(200);
  });

  it('follows redirects, as axios does', async () => {
    const upstream = await startHttp((request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
      else response.end(request.url);
    });
    for (const [, service] of await both({ baseURL: upstream.origin }))
      expect((await lastValueFrom(service.get('/old'))).data).toBe('/new');
  });

  it('goes to absolute URLs elsewhere', async () => {
    const upstream = await echoing();
    for (const [, service] of await both({ baseURL: 'http://nowhere.test' }))
      expect((await lastValueFrom(service.get(`${upstream.origin}/x`))).status).toBe(200);
  });

  it('errs by status, with the response', async () => {
    const upstream = await startHttp((_, response) => void response.writeHead(404).end('gone'));
    for (const [, service] of await both({ baseURL: upstream.origin })) {
      const error = await rejection(lastValueFrom(service.get('/')));
      expect(error).toMatchObject({ isAxiosError: true, response: { status: 404, data: 'gone' } });
    }
  });

  it('sends nothing until it is subscribed to, and once for each subscription', async () => {
    const upstream = await echoing();
    for (const [index, [, service]] of (await both({ baseURL: upstream.origin })).entries()) {
      const answer = service.get('/');
      expect(upstream.requests).toHaveLength(index * 2);
      await lastValueFrom(answer);
      await lastValueFrom(answer);
      expect(upstream.requests).toHaveLength(index * 2 + 2);
    }
  });

  it('completes after one value, and works with operators', async () => {
    const upstream = await echoing();
    for (const [, service] of await both({ baseURL: upstream.origin })) {
      expect(await lastValueFrom(service.get('/').pipe(retry(2), toArray()))).toHaveLength(1);
      expect((await lastValueFrom(service.get('/').pipe(take(1)))).status).toBe(200);
    }
  });

  it('has interceptors by axiosRef', async () => {
    const upstream = await echoing();
    for (const [, service] of await both({ baseURL: upstream.origin })) {
      service.axiosRef.interceptors.request.use((config) => {
        config.headers.set('x-app', 'intercepted');
        return config;
      });
      expect((await lastValueFrom(service.get('/'))).data).toMatchObject({ app: 'intercepted' });
      expect((await service.axiosRef.get('/')).status).toBe(200);
    }
  });
});

/** Both classes, under one type. */
const services: [string, typeof theirs.HttpService][] = [
  ['@nestjs/axios', theirs.HttpService],
  ['pillion/nestjs', ours.HttpService as never],
];

describe.each(services)('HttpService of %s, made by hand', (_, HttpService) => {
  it('calls through the global axios if it is made without an instance', async () => {
    const upstream = await echoing();
    const service = new HttpService();
    expect(service.axiosRef).toBe(axios);
    const { data } = await lastValueFrom(service.post<{ body: string }, { a: number }>(upstream.origin, { a: 1 }));
    expect(data.body).toBe('{"a":1}');
  });

  it('gives its instance and makeObservable to a subclass, which may override a method', async () => {
    class Traced extends HttpService {
      override get<T>(url: string) {
        return this.makeObservable<T>(this.instance.get, url, { headers: { 'x-app': 'subclass' } });
      }
    }
    const upstream = await echoing();
    const service = new Traced(axios.create({ baseURL: upstream.origin }));
    expect((await lastValueFrom(service.get('/'))).data).toMatchObject({ app: 'subclass' });
  });

  it('calls the method that the instance has at the time of the call, so that a spy on axiosRef sees it', async () => {
    const service = new HttpService(axios.create());
    const spy = vi.spyOn(service.axiosRef, 'get').mockResolvedValue({ data: 'mocked', status: 200 });
    expect((await lastValueFrom(service.get('/x', { params: { a: 1 } }))).data).toBe('mocked');
    expect(spy).toHaveBeenCalledWith('/x', expect.objectContaining({ params: { a: 1 } }));
  });

  it('leaves the config that it is given unchanged, and takes null for one', async () => {
    const upstream = await echoing();
    const config = Object.freeze({ baseURL: upstream.origin });
    const service = new HttpService(axios.create());
    await lastValueFrom(service.get('/', config));
    await lastValueFrom(service.get(`${upstream.origin}/`, null as never));
    expect(Object.keys(config)).toEqual(['baseURL']);
  });
});

const modules: [string, typeof theirs.HttpModule, typeof theirs.HttpService][] = [
  ['@nestjs/axios', theirs.HttpModule, theirs.HttpService],
  ['pillion/nestjs', ours.HttpModule as never, ours.HttpService as never],
];

describe.each(modules)('HttpModule of %s', (_, HttpModule, HttpService) => {
  const started = async (imports: ModuleMetadata['imports'] & object, replaced?: object) => {
    const building = Test.createTestingModule({ imports });
    if (replaced !== undefined) building.overrideProvider('AXIOS_INSTANCE_TOKEN').useValue(replaced);
    const app = await building.compile();
    onTestFinished(() => app.close());
    return app;
  };

  it('has no global and no imports where they are not given', () => {
    expect(HttpModule.register({}).global).toBeUndefined();
    expect(HttpModule.register({ global: false }).global).toBe(false);
    const { global, imports } = HttpModule.registerAsync({ useFactory: () => ({}) });
    expect([global, imports]).toEqual([undefined, undefined]);
  });

  it('lets a test replace the instance by its token', async () => {
    const instance = axios.create();
    const app = await started([HttpModule.register({ baseURL: 'http://a.test' })], instance);
    expect(app.get(HttpService, { strict: false }).axiosRef).toBe(instance);
  });

  it('lets extraProviders replace the instance', async () => {
    const instance = axios.create();
    const extraProviders = [{ provide: 'AXIOS_INSTANCE_TOKEN', useValue: instance }];
    const app = await started([HttpModule.registerAsync({ useFactory: () => ({}), extraProviders })]);
    expect(app.get(HttpService, { strict: false }).axiosRef).toBe(instance);
  });

  it('runs the interceptors of the global axios where it is imported without register, and only there', async () => {
    const upstream = await echoing();
    const id = axios.interceptors.request.use((config) => {
      config.headers.set('x-app', 'global');
      return config;
    });
    onTestFinished(() => axios.interceptors.request.eject(id));
    const app = async (module: object) => {
      const testing = await started([module as typeof HttpModule]);
      testing.useLogger(false);
      return (await lastValueFrom(testing.get(HttpService, { strict: false }).get(upstream.origin))).data;
    };
    expect(await app(HttpModule)).toMatchObject({ app: 'global' });
    expect(await app(HttpModule.register({}))).not.toHaveProperty('app');
  });

  it('has an own identity for each register, so that Nest 10 does not take two modules for one', () => {
    const [one, two] = [HttpModule.register({}), HttpModule.register({})];
    expect(JSON.stringify(one)).not.toBe(JSON.stringify(two));
  });

  it.each(['useClass', 'useExisting'] as const)('registerAsync takes %s', async (way) => {
    class Options {
      createHttpOptions = async () => ({ baseURL: 'http://a.test' });
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}
    const app = await started([HttpModule.registerAsync({ imports: [OptionsModule], [way]: Options })]);
    expect(app.get(HttpService, { strict: false }).axiosRef.defaults.baseURL).toBe('http://a.test');
  });
});

describe('unsubscribing', () => {
  async function hanging() {
    let arrived = () => {};
    const there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const upstream = await startHttp(() => arrived());
    return { upstream, there };
  }

  it.each([
    ['a call', {}],
    ['a call for a stream, before its headers', { responseType: 'stream' as const }],
    ["a call with the caller's own cancel token", { cancelToken: axios.CancelToken.source().token }],
    [
      "a call with the caller's own token and signal",
      {
        cancelToken: axios.CancelToken.source().token,
        signal: new AbortController().signal,
      },
    ],
  ])('ends %s', async (_, config) => {
    const { upstream, there } = await hanging();
    const [, [, service]] = (await both({ baseURL: upstream.origin })) as [unknown, [string, Service]];
    const told: unknown[] = [];
    const subscription = service.get('/', config).subscribe({ next: (v) => told.push(v), error: (e) => told.push(e) });
    await there;
    subscription.unsubscribe();
    await upstream.connections[0]?.closed;
    expect(told).toEqual([]);
  });

  it('leaves a stream that has begun to its reader', async () => {
    const upstream = await startHttp((_, response) => {
      response.write('one ');
      setImmediate(() => response.end('two'));
    });
    for (const [, service] of await both({ baseURL: upstream.origin })) {
      const { data } = await lastValueFrom(service.get<Readable>('/', { responseType: 'stream' }));
      let text = '';
      for await (const chunk of data) text += chunk;
      expect(text).toBe('one two');
    }
  });

  it("is not the only end: the caller's signal and token end a call too", async () => {
    const { upstream } = await hanging();
    const [, [, service]] = (await both({ baseURL: upstream.origin })) as [unknown, [string, Service]];
    const controller = new AbortController();
    const source = axios.CancelToken.source();
    const ends = [
      rejection(lastValueFrom(service.get('/', { signal: controller.signal }))),
      rejection(lastValueFrom(service.get('/', { cancelToken: source.token }))),
    ];
    controller.abort();
    source.cancel();
    for (const error of await Promise.all(ends)) expect(error.code).toBe('ERR_CANCELED');
  });
});

describe('HttpModule', () => {
  const scripted = (...replies: number[]) => {
    const transport = createMockTransport(replies);
    return { transport, deps: { transport, logger: silent, random: () => 0 } };
  };

  it('has the stack behind it, with the options it is given', async () => {
    const { deps, transport } = scripted(503, 503, 200);
    const module = ours.HttpModule.register({ baseURL: 'http://a.test', policies: { retry: { maxRetries: 1 } }, deps });
    const app = await Test.createTestingModule({ imports: [module] }).compile();
    onTestFinished(() => app.close());
    const service = app.get(ours.HttpService, { strict: false });
    expect((await rejection(lastValueFrom(service.get('/')))).attempts).toBe(2);
    expect(transport.requests).toHaveLength(2);
  });

  it('works without register, over axios as it is', async () => {
    const upstream = await echoing();
    const app = await Test.createTestingModule({ imports: [ours.HttpModule] }).compile();
    app.useLogger(false);
    onTestFinished(() => app.close());
    const { data } = await lastValueFrom(app.get(ours.HttpService, { strict: false }).get(`${upstream.origin}/x`));
    expect(data).toMatchObject({ path: '/x' });
  });

  it('registered twice has an instance for each module', async () => {
    @Injectable()
    class Uses {
      readonly http: ours.HttpService;
      constructor(http: ours.HttpService) {
        this.http = http;
      }
    }
    Reflect.defineMetadata('design:paramtypes', [ours.HttpService], Uses);
    const moduleOf = (baseURL: string) => {
      @Module({ imports: [ours.HttpModule.register({ baseURL })], providers: [Uses], exports: [Uses] })
      class Feature {}
      return Feature;
    };
    const [A, B] = [moduleOf('http://a.test'), moduleOf('http://b.test')];
    const app = await Test.createTestingModule({ imports: [A, B] }).compile();
    onTestFinished(() => app.close());
    const bases = [A, B].map((module) => app.select(module).get(Uses, { strict: true }).http.axiosRef.defaults.baseURL);
    expect(bases).toEqual(['http://a.test', 'http://b.test']);
  });

  it.each([
    ['useFactory', { useFactory: async () => ({ baseURL: 'http://a.test' }) }],
    [
      'useClass',
      {
        useClass: class {
          createHttpOptions = () => ({ baseURL: 'http://a.test' });
        },
      },
    ],
  ])('registerAsync takes %s, extra providers and global', async (_, way) => {
    const extra = { provide: 'extra', useValue: 1 };
    const module = ours.HttpModule.registerAsync({ ...way, extraProviders: [extra], global: true });
    const app = await Test.createTestingModule({ imports: [module] }).compile();
    onTestFinished(() => app.close());
    expect(app.get(ours.HttpService, { strict: false }).axiosRef.defaults.baseURL).toBe('http://a.test');
    expect(app.get('extra', { strict: false })).toBe(1);
    expect(module.global).toBe(true);
  });

  const compiled = async (...imports: NonNullable<ModuleMetadata['imports']>) => {
    const app = await Test.createTestingModule({ imports }).compile();
    onTestFinished(() => app.close());
    return app;
  };

  it.each([
    ['register', (options: ours.HttpModuleOptions) => ours.HttpModule.register(options)],
    [
      'registerAsync',
      ({ name = '', ...options }: ours.HttpModuleOptions) =>
        ours.HttpModule.registerAsync({ name, useFactory: () => options }),
    ],
  ])(
    'takes a name by %s: the stack is injected by it, log lines and stats say it, axios does not get it',
    async (_, make) => {
      const { logger, lines } = collecting();
      const transport = createMockTransport([200]);
      const module = make({ name: 'billing', baseURL: 'http://a.test', deps: { transport, logger } });

      @Injectable()
      class Uses {
        @ours.InjectHttpModuleClient('billing') readonly stack!: InstancePolicies;
      }
      @Module({ imports: [module], providers: [Uses] })
      class Feature {}
      const app = await compiled(Feature);
      const service = app.get(ours.HttpService, { strict: false });
      await lastValueFrom(service.get('/'));
      expect(lines.at(-1)?.fields).toMatchObject({ client: 'billing' });
      const { stack } = app.get(Uses, { strict: false });
      expect(stack.stats()).toMatchObject({ name: 'billing', calls: { succeeded: 1 } });
      expect(service.axiosRef.defaults).not.toHaveProperty('name');
      expect(transport.requests).toHaveLength(1);
    },
  );

  it('lists the stacks of all modules, those without a name too, for the admin page, metrics and health', async () => {
    const deps = { logger: silent };
    const modules = [{ name: 'a' }, {}, { name: 'b' }].map((each) => ours.HttpModule.register({ ...each, deps }));
    const app = await compiled(...modules);
    const stacks: InstancePolicies[] = app.get(ours.getHttpModuleClientsToken(), { strict: false });
    expect(Object.keys(healthOfClients(stacks).clients).sort()).toEqual(['a', 'b', 'default']);
    expect(stacks).toContain(app.get(ours.getHttpModuleClientToken('b'), { strict: false }));
    const other = await compiled(ours.HttpModule.register({ deps }));
    expect(other.get(ours.getHttpModuleClientsToken(), { strict: false })).toHaveLength(1);
  });

  it('registered twice with one name keeps two stacks apart, each injected where its module is imported', async () => {
    const moduleOf = (baseURL: string) => {
      @Injectable()
      class Uses {
        @ours.InjectHttpModuleClient('twin') readonly stack!: InstancePolicies;
      }
      const imports = [ours.HttpModule.register({ name: 'twin', baseURL, deps: { logger: silent } })];
      @Module({ imports, providers: [{ provide: `uses ${baseURL}`, useClass: Uses }] })
      class Feature {}
      return Feature;
    };
    const app = await compiled(moduleOf('http://a.test'), moduleOf('http://b.test'));
    const [a, b] = ['http://a.test', 'http://b.test'].map((base) => app.get(`uses ${base}`, { strict: false }).stack);
    expect(a).not.toBe(b);
    const clients = healthOfClients(app.get(ours.getHttpModuleClientsToken(), { strict: false })).clients;
    expect(Object.keys(clients)).toEqual(['twin', 'twin#2']);
  });

  it('closes its connections when the application ends, and gives axios back its adapter', async () => {
    const { deps } = scripted(200);
    const app = await Test.createTestingModule({ imports: [ours.HttpModule.register({ deps })] }).compile();
    const service = app.get(ours.HttpService, { strict: false });
    const { adapter } = service.axiosRef.defaults;
    await app.close();
    expect(service.axiosRef.defaults.adapter).not.toBe(adapter);
  });
});

it('deps.retry of HttpModule gives the next attempt another header', async () => {
  const transport = createMockTransport([503, 200]);
  const retry: RetryDeps = { onRetry: (_, __, { headers }) => void headers.set('x-token', 'new') };
  const module = ours.HttpModule.register({ baseURL: 'http://api.test', deps: { logger: silent, transport, retry } });
  const app = await Test.createTestingModule({ imports: [module] }).compile();
  onTestFinished(() => app.close());
  await lastValueFrom(app.get(ours.HttpService, { strict: false }).get('/'));
  expect(transport.requests.map(({ headers }) => headers['x-token'])).toEqual([undefined, 'new']);
});
