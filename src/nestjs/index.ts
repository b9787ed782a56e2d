/** The public exports of `pillion/nestjs`: modules, decorators, health, log lines, request context and an exception filter. */
export {
  HttpClientHealthIndicator,
  type HttpClientHealthOptions,
  type HttpClientHealthResult,
} from './health-indicator.js';
export {
  HttpModule,
  type HttpModuleAsyncOptions,
  type HttpModuleOptions,
  type HttpModuleOptionsFactory,
} from './http.module.js';
export { HttpService } from './http.service.js';
export { HttpClientModule } from './http-client.module.js';
export { InboundContextInterceptor, inboundContext } from './inbound-context.js';
export type {
  HttpClientModuleAsyncOptions,
  HttpClientModuleExtras,
  HttpClientModuleOptions,
  HttpClientModuleOptionsFactory,
} from './module-options.js';
export { nestLogger } from './nest-logger.js';
export {
  getHttpClientsToken,
  getHttpClientToken,
  getHttpModuleClientsToken,
  getHttpModuleClientToken,
  InjectHttpClient,
  InjectHttpClients,
  InjectHttpModuleClient,
} from './tokens.js';
export { UpstreamExceptionFilter, type UpstreamExceptionFilterOptions } from './upstream-exception.filter.js';
