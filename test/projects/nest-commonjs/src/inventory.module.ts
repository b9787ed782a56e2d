/** The client of the inventory, with options that are made at the start. */
import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { InventoryService } from './inventory.service';

@Module({
  imports: [
    HttpModule.registerAsync({
      useFactory: async () => ({
        baseURL: process.env.INVENTORY_URL ?? 'http://inventory.test',
        timeout: 1000,
        maxRedirects: 0,
      }),
    }),
  ],
  providers: [InventoryService],
  exports: [InventoryService],
})
export class InventoryModule {}
