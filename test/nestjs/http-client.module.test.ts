/** HttpClientModule: named clients in a Nest application. */
import { writeFileSync } from 'node:fs';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import type { HttpClient, HttpClients } from 'pillion';
import {
  getHttpClientsToken,
  getHttpClientToken,
  HttpClientModule,
  type HttpClientModuleOptionsFactory,
  InjectHttpClient,
  InjectHttpClients,
} from 'pillion/nestjs';
import { createMockTransport, createTestClient } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silent } from '../support/client.js';
import { files } from '../support/files.js';

const clients = { billing: { baseURL: 'http://billing.test' }, users: { baseURL: 'http://users.test' } };
const options = { clients, logger: silent };

@Injectable()
class BillingService {
  @InjectHttpClient('billing') readonly client!: HttpClient;
}

@Module({ imports: [HttpClientModule.forFeature(['billing'])], providers: [BillingService], exports: [BillingService] })
class BillingModule {}

@Injectable()
class ReportService {
  @InjectHttpClient('billing') readonly billing!: HttpClient;
  @InjectHttpClient('users') readonly users!: HttpClient;
  @InjectHttpClients() readonly all!: HttpClients;
}

@Module({ imports: [HttpClientModule.forFeature(['billing', 'users'])], providers: [ReportService] })
class ReportModule {}

async function started(...imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) {
  const app = await Test.createTestingModule({ imports }).compile();
  await app.init();
  onTestFinished(() => app.close());
  return app;
}

describe('named clients', () => {
  it('are injected by name, the same one in every module that names it', async () => {
    const app = await started(HttpClientModule.forRoot(options), BillingModule, ReportModule);
    const report = app.get(ReportService, { strict: false });
    expect(report.billing).toBe(app.get(BillingService, { strict: false }).client);
    expect(report.users).not.toBe(report.billing);
    expect(report.billing.defaults.baseURL).toBe('http://billing.test');
    expect(report.all.get('billing')).toBe(report.billing);
    expect(report.all).toBe(app.get(getHttpClientsToken(), { strict: false }));
  });

  it('are whole clients: policies, names in stats', async () => {
    const transport = createMockTransport([503, { data: { id: 1 } }]);
    const app = await started(HttpClientModule.forRoot({ ...options, transport, random: () => 0 }), BillingModule);
    const { client } = app.get(BillingService, { strict: false });
    expect((await client.get('/invoices/1')).data).toEqual({ id: 1 });
    expect(client.stats()).toMatchObject({ name: 'billing', attempts: 2 });
  });

  it('fail the start of the application where the configuration does not have the name', async () => {
    const building = Test.createTestingModule({
      imports: [HttpClientModule.forRoot(options), HttpClientModule.forFeature(['bilings'])],
    }).compile();
    await expect(building).rejects.toMatchObject({
      code: 'ERR_UNKNOWN_CLIENT',
      message: expect.stringContaining('billing, users'),
    });
  });

  it('fail it where the configuration is bad, with every fault', async () => {
    const bad = { clients: { billing: { timeouts: { totl: 1 } } } } as never;
    const building = Test.createTestingModule({ imports: [HttpClientModule.forRoot(bad)] }).compile();
    await expect(building).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('totl') });
  });

  it('come with the defaults', async () => {
    const app = await started(
      HttpClientModule.forRoot({ ...options, defaults: { timeouts: { total: '3s' }, retry: false } }),
      BillingModule,
    );
    expect(app.get(BillingService, { strict: false }).client.pipeline).not.toContain('retry');
  });

  it('may come from a file, which may be watched', async () => {
    const text = (retries: number) =>
      `clients:\n  billing:\n    baseURL: http://billing.test\n    retry: { maxRetries: ${retries} }\n`;
    const { 'clients.yaml': file } = files({ 'clients.yaml': text(1) });
    const app = await started(HttpClientModule.forRoot({ file, watch: true, logger: silent }), BillingModule);
    const all: HttpClients = app.get(getHttpClientsToken(), { strict: false });
    writeFileSync(file, text(4));
    expect(await all.refresh()).toBe(true);
    expect(all.stats().config.changes).toEqual([{ client: 'billing', path: 'retry.maxRetries', before: 1, after: 4 }]);
  });

  it('may come from a source that loads later', async () => {
    const source = { name: 'remote', load: async () => ({ clients }) };
    const app = await started(HttpClientModule.forRoot({ source, logger: silent }), BillingModule);
    expect(app.get(BillingService, { strict: false }).client.defaults.baseURL).toBe('http://billing.test');
  });
});

describe('isGlobal', () => {
  @Module({ providers: [BillingService] })
  class Bare {}

  it('lets every module inject a client without forFeature', async () => {
    const app = await started(HttpClientModule.forRoot({ ...options, isGlobal: true }), Bare);
    expect(app.get(BillingService, { strict: false }).client.stats().name).toBe('billing');
  });

  it('of some names lets inject those', async () => {
    const useFactory = () => options;
    const app = await started(HttpClientModule.forRootAsync({ useFactory, isGlobal: ['billing'] }), Bare);
    expect(app.get(BillingService, { strict: false }).client.stats().name).toBe('billing');
  });

  it('is off where nothing is said', async () => {
    const building = Test.createTestingModule({ imports: [HttpClientModule.forRoot(options), Bare] }).compile();
    await expect(building).rejects.toThrow(/pillion\.http-client\.billing/);
  });

  it('is ERR_CONFIG where the names are not known yet', () => {
    expect(() => HttpClientModule.forRoot({ file: 'x.yaml', isGlobal: true })).toThrow(/List the names/);
    expect(() => HttpClientModule.forRootAsync({ useFactory: () => options, isGlobal: true })).toThrow(
      /List the names/,
    );
  });
});

describe('forRootAsync', () => {
  it('asks a factory, with what it injects: ConfigService', async () => {
    const config = ConfigModule.forRoot({
      ignoreEnvFile: true,
      load: [() => ({ billing: 'http://from-config.test' })],
    });
    const root = HttpClientModule.forRootAsync({
      imports: [config],
      inject: [ConfigService],
      useFactory: async (service: ConfigService) => ({
        clients: { billing: { baseURL: service.getOrThrow<string>('billing') } },
        logger: silent,
      }),
    });
    const app = await started(root, BillingModule);
    expect(app.get(BillingService, { strict: false }).client.defaults.baseURL).toBe('http://from-config.test');
  });

  @Injectable()
  class Options implements HttpClientModuleOptionsFactory {
    static made = 0;

    constructor() {
      Options.made++;
    }

    createHttpClientOptions() {
      return options;
    }
  }

  @Module({ providers: [Options], exports: [Options] })
  class OptionsModule {}

  it('makes a class, or asks one that exists', async () => {
    await started(HttpClientModule.forRootAsync({ useClass: Options }), BillingModule);
    expect(Options.made).toBe(1);
    const existing = { imports: [OptionsModule], useExisting: Options };
    const app = await started(HttpClientModule.forRootAsync(existing), BillingModule);
    expect(Options.made).toBe(2);
    expect(app.get(BillingService, { strict: false }).client.stats().name).toBe('billing');
  });

  it.each([
    ['none', {}],
    ['two', { useFactory: () => options, useClass: Options }],
  ])('takes exactly one way: %s of them is ERR_CONFIG', (_, ways) => {
    expect(() => HttpClientModule.forRootAsync(ways)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});

it.each([
  ['none', {}],
  ['two', { clients, file: 'clients.yaml' }],
])('takes its clients from exactly one place: %s of them is ERR_CONFIG', async (_, places) => {
  const building = Test.createTestingModule({ imports: [HttpClientModule.forRoot(places)] }).compile();
  await expect(building).rejects.toMatchObject({ code: 'ERR_CONFIG' });
});

describe('in tests', () => {
  it('a client is replaced by its token, in every module', async () => {
    const fake = createTestClient([503, { data: { id: 42 } }]);
    const app = await Test.createTestingModule({
      imports: [HttpClientModule.forRoot(options), BillingModule, ReportModule],
    })
      .overrideProvider(getHttpClientToken('billing'))
      .useValue(fake)
      .compile();
    onTestFinished(() => app.close());
    expect(app.get(BillingService, { strict: false }).client).toBe(fake);
    expect(app.get(ReportService, { strict: false }).billing).toBe(fake);
    expect((await app.get(BillingService, { strict: false }).client.get('/')).data).toEqual({ id: 42 });
  });
});

describe('the end of the application', () => {
  it('closes the clients, after the inbound request that is using one', async () => {
    const { startHttp } = await import('../support/upstream.js');
    let answer = () => {};
    const arrived = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let release = () => {};
    const upstream = await startHttp((_, response) => {
      release = () => void response.end('from upstream');
      answer();
    });

    @Controller()
    class ProxyController {
      @Inject(getHttpClientToken('up')) readonly up!: HttpClient;

      @Get()
      async through(): Promise<string> {
        return (await this.up.get<string>('/')).data;
      }
    }

    const root = HttpClientModule.forRoot({
      clients: { up: { baseURL: upstream.origin } },
      logger: silent,
      isGlobal: true,
    });
    const module = await Test.createTestingModule({ imports: [root], controllers: [ProxyController] }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const client: HttpClient = app.get(getHttpClientToken('up'));

    const inbound = fetch(await app.getUrl(), { headers: { connection: 'close' } });
    await arrived;
    const closing = app.close();
    await new Promise((resolve) => setImmediate(resolve));
    release();
    expect(await (await inbound).text()).toBe('from upstream');
    await closing;
    expect(client.stats()).toMatchObject({ closed: true, calls: { succeeded: 1 } });
    await expect(client.get('/')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });
});
