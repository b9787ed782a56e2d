/** Which endpoint an attempt goes to, and the set that it was chosen from: `balance` decides, the policies below it read. */
import type { Request } from '../../call/message.js';
import { atEndpoint } from '../../call/record.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';

/** Where an attempt goes: an endpoint, and those it was chosen among. */
export interface Placement {
  readonly host: Host;
  readonly set: HostSet;
}

const PLACEMENT = Symbol('pillion.placement');
type Placed = Request & { [PLACEMENT]?: Placement };

/** A copy of the request for one attempt at this endpoint. */
export function placed(request: Request, placement: Placement): Request {
  const copy: Placed = atEndpoint(request, placement.host);
  copy[PLACEMENT] = placement;
  return copy;
}

/** Undefined where no endpoint was chosen. */
export function placementOf(request: Request): Placement | undefined {
  return (request as Placed)[PLACEMENT];
}
