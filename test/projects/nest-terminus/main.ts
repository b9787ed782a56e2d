/** An application with the health indicator and the exception filter, asks itself for its health, and prints the answers. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, type HealthCheckResult, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import type { InstancePolicies } from 'pillion';
import {
  getHttpModuleClientToken,
  HttpClientHealthIndicator,
  HttpModule,
  HttpService,
  UpstreamExceptionFilter,
} from 'pillion/nestjs';
import { firstValueFrom } from 'rxjs';

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly http: HttpClientHealthIndicator,
    private readonly service: HttpService,
  ) {}

  @Get('health')
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.http.isHealthy('http')]);
  }

  /** For Terminus 10, which reads no status. */
  @Get('thrown')
  @HealthCheck()
  thrown(): Promise<HealthCheckResult> {
    return this.health.check([async () => this.http.isHealthy('http', { throwIfDown: true })]);
  }

  @Get('upstream')
  async upstream(): Promise<string> {
    return (await firstValueFrom(this.service.get<string>('/'))).data;
  }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
// Nothing listens there.
const legacy = { name: 'legacy', baseURL: 'http://127.0.0.1:1', deps: { logger: silent } };

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), HttpModule.register({ ...legacy, policies: { retry: false } })],
  controllers: [HealthController],
  providers: [HttpClientHealthIndicator],
})
class AppModule {}

@Module({ imports: [HttpModule.register({})], providers: [{ provide: 'one', useExisting: HttpService }] })
class OneModule {}

@Module({ imports: [HttpModule.register({})], providers: [{ provide: 'two', useExisting: HttpService }] })
class TwoModule {}

@Module({ imports: [AppModule, OneModule, TwoModule] })
class RootModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(RootModule, { logger: false });
  app.useGlobalFilters(new UpstreamExceptionFilter());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const told: Record<string, unknown> = {};
  const ask = async (name: string, path: string) => {
    const response = await fetch(`${url}${path}`, { headers: { connection: 'close' } });
    const { status, info, error } = (await response.json()) as HealthCheckResult;
    told[name] = { code: response.status, status, ...info?.http, ...error?.http };
  };
  await ask('up', '/health');
  await ask('refused', '/upstream');
  const stack = app.get<symbol, InstancePolicies>(getHttpModuleClientToken('legacy'), { strict: false });
  stack.forceCircuit('open');
  await ask('open', '/health');
  await stack.close();
  await ask('closed', '/health');
  await ask('thrown', '/thrown');
  told.apart = app.get('one', { strict: false }) !== app.get('two', { strict: false });
  console.log(JSON.stringify(told));
  await app.close();
}

void main();
