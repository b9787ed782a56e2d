/** The application: one upstream by name, its configuration from the environment, inbound context for all routes. */
import { Module } from '@nestjs/common';
import { HttpClientHealthIndicator, HttpClientModule } from 'pillion/nestjs';
import { HealthController } from './health.controller.js';
import { InvoicesModule } from './invoices.module.js';

@Module({
  imports: [
    HttpClientModule.forRoot({
      clients: { billing: { baseURL: process.env.BILLING_URL ?? 'http://127.0.0.1:8080', timeouts: { total: '5s' } } },
      inbound: true,
    }),
    InvoicesModule,
  ],
  controllers: [HealthController],
  providers: [HttpClientHealthIndicator],
})
export class AppModule {}
