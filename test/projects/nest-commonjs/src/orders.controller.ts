/** What the service offers. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { firstValueFrom, type Observable } from 'rxjs';
import { InventoryService, type Item } from './inventory.service';
import { PaymentsService } from './payments.service';

@Controller()
export class OrdersController {
  constructor(
    private readonly inventory: InventoryService,
    private readonly payments: PaymentsService,
  ) {}

  @Get('items/:sku')
  item(@Param('sku') sku: string): Observable<Item> {
    return this.inventory.find(sku);
  }

  @Post('orders')
  async order(
    @Body() { sku, count }: { sku: string; count: number },
  ): Promise<{ reservation: string; payment: string }> {
    const reservation = await firstValueFrom(this.inventory.reserve(sku, count));
    return { reservation, payment: await this.payments.pay(reservation, count * 10) };
  }
}
