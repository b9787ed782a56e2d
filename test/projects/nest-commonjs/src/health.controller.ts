/** The health of the service, with an indicator of its own for the inventory. */
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { InventoryService } from './inventory.service';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly inventory: InventoryService,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      async () => {
        const indicator = this.indicators.check('inventory');
        return (await this.inventory.isAlive().catch(() => false)) ? indicator.up() : indicator.down();
      },
    ]);
  }
}
