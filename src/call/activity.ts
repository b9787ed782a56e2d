/** Lets the wire tell the idle timeout of an attempt that bytes move. */
import type { Request } from './message.js';
import { version } from './version.js';

const ACTIVITY: unique symbol = Symbol.for(`pillion.activity@${version}`);

/** A direction of the bytes: a body that is slow to be given must not be forgotten when the answer begins. */
export type Direction = 'request' | 'answer';

/** Told of what moves on the wire for one attempt. */
export interface Activity {
  /** Bytes were sent or received, or are expected from now on. */
  moved(direction: Direction): void;
  /** Until `moved` is called for this direction again, it is not the server that the attempt waits for. */
  hold(direction: Direction): void;
}

type Watched = Request & { [ACTIVITY]?: Activity };

/** Undefined for an attempt without an idle timeout. */
export function activityOf(request: Request): Activity | undefined {
  return (request as Watched)[ACTIVITY];
}

/** The options that make an attempt tell `activity` what moves. */
export function watchedBy(activity: Activity): Partial<Request> {
  return { [ACTIVITY]: activity } as Partial<Request>;
}
