/** A feature: it names the client that it uses. */
import { Module } from '@nestjs/common';
import { HttpClientModule } from 'pillion/nestjs';
import { InvoicesController } from './invoices.controller.js';
import { InvoicesService } from './invoices.service.js';

@Module({
  imports: [HttpClientModule.forFeature(['billing'])],
  controllers: [InvoicesController],
  providers: [InvoicesService],
})
export class InvoicesModule {}
