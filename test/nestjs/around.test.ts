/** Health, log lines and request context in a Nest application, over real HTTP. */
import { ConsoleLogger, Controller, Get, Inject, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { LoggerModule, Logger as PinoLogger } from 'nestjs-pino';
import type { HttpClient, HttpClients, InstancePolicies } from 'pillion';
import {
  getHttpClientsToken,
  getHttpModuleClientToken,
  HttpClientHealthIndicator,
  HttpClientModule,
  HttpModule,
  InjectHttpClient,
  inboundContext,
  nestLogger,
} from 'pillion/nestjs';
import { createMockTransport } from 'pillion/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { silent } from '../support/client.js';

const clients = { billing: { baseURL: 'http://billing.test' } };

describe('the health indicator', () => {
  @Controller('health')
  class HealthController {
    @Inject(HealthCheckService) readonly health!: HealthCheckService;
    @Inject(HttpClientHealthIndicator) readonly clients!: HttpClientHealthIndicator;

    @Get()
    check() {
      return this.health.check([() => this.clients.isHealthy('http')]);
    }

    @Get('degraded')
    degraded() {
      return this.health.check([() => this.clients.isHealthy('http', { degraded: 'degraded' })]);
    }
  }

  async function started(...modules: NonNullable<ModuleMetadata['imports']>) {
    const imports = [TerminusModule.forRoot({ logger: false }), HttpClientModule.forRoot({ clients, logger: silent })];
    imports.push(...(modules as typeof imports));
    const providers = [HttpClientHealthIndicator];
    const module = await Test.createTestingModule({ imports, providers, controllers: [HealthController] }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    const url = await app.getUrl();
    const all: HttpClients = app.get(getHttpClientsToken(), { strict: false });
    const asked = async (path = '') => {
      const response = await fetch(`${url}/health${path}`, { headers: { connection: 'close' } });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    return { app, all, asked };
  }

  it('is up with 200', async () => {
    const { asked } = await started();
    expect(await asked()).toMatchObject({ status: 200, body: { status: 'ok', info: { http: { status: 'up' } } } });
  });

  it('is up with 200 while a circuit is open, and says why; degraded where that is wanted', async () => {
    const { all, asked } = await started();
    all.get('billing').forceCircuit('open');
    const billing = ['the circuit is forced open'];
    expect(await asked()).toMatchObject({
      status: 200,
      body: { status: 'ok', info: { http: { status: 'up', billing } } },
    });
    expect(await asked('/degraded')).toMatchObject({
      status: 200,
      body: { status: 'degraded', details: { http: { status: 'degraded', billing } } },
    });
  });

  it('sees the stacks of HttpModule too, by their names', async () => {
    const deps = { logger: silent };
    const named = HttpModule.register({ name: 'legacy', deps });
    const { app, asked } = await started(named, HttpModule.register({ deps }));
    app.get<InstancePolicies>(getHttpModuleClientToken('legacy')).forceCircuit('open');
    expect(await asked()).toMatchObject({ body: { info: { http: { legacy: ['the circuit is forced open'] } } } });
  });

  it('works with HttpModule alone, and says what it lacks without any module of clients', async () => {
    const providers = [HttpClientHealthIndicator];
    const imports = [HttpModule.register({ deps: { logger: silent } })];
    const app = await Test.createTestingModule({ imports, providers }).compile();
    onTestFinished(() => app.close());
    expect(await app.get(HttpClientHealthIndicator).isHealthy('http')).toEqual({ http: { status: 'up' } });
    const building = Test.createTestingModule({ providers }).compile();
    await expect(building).rejects.toThrow(/import HttpClientModule.forRoot or HttpModule/);
  });

  it('rejects as Terminus 10 expects it once the clients are closed, where that is wanted', async () => {
    const { app, all } = await started();
    const indicator = app.get(HttpClientHealthIndicator);
    expect(await indicator.isHealthy('http', { throwIfDown: true })).toEqual({ http: { status: 'up' } });
    await all.close();
    await expect(indicator.isHealthy('http', { throwIfDown: true })).rejects.toMatchObject({
      isHealthCheckError: true,
      causes: { http: { status: 'down', billing: ['the client is closed'] } },
    });
  });

  it('is down with 503 once the clients are closed', async () => {
    const { all, asked } = await started();
    await all.close();
    expect(await asked()).toMatchObject({
      status: 503,
      body: { status: 'error', error: { http: { status: 'down', billing: ['the client is closed'] } } },
    });
  });
});

describe('nestLogger', () => {
  afterEach(() => {
    Logger.overrideLogger(['log']);
    vi.restoreAllMocks();
  });

  const collecting = () => {
    const lines: unknown[][] = [];
    const at =
      (level: string) =>
      (...args: unknown[]) =>
        void lines.push([level, ...args]);
    return { lines, logger: { log: at('log'), error: at('error'), warn: at('warn'), debug: at('debug') } };
  };

  it('gives a logger of its shape one object a line, as nestjs-pino wants it, and its context', () => {
    const { lines, logger } = collecting();
    const bridge = nestLogger(logger, 'Billing');
    bridge.info({ client: 'billing', attempts: 2 }, 'GET 200');
    bridge.error({ code: 'ECONNRESET' }, 'GET failed');
    bridge.warn({}, 'w');
    bridge.debug({}, 'd');
    expect(lines).toEqual([
      ['log', { client: 'billing', attempts: 2, msg: 'GET 200' }, 'Billing'],
      ['error', { code: 'ECONNRESET', msg: 'GET failed' }, 'Billing'],
      ['warn', { msg: 'w' }, 'Billing'],
      ['debug', { msg: 'd' }, 'Billing'],
    ]);
  });

  it('follows what app.useLogger was given, also afterwards', async () => {
    const { lines, logger } = collecting();
    const bridge = nestLogger();
    Logger.overrideLogger(logger);
    bridge.info({ attempts: 1 }, 'GET 200');
    expect(lines).toEqual([['log', { attempts: 1, msg: 'GET 200' }, 'HttpClient']]);
  });

  it('gives the console logger a line of text, unless it writes JSON', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const fields = { client: 'billing', flags: ['retried'], 'url.full': 'http://a.test/x y', gone: undefined };
    nestLogger(new ConsoleLogger({ colors: false })).info(fields, 'GET 200');
    expect(write.mock.calls.at(-1)?.[0]).toMatch(
      /\[HttpClient\] GET 200 client=billing flags=\["retried"\] url\.full="http:\/\/a\.test\/x y"\n$/,
    );
    nestLogger(new ConsoleLogger({ json: true, colors: false })).info(fields, 'GET 200');
    expect(JSON.parse(String(write.mock.calls.at(-1)?.[0]))).toMatchObject({
      context: 'HttpClient',
      message: { client: 'billing', msg: 'GET 200' },
    });
  });

  it('writes through nestjs-pino as one line with all its fields', async () => {
    let written = '';
    const stream = {
      write: (text: string) => {
        written += text;
      },
    };
    const imports = [LoggerModule.forRoot({ pinoHttp: { level: 'debug', stream } as never })];
    const app = await Test.createTestingModule({ imports }).compile();
    onTestFinished(() => app.close());
    Logger.overrideLogger(app.get(PinoLogger));
    nestLogger().warn({ client: 'billing', attempts: 2 }, 'GET 404');
    const line = written.split('\n').find((each) => each.includes('billing')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      level: 40,
      client: 'billing',
      attempts: 2,
      msg: 'GET 404',
      context: 'HttpClient',
    });
  });

  it("is what the module's clients log by, without their secrets", async () => {
    const { lines, logger } = collecting();
    const transport = createMockTransport([200]);
    const app = await Test.createTestingModule({
      imports: [HttpClientModule.forRoot({ clients, transport })],
    }).compile();
    onTestFinished(() => app.close());
    Logger.overrideLogger(logger);
    const all: HttpClients = app.get(getHttpClientsToken(), { strict: false });
    await all.get('billing').get('/x?token=s3cr3t', { headers: { authorization: 'Bearer s3cr3t' } });
    expect(lines.at(-1)).toMatchObject(['log', { client: 'billing', msg: 'GET 200' }, 'HttpClient']);
    expect(JSON.stringify(lines)).not.toContain('s3cr3t');
  });
});

describe('the inbound request', () => {
  @Controller()
  class RelayController {
    @InjectHttpClient('billing') readonly billing!: HttpClient;

    @Get()
    async relay(): Promise<string> {
      await this.billing.get('/');
      return 'ok';
    }
  }

  @Module({ imports: [HttpClientModule.forFeature(['billing'])], controllers: [RelayController] })
  class RelayModule {}

  async function serving(platform: 'Express' | 'Fastify', way: 'interceptor' | 'middleware', deadlineHeader?: string) {
    const transport = createMockTransport([{ reply: 200 }]);
    const inbound = way === 'interceptor' && (deadlineHeader === undefined || { deadlineHeader });
    const root = HttpClientModule.forRoot({ clients, transport, logger: silent, inbound });
    const module = await Test.createTestingModule({ imports: [root, RelayModule] }).compile();
    const app =
      platform === 'Express'
        ? module.createNestApplication({ logger: false })
        : module.createNestApplication(new FastifyAdapter() as never, { logger: false });
    if (way === 'middleware') app.use(inboundContext());
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    const url = await app.getUrl();
    const ask = (headers: Record<string, string>) => fetch(url, { headers: { connection: 'close', ...headers } });
    return { ask, transport };
  }

  it.each([
    ['Express', 'interceptor'],
    ['Express', 'middleware'],
    ['Fastify', 'interceptor'],
    ['Fastify', 'middleware'],
  ] as const)('hands its id and baggage on, on %s by %s', async (platform, way) => {
    const { ask, transport } = await serving(platform, way);
    const asked = ['one', 'two', 'three'].map((id) => ask({ 'x-request-id': id, baggage: `of=${id}` }));
    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
    const sent = transport.requests.map(({ headers }) => [headers['x-request-id'], headers.baggage]).sort();
    expect(sent).toEqual([
      ['one', 'of=one'],
      ['three', 'of=three'],
      ['two', 'of=two'],
    ]);
  });

  it('ends calls by its deadline, under the name of the header that it is told', async () => {
    const { ask, transport } = await serving('Express', 'interceptor', 'x-time-left');
    transport.reset();
    transport.add('hang');
    expect((await ask({ 'x-time-left': '20' })).status).toBe(500);
    expect(transport.requests).toHaveLength(1);
  });

  it('is left alone where nothing is said', async () => {
    const transport = createMockTransport([200]);
    const root = HttpClientModule.forRoot({ clients, transport, logger: silent });
    const module = await Test.createTestingModule({ imports: [root, RelayModule] }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    await fetch(await app.getUrl(), { headers: { 'x-request-id': 'one', connection: 'close' } });
    expect(transport.requests[0]?.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
