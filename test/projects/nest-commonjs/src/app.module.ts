/** The service: orders, which ask an inventory and a payment service over HTTP. */
import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller';
import { InventoryModule } from './inventory.module';
import { OrdersController } from './orders.controller';
import { PaymentsService } from './payments.service';

@Module({
  imports: [
    TerminusModule.forRoot({ logger: false }),
    InventoryModule,
    HttpModule.register({ baseURL: 'http://payments.test/v1', timeout: 200, headers: { 'x-service': 'orders' } }),
  ],
  controllers: [OrdersController, HealthController],
  providers: [PaymentsService],
})
export class AppModule {}
