/** GET /health for a readiness probe; with @nestjs/terminus the same indicator goes into `health.check([...])`. */
import { Controller, Get, Inject } from '@nestjs/common';
import { HttpClientHealthIndicator } from 'pillion/nestjs';

@Controller('health')
export class HealthController {
  constructor(@Inject(HttpClientHealthIndicator) private readonly clients: HttpClientHealthIndicator) {}

  @Get()
  check() {
    return this.clients.isHealthy('http');
  }
}
