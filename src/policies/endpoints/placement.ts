/** The endpoint chosen for an attempt, and its set: `balance` writes it, the policies below read it. */
import type { Request } from '../../call/message.js';
import { atEndpoint, carriedPlacement } from '../../call/request.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';

/** The endpoint of an attempt, and the set of endpoints it was chosen from. */
export interface Placement {
  readonly host: Host;
  readonly set: HostSet;
}

/** Copies the request for one attempt at this endpoint. */
export function placed(request: Request, placement: Placement): Request {
  return atEndpoint(request, placement.host, placement);
}

/** The placement of an attempt; undefined where no endpoint was chosen. */
export function placementOf(request: Request): Placement | undefined {
  return carriedPlacement(request) as Placement | undefined;
}
