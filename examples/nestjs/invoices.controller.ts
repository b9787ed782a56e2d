/** GET /invoices/:id, answered with what the billing API says. */
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { type Invoice, InvoicesService } from './invoices.service.js';

@Controller('invoices')
export class InvoicesController {
  constructor(@Inject(InvoicesService) private readonly invoices: InvoicesService) {}

  @Get(':id')
  find(@Param('id') id: string): Promise<Invoice> {
    return this.invoices.find(id);
  }
}
